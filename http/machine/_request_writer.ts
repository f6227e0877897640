/**
 * Writing requests: the sending half of the client role.
 *
 * @module
 */

import { BodyWriter, misuse } from "../codec/body_writer.ts";
import { isTarget } from "../codec/read_head.ts";
import { type WireFields, wireFields } from "../codec/wire_fields.ts";
import { byteLength, type Out, settle, writeMessage } from "../codec/encode.ts";
import { checkFieldName } from "../codec/field_rules.ts";
import type { RequestCommand } from "../codec/message.ts";

/** What must be known of a request to read its response. */
export interface SentRequest {
  readonly method: string;
  /** Whether it asks for another protocol by `Upgrade`. */
  readonly upgrade: boolean;
  /** Whether it says that the connection ends with the response. */
  readonly close: boolean;
}

/** Methods whose requests say that they have no body, RFC 9110 §8.6. */
const TELLS_EMPTY = new Set(["POST", "PUT", "PATCH"]);

function checkRequest(command: RequestCommand, wire: WireFields): void {
  const { method, target } = command;
  try {
    checkFieldName(method);
  } catch {
    throw misuse(
      "bad_method",
      `Cannot send a request with the method ${
        JSON.stringify(method)
      }: expected a token`,
    );
  }
  if (!isTarget(method, target)) {
    throw misuse(
      "bad_target",
      `Cannot send a request for ${
        JSON.stringify(target)
      }: expected a request target that fits the method`,
    );
  }
  if (wire.hosts === 1) return;
  throw misuse(
    wire.hosts === 0 ? "missing_host" : "repeated_host",
    `Cannot send a request with ${wire.hosts} "Host" fields: expected one`,
  );
}

/** Writes one request after the other. */
export class RequestWriter {
  /** Requests without a complete response, oldest first. */
  readonly waiting: SentRequest[] = [];
  /** Writes the body of the newest. */
  readonly body: BodyWriter = new BodyWriter();
  readonly #maxPipelined: number;

  constructor(maxPipelined: number) {
    this.#maxPipelined = maxPipelined;
  }

  /** Sends a request, or what there is of it. */
  send(command: RequestCommand, out: Out): void {
    this.#checkTurn();
    const { method } = command;
    const wire = wireFields(command.fields);
    checkRequest(command, wire);
    const body = command.body === undefined ? undefined : settle(command.body);
    const framing = this.#framing(method, wire, body);
    this.waiting.push({
      method,
      upgrade: wire.upgrade && wire.connectionUpgrade,
      close: wire.close,
    });
    if (body === undefined && method !== "CONNECT") {
      if (wire.contentLength === -1) this.body.begin("chunked", -1);
      else this.body.begin("length", wire.contentLength);
    }
    const head = `${method} ${command.target} HTTP/1.1\r\n` + wire.text +
      framing + "\r\n";
    writeMessage(head, wire.wide, body, out);
  }

  #checkTurn(): void {
    const newest = this.waiting.at(-1);
    const asks = newest !== undefined &&
      (newest.upgrade || newest.close || newest.method === "CONNECT");
    if (
      this.body.mode === "idle" && !asks &&
      this.waiting.length < this.#maxPipelined
    ) return;
    throw misuse(
      "request_in_progress",
      "Cannot send a request: the one before is in progress",
    );
  }

  #framing(
    method: string,
    wire: WireFields,
    body: string | Uint8Array | undefined,
  ): string {
    const told = wire.contentLength;
    const bodiless = method === "CONNECT" || method === "TRACE";
    if (bodiless && (told > 0 || wire.chunked || (body ?? "").length > 0)) {
      throw misuse(
        "bad_framing",
        `Cannot send a ${method} request with a body`,
      );
    }
    if (body === undefined) {
      if (method === "CONNECT") return "";
      return told === -1
        ? "Transfer-Encoding: chunked\r\n"
        : `Content-Length: ${told}\r\n`;
    }
    const length = byteLength(body);
    if (told !== -1 && told !== length) {
      throw misuse(
        told < length ? "body_too_long" : "body_too_short",
        `Cannot send a body of ${length} bytes: "Content-Length" is ${told}`,
      );
    }
    return length > 0 || told !== -1 || TELLS_EMPTY.has(method)
      ? `Content-Length: ${length}\r\n`
      : "";
  }
}
