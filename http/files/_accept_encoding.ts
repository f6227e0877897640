// Choosing a content coding by `Accept-Encoding`, RFC 9110 §12.5.3.

/** A coding for which a ready-made file may lie beside the original. */
export interface Sibling {
  /** As `Content-Encoding` says it. */
  readonly coding: string;
  /** What the sibling's name has after the original's. */
  readonly extension: string;
}

/** Where two are equally welcome, the first is taken: it is the smaller one. */
const SIBLINGS: readonly Sibling[] = [
  { coding: "br", extension: ".br" },
  { coding: "gzip", extension: ".gz" },
];

const ITEM =
  /^([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/**
 * Which codings the client welcomes at least as much as none, best first.
 *
 * @param field The request's `Accept-Encoding`, or `null`.
 */
export function acceptableSiblings(field: string | null): readonly Sibling[] {
  if (field === null || field === "") return [];
  const weights = parseWeights(field);
  const other = weights.get("*");
  const identity = weights.get("identity") ?? other ?? 0;
  const welcome: { sibling: Sibling; weight: number }[] = [];
  for (const sibling of SIBLINGS) {
    const weight = weights.get(sibling.coding) ?? other ?? 0;
    if (weight > 0 && weight >= identity) welcome.push({ sibling, weight });
  }
  return welcome.sort((a, b) => b.weight - a.weight).map((w) => w.sibling);
}

function parseWeights(field: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const item of field.split(",")) {
    const match = ITEM.exec(item.replace(/^[ \t]+|[ \t]+$/g, ""));
    if (!match) continue;
    const name = (match[1] as string).toLowerCase();
    weights.set(
      name === "x-gzip" ? "gzip" : name, // §8.4.1.3
      match[2] === undefined ? 1 : Number(match[2]),
    );
  }
  return weights;
}
