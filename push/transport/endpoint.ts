/**
 * Where clients connect: over WebSocket, as an event stream, or by polling.
 *
 * @module
 */

import type { ServeInfo } from "../../http/server/serve.ts";
import type { AcceptOptions } from "../../ws/accept.ts";
import { asksForWebSocket } from "../../ws/handshake/server.ts";
import { checkSubscribe } from "../access.ts";
import type { HubCore } from "../core.ts";
import { parseCursor } from "../model/cursor.ts";
import type { ClientInfo, Grant } from "../options.ts";
import { SUBPROTOCOL } from "../wire/protocol.ts";
import { acceptEventStream } from "./event_stream.ts";
import { answerPoll } from "./poll.ts";
import { parseQuery, type SubscriptionQuery } from "./query.ts";
import { refusal, refusalOf } from "./refusal.ts";
import { acceptWebSocket, type Arrival } from "./web_socket.ts";

/** How a request wants to be served. */
type Transport = ClientInfo["transport"];

/**
 * Answers a request of a client that wants to be pushed to, at whatever path.
 *
 * @param core The hub.
 * @param request The request.
 * @param info What came with it.
 * @param options Origins and compression of WebSockets.
 * @param fields Further fields of an event stream.
 */
export async function connectClient(
  core: HubCore,
  request: Request,
  info: ServeInfo,
  options: AcceptOptions,
  fields: readonly (readonly [string, string])[],
): Promise<Response> {
  const transport = transportOf(request, info);
  if (transport === undefined) {
    return refusal(405, "Values are read with the method GET", [
      ["Allow", "GET, HEAD"],
    ]);
  }
  if (!core.hasRoom) return noRoom();
  try {
    const search = new URL(request.url).searchParams;
    const query = parseQuery(
      search,
      core.defaultTopic,
      core.settings.subscriptions,
    );
    const grant = await admit(core, request, info);
    if (grant instanceof Response) return grant;
    const client = arriving(core, info, grant, transport);
    // Who speaks the subprotocol may subscribe later.
    const subscribes = transport !== "websocket" || search.has("topic") ||
      !offersCommands(request);
    const arrival = resumed({ request, info, client, query, subscribes });
    if (subscribes) await checkFilters(core, client, query.filters);
    // Others may have come meanwhile.
    if (!core.hasRoom) return noRoom();
    switch (transport) {
      case "websocket":
        return acceptWebSocket(core, arrival, options);
      case "event-stream":
        return acceptEventStream(core, arrival, fields);
      case "poll":
        return await answerPoll(core, arrival);
    }
  } catch (error) {
    return refusalOf(error);
  }
}

function transportOf(
  request: Request,
  info: ServeInfo,
): Transport | undefined {
  if (asksForWebSocket(info.head)) return "websocket";
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  const accept = request.headers.get("accept") ?? "";
  const streams = request.method === "GET" &&
    accept.toLowerCase().includes("text/event-stream");
  return streams ? "event-stream" : "poll";
}

/** Asks who is to be let in, and refuses those whose time is over. */
async function admit(
  core: HubCore,
  request: Request,
  info: ServeInfo,
): Promise<Grant | Response> {
  const { onConnect } = core.options;
  if (onConnect === undefined) return {};
  const grant: unknown = await onConnect(request, info);
  if (grant instanceof Response) return grant;
  if (typeof grant !== "object" || grant === null) {
    throw new TypeError('"onConnect" gave neither a grant nor a response');
  }
  if (core.expiresIn(grant) !== 0) return grant;
  return refusal(401, "The grant has expired", [
    ["WWW-Authenticate", 'Bearer error="invalid_token"'],
  ]);
}

function arriving(
  core: HubCore,
  { remoteAddr }: ServeInfo,
  grant: Grant,
  transport: Transport,
): ClientInfo {
  return { id: core.nextClientId(), grant, remoteAddr, transport };
}

async function checkFilters(
  core: HubCore,
  client: ClientInfo,
  filters: readonly string[],
): Promise<void> {
  for (const filter of filters) {
    await checkSubscribe(core.options, client, filter);
  }
}

/** Whether a client can be told what to subscribe to by commands. */
function offersCommands(request: Request): boolean {
  const offered = request.headers.get("sec-websocket-protocol") ?? "";
  return offered.split(",").some((name) => name.trim() === SUBPROTOCOL);
}

/**
 * A client goes on behind its last event, RFC 9110 §13.1.2 or HTML §9.2, whatever
 * its URL says.
 */
function resumed(arrival: Arrival): Arrival {
  const { request: { headers }, query } = arrival;
  const tag = headers.get("if-none-match") ?? "";
  const id = /^(?:W\/)?"(.*)"$/.exec(tag)?.[1] ??
    headers.get("last-event-id") ?? "";
  const since: SubscriptionQuery["since"] = parseCursor(id) ?? query.since;
  return { ...arrival, query: { ...query, since } };
}

function noRoom(): Response {
  const retry: [string, string] = ["Retry-After", "5"];
  return refusal(503, "The hub takes no more clients", [retry]);
}
