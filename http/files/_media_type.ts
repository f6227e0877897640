// Content types by the name of a file.

import { contentType } from "@std/media-types";

/** For names that say nothing: bytes, which browsers offer to save. */
const UNKNOWN = "application/octet-stream";

/** Looking one up takes longer than all else that the name is used for. */
const known = new Map<string, string>();
const MAX_KNOWN = 512;

/** The `Content-Type` for a file of this name, text with its charset. */
export function mediaTypeOf(name: string): string {
  const dot = name.lastIndexOf(".");
  if (dot < 0) return UNKNOWN;
  const extension = name.slice(dot).toLowerCase();
  let type = known.get(extension);
  if (type === undefined) {
    type = contentType(extension) ?? UNKNOWN;
    if (known.size < MAX_KNOWN) known.set(extension, type);
  }
  return type;
}

const COMPRESSED =
  /^(?:image\/(?!svg|bmp|x-icon|vnd\.microsoft\.icon)|video\/|audio\/|font\/woff|application\/(?:zip|gzip|x-7z|x-bzip|x-xz|zstd|vnd\.rar))/;

/** Whether a compressed sibling of such a file is worth looking for. */
export function isCompressible(mediaType: string): boolean {
  return !COMPRESSED.test(mediaType);
}
