import { Buffer } from "node:buffer";
import type { EngineListener, EngineState, Version } from "./engine.ts";
import {
  type Entries,
  type NewEntries,
  parseVersion,
  removedTopic,
} from "./_redis_lines.ts";

/** So many batches are held while the hub is behind; then the log has to do. */
const MAX_HELD = 10_000;

/** Up to where a hub has followed the log. */
export interface Position {
  /** The epoch, empty if it has followed none. */
  readonly epoch: string;
  /** The seq of the last entry. */
  readonly seq: number;
  /** Its line, empty if it is not known. */
  readonly line: Buffer;
}

/** Who is told what a follower finds. */
export interface FollowerOptions {
  /** Gets what is in the log, in order. */
  readonly listener: Pick<EngineListener, "versions" | "removed" | "reload">;
  /** Entries were missed, or belong to another epoch: the store must be asked. */
  behind(): void;
  /** The position has changed. */
  moved(): void;
}

/**
 * Follows the log of a store: tells a hub of each entry once, in order. Entries
 * come from the channel, and from the log itself; what came before is left out,
 * and what leaves a hole is held until the hole is filled.
 */
export class Follower {
  readonly #options: FollowerOptions;
  #position: Position = { epoch: "", seq: 0, line: Buffer.of() };
  #following = false;
  /** The seq that is known to exist. */
  #target = 0;
  /** What came from the channel and was not looked at yet. */
  #held: NewEntries[] = [];

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Up to where it has followed. */
  get position(): Position {
    return this.#position;
  }

  /** Whether it is known that there is more in the log. */
  get isBehind(): boolean {
    return this.#position.seq < this.#target;
  }

  /** Takes what came from the channel. */
  receive(entries: NewEntries): void {
    if (!this.#following) return this.#hold(entries);
    if (entries.epoch === this.#position.epoch && this.#take(entries)) return;
    this.#following = false;
    this.#hold(entries);
    this.#options.behind();
  }

  /** Takes what was read from the log, which has no hole. */
  read(entries: Entries): void {
    this.#take(entries);
  }

  /** Notes how far the log goes. */
  note(seq: number): void {
    this.#target = Math.max(this.#target, seq);
  }

  /** Holds what comes from here on, until {@linkcode resume}. */
  pause(): void {
    this.#following = false;
  }

  /** Looks at what was held, and follows the channel if that leaves no hole. */
  resume(): void {
    const { epoch } = this.#position;
    const held = this.#held.filter((entries) => entries.epoch === epoch);
    this.#held = [];
    this.#following = true;
    for (const entries of held) this.receive(entries);
    if (!this.#following || !this.isBehind) return;
    this.#following = false;
    this.#options.behind();
  }

  /** Goes on from another position: all that there is was told otherwise. */
  restart(position: Position): void {
    this.#position = position;
    this.#target = position.seq;
    this.#held = this.#held.filter(({ epoch }) => epoch === position.epoch);
    for (const { seq, lines } of this.#held) this.note(seq + lines.length - 1);
  }

  /** Tells the listener of everything anew, and goes on from there. */
  reload(position: Position, state: EngineState): void {
    this.restart(position);
    this.#options.listener.reload(state);
    this.#options.moved();
  }

  #hold(entries: NewEntries): void {
    if (this.#held.length === MAX_HELD) this.#held = [];
    this.#held.push(entries);
    if (entries.epoch !== this.#position.epoch) return;
    this.note(entries.seq + entries.lines.length - 1);
  }

  /**
   * Tells what is new.
   *
   * @returns Whether there is no hole before it.
   */
  #take({ seq, lines }: Entries): boolean {
    const next = this.#position.seq + 1;
    if (seq > next) return false;
    const fresh = lines.slice(next - seq);
    const line = fresh.at(-1);
    if (line === undefined) return true;
    const { epoch } = this.#position;
    this.#position = { epoch, seq: next + fresh.length - 1, line };
    this.#tell(fresh);
    this.#options.moved();
    return true;
  }

  #tell(lines: readonly Buffer[]): void {
    const { listener } = this.#options;
    let versions: Version[] = [];
    const flush = () => {
      if (versions.length > 0) listener.versions(versions);
      versions = [];
    };
    for (const line of lines) {
      const topic = removedTopic(line);
      if (topic === undefined) versions.push(parseVersion(line));
      else {
        flush();
        listener.removed(topic);
      }
    }
    flush();
  }
}
