/**
 * How much memory the contexts of compression may take.
 *
 * @module
 */

import type { DeflateParams } from "./params.ts";

/**
 * The memory that contexts of compression take. Past the limit, new connections
 * are compressed without contexts: they take memory only while a message is under
 * way. It breaks no connection that is there.
 */
export interface DeflateBudget {
  /**
   * The limit in bytes, for connections to come; 0 for no contexts at all,
   * `Infinity` for no limit. Throws a `RangeError` if it is set to less, or to
   * what is not a number.
   *
   * @default {134217728} (128 MiB), about 330 connections with both contexts
   */
  limit: number;
  /** Bytes that the contexts of all present connections may come to. */
  readonly used: number;
}

/** Memory that is counted until it is released. */
export class Reservation {
  #release: (() => void) | undefined;

  /** Creates a reservation that calls `release` once. */
  constructor(release: () => void) {
    this.#release = release;
  }

  /** Gives the memory back. The second time, nothing happens. */
  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}

/** A budget that handshakes ask, and that contexts count for. */
export class ContextBudget implements DeflateBudget {
  #limit: number;
  #used = 0;

  /**
   * Creates a budget.
   *
   * @param limit In bytes.
   * @throws {RangeError} If it is negative or not a number.
   */
  constructor(limit: number) {
    this.#limit = checkLimit(limit);
  }

  /** See {@linkcode DeflateBudget.limit}. */
  get limit(): number {
    return this.#limit;
  }

  /** Sets the limit, for connections to come. */
  set limit(limit: number) {
    this.#limit = checkLimit(limit);
  }

  /** See {@linkcode DeflateBudget.used}. */
  get used(): number {
    return this.#used;
  }

  /** Whether so many bytes more stay within the limit. */
  fits(bytes: number): boolean {
    return this.#used + bytes <= this.#limit;
  }

  /** Counts bytes until the reservation is released. */
  reserve(bytes: number): Reservation {
    this.#used += bytes;
    return new Reservation(() => this.#used -= bytes);
  }
}

/** The budget of this thread, as this module uses it. */
export const threadBudget: ContextBudget = new ContextBudget(128 * 1024 ** 2);

/**
 * The budget of this thread: all WebSocket connections share it, servers' and
 * clients'.
 *
 * @example Half of the memory
 * ```ts
 * import { deflateBudget } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(deflateBudget.limit, 128 * 1024 * 1024);
 * deflateBudget.limit /= 2;
 * assertEquals(deflateBudget.used, 0); // there is no connection yet
 * deflateBudget.limit *= 2;
 * ```
 */
export const deflateBudget: DeflateBudget = threadBudget;

/**
 * What a context that compresses takes when it is full. Fits what zlib-ng was
 * measured to take within 1 %: window and chains twice two bytes for each place,
 * 128 KiB of hash table, four bytes for each symbol of a block.
 *
 * @param windowBits The window, as a power of two.
 * @param memLevel The length of a block, 1 to 9.
 * @returns Bytes.
 */
export function deflaterSize(windowBits: number, memLevel: number): number {
  return (4 << windowBits) + (4 << memLevel + 6) + 138 * 1024;
}

/**
 * What a context that decompresses takes when it is full.
 *
 * @param windowBits The window, as a power of two.
 * @returns Bytes.
 */
export function inflaterSize(windowBits: number): number {
  return (1 << windowBits) + 40 * 1024;
}

/**
 * What the contexts of a connection take.
 *
 * @param role Which side this is.
 * @param params What was agreed on, and the length of a block here.
 * @returns Bytes; 0 if each message is compressed by itself.
 */
export function contextsSize(
  role: "server" | "client",
  params: DeflateParams & { readonly memLevel: number },
): number {
  const server = role === "server";
  const { serverMaxWindowBits, clientMaxWindowBits, memLevel } = params;
  let size = 0;
  if (!params.serverNoContextTakeover) {
    size += server
      ? deflaterSize(serverMaxWindowBits, memLevel)
      : inflaterSize(serverMaxWindowBits);
  }
  if (!params.clientNoContextTakeover) {
    size += server
      ? inflaterSize(clientMaxWindowBits)
      : deflaterSize(clientMaxWindowBits, memLevel);
  }
  return size;
}

function checkLimit(limit: number): number {
  if (limit >= 0) return limit;
  throw new RangeError(
    `Cannot set "limit" to ${limit}: expected a number of bytes`,
  );
}
