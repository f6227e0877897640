/**
 * The client of a Meerkat push hub for browsers, as it is: no build.
 *
 * ```js ignore
 * import { connect } from "/push.js";
 *
 * const hub = connect("/push");
 * for await (const update of hub.subscribe("plant/#")) {
 *   if (update.type === "value") show(update.topic, update.value);
 * }
 * ```
 *
 * It uses a WebSocket; where that does not get through, an event stream; where
 * that does not either, long polls. Whatever it loses it comes back to, with the
 * cursors of its subscriptions, so that nothing comes twice, and what is missing
 * is told by a `gap` or a `reset`.
 *
 * @module
 */

const SUBPROTOCOL = "meerkat.push.v1";
/** What is tried, in this order, round and round, until it opens. */
const TRIES = ["websocket", "websocket", "event-stream", "poll"];
/** Milliseconds until an attempt has failed. */
const OPEN_WITHIN = 10_000;
/** Milliseconds of silence after which an event stream is dead: three heartbeats. */
const SILENCE = 45_000;
/** The longest that a hub can send a client away, in milliseconds. */
const MAX_RETRY = 600_000;
/** Seconds that a poll waits. */
const WAIT = 25;

/**
 * @typedef {"latest" | "every"} Mode
 * @typedef {{ client: string, user?: string }} Member
 * @typedef {(
 *   | { type: "value", topic: string, value: any, cursor: string }
 *   | { type: "gap", topic?: string, cursor: string, missed?: number }
 *   | { type: "reset", topic?: string, reason: "epoch" | "history" }
 *   | { type: "members", topic: string, joined: Member[], left: Member[] }
 * )} Update What a subscription gives. `gap`: versions are missing here. `reset`:
 * what was built on values before is void, the current value follows. `members`:
 * who has come and gone.
 */

/** What went wrong; its `code` is stable: `"forbidden"`, `"not_supported"`. */
export class PushError extends Error {
  name = "PushError";
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Connects to a hub.
 *
 * @param {string | URL} [url] Where the hub is; relative to the page.
 * @param {object} [options]
 * @param {string | (() => string | Promise<string>)} [options.token] What the hub
 * asks for, or a function that gives a fresh one: at each connection, and before
 * the old one expires.
 * @param {string} [options.resume] Go on after a reload of the page where it was:
 * the cursors of subscriptions in mode `every` are kept in the session storage
 * under this name. Those in mode `latest` begin with the newest values, as always.
 * @param {number} [options.queue] How many updates in mode `every` wait for a
 * consumer, and how many commands for a connection; by default 1000.
 * @param {number} [options.upgradeAfter] Milliseconds after which a WebSocket is
 * tried again, without one; by default 60000.
 * @returns {PushClient} At once, with the first attempt about to begin.
 */
export function connect(url = "/push", options = {}) {
  return new PushClient(url, options);
}

/**
 * A connection to a hub, made by {@linkcode connect}. Its event `state` says that
 * `state` or `transport` has changed.
 */
export class PushClient extends EventTarget {
  /**
   * Like a listener of `state`.
   *
   * @type {((event: Event) => unknown) | null}
   */
  onstate = null;
  #url;
  #token;
  #options;
  #state = "connecting";
  #transport = TRIES[0];
  #error;
  /** @type {Map<string, Feed>} By filter. */
  #feeds = new Map();
  /** Commands that wait for their answers, by `ref`. */
  #asks = new Map();
  #ref = 0;
  #link;
  #probe;
  #try = 0;
  #attempts = 0;
  /** Counts connections, so that a late token starts none that is overtaken. */
  #turn = 0;
  #timer;
  #refresh;
  #life = new AbortController();
  #saved;

  constructor(url, { token, resume, queue = 1000, upgradeAfter = 60_000 }) {
    super();
    this.#url = new URL(url, globalThis.location?.href);
    this.#token = token;
    this.#options = { queue, upgradeAfter, resume: resume && `push ${resume}` };
    this.#saved = load(this.#options.resume);
    this.#followThePage();
    this.#connect();
  }

  /** `"connecting"`, `"open"` or, for good, `"closed"`. */
  get state() {
    return this.#state;
  }
  /** The transport in use or tried: `"websocket"`, `"event-stream"`, `"poll"`. */
  get transport() {
    return this.#transport;
  }
  /** Why it closed by itself, a {@linkcode PushError}; else `undefined`. */
  get error() {
    return this.#error;
  }

  /**
   * Subscribes to the topics that a filter matches.
   *
   * An iteration that is slow misses nothing in mode `every`, up to a bound: from
   * there on the oldest updates make place for a `gap`. In mode `latest` it gets
   * only the newest value of each topic.
   *
   * @param {string} filter A topic, or a pattern with `+` and `#`.
   * @param {object} [options]
   * @param {Mode} [options.mode] By default `"latest"`.
   * @param {string} [options.since] A cursor, to get what is newer, or `"oldest"`.
   * @param {boolean} [options.delta] Let the hub send differences, over a
   * WebSocket. Values share their unchanged parts then: do not change them.
   * @param {boolean} [options.presence] Tell who joins and leaves the topic.
   * @param {(update: Update) => unknown} [callback] Gets the updates, one at a
   * time: the next when the promise that it returns has settled.
   * @returns {Subscription} To iterate over, without a callback; and to close.
   * @throws {PushError} `"already_subscribed"`, `"closed"`.
   */
  subscribe(filter, options = {}, callback = undefined) {
    if (this.#state === "closed") throw closed();
    if (this.#feeds.has(filter)) {
      const message =
        `Cannot subscribe to "${filter}": it is subscribed already`;
      throw new PushError("already_subscribed", message);
    }
    const saved = options.mode === "every" ? this.#saved[filter] : undefined;
    const feed = new Feed(filter, {
      ...options,
      since: options.since ?? saved,
      bound: this.#options.queue,
    });
    this.#feeds.set(filter, feed);
    this.#link?.subscribe(feed);
    const subscription = new Subscription(feed, () => this.#leave(feed));
    if (callback) deliver(subscription, callback);
    return subscription;
  }

  /**
   * Publishes a value; over a WebSocket only. What is in flight when the
   * connection is lost is sent again, with the same key: it is published once.
   *
   * @param {string} topic
   * @param {unknown} value
   * @param {{ key?: string }} [options] Publishing again with this key does
   * nothing.
   * @returns {Promise<{ cursor: string, duplicate: boolean }>}
   */
  async publish(topic, value, { key = randomKey() } = {}) {
    if (JSON.stringify(value) === undefined) {
      const message = `Cannot publish to "${topic}": the value is no JSON`;
      throw new PushError("value_invalid", message);
    }
    const command = { type: "publish", topic, value, key };
    const { cursor, duplicate } = await this.#ask(command);
    return { cursor, duplicate };
  }

  /**
   * Asks who is subscribed to a topic; over a WebSocket only.
   *
   * @param {string} topic
   * @returns {Promise<Member[]>}
   */
  async presence(topic) {
    return (await this.#ask({ type: "presence", topic })).members;
  }

  /**
   * Shows a new token, and uses it from here on.
   *
   * @param {string} token
   */
  async authorize(token) {
    const isConnected = this.#state !== "connecting";
    if (isConnected && (this.#state !== "open" || this.#link.send)) {
      await this.#ask({ type: "authorize", token });
    }
    // One that the hub has refused is not shown again.
    if (typeof this.#token !== "function") this.#token = token;
    if (this.#state === "open" && !this.#link.send) this.#connect(token);
  }

  /** Closes the connection and ends all subscriptions. */
  close() {
    this.#end();
  }

  #followThePage() {
    const { signal } = this.#life;
    const on = (target, type, listener) =>
      target?.addEventListener(type, listener, { signal });
    // What was connected over another network may be dead without knowing it.
    on(globalThis, "online", () => this.#connectNow());
    on(
      globalThis,
      "pageshow",
      (event) => event.persisted && this.#connectNow(),
    );
    // A page with a connection cannot be kept for the way back.
    on(globalThis, "pagehide", () => {
      this.#save();
      this.#drop();
      this.#show("connecting", this.#transport);
    });
    on(globalThis.document, "visibilitychange", () => {
      if (document.hidden) this.#save();
      else if (!this.#link) this.#connectNow();
    });
  }

  #connectNow() {
    this.#attempts = 0;
    this.#connect();
  }

  async #connect(token = undefined) {
    this.#drop();
    const turn = this.#turn;
    this.#show("connecting", TRIES[this.#try]);
    try {
      token ??= await this.#freshToken();
      if (turn === this.#turn) {
        this.#link = this.#start(TRIES[this.#try], token);
      }
    } catch {
      if (turn === this.#turn) this.#connectLater();
    }
  }

  #connectLater(delay = undefined) {
    const most = Math.min(30_000, 500 * 2 ** this.#attempts++);
    const connectAgain = () => this.#connect();
    this.#timer = setTimeout(connectAgain, delay ?? Math.random() * most);
  }

  #freshToken() {
    return typeof this.#token === "function" ? this.#token() : this.#token;
  }

  #start(kind, token) {
    const Link = kind === "websocket" ? SocketLink : FetchLink;
    return new Link(kind, {
      url: this.#url,
      token,
      feeds: this.#feeds,
      opened: (link) => this.#opened(link),
      lost: (link, how) => this.#lost(link, how),
      answer: (message) => this.#answer(message),
      refuse: (feed, error) => this.#refuse(feed, error),
    });
  }

  /** Gives up what there is, for now. */
  #drop() {
    this.#turn++;
    clearTimeout(this.#timer);
    clearTimeout(this.#refresh);
    this.#link?.close();
    this.#probe?.close();
    this.#link = this.#probe = undefined;
  }

  #opened(link) {
    if (link === this.#probe) {
      this.#probe = undefined;
      this.#link?.close();
      this.#link = link;
    }
    link.openedAt = performance.now();
    this.#try = TRIES.indexOf(link.kind);
    this.#show("open", link.kind);
    for (const [ref, { command, reject }] of this.#asks) {
      if (link.send) link.send(command);
      else if (this.#asks.delete(ref)) reject(notSupported());
    }
    if (!link.send) this.#probeLater();
  }

  /** `how.final` is an error that another attempt would run into again. */
  #lost(link, { retry, final, tooLarge }) {
    if (link === this.#probe) {
      this.#probe = undefined;
      this.#probeLater();
    }
    if (link !== this.#link) return;
    this.#drop();
    if (final) return this.#end(final);
    if (tooLarge) this.#rejectAll(tooLarge);
    const { openedAt } = link;
    if (openedAt === undefined) this.#try = (this.#try + 1) % TRIES.length;
    else if (performance.now() - openedAt > 5_000) this.#attempts = 0;
    // From one transport to the next there is nothing to wait for.
    const pause = openedAt === undefined && this.#try > 1 ? 0 : undefined;
    this.#show("connecting", TRIES[this.#try]);
    // What the hub says is not believed beyond reason.
    this.#connectLater(retry > 0 ? Math.min(retry, MAX_RETRY) : pause);
  }

  /** Looks whether a WebSocket gets through now, while something else serves. */
  #probeLater() {
    const turn = this.#turn;
    this.#timer = setTimeout(async () => {
      try {
        const token = await this.#freshToken();
        if (turn === this.#turn) this.#probe = this.#start("websocket", token);
      } catch {
        if (turn === this.#turn) this.#probeLater();
      }
    }, this.#options.upgradeAfter);
  }

  #ask(command) {
    const { promise, resolve, reject } = Promise.withResolvers();
    if (this.#state === "closed") reject(closed());
    else if (this.#state === "open" && !this.#link.send) reject(notSupported());
    else if (this.#asks.size >= this.#options.queue) {
      reject(new PushError("queue_full", "Too many commands wait for answers"));
    } else {
      command.ref = ++this.#ref;
      this.#asks.set(command.ref, { command, resolve, reject });
      if (this.#state === "open") this.#link.send(command);
    }
    return promise;
  }

  #answer(message) {
    const { type, ref, filter, expiresIn } = message;
    if (expiresIn !== undefined) this.#refreshIn(expiresIn);
    const error = type === "error"
      ? new PushError(message.code, message.message)
      : undefined;
    const ask = this.#asks.get(ref);
    if (ask && this.#asks.delete(ref)) {
      if (error) ask.reject(error);
      else ask.resolve(message);
    } else if (error && this.#feeds.has(filter)) {
      this.#refuse(this.#feeds.get(filter), error);
    }
  }

  #refreshIn(expiresIn) {
    if (typeof this.#token !== "function" || !(expiresIn > 0)) return;
    clearTimeout(this.#refresh);
    this.#refresh = setTimeout(async () => {
      try {
        await this.authorize(await this.#freshToken());
      } catch {
        // The hub closes the connection, then, and the next one asks again.
      }
    }, Math.min(Math.max(expiresIn * 0.8, 1000), 2 ** 31 - 1));
  }

  #leave(feed) {
    if (this.#feeds.get(feed.filter) !== feed) return;
    this.#refuse(feed);
    delete this.#saved[feed.filter];
    this.#link?.unsubscribe(feed);
  }

  #refuse(feed, error = undefined) {
    this.#feeds.delete(feed.filter);
    feed.end(error);
  }

  #end(error = undefined) {
    if (this.#state === "closed") return;
    this.#save();
    this.#drop();
    this.#life.abort();
    this.#error = error;
    this.#show("closed", this.#transport);
    for (const feed of this.#feeds.values()) this.#refuse(feed, error);
    this.#rejectAll(error ?? closed());
  }

  #rejectAll(error) {
    for (const { reject } of this.#asks.values()) reject(error);
    this.#asks.clear();
  }

  #save() {
    if (!this.#options.resume) return;
    for (const { filter, mode, cursor } of this.#feeds.values()) {
      if (mode === "every") this.#saved[filter] = cursor;
    }
    try {
      const text = JSON.stringify(this.#saved);
      sessionStorage.setItem(this.#options.resume, text);
    } catch {
      // Full, or forbidden: the page begins anew then.
    }
  }

  #show(state, transport) {
    if (state === this.#state && transport === this.#transport) return;
    this.#state = state;
    this.#transport = transport;
    const event = new Event("state");
    this.onstate?.(event);
    this.dispatchEvent(event);
  }
}

/** A subscription, made by `subscribe`. Leaving the iteration closes it. */
class Subscription {
  #feed;
  #leave;
  #updates;

  constructor(feed, leave) {
    this.#feed = feed;
    this.#leave = leave;
    this.#updates = feed.updates(leave);
  }
  /** What it was made for. */
  get filter() {
    return this.#feed.filter;
  }
  /** What to come back with: all before was handed over. */
  get cursor() {
    return this.#feed.cursor;
  }
  /** @returns {AsyncGenerator<Update, void>} */
  [Symbol.asyncIterator]() {
    return this.#updates;
  }
  /** Only the values, without what is told about them. */
  async *values() {
    for await (const { type, value } of this) if (type === "value") yield value;
  }
  /** Ends it. */
  close() {
    this.#leave();
  }
}

/** What came for a subscription, and waits for who iterates. */
class Feed {
  /** What was received: what comes next is newer. */
  since;
  /** Whether the hub has served it before: it may be subscribed. */
  known = false;
  #bound;
  /**
   * By number; by topic what the next of that topic replaces. Each with the cursor
   * to come back with as long as it is the first.
   */
  #queue = new Map();
  #count = 0;
  #numbered = 0;
  /** Stands for what had to make place. */
  #gap;
  #handed;
  /** For `delta`: the value of each topic that the connection has brought. */
  #values = new Map();
  /** Topics whose next value counts, whatever its cursor. */
  #void = new Set();
  #ended;
  #wake = () => {};

  constructor(filter, { mode = "latest", since, delta, presence, bound }) {
    this.filter = filter;
    this.mode = mode;
    this.delta = delta;
    this.presence = presence;
    this.since = this.#handed = since;
    this.#bound = bound;
  }

  get cursor() {
    if (this.#gap) return this.#handed;
    const [next] = this.#queue.values();
    return next ? next.before : this.since;
  }

  /** The command that asks for it. */
  command() {
    const { filter, mode, since, delta, presence } = this;
    this.#values.clear(); // The hub begins with whole values.
    return { type: "subscribe", filter, mode, since, delta, presence };
  }

  receive({ filter: _, ...update }) {
    const { type, topic, cursor } = update;
    const before = this.since;
    if (type === "patch") {
      const value = applyMergePatch(this.#values.get(topic), update.patch);
      return this.receive({ type: "value", topic, value, cursor });
    }
    if (type === "members" && !this.presence) return;
    if (type === "reset") this.#reset(topic);
    if (type === "gap" && isNewer(this.since, cursor)) return;
    if (type === "value") {
      if (!this.#void.delete(topic) && !isNewer(cursor, this.since)) return;
      if (this.delta) this.#values.set(topic, update.value);
    }
    if (cursor !== undefined) this.passed(cursor);
    this.#put(update, before);
  }

  /** All up to this cursor was received. */
  passed(cursor) {
    if (isNewer(cursor, this.since)) this.since = cursor;
  }

  #reset(topic) {
    if (topic === undefined) this.since = undefined;
    else this.#void.add(topic);
    for (const key of this.#queue.keys()) {
      if (typeof key === "string" && (topic ?? key) === key) {
        this.#queue.delete(key);
      }
    }
  }

  #put(update, before) {
    if (this.#ended) return;
    if (this.mode === "latest" && update.type === "value") {
      // In the place of the one that waits: what changes all the time comes, too.
      const waiting = this.#queue.get(update.topic) ?? { before };
      this.#queue.set(update.topic, { ...waiting, update });
    } else {
      this.#queue.set(this.#count++, { update, before });
      if (++this.#numbered > this.#bound) this.#makePlace();
    }
    this.#wake();
  }

  #makePlace() {
    for (const [key, { update }] of this.#queue) {
      const { type, cursor, missed } = update;
      if (typeof key === "string" || type === "reset") continue;
      this.#queue.delete(key);
      this.#numbered--;
      const count = type === "value" ? 1 : missed ?? 0;
      this.#gap = {
        type: "gap",
        cursor: cursor ?? this.#gap?.cursor ?? this.#handed,
        missed: (this.#gap?.missed ?? 0) + count,
      };
      return;
    }
  }

  #take() {
    let update = this.#gap;
    if (!update) {
      const [key, first] = this.#queue.entries().next().value;
      this.#queue.delete(key);
      if (typeof key === "number") this.#numbered--;
      ({ update } = first);
    }
    this.#gap = undefined;
    this.#handed = this.cursor;
    return update;
  }

  async *updates(leave) {
    try {
      for (;;) {
        while (this.#gap || this.#queue.size > 0) yield this.#take();
        if (this.#ended?.error) throw this.#ended.error;
        if (this.#ended) return;
        await new Promise((resolve) => this.#wake = resolve);
      }
    } finally {
      leave();
    }
  }

  /** With an error, once what has come is taken. */
  end(error) {
    this.#ended ??= { error };
    if (!error) {
      this.since = this.cursor; // What is dropped was not handed over.
      this.#queue.clear();
      this.#gap = undefined;
    }
    this.#wake();
  }
}

/** A hub over a WebSocket. */
class SocketLink {
  kind;
  #host;
  #socket;
  #timer;
  #epoch;
  #retry;
  /** How many answers to `unsubscribe` are due, by filter: what comes until then
   * is for a subscription that is no more. */
  #leaving = new Map();

  constructor(kind, host) {
    this.kind = kind;
    this.#host = host;
    this.#timer = setTimeout(() => this.#lost(), OPEN_WITHIN);
    try {
      this.#open();
    } catch {
      // Forbidden by the page's policy, or not there at all.
      queueMicrotask(() => this.#lost());
    }
  }

  #open() {
    const url = new URL(this.#host.url);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.#host.token) url.searchParams.set("token", this.#host.token);
    const socket = this.#socket = new WebSocket(url.href, SUBPROTOCOL);
    socket.onmessage = ({ data }) => {
      try {
        this.#receive(JSON.parse(data));
      } catch {
        this.#lost(); // It makes no sense: the next connection begins anew.
      }
    };
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  send(command) {
    this.#socket.send(JSON.stringify(command));
  }

  /** Before `hello` there is nothing to say: then all are subscribed. */
  subscribe(feed) {
    if (this.#epoch) this.send(feed.command());
  }

  unsubscribe({ filter }) {
    if (!this.#epoch) return;
    this.#leaving.set(filter, (this.#leaving.get(filter) ?? 0) + 1);
    this.send({ type: "unsubscribe", filter });
  }

  close() {
    clearTimeout(this.#timer);
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  #receive(message) {
    const { type, code } = message;
    const filter = message.filter ?? message.topic;
    const leaving = this.#leaving.get(filter);
    if (type === "hello") this.#hello(message);
    else if (type === "bye") this.#retry = message.retry;
    else if (message.ref !== undefined) this.#host.answer(message);
    else if (leaving) {
      if (type === "unsubscribed" || code === "not_subscribed") {
        this.#leaving.set(filter, leaving - 1);
      }
    } else if (type === "error") this.#host.answer(message);
    else if (this.#host.feeds.has(filter)) {
      this.#feed(this.#host.feeds.get(filter), message);
    }
  }

  #hello(message) {
    clearTimeout(this.#timer);
    this.#epoch = message.epoch;
    for (const feed of this.#host.feeds.values()) this.subscribe(feed);
    this.#host.answer(message);
    this.#host.opened(this);
  }

  #feed(feed, message) {
    if (message.type === "subscribed") {
      feed.known = true;
      // Should the connection be lost before the first value: all counts.
      feed.since ??= `${this.#epoch}.0`;
    } else feed.receive(message);
  }

  #lost(code = 1006, reason = "") {
    const error = (name) =>
      new PushError(name, `The hub closed with ${code}: ${reason}`);
    const final = code === 4403
      ? error("forbidden")
      : code === 1007 || code === 1008
      ? error("protocol_error")
      : undefined;
    const tooLarge = code === 1009 ? error("message_too_large") : undefined;
    this.close();
    this.#host.lost(this, { retry: this.#retry, final, tooLarge });
  }
}

/**
 * A hub over event streams or polls: one for all subscriptions of a mode, from the
 * oldest of their cursors on. A subscription is fetched once by itself first: so
 * it has a cursor, and a refusal is its own.
 */
class FetchLink {
  kind;
  #host;
  /** @type {Map<Mode, AbortController>} */
  #runs = new Map();
  #opened = false;
  #retry;

  constructor(kind, host) {
    this.kind = kind;
    this.#host = host;
    for (const mode of ["latest", "every"]) this.#run(mode);
  }

  subscribe({ mode }) {
    this.#run(mode);
  }

  unsubscribe({ mode }) {
    this.#run(mode);
  }

  close() {
    for (const run of this.#runs.values()) run.abort();
    this.#runs.clear();
  }

  async #run(mode) {
    this.#runs.get(mode)?.abort();
    const run = new AbortController();
    this.#runs.set(mode, run);
    await undefined; // For more subscriptions in this turn, one run is enough.
    try {
      if (this.#runs.get(mode) === run) await this.#follow(mode, run);
    } catch (error) {
      if (this.#runs.get(mode) === run) this.#lost(error);
    }
  }

  #of(mode) {
    return [...this.#host.feeds.values()].filter((feed) => feed.mode === mode);
  }

  async #follow(mode, run) {
    let strangers;
    while ((strangers = this.#of(mode).filter(({ known }) => !known)).length) {
      await Promise.all(strangers.map((feed) => this.#introduce(feed, run)));
      const epochs = new Set(this.#of(mode).map(({ since }) => epochOf(since)));
      if (epochs.size > 1) this.#forget();
    }
    const feeds = this.#of(mode);
    if (feeds.length === 0) {
      // With nothing to ask for, the other mode may still have to open.
      if (this.#host.feeds.size === 0) this.#open();
    } else if (this.kind === "poll") {
      for (let wait = 0;; wait = WAIT) {
        await this.#poll(feeds, { wait }, run);
        this.#open();
      }
    } else await this.#stream(feeds, run);
  }

  async #introduce(feed, run) {
    try {
      await this.#poll([feed], {}, run);
      feed.known = true;
    } catch (error) {
      if (!error.lasting || error.status === 401) throw error;
      this.#host.refuse(feed, error);
    }
  }

  async #poll(feeds, query, run) {
    const watch = watchdog(run);
    try {
      watch(OPEN_WITHIN + (query.wait ?? 0) * 1000);
      const response = await this.#get(feeds, query, run.signal);
      const messages = response.status === 200 ? await response.json() : [];
      if (run.signal.aborted) return;
      for (const message of messages) this.#receive(feeds, message);
      const [, cursor] = /"(.+)"/.exec(response.headers.get("etag")) ?? [];
      if (cursor) { for (const feed of feeds) feed.passed(cursor); }
    } finally {
      watch(0);
    }
  }

  async #stream(feeds, run) {
    const watch = watchdog(run);
    try {
      watch(OPEN_WITHIN);
      const accept = "text/event-stream";
      const response = await this.#get(feeds, {}, run.signal, accept);
      if (!response.headers.get("content-type")?.startsWith(accept)) {
        throw new PushError("not_a_stream", "The answer is no event stream");
      }
      const lines = linesOf(response.body, () => watch(SILENCE));
      for await (const { id, data, retry } of eventsOf(lines)) {
        if (run.signal.aborted) return;
        this.#open();
        if (retry) this.#retry = Number(retry);
        if (data) this.#receive(feeds, JSON.parse(data));
        if (id) { for (const feed of feeds) feed.passed(id); }
      }
      throw new PushError("stream_ended", "The event stream has ended");
    } finally {
      watch(0);
    }
  }

  async #get(feeds, query, signal, accept = "application/json") {
    const url = new URL(this.#host.url);
    for (const { filter } of feeds) url.searchParams.append("topic", filter);
    const [{ mode }] = feeds;
    const since = feeds.map((feed) => feed.since)
      .reduce((oldest, each) => isNewer(oldest, each) ? each : oldest);
    const presence = feeds.some((feed) => feed.presence) || undefined;
    const all = { mode, format: "envelope", since, presence, ...query };
    for (const [name, value] of Object.entries(all)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const { token } = this.#host;
    const headers = {
      accept,
      ...token && { authorization: `Bearer ${token}` },
    };
    const response = await fetch(url, { headers, signal, cache: "no-store" });
    if (response.ok || response.status === 304) return response;
    response.body?.cancel();
    throw refusal(response, feeds);
  }

  #receive(feeds, message) {
    if (message.type === "bye") this.#retry = message.retry;
    else if (message.type === "error") this.#host.answer(message);
    for (const feed of feeds) {
      if (message.topic === undefined || matches(feed.filter, message.topic)) {
        feed.receive(message);
      }
    }
  }

  #open() {
    if (!this.#opened) this.#host.opened(this);
    this.#opened = true;
  }

  /** Lets each subscription introduce itself again. */
  #forget() {
    for (const feed of this.#host.feeds.values()) feed.known = false;
  }

  #lost(error) {
    // Which subscription was refused, if it was one, shows when each is alone.
    if (error.lasting) this.#forget();
    const final = error.status === 401 ? error : undefined;
    this.close();
    this.#host.lost(this, { retry: error.retry ?? this.#retry, final });
  }
}

function closed() {
  return new PushError("closed", "The client is closed");
}

function notSupported() {
  const message =
    "Only a WebSocket carries commands, and it does not get through";
  return new PushError("not_supported", message);
}

function refusal({ status, headers }, feeds) {
  const code = { 401: "unauthorized", 403: "forbidden" }[status] ?? "refused";
  const filters = feeds.map(({ filter }) => `"${filter}"`).join(", ");
  const message = `The hub answered ${status} for ${filters}`;
  return Object.assign(new PushError(code, message), {
    status,
    lasting: status < 500 && ![408, 425, 429].includes(status),
    retry: Number(headers.get("retry-after")) * 1000 || undefined,
  });
}

async function deliver(subscription, callback) {
  try {
    for await (const update of subscription) {
      try {
        await callback(update);
      } catch (error) {
        reportError(error);
      }
    }
  } catch (error) {
    reportError(error); // The subscription was refused.
  }
}

function load(name) {
  const saved = Object.create(null); // A topic may be named as one of its members.
  try {
    const text = name === undefined ? null : sessionStorage.getItem(name);
    return Object.assign(saved, JSON.parse(text));
  } catch {
    return saved; // Forbidden, or not ours.
  }
}

function randomKey() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

/** Aborts unless it is called again in time; 0 stops it. */
function watchdog(run) {
  let timer;
  return (delay) => {
    clearTimeout(timer);
    if (delay > 0) timer = setTimeout(() => run.abort(), delay);
  };
}

/** The lines of an event stream, WHATWG HTML §9.2.6. */
async function* linesOf(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    // A CR that comes last may be half of a CRLF.
    const lines = (rest + value).split(/\r\n|\n|\r(?=[^\n])/);
    rest = lines.pop();
    yield* lines;
  }
}

async function* eventsOf(lines) {
  let event = {};
  for await (const line of lines) {
    const [, name, text] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (line === "") {
      yield event;
      event = {};
    } else if (name === "data" && "data" in event) event.data += `\n${text}`;
    else if (name !== "") event[name] = text;
  }
}

function epochOf(cursor = "") {
  return cursor.slice(0, cursor.lastIndexOf("."));
}

/** Whether a cursor is beyond another one, or of another epoch. */
function isNewer(cursor, than) {
  if (than === undefined || than === "oldest") return cursor !== than;
  if (cursor === undefined || cursor === "oldest") return false;
  const offset = (text) => Number(text.slice(text.lastIndexOf(".") + 1));
  return epochOf(cursor) !== epochOf(than) || offset(cursor) > offset(than);
}

/** Whether a filter matches a topic: `+` for a level, `#` for all below. */
function matches(filter, topic) {
  const names = topic.split("/");
  const levels = filter.split("/");
  const open = levels.at(-1) === "#" && levels.pop() === "#";
  return (open || names.length === levels.length) &&
    levels.every((level, i) =>
      level === names[i] || (level === "+" && i < names.length)
    );
}

/** JSON Merge Patch, RFC 7396 §2; the value stays as it is. */
function applyMergePatch(value, patch) {
  const isObject = (it) =>
    it !== null && typeof it === "object" && !Array.isArray(it);
  if (!isObject(patch)) return patch;
  const result = new Map(isObject(value) ? Object.entries(value) : []);
  for (const [name, part] of Object.entries(patch)) {
    if (part === null) result.delete(name);
    else result.set(name, applyMergePatch(result.get(name), part));
  }
  return Object.fromEntries(result);
}
