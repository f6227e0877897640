// Finding fields that a client must not be able to send through.
//
// A backend may read "X_Forwarded_For" as "X-Forwarded-For": CGI, WSGI, PHP and
// what has learnt from them make one variable of both. nginx drops every field
// with an underscore for that reason. Here only those are dropped that could be
// taken for a field which the balancer answers for.

import { type Fields, sourceOf } from "../../http/codec/fields.ts";

const UNDERSCORE = "_";

/** Names that are never believed with an underscore in place of a hyphen. */
const GUARDED = [
  "content-length",
  "transfer-encoding",
  "x-real-ip",
  "x-request-id",
];

/** Finds the fields that must not pass. */
export class ClaimFinder {
  readonly #guarded: Set<string>;

  /**
   * Creates a finder.
   *
   * @param names Further names, in lower case, that the balancer answers for.
   */
  constructor(names: readonly string[]) {
    this.#guarded = new Set([...GUARDED, ...names.map(folded)]);
  }

  /**
   * Finds names in lower case; there are none in nearly all requests.
   *
   * @param isTrusted Whether what the sender says in `X-Forwarded-*` is believed.
   */
  find(fields: Fields, isTrusted: boolean): string[] | undefined {
    const source = sourceOf(fields);
    if (source === undefined) return this.#findInList(fields, isTrusted);
    const { head, offsets } = source;
    let found: string[] | undefined;
    let underscore = head.indexOf(UNDERSCORE, offsets[0]);
    for (let i = 0; i < offsets.length; i += 4) {
      const start = offsets[i]!;
      const end = offsets[i + 1]!;
      if (underscore !== -1 && underscore < start) {
        underscore = head.indexOf(UNDERSCORE, start);
      }
      const suspect = (underscore !== -1 && underscore < end) ||
        mayBeForwarded(head, start, end);
      if (!suspect) continue;
      const name = head.slice(start, end).toLowerCase();
      if (this.#isClaim(name, isTrusted)) (found ??= []).push(name);
    }
    return found;
  }

  #findInList(fields: Fields, isTrusted: boolean): string[] | undefined {
    const found = [...fields].map(([name]) => name.toLowerCase())
      .filter((name) => this.#isClaim(name, isTrusted));
    return found.length > 0 ? found : undefined;
  }

  #isClaim(name: string, isTrusted: boolean): boolean {
    const hyphened = folded(name);
    const misspelt = hyphened !== name;
    if (hyphened.startsWith("x-forwarded-")) return misspelt || !isTrusted;
    return misspelt && this.#guarded.has(hyphened);
  }
}

function folded(name: string): string {
  return name.replaceAll("_", "-");
}

/** Whether a name is so long and begins so that it may be `X-Forwarded-...`. */
function mayBeForwarded(head: string, start: number, end: number): boolean {
  return end - start > 12 && (head.charCodeAt(start) | 0x20) === 0x78 &&
    (head.charCodeAt(start + 2) | 0x20) === 0x66;
}
