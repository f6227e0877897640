/**
 * The server's half of the opening handshake, RFC 6455 §4.2.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { Fields, type FieldsInit } from "../../http/codec/fields.ts";
import type { RequestHead } from "../../http/codec/message.ts";
import { listMembers } from "../../http/codec/wire_fields.ts";
import { parseExtensions } from "../deflate/extensions.ts";
import { acceptKey, isKey } from "./accept_key.ts";
import { addExtraFields } from "./_extra_fields.ts";
import { checkProtocols, readProtocols } from "./_lists.ts";
import { allowOrigins, type OriginCheck } from "./origins.ts";
import { type Refusal, textRefusal } from "./refusal.ts";

/**
 * Chooses a subprotocol.
 *
 * @param offered What the client offers, in its order of preference; at least
 * one.
 * @param head The request.
 * @returns One of those, or `undefined` for none.
 */
export type SubprotocolChoice = (
  offered: readonly string[],
  head: RequestHead,
) => string | undefined;

/** What a server wants of a handshake. */
export interface HandshakeOptions {
  /**
   * The subprotocols that the server speaks, the best one first, or a function
   * that chooses one. If there is none in common, the connection has no
   * subprotocol, and it is the client that decides whether it wants that,
   * RFC 6455 §4.2.2.
   *
   * @default None
   */
  protocols?: readonly string[] | SubprotocolChoice;
  /**
   * Further fields of the 101: `Set-Cookie`, `Server`.
   *
   * @default None
   */
  fields?: FieldsInit;
  /**
   * The origins whose pages may connect, as {@linkcode allowOrigins} takes them,
   * or a check. Others get 403.
   *
   * @default Any
   */
  origins?: readonly string[] | OriginCheck;
}

/** A handshake that is in order. */
export interface Handshake {
  /** Switching Protocols. */
  readonly status: 101;
  /**
   * The fields of the answer. `Sec-WebSocket-Extensions` is not among them: who
   * agrees on an extension adds it.
   */
  readonly fields: Fields;
  /** The subprotocol that was chosen; empty for none. */
  readonly subprotocol: string;
}

const VERSION = { "Sec-WebSocket-Version": "13" };
/** RFC 6455 §4.3: 0 to 255, without leading zeros. */
const VERSION_NUMBER = /^(?:[1-9]?\d|1\d\d|2[0-4]\d|25[0-5])$/;

/**
 * Whether a request asks to make the connection a WebSocket, be it in order or
 * not: `Connection` lists `Upgrade`, and `Upgrade` lists `websocket`.
 *
 * @param head The request.
 *
 * @example Two things at one path
 * ```ts
 * import { listen } from "@meerkat/net/http";
 * import { accept, asksForWebSocket } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = listen({ hostname: "127.0.0.1", port: 0 }, (event, conn) => {
 *   if (event.type !== "request") return;
 *   if (asksForWebSocket(event.head)) accept(conn, event.head);
 *   else conn.send({ type: "response", status: 200, body: "A page" });
 * });
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await fetch(`http://127.0.0.1:${port}/`);
 * assertEquals(await response.text(), "A page");
 * ```
 */
export function asksForWebSocket(head: RequestHead): boolean {
  const { upgrade } = head;
  return upgrade !== undefined && listMembers(upgrade).includes("websocket");
}

function checkMethod({ method }: RequestHead): Refusal | undefined {
  if (method === "GET") return undefined;
  return textRefusal(405, "A WebSocket is opened with the method GET", {
    Allow: "GET",
  });
}

function checkUpgrade(head: RequestHead): Refusal | undefined {
  if (asksForWebSocket(head)) return undefined;
  // RFC 9110 §15.5.22: a 426 says what to upgrade to.
  return textRefusal(
    426,
    'This is a WebSocket: expected HTTP/1.1 with "Connection: Upgrade" and "Upgrade: websocket"',
    { Upgrade: "websocket", Connection: "Upgrade", ...VERSION },
  );
}

/** RFC 6455 §4.2.2 and §4.4: whatever is wrong with it, 13 is what is spoken. */
function checkVersion({ fields }: RequestHead): Refusal | undefined {
  const version = fields.get("sec-websocket-version");
  if (version === "13") return undefined;
  if (version === undefined || !VERSION_NUMBER.test(version)) {
    return textRefusal(
      400,
      'Expected one "Sec-WebSocket-Version: 13"',
      VERSION,
    );
  }
  return textRefusal(
    426,
    `Version ${version} of the protocol is not spoken here, only 13`,
    { Upgrade: "websocket", Connection: "Upgrade", ...VERSION },
  );
}

function checkKey({ fields }: RequestHead): Refusal | undefined {
  // Two of them have a comma between, which is in no key.
  if (isKey(fields.get("sec-websocket-key") ?? "")) return undefined;
  return textRefusal(
    400,
    'Expected one "Sec-WebSocket-Key" with 16 bytes in base64',
  );
}

function checkBody({ contentLength }: RequestHead): Refusal | undefined {
  // What follows the head could be read as a body or as frames.
  if (contentLength === 0) return undefined;
  return textRefusal(400, "The request for a WebSocket has no body");
}

/** RFC 6455 §9.1: a list that breaks the grammar fails the handshake. */
function checkExtensions({ fields }: RequestHead): Refusal | undefined {
  const value = fields.get("sec-websocket-extensions");
  if (value === undefined || parseExtensions(value) !== undefined) {
    return undefined;
  }
  return textRefusal(400, '"Sec-WebSocket-Extensions" is malformed');
}

const CHECKS = [
  checkMethod,
  checkUpgrade,
  checkVersion,
  checkKey,
  checkBody,
  checkExtensions,
];

function checkOrigin(
  { fields }: RequestHead,
  origins: HandshakeOptions["origins"],
): Refusal | undefined {
  const origin = fields.get("origin");
  // RFC 6454 §7.3. Two could be one thing to the check and another to a proxy.
  if (origin?.includes(",")) {
    return textRefusal(400, 'Expected one "Origin"');
  }
  if (origins === undefined) return undefined;
  const check = typeof origins === "function" ? origins : allowOrigins(origins);
  return check(origin)
    ? undefined
    : textRefusal(403, "Pages of this origin may not connect");
}

function chooseProtocol(
  offered: readonly string[],
  head: RequestHead,
  protocols: HandshakeOptions["protocols"],
): string {
  if (protocols === undefined || offered.length === 0) return "";
  if (typeof protocols !== "function") {
    return protocols.find((protocol) => offered.includes(protocol)) ?? "";
  }
  const chosen = protocols(offered, head) ?? "";
  if (chosen === "" || offered.includes(chosen)) return chosen;
  throw new ConnError(
    `Cannot choose the subprotocol ${
      JSON.stringify(chosen)
    }: expected one that the client offers`,
    { code: "subprotocol_not_offered", side: "local" },
  );
}

/**
 * Checks what of a server's options can be checked without a request, so that a
 * mistake shows when the server starts.
 *
 * @param options The options.
 * @returns The same, with the list of origins made a check.
 * @throws {ConnError} If a subprotocol is no token or there twice, or a field is
 * invalid or one of the handshake's own.
 * @throws {RangeError} If an origin is invalid.
 */
export function resolveHandshake(options: HandshakeOptions): HandshakeOptions {
  const { protocols, fields, origins } = options;
  if (protocols !== undefined && typeof protocols !== "function") {
    checkProtocols(protocols);
  }
  addExtraFields(new Fields(), fields);
  if (origins === undefined || typeof origins === "function") return options;
  return { ...options, origins: allowOrigins(origins) };
}

/**
 * Checks a request to open a WebSocket, RFC 6455 §4.2.1, and makes the answer,
 * §4.2.2.
 *
 * The answer to one that is not in order is 405 for another method than GET; 426
 * for one that asks for another protocol or none, or for another version of this
 * one; 403 for the wrong origin; and 400 for everything else.
 *
 * @param head The request.
 * @param options Subprotocols, further fields, origins.
 * @returns The 101, or the refusal, which has no `subprotocol`.
 * @throws {ConnError} If the options are wrong: see
 * {@linkcode resolveHandshake}; with code `"subprotocol_not_offered"` if the
 * program chose such a one.
 * @throws {RangeError} If an origin in the options is invalid.
 */
export function checkRequest(
  head: RequestHead,
  options: HandshakeOptions = {},
): Handshake | Refusal {
  for (const check of CHECKS) {
    const refusal = check(head);
    if (refusal !== undefined) return refusal;
  }
  const offer = head.fields.get("sec-websocket-protocol");
  const offered = offer === undefined ? [] : readProtocols(offer);
  if (offered === undefined) {
    return textRefusal(400, '"Sec-WebSocket-Protocol" is malformed');
  }
  const refusal = checkOrigin(head, options.origins);
  if (refusal !== undefined) return refusal;
  const subprotocol = chooseProtocol(offered, head, options.protocols);
  const fields = new Fields({
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Accept": acceptKey(head.fields.get("sec-websocket-key")!),
  });
  if (subprotocol !== "") fields.append("Sec-WebSocket-Protocol", subprotocol);
  addExtraFields(fields, options.fields);
  return { status: 101, fields, subprotocol };
}
