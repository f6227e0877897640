/**
 * What clients saw and what backends did, and whether the two agree.
 *
 * @module
 */

/** What must never happen; each is counted, and shown with its first cases. */
const NEVER = {
  lost: "acknowledged POSTs that no backend did",
  doubled: "POSTs that were done twice",
  sentTwice: "POSTs that were sent twice",
  leftDone: "POSTs that the client left, done nevertheless",
  wrongPost: "POSTs whose body came corrupt",
  failedGet: "GETs that failed while a backend lived",
  corrupt: "responses that look complete, and are not what was asked for",
  undrained: "WebSockets that were drained without a proper close",
  lostSocket: "WebSockets that ended without a cause",
  badEcho: "WebSocket echoes that were not what was sent",
  handshake: "WebSocket handshakes that failed while a backend lived",
  notQuiet: "POSTs to a backend that was drained",
  broken: "things that the balancer itself did wrong",
} as const;

/** The name of something that must never happen. */
export type Violation = keyof typeof NEVER;

/** Cases that are shown of each violation. */
const SHOWN = 5;

/** Counts everything. */
export class Ledger {
  /** What just counts, by what it is called. */
  readonly counts = new Map<string, number>();
  /** Backends that get nothing new, by the names of their instances. */
  readonly quiet = new Set<string>();
  /** Says what is going on, beside each violation. */
  context: () => string = () => "";
  readonly #violations = new Map<
    Violation,
    { count: number; cases: string[] }
  >();
  /** For each POST, how often its head came to a backend, and how often all did. */
  readonly #heads = new Map<string, number>();
  readonly #posts = new Map<string, number>();
  readonly #acknowledged = new Set<string>();
  readonly #left = new Set<string>();

  /** Counts something that may happen. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Counts something that must not happen. */
  violated(what: Violation, details: string): void {
    const found = this.#violations.get(what) ?? { count: 0, cases: [] };
    this.#violations.set(what, found);
    found.count++;
    if (found.cases.length >= SHOWN) return;
    const context = this.context();
    found.cases.push(context === "" ? details : `${details} (${context})`);
  }

  /** A client has a success for a POST. */
  acknowledged(id: string): void {
    this.#acknowledged.add(id);
  }

  /** A client left in the middle of a POST. */
  left(id: string): void {
    this.#left.add(id);
  }

  /** Takes a line of a backend's log, see `_chaos_backend.mjs`. */
  logged(backend: string, line: string): void {
    const [what, id = ""] = line.split(" ");
    if (what === "head") {
      add(this.#heads, id);
      if (this.quiet.has(backend)) {
        this.violated("notQuiet", `${id} at ${backend}`);
      }
    }
    if (what === "post") add(this.#posts, id);
    if (what === "wrong") {
      this.violated("wrongPost", `${id} at ${backend}`);
    }
  }

  /** Compares both sides, once all logs have been read. */
  close(): void {
    for (const id of this.#acknowledged) {
      if (!this.#posts.has(id)) this.violated("lost", id);
    }
    for (const [id, count] of this.#posts) {
      if (count > 1) this.violated("doubled", `${id}, ${count} times`);
      if (this.#left.has(id)) this.violated("leftDone", id);
      if (!this.#acknowledged.has(id)) {
        this.count("POSTs done, not acknowledged");
      }
    }
    for (const [id, count] of this.#heads) {
      if (count > 1) this.violated("sentTwice", `${id}, ${count} times`);
    }
  }

  /** Whether nothing happened that must not. */
  get isClean(): boolean {
    return this.#violations.size === 0;
  }

  /** Both tables, as text. */
  report(): string {
    const line = (count: number, what: string) =>
      `  ${String(count).padStart(8)}  ${what}`;
    const lines = ["What happened:"];
    for (const [what, count] of [...this.counts].sort()) {
      lines.push(line(count, what));
    }
    lines.push("", "What must not happen:");
    for (const [name, what] of Object.entries(NEVER)) {
      const found = this.#violations.get(name as Violation);
      lines.push(line(found?.count ?? 0, what));
      for (const each of found?.cases ?? []) {
        lines.push(`${" ".repeat(14)}${each}`);
      }
    }
    return lines.join("\n");
  }
}

function add(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}
