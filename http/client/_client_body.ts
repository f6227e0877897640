// A response body that a connection fills.

import { ConnError } from "../../conn/error.ts";
import { type ByteSource, concat, sourceStream } from "./byte_source.ts";
import type { ClientBody } from "./client_body.ts";
import type { Fields } from "../codec/fields.ts";

/** Above this many bytes that nobody has read, reading from the network pauses. */
const HIGH_MARK = 64 * 1024;

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const resolved = Promise.resolve();

/** Gets to know that a body will not be read to its end. */
export interface BodyOwner {
  cancelled(reason: unknown): void;
}

/** A body that a connection fills, event by event. */
export class FilledBody implements ClientBody {
  #pieces: Uint8Array[] = [];
  #size = 0;
  #state: "open" | "ended" | "failed" = "open";
  #error: unknown;
  #trailers: Fields | undefined;
  #used = false;
  /** All that comes is wanted, without a pause, up to so many bytes. */
  #collect = 0;
  readonly #maxBuffered: number;
  /** Told if the body is given up; the connection, until the body has ended. */
  #owner: BodyOwner | undefined;
  /** Who waits for a piece, or for the end. */
  #reader: (() => void) | undefined;
  /** Lets the connection go on. */
  #resume: (() => void) | undefined;
  #trailersWanted: PromiseWithResolvers<Fields> | undefined;

  constructor(owner: BodyOwner | undefined, maxBuffered: number) {
    this.#owner = owner;
    this.#maxBuffered = maxBuffered;
  }

  // The connection's side.

  /** Takes a piece; the promise, if any, asks to wait. */
  push(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#state !== "open") return undefined;
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (this.#collect > 0) {
      if (this.#size > this.#collect) this.cancel(tooLarge(this.#collect));
      return undefined;
    }
    this.#wake();
    if (this.#size <= HIGH_MARK) return undefined;
    return new Promise((resolve) => this.#resume = resolve);
  }

  /** Takes the end. */
  end(trailers: Fields): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#owner = undefined;
    this.#trailers = trailers;
    this.#trailersWanted?.resolve(trailers);
    this.#wake();
  }

  /** Takes a failure: nothing more will come. */
  fail(error: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "failed";
    this.#owner = undefined;
    this.#error = error;
    this.#trailersWanted?.reject(error);
    this.#goOn();
    this.#wake();
  }

  /** Says that the pieces go elsewhere, so that nobody can read them here. */
  use(): void {
    this.#used = true;
  }

  get ended(): boolean {
    return this.#state === "ended";
  }

  // The program's side.

  get used(): boolean {
    return this.#used;
  }

  /** Settles when the body has come to its end. */
  get trailers(): Promise<Fields> {
    if (this.#trailersWanted === undefined) {
      this.#trailersWanted = Promise.withResolvers();
      if (this.#trailers !== undefined) {
        this.#trailersWanted.resolve(this.#trailers);
      } else if (this.#state === "failed") {
        this.#trailersWanted.reject(this.#error);
      }
    }
    return this.#trailersWanted.promise;
  }

  bytes(): Promise<Uint8Array> {
    return this.#all(joined);
  }

  text(): Promise<string> {
    return this.#all(decoded);
  }

  json<T = unknown>(): Promise<T> {
    return this.#all(parsed) as Promise<T>;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return sourceStream(this.source());
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return iterate(this.source());
  }

  cancel(
    reason: unknown = new ConnError("The body was cancelled", {
      code: "aborted",
      side: "local",
    }),
  ): void {
    const owner = this.#owner;
    this.#pieces.length = this.#size = 0;
    this.#used = true;
    this.fail(reason);
    owner?.cancelled(reason);
  }

  /** Reads it piece by piece. */
  source(): ByteSource {
    this.#begin();
    return {
      read: () => this.#read(),
      cancel: (reason) => {
        this.cancel(reason);
        return resolved;
      },
    };
  }

  /** The pieces, if all of them are there and nobody has read them. */
  takeWhole(): Uint8Array | undefined {
    if (this.#state !== "ended" || this.#used) return undefined;
    this.#begin();
    return this.#take();
  }

  #begin(): void {
    if (this.#used) throw bodyUsed();
    this.#used = true;
  }

  #all<T>(convert: (bytes: Uint8Array) => T): Promise<T> {
    if (this.#state === "ended" && !this.#used) {
      this.#used = true;
      if (this.#size > this.#maxBuffered) {
        return Promise.reject(tooLarge(this.#maxBuffered));
      }
      try {
        return Promise.resolve(convert(this.#take()));
      } catch (error) {
        return Promise.reject(error);
      }
    }
    return this.#collected(convert);
  }

  async #collected<T>(convert: (bytes: Uint8Array) => T): Promise<T> {
    this.#begin();
    this.#collect = this.#maxBuffered;
    if (this.#size > this.#collect) this.cancel(tooLarge(this.#collect));
    this.#goOn();
    while (this.#state === "open") await this.#next();
    if (this.#state === "failed") throw this.#error;
    return convert(this.#take());
  }

  async #read(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0) {
      if (this.#state === "ended") return undefined;
      if (this.#state === "failed") throw this.#error;
      await this.#next();
    }
    const piece = this.#pieces.shift()!;
    this.#size -= piece.length;
    if (this.#size <= HIGH_MARK) this.#goOn();
    return piece;
  }

  #take(): Uint8Array {
    const bytes = concat(this.#pieces, this.#size);
    this.#pieces.length = this.#size = 0;
    return bytes;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#reader = resolve);
  }

  #wake(): void {
    this.#reader?.();
    this.#reader = undefined;
  }

  #goOn(): void {
    this.#resume?.();
    this.#resume = undefined;
  }
}

/** Goes through a source. */
export function iterate(
  source: ByteSource,
): AsyncIterator<Uint8Array, undefined> {
  return {
    async next() {
      const value = await source.read();
      return value === undefined ? { done: true, value } : { value };
    },
    async return() {
      await source.cancel();
      return { done: true, value: undefined };
    },
  };
}

function joined(bytes: Uint8Array): Uint8Array {
  return bytes;
}

/** Reads UTF-8. */
export function decoded(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Reads JSON. */
export function parsed(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes));
}

function bodyUsed(): ConnError {
  return new ConnError("Cannot read the body: it is read already", {
    code: "body_used",
    side: "local",
  });
}

/** The error of a body over `maxBufferedSize`. */
export function tooLarge(maximum: number): ConnError {
  return new ConnError(
    `Cannot read the body: it is over ${maximum} bytes`,
    { code: "response_too_large", side: "remote" },
  );
}

/** The length of a body piece in bytes. */
export function byteLength(piece: Uint8Array | string): number {
  return typeof piece === "string"
    ? encoder.encode(piece).length
    : piece.length;
}
