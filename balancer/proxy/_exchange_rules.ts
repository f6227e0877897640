// What HTTP has to say about passing a request and its response on.

import type { ConnError } from "../../conn/error.ts";
import { MAX_COPIED } from "../../conn/machine.ts";
import type { ResponseHead } from "../../http/codec/message.ts";

/** Bytes that were lent, as they can be sent: what is not copied is kept. */
export function given(bytes: Uint8Array): Uint8Array {
  return bytes.length > MAX_COPIED ? bytes.slice() : bytes;
}

/** What a client gets if an attempt fails, RFC 9110 §15.6. */
export function statusOf({ code, reply }: ConnError): number {
  return reply ?? (/^(connect|tls|send)_timeout$/.test(code) ? 504 : 502);
}

/** Whether a 101 is to WebSocket, the one protocol that is asked for. */
export function isWebSocket({ fields }: ResponseHead): boolean {
  return fields.get("upgrade")?.toLowerCase() === "websocket";
}

const IDEMPOTENT = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
]);

/** Whether sending a request twice does no harm, RFC 9110 §9.2.2. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}
