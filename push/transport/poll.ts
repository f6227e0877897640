/**
 * Clients that ask, and may wait for an answer.
 *
 * @module
 */

import { WheelEntry } from "../../conn/wheel.ts";
import type { HubCore } from "../core.ts";
import { HubClient } from "../delivery/client.ts";
import type { Outlet } from "../delivery/encoding.ts";
import { Entry } from "../delivery/entry.ts";
import type { Since } from "../delivery/recovery.ts";
import { formatCursor } from "../model/cursor.ts";
import { isPattern } from "../model/topic_name.ts";
import { EXPIRED } from "../wire/protocol.ts";
import type { PolledItem } from "./poll_encoding.ts";
import { refusal } from "./refusal.ts";
import type { Arrival } from "./web_socket.ts";

/** So much goes into one answer; the client comes back for the rest. */
const MAX_SIZE = 256 * 1024;

/**
 * Answers a GET request with what is newer than the client's cursor, RFC 9110
 * §13.1.2; or, if it is to wait, with what is first.
 *
 * @param core The hub.
 * @param arrival Who asks, and for what.
 */
export async function answerPoll(
  core: HubCore,
  arrival: Arrival,
): Promise<Response> {
  const { info, query, client } = arrival;
  const { filters, format, since } = query;
  if (format === "value" && (filters.length > 1 || isPattern(filters[0]!))) {
    return refusal(400, "Several topics need format=envelope");
  }
  const poll = new Poll(core, since);
  const { signal } = info.conn;
  const gone = () => poll.end();
  signal.addEventListener("abort", gone);
  try {
    const wait = since === undefined ? 0 : query.wait;
    return await poll.answer(
      new HubClient(client, { outlet: poll, encodings: core.encodings.poll }),
      { ...query, since: since ?? "newest", wait },
    );
  } finally {
    signal.removeEventListener("abort", gone);
  }
}

/** What is asked for. */
type PollQuery = Arrival["query"] & { readonly since: Since };

/** One request. */
class Poll extends WheelEntry implements Outlet {
  readonly #core: HubCore;
  /** What the client has. */
  readonly #since: Since | undefined;
  readonly #items: PolledItem[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #size = 0;
  #refused: Response | undefined;

  constructor(core: HubCore, since: Since | undefined) {
    super();
    this.#core = core;
    this.#since = since;
  }

  get needsDrain(): boolean {
    return this.#size > MAX_SIZE;
  }

  send(payload: unknown): void {
    for (const item of payload as readonly PolledItem[]) {
      this.#items.push(item);
      this.#size += item.text.length;
    }
    // What else is sent in this turn goes with it.
    queueMicrotask(() => this.end());
  }

  close(code: number, reason: string, retry?: number): void {
    if (retry !== undefined) {
      const seconds = `${Math.ceil(retry / 1000)}`;
      this.#refused = refusal(503, reason, [["Retry-After", seconds]]);
    } else if (code === EXPIRED) this.#refused = refusal(401, reason);
    this.end();
  }

  /** Answers with what there is. */
  end(): void {
    this.#ended.resolve();
  }

  /** The time to wait is over. */
  override due(): void {
    this.end();
  }

  async answer(client: HubClient, query: PollQuery): Promise<Response> {
    const core = this.#core;
    const wait = Math.min(query.wait, core.settings.wait);
    try {
      core.join(client);
      core.subscribe(client, query.filters.join(","), query.filters, query);
      if (this.#items.length === 0 && wait > 0 && !core.isClosed) {
        core.wheel.schedule(this, core.wheel.now() + wait);
        await this.#ended.promise;
        // What was published in this turn is not lost between two polls.
        client.subscriptions[0]?.subscription.feed.flush();
      }
    } finally {
      core.wheel.cancel(this);
      core.leave(client);
    }
    if (this.#refused !== undefined) return this.#refused;
    return query.format === "value" ? this.#value(query) : this.#envelopes();
  }

  /** The next value alone. */
  #value({ mode }: PollQuery): Response {
    const entries = this.#items.flatMap(({ item }) =>
      item instanceof Entry ? [item] : []
    );
    const entry = mode === "every" ? entries[0] : entries.at(-1);
    if (entry === undefined) {
      return this.#since !== undefined
        ? this.#notModified()
        : refusal(404, "The topic has no value");
    }
    const notice = this.#items.find(({ item }) => !(item instanceof Entry));
    const before = notice?.item;
    return this.#ok(
      `${entry.data}\n`,
      entry.offset,
      before !== undefined && "kind" in before ? before.kind : undefined,
    );
  }

  /** All messages. */
  #envelopes(): Response {
    if (this.#items.length === 0 && this.#since !== undefined) {
      return this.#notModified();
    }
    const offset = this.#items.at(-1)?.item.offset ?? this.#here;
    const body = `[${this.#items.map(({ text }) => text).join(",\n")}]\n`;
    return this.#ok(body, offset, undefined);
  }

  #ok(body: string, offset: number, notice: string | undefined): Response {
    const headers = new Headers({
      "content-type": "application/json",
      "cache-control": "no-cache",
      "etag": this.#tag(offset),
    });
    if (notice !== undefined) headers.set("push-notice", notice);
    return new Response(body, { headers });
  }

  /** Nothing is newer than what the client has: its tag is good, RFC 9110 §15.4.5. */
  #notModified(): Response {
    const etag = this.#tag(this.#known ?? this.#core.store.offset);
    const headers = { etag, "cache-control": "no-cache" };
    return new Response(null, { status: 304, headers });
  }

  #tag(offset: number): string {
    return `"${formatCursor(this.#core.store.epoch, offset)}"`;
  }

  /** The offset of what the client has, if that is of the present epoch. */
  get #known(): number | undefined {
    const since = this.#since;
    return typeof since === "object" && since.epoch === this.#core.store.epoch
      ? since.offset
      : undefined;
  }

  /** Where to go on when nothing has come; another hub may be ahead of this one. */
  get #here(): number {
    return Math.max(this.#known ?? 0, this.#core.store.offset);
  }
}
