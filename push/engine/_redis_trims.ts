import type { Version } from "./engine.ts";

/** The log is measured in pieces: so many make up all that it may have. */
const PIECES = 16;

/** What may be dropped. */
export interface Trims {
  /** The seq that the log may begin at. */
  readonly seq: number;
  /** By topic, the offset up to which its versions may go. */
  readonly topics: ReadonlyMap<string, number>;
}

/** Collects what may be dropped, for now and then. */
export class RedisTrims {
  readonly #pieceBytes: number;
  /** The offset of each topic's newest version. */
  readonly #newest = new Map<string, number>();
  #topics = new Map<string, number>();
  /** The seqs that the last pieces of the log began at. */
  #pieces: number[] = [];
  #bytes = 0;
  /** The seq that the log may begin at, and whether that is news. */
  #seq = 0;
  #grown = false;

  /**
   * Creates a collection.
   *
   * @param logBytes About how many bytes of values the log may have.
   */
  constructor(logBytes: number) {
    this.#pieceBytes = logBytes / PIECES;
  }

  /** Versions of a topic may go, up to an offset; not the newest of today. */
  add(topic: string, offset: number): void {
    const last = Math.min(offset, (this.#newest.get(topic) ?? 0) - 1);
    if (last > (this.#topics.get(topic) ?? 0)) this.#topics.set(topic, last);
  }

  /** The log has grown, up to a seq. */
  grow(versions: readonly Version[], seq: number): void {
    for (const { offset, topic, data } of versions) {
      this.#newest.set(topic, offset);
      this.#bytes += topic.length + data.length;
    }
    if (this.#bytes < this.#pieceBytes) return;
    this.#bytes = 0;
    this.#pieces.push(seq + 1);
    if (this.#pieces.length <= PIECES) return;
    this.#seq = this.#pieces.shift()!;
    this.#grown = true;
  }

  /** A topic is gone. */
  remove(topic: string): void {
    this.#newest.delete(topic);
    this.#topics.delete(topic);
  }

  /** Begins anew, with these. */
  restart(versions: readonly Version[]): void {
    this.#newest.clear();
    for (const { topic, offset } of versions) this.#newest.set(topic, offset);
    this.#topics = new Map();
    this.#pieces = [];
    this.#bytes = 0;
    this.#seq = 0;
    this.#grown = false;
  }

  /** Takes what may be dropped, if anything may. */
  take(): Trims | undefined {
    if (this.#topics.size === 0 && !this.#grown) return undefined;
    const topics = this.#topics;
    this.#topics = new Map();
    this.#grown = false;
    return { seq: this.#seq, topics };
  }
}
