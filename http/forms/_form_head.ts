// What the head of a request says against reading its body as a form.

import { ConnError } from "../../conn/error.ts";

/** Throws if the body is coded, or is announced as longer than `maxBytes`. */
export function checkFormHead(headers: Headers, maxBytes: number): void {
  const coding = headers.get("content-encoding");
  if (coding !== null) {
    throw unsupportedForm(`Content-Encoding "${coding}", expected none`);
  }
  // What is announced as too long need not be read.
  if (Number(headers.get("content-length")) > maxBytes) {
    throw formTooLarge(`it is over ${maxBytes} bytes`);
  }
}

/** The error for a form in a format that is not read here. */
export function unsupportedForm(what: string): ConnError {
  return new ConnError(`Cannot read the form: it has ${what}`, {
    code: "unsupported_media_type",
    side: "remote",
    reply: 415,
  });
}

/** The error for a form that goes over a limit. */
export function formTooLarge(what: string): ConnError {
  return new ConnError(`Cannot read the form: ${what}`, {
    code: "content_too_large",
    side: "remote",
    reply: 413,
  });
}

/** The error for a multipart form that breaks a rule. */
export function badMultipart(what: string): ConnError {
  return new ConnError(`Cannot read the form: ${what}`, {
    code: "bad_multipart",
    side: "remote",
    reply: 400,
  });
}
