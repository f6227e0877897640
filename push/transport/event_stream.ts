/**
 * Clients over server-sent events.
 *
 * @module
 */

import type { Conn, LifeEvent } from "../../conn/conn.ts";
import { WheelEntry } from "../../conn/wheel.ts";
import { encodeEvent } from "../../http/events/sse.ts";
import type { HubCore } from "../core.ts";
import { HubClient } from "../delivery/client.ts";
import type { Outlet } from "../delivery/encoding.ts";
import { EventStreamMachine, PreparedEvents } from "../wire/event_stream.ts";
import { refusal } from "./refusal.ts";
import type { Arrival } from "./web_socket.ts";

/** When a client comes back whose connection was lost: between these, by lot. */
const RETRY_MIN = 1000;
const RETRY_MAX = 3000;

const heartbeat = new PreparedEvents(encodeEvent({ comment: "" }));

/**
 * Answers a request for an event stream.
 *
 * @param core The hub.
 * @param arrival Who asks, and for what.
 * @param fields Further fields of the response.
 */
export function acceptEventStream(
  core: HubCore,
  arrival: Arrival,
  fields: readonly (readonly [string, string])[],
): Response {
  const { info } = arrival;
  if (info.head.contentLength !== 0) {
    return refusal(400, "The request for an event stream has no body");
  }
  const session = new EventStreamSession(core, arrival);
  const { response } = info.takeOver(
    {
      status: 200,
      fields: [
        ["Content-Type", "text/event-stream"],
        ["Cache-Control", "no-store"],
        // nginx would collect events otherwise.
        ["X-Accel-Buffering", "no"],
        ...fields,
      ],
    },
    new EventStreamMachine({
      chunked: info.head.version === "1.1",
      highMark: core.settings.highMark,
    }),
    (event, conn) => session.handle(event, conn),
  );
  return response;
}

type EventStreamConn = Conn<LifeEvent, PreparedEvents>;

/** One connection. */
class EventStreamSession extends WheelEntry implements Outlet {
  readonly #core: HubCore;
  #arrival: Arrival | undefined;
  #conn: EventStreamConn | undefined;
  #client: HubClient | undefined;
  /** A field, as it is asked for with each version. */
  needsDrain = false;

  constructor(core: HubCore, arrival: Arrival) {
    super();
    this.#core = core;
    this.#arrival = arrival;
  }

  send(payload: unknown): void {
    const hasRoom = this.#conn!.send(payload as PreparedEvents);
    if (!hasRoom) this.needsDrain = true;
  }

  close(_code: number, _reason: string, retry?: number): void {
    if (retry !== undefined) this.#sayWhen(retry);
    this.#conn!.close();
  }

  /** The connection's handler. */
  handle(event: LifeEvent, conn: EventStreamConn): void {
    if (event.type === "open") this.#open(conn);
    else if (event.type === "drain") {
      this.needsDrain = false;
      if (this.#client !== undefined) this.#core.drained(this.#client);
    } else {
      this.#core.wheel.cancel(this);
      if (this.#client !== undefined) this.#core.leave(this.#client);
    }
  }

  /** Keeps the path open. */
  override due(now: number): void {
    this.send(heartbeat);
    this.#core.wheel.schedule(this, now + this.#core.settings.heartbeat);
  }

  #open(conn: EventStreamConn): void {
    const core = this.#core;
    const { client: info, query } = this.#arrival!;
    this.#arrival = undefined;
    this.#conn = conn;
    const client = this.#client = new HubClient(info, {
      outlet: this,
      encodings: core.encodings.eventStream[query.format],
    });
    // Each its own, so that all do not come back at once.
    this.#sayWhen(RETRY_MIN + Math.random() * (RETRY_MAX - RETRY_MIN));
    core.join(client);
    const { filters, since = "newest" } = query;
    core.subscribe(client, filters.join(","), filters, {
      ...query,
      since,
      begun: (cursor) => this.#sayWhere(cursor),
    });
    this.due(core.wheel.now());
  }

  /** What to come back with, before there is an event. */
  #sayWhere(id: string | undefined): void {
    if (id === undefined) return;
    this.send(new PreparedEvents(encodeEvent({ id })));
  }

  #sayWhen(retry: number): void {
    const text = encodeEvent({ retry: Math.round(retry) });
    this.send(new PreparedEvents(text));
  }
}
