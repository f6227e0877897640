// Byte ranges, RFC 9110 §14.

/** Some bytes of a file: from `start`, up to but not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a `Range` field asks for: the whole, nothing that there is, or ranges in
 * the order in which they were asked for.
 */
export type RangeVerdict = "whole" | "unsatisfiable" | readonly ByteRange[];

/** More ranges than this in one request get the whole, RFC 9110 §14.2. */
export const MAX_RANGES = 16;

const UNIT = /^bytes=/i;
const SPEC = /^(\d*)-(\d*)$/;

/**
 * Reads a `Range` field for a representation of `size` bytes. What is not
 * valid, in another unit, or would send more bytes than the whole has, gets the
 * whole: the field is one that a server may ignore (RFC 9110 §14.2).
 */
export function parseRange(field: string, size: number): RangeVerdict {
  if (!UNIT.test(field)) return "whole";
  const specs = field.slice("bytes=".length).split(",");
  const ranges: ByteRange[] = [];
  let count = 0;
  let total = 0;
  for (const item of specs) {
    const spec = item.replace(/^[ \t]+|[ \t]+$/g, "");
    if (spec === "") continue; // an empty list element, §5.6.1.2
    const range = parseSpec(spec, size);
    if (range === undefined || ++count > MAX_RANGES) return "whole";
    if (range === null) continue;
    ranges.push(range);
    total += range.end - range.start;
  }
  if (count === 0) return "whole";
  if (ranges.length === 0) return "unsatisfiable";
  // Zero bytes cannot be told in a Content-Range; the whole is as short. More
  // than the whole means ranges that overlap, perhaps to make the server work.
  return total === 0 || total > size ? "whole" : ranges;
}

/** One range; `null` if it lies outside, `undefined` if it is not valid. */
function parseSpec(spec: string, size: number): ByteRange | null | undefined {
  const match = SPEC.exec(spec);
  const first = match?.[1];
  const last = match?.[2];
  if (first === undefined || last === undefined) return undefined;
  if (first === "") {
    if (last === "") return undefined;
    const length = Number(last);
    return length === 0
      ? null
      : { start: Math.max(0, size - length), end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Number(last) + 1;
  if (end <= start && last !== "") return undefined;
  return start >= size ? null : { start, end: Math.min(end, size) };
}

/** The `Content-Range` of one range of a representation of `size` bytes. */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end - 1}/${size}`;
}
