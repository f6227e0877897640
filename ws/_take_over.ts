// Answering the handshake on a connection of `http.serve`.

import type { ServeInfo } from "../http/server/serve.ts";
import { grant, type ServerSettings } from "./_grant.ts";
import {
  type Refusal,
  refusalAnswer,
  textRefusal,
} from "./handshake/refusal.ts";
import type { Handshake } from "./handshake/server.ts";
import type { WsConn, WsHandler } from "./ws_conn.ts";

/** What the handler of the request must return, and the connection. */
export interface TakenOver {
  readonly response: Response;
  readonly conn: WsConn | undefined;
}

/** Puts a WebSocket in HTTP's place, unless the client has left. */
export function takeOver(
  info: ServeInfo,
  handshake: Handshake,
  settings: ServerSettings,
  handler: WsHandler | undefined,
): TakenOver {
  if (info.conn.state !== "open") {
    // It goes nowhere, but it has to be something.
    const gone = textRefusal(503, "The connection is closed");
    return { response: refusalResponse(gone), conn: undefined };
  }
  const made = grant(info.head, handshake, settings, handler);
  try {
    const { response } = info.takeOver(
      { status: handshake.status, fields: handshake.fields },
      made.machine,
      made.handler,
    );
    return { response, conn: made.ws };
  } catch (error) {
    made.machine.release();
    throw error;
  }
}

/** Statuses whose responses have no body. */
const BODILESS = new Set([204, 205, 304]);

/** Makes a `Response` of a refusal. */
export function refusalResponse(refusal: Refusal): Response {
  const { status, fields, body } = refusalAnswer(refusal);
  return new Response(
    BODILESS.has(status) ? null : body as string | Uint8Array<ArrayBuffer>,
    { status, headers: [...fields] },
  );
}
