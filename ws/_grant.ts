// What takes HTTP's place on a connection whose handshake is in order.

import type { Handler } from "../conn/conn.ts";
import { Fields } from "../http/codec/fields.ts";
import type { RequestHead } from "../http/codec/message.ts";
import { acceptOffers } from "./deflate/negotiate.ts";
import { type DeflateOptions, resolveDeflate } from "./deflate/params.ts";
import {
  type Handshake,
  type HandshakeOptions,
  resolveHandshake,
} from "./handshake/server.ts";
import { resolveLimits, type WsOptions } from "./machine/limits.ts";
import { WsMachine } from "./machine/machine.ts";
import type { WsCommand, WsEvent } from "./machine/message.ts";
import { type WsConn, wsConn, type WsHandler } from "./ws_conn.ts";

/** Options of {@linkcode accept} and {@linkcode upgrade}. */
export interface AcceptOptions extends WsOptions, HandshakeOptions {
  /**
   * Whether, and how, to compress for clients that offer permessage-deflate,
   * RFC 7692. It takes time, and memory for each connection.
   *
   * @default {false}
   */
  deflate?: boolean | DeflateOptions;
  /**
   * Whether `conn.head` has the request's fields. They take a kilobyte and more, for
   * as long as the connection lives.
   *
   * @default {true}
   */
  keepFields?: boolean;
}

/** Checked options, which all connections of a server share. */
export interface ServerSettings {
  readonly handshake: HandshakeOptions;
  readonly limits: WsOptions;
  readonly deflate: DeflateOptions | undefined;
  readonly keepFields: boolean;
}

/**
 * Checks options before there is a request.
 *
 * @throws {RangeError} If a limit, or an option of compression, is out of its
 * range, or an origin is invalid.
 * @throws {ConnError} If a subprotocol or a field is invalid.
 */
export function resolveAccept(options: AcceptOptions): ServerSettings {
  const { deflate = false, keepFields = true } = options;
  const { protocols, fields, origins } = options;
  const handshake: HandshakeOptions = {
    ...(protocols && { protocols }),
    ...(fields && { fields }),
    ...(origins && { origins }),
  };
  return {
    handshake: resolveHandshake(handshake),
    // What was resolved is an option that is resolved no more.
    limits: resolveLimits(options) as WsOptions,
    deflate: deflate === false
      ? undefined
      : resolveDeflate(deflate === true ? {} : deflate),
    keepFields,
  };
}

/** A connection to be, for {@linkcode Conn.become}. */
export interface Grant {
  readonly ws: WsConn;
  readonly machine: WsMachine;
  readonly handler: Handler<WsEvent, WsCommand>;
}

/**
 * Makes the machine and the connection. The agreement on compression goes into
 * the fields of the answer.
 *
 * The machine holds memory: who does not put it to use has to release it.
 */
export function grant(
  head: RequestHead,
  handshake: Handshake,
  settings: ServerSettings,
  handler: WsHandler | undefined,
): Grant {
  const { subprotocol, fields } = handshake;
  const offers = head.fields.get("sec-websocket-extensions");
  const accepted = settings.deflate && acceptOffers(offers, settings.deflate);
  if (accepted) fields.append("Sec-WebSocket-Extensions", accepted.response);
  const deflate = accepted?.agreement;
  const machine = new WsMachine("server", settings.limits, deflate);
  const kept = settings.keepFields ? head : { ...head, fields: new Fields() };
  const made = wsConn(machine, { head: kept, subprotocol, deflate }, handler);
  return { machine, ...made };
}
