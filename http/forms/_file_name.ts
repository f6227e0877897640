// File names that are safe to create from names that a client chose.

const MAX_BYTES = 200;
// Names that Windows takes for devices, with any extension.
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
// Path and stream separators, shell and file system specials, control and
// format characters (direction overrides among them), and lone surrogates.
const UNSAFE = /[<>:"|?*\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Makes a plain file name: without a path, control characters, a leading dot, or
 * a meaning to the system; at most 200 bytes long. `"file"` if nothing is left.
 */
export function safeFileName(name: string): string {
  const base = name.slice(
    Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1,
  );
  const clean = base.normalize("NFC")
    .replace(UNSAFE, "_")
    .replace(/^[\s.]+/, "")
    .replace(/[\s.]+$/, "");
  const safe = DEVICE.test(clean) ? `_${clean}` : clean;
  if (safe === "") return "file";
  const [stem, extension] = splitName(safe);
  return cut(stem, MAX_BYTES - byteLength(extension)) + extension;
}

/** `"a.tar"` and `".gz"` of `"a.tar.gz"`; a long extension is none. */
export function splitName(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf(".");
  if (dot <= 0 || byteLength(name.slice(dot)) > 20) return [name, ""];
  return [name.slice(0, dot), name.slice(dot)];
}

function cut(text: string, maxBytes: number): string {
  if (byteLength(text) <= maxBytes) return text;
  const buffer = new Uint8Array(maxBytes);
  const { read } = new TextEncoder().encodeInto(text, buffer);
  return text.slice(0, read).replace(/[\s.]+$/, "");
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
