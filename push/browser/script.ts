/**
 * The browser's module, as the hub serves it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import source from "./push.js" with { type: "text" };

/** Comments that stand on lines of their own, and the empty lines around them. */
const COMMENTS = /^[ \t]*(?:\/\*\*[^]*?\*\/|\/\/.*)\n+|^\n+/gm;

const text = source.replace(COMMENTS, "");

/** `push.js` without its comments, and what is made of it once. */
export const browserScript: {
  /** Its text, a JavaScript module. */
  readonly text: string;
  /** The same, gzipped, for who accepts that. */
  readonly gzip: Uint8Array<ArrayBuffer>;
  /** Names this version of it, RFC 9110 §8.8.3; weak, as it is for both. */
  readonly etag: string;
} = {
  text,
  gzip: new Uint8Array(gzipSync(text, { level: 9 })),
  etag: `W/"${createHash("sha256").update(text).digest("base64url")}"`,
};
