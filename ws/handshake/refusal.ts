/**
 * The answer to a handshake that is not accepted.
 *
 * @module
 */

import { Fields, type FieldsInit } from "../../http/codec/fields.ts";

/** The HTTP response in place of a 101, RFC 6455 §4.2.2. */
export interface Refusal {
  /** The status, 200 to 599: 401, 403, 404, 503. */
  status: number;
  /**
   * The header fields.
   *
   * @default None
   */
  fields?: FieldsInit;
  /**
   * The body. A string goes out as `text/plain`, unless the fields say what it
   * is.
   *
   * @default {""}
   */
  body?: string | Uint8Array;
}

/**
 * Makes a refusal with a text for people.
 *
 * @param status The status.
 * @param text A sentence.
 * @param fields Further fields.
 */
export function textRefusal(
  status: number,
  text: string,
  fields?: Readonly<Record<string, string>>,
): Refusal {
  const body = `${text}\n`;
  return fields === undefined ? { status, body } : { status, fields, body };
}

/** A refusal that can be sent. */
export interface RefusalAnswer {
  /** The status. */
  readonly status: number;
  /** The fields. */
  readonly fields: Fields;
  /** The body; may be empty. */
  readonly body: string | Uint8Array;
}

/**
 * Checks a refusal, which the program may have made, and fills the rest in.
 *
 * @param refusal The refusal.
 * @returns What to send.
 * @throws {RangeError} If its status is out of range.
 * @throws {ConnError} With code `"bad_field_name"` or `"bad_field_value"`.
 */
export function refusalAnswer(refusal: Refusal): RefusalAnswer {
  const { status, body = "" } = refusal;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(
      `Cannot refuse with the status ${status}: expected an integer from 200 to 599`,
    );
  }
  const fields = new Fields(refusal.fields);
  if (typeof body === "string" && body !== "" && !fields.has("content-type")) {
    fields.append("Content-Type", "text/plain; charset=utf-8");
  }
  return { status, fields, body };
}
