// The two ways to zlib, and the engines that connections share.

import { handlesWork } from "./_handle.ts";
import { handleMakers } from "./_handle_engines.ts";
import { plainMakers } from "./_plain_engines.ts";

/** What every engine can do. */
export interface Engine {
  /** Forgets what went through. */
  reset(): void;
  /** Frees its memory. */
  close(): void;
}

/** Compresses. */
export interface DeflateEngine extends Engine {
  /**
   * Compresses a piece, up to an empty block that ends it: 00 00 ff ff.
   *
   * @param piece At least one byte.
   * @param strip How many bytes to leave out at the end.
   * @returns A new array.
   */
  deflate(piece: Uint8Array, strip: number): Uint8Array;
}

/** Decompresses. */
export interface InflateEngine extends Engine {
  /**
   * Decompresses a piece of a message.
   *
   * @param piece The piece.
   * @param final Whether the message ends with it.
   * @param room How many bytes it may come to.
   * @returns A new array; what is missing in it comes with the next piece.
   * @throws {ConnError} If there is no room, or it is not DEFLATE.
   */
  inflate(piece: Uint8Array, final: boolean, room: number): Uint8Array;
}

/** A way to make engines. */
export interface EngineMakers {
  /** Makes one that compresses. */
  deflate(windowBits: number, level: number, memLevel: number): DeflateEngine;
  /** Makes one that decompresses. */
  inflate(windowBits: number): InflateEngine;
}

/** How many engines with the same parameters are kept for the next message. */
const MAX_IDLE = 2;

/** Engines that keep nothing between messages, so any connection takes any. */
export class EnginePool<E extends Engine> {
  readonly #idle: E[] = [];
  readonly #make: () => E;

  constructor(make: () => E) {
    this.#make = make;
  }

  /** Makes an engine for one connection alone. */
  make(): E {
    return this.#make();
  }

  /** Takes an engine for one message. */
  take(): E {
    return this.#idle.pop() ?? this.#make();
  }

  /** Gives it back after that. */
  give(engine: E): void {
    if (this.#idle.length >= MAX_IDLE) return engine.close();
    engine.reset();
    this.#idle.push(engine);
  }
}

/** The pools of a way to zlib, one for each set of parameters. */
export class Engines {
  readonly #makers: EngineMakers;
  readonly #deflate = new Map<number, EnginePool<DeflateEngine>>();
  readonly #inflate = new Map<number, EnginePool<InflateEngine>>();

  constructor(makers: EngineMakers) {
    this.#makers = makers;
  }

  /**
   * The engines that compress with these parameters. zlib knows no window of 2^8
   * bytes, but with one of 2^9 it refers back 250 bytes at most.
   */
  deflate(
    windowBits: number,
    level: number,
    memLevel: number,
  ): EnginePool<DeflateEngine> {
    const bits = Math.max(windowBits, 9);
    const key = bits << 8 | level << 4 | memLevel;
    let pool = this.#deflate.get(key);
    if (pool === undefined) {
      const makers = this.#makers;
      pool = new EnginePool(() => makers.deflate(bits, level, memLevel));
      this.#deflate.set(key, pool);
    }
    return pool;
  }

  /** The engines that decompress with a window. */
  inflate(windowBits: number): EnginePool<InflateEngine> {
    let pool = this.#inflate.get(windowBits);
    if (pool === undefined) {
      pool = new EnginePool(() => this.#makers.inflate(windowBits));
      this.#inflate.set(windowBits, pool);
    }
    return pool;
  }
}

let engines: Engines | undefined;

/** The engines of this thread. */
export function threadEngines(): Engines {
  return engines ??= new Engines(handlesWork() ? handleMakers : plainMakers);
}

/**
 * The engine that a direction of a connection uses: one of its own, made when the
 * first message comes, or one of the pool for the length of a message.
 */
export class EngineSlot<E extends Engine> {
  readonly #pool: EnginePool<E>;
  readonly #own: boolean;
  #engine: E | undefined;
  #closed = false;

  constructor(pool: EnginePool<E>, own: boolean) {
    this.#pool = pool;
    this.#own = own;
  }

  /** Whether it can be used no more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The engine for what comes now. */
  use(): E {
    return this.#engine ??= this.#own ? this.#pool.make() : this.#pool.take();
  }

  /** Ends a message. */
  end(): void {
    if (this.#own || this.#engine === undefined) return;
    this.#pool.give(this.#engine);
    this.#engine = undefined;
  }

  /** Forgets what went through. */
  forget(): void {
    this.#engine?.reset();
  }

  /** Frees the memory, for good. */
  close(): void {
    this.#closed = true;
    this.#engine?.close();
    this.#engine = undefined;
  }
}
