// FormData as multipart/form-data (RFC 7578), as a blob: files are not read
// until they are sent, and the length is known.

/** A form as a body: its bytes and their content type. */
export interface EncodedForm {
  readonly blob: Blob;
  readonly type: string;
}

/** Encodes a form as HTML's "multipart/form-data encoding algorithm" has it. */
export function encodeFormData(
  form: FormData,
  boundary = `meerkat-${crypto.randomUUID()}`,
): EncodedForm {
  const parts: (string | Blob)[] = [];
  for (const [name, value] of form) {
    let head = `--${boundary}\r\nContent-Disposition: form-data; name="${
      escape(name)
    }"`;
    if (typeof value === "string") {
      parts.push(`${head}\r\n\r\n${value.replace(/\r\n|\r|\n/g, "\r\n")}\r\n`);
      continue;
    }
    head += `; filename="${escape(value.name)}"\r\n`;
    head += `Content-Type: ${value.type || "application/octet-stream"}\r\n\r\n`;
    parts.push(head, value, "\r\n");
  }
  parts.push(`--${boundary}--\r\n`);
  return {
    blob: new Blob(parts),
    type: `multipart/form-data; boundary=${boundary}`,
  };
}

function escape(name: string): string {
  return name
    .replace(/\r\n|\r|\n/g, "\r\n")
    .replaceAll("\r", "%0D")
    .replaceAll("\n", "%0A")
    .replaceAll('"', "%22");
}
