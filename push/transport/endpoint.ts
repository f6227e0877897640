/**
 * Where clients connect: over WebSocket, as an event stream, or by polling.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
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

/** What anybody may do where nobody asks who it is. */
const ANYBODY: Grant = Object.freeze({});

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
  const transport = transportOf(info);
  if (transport === undefined) {
    return refusal(405, "Values are read with the method GET", [
      ["Allow", "GET, HEAD"],
    ]);
  }
  if (!core.hasRoom) return noRoom();
  try {
    const arrival = await arrive(core, request, info, transport);
    if (arrival instanceof Response) return arrival;
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

/** Finds out what a client wants, and whether it may. */
async function arrive(
  core: HubCore,
  request: Request,
  info: ServeInfo,
  transport: Transport,
): Promise<Arrival | Response> {
  core.arriving++;
  try {
    const search = queryOf(info);
    const { defaultTopic, settings: { subscriptions } } = core;
    const query = parseQuery(search, defaultTopic, subscriptions);
    const grant = await admit(core, request, info);
    if (grant instanceof Response) return grant;
    const client = newClient(core, info, grant, transport);
    // Who speaks the subprotocol may subscribe later.
    const subscribes = transport !== "websocket" ||
      search.has("topic") || !offersCommands(info);
    if (subscribes) await checkFilters(core, client, query.filters);
    // It may have left meanwhile, and the hub been closed.
    if (info.conn.state !== "open") return refusal(503, "The client has left");
    if (core.isClosed) return noRoom();
    return resumed({ request, info, client, query, subscribes });
  } finally {
    core.arriving--;
  }
}

function transportOf({ head }: ServeInfo): Transport | undefined {
  if (asksForWebSocket(head)) return "websocket";
  const { method, fields } = head;
  if (method !== "GET" && method !== "HEAD") return undefined;
  const accept = fields.get("accept") ?? "";
  const streams = method === "GET" &&
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
  if (onConnect === undefined) return ANYBODY;
  const grant: unknown = await orLeft(
    info.conn.signal,
    onConnect(request, info),
  );
  if (grant instanceof Response) return grant;
  if (typeof grant !== "object" || grant === null) {
    throw new TypeError('"onConnect" gave neither a grant nor a response');
  }
  if (core.expiresIn(grant) !== 0) return grant;
  return refusal(401, "The grant has expired", [
    ["WWW-Authenticate", 'Bearer error="invalid_token"'],
  ]);
}

/** Waits for a hook, unless the client leaves: nobody waits for it then. */
async function orLeft<T>(
  signal: AbortSignal,
  hook: T | Promise<T>,
): Promise<T> {
  if (!(hook instanceof Promise)) return hook;
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = () =>
    reject(
      new ConnError("The client has left", {
        code: "closed",
        side: "remote",
        reply: 503,
      }),
    );
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave);
  try {
    return await Promise.race([hook, left]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function newClient(
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

/** The query, without making a URL of the target and a request of the head. */
function queryOf({ head: { target } }: ServeInfo): URLSearchParams {
  const start = target.indexOf("?");
  return new URLSearchParams(start === -1 ? "" : target.slice(start + 1));
}

/** Whether a client can be told what to subscribe to by commands. */
function offersCommands({ head }: ServeInfo): boolean {
  const offered = head.fields.get("sec-websocket-protocol") ?? "";
  return offered.split(",").some((name) => name.trim() === SUBPROTOCOL);
}

/**
 * A client goes on behind its last event, RFC 9110 §13.1.2 or HTML §9.2, whatever
 * its URL says.
 */
function resumed(arrival: Arrival): Arrival {
  const { info: { head: { fields } }, query } = arrival;
  const tag = fields.get("if-none-match") ?? "";
  const id = /^(?:W\/)?"(.*)"$/.exec(tag)?.[1] ??
    fields.get("last-event-id") ?? "";
  const since: SubscriptionQuery["since"] = parseCursor(id) ?? query.since;
  return { ...arrival, query: { ...query, since } };
}

function noRoom(): Response {
  const retry: [string, string] = ["Retry-After", "5"];
  return refusal(503, "The hub takes no more clients", [retry]);
}
