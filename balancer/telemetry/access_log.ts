/**
 * The access log: lines are collected, and written behind the data path's back.
 *
 * @module
 */

import { type Clock, systemClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import {
  type AccessLogFormat,
  type LineFormat,
  lineFormat,
} from "./access_format.ts";
import type { ExchangeRecord } from "./record.ts";

export type { AccessLogFormat } from "./access_format.ts";

/** So many bytes are written at once. */
const CHUNK_SIZE = 64 * 1024;
/** So many bytes may wait for a sink that is slow, or that fails. */
const MAX_WAITING = 4 * 1024 * 1024;
/** How long a line waits for others, and a sink that failed for another try. */
const INTERVAL = 1000;

/**
 * Writes bytes to a file or a stream.
 *
 * @param bytes Whole lines; only the rest of a write that was cut short may begin
 * in the middle of one. They are not changed any more.
 * @returns How many of them were taken; nothing if all were. `Deno.FsFile.write`
 * fits.
 */
export type LogWriter = (bytes: Uint8Array) => Promise<number | void>;

/** Options of {@linkcode accessLog}. */
export interface AccessLogOptions {
  /**
   * What a line looks like:
   * - `"seed"`: `1465822060 GET / backend=127.0.0.1:8910`, with the time in seconds
   *   since the epoch;
   * - `"combined"`: the format of that name of nginx and Apache;
   * - `"json"`: an object, with all that is known of the request.
   */
  format: AccessLogFormat;
  /** Where lines go. There is one call at a time. */
  write: LogWriter;
  /**
   * Hears of the first failure of `write`, and of the first after it has worked
   * again. It must not throw.
   */
  onError?: (error: ConnError) => void;
  /** The clock. */
  clock?: Clock;
}

/** An access log. */
export interface AccessLog {
  /**
   * How many lines were lost: because 4 MiB waited already, or because the log was
   * closed. Where lines are missing, a line says how many.
   */
  readonly dropped: number;
  /** Adds the line of a request. Never waits, never throws. */
  log(record: ExchangeRecord): void;
  /**
   * Lets the lines from here on, and all that wait, go somewhere else.
   *
   * @param write The new place.
   * @returns Resolves when the old one is not used any more.
   */
  reopen(write: LogWriter): Promise<void>;
  /**
   * Writes all that was logged until now.
   *
   * @throws {ConnError} With code `"log_failed"`, if `write` fails. What was not
   * written waits on.
   */
  flush(): Promise<void>;
  /**
   * Writes what waits, and ends the log. Once is enough; more calls do nothing
   * else.
   *
   * @throws {ConnError} With code `"log_failed"`, if `write` fails. What was not
   * written is lost.
   */
  close(): Promise<void>;
}

/**
 * Makes an access log.
 *
 * Lines are written when there are 64 KiB of them, and once a second. If `write`
 * cannot keep up, or fails, up to 4 MiB wait; lines beyond that are dropped and
 * counted. A write that failed is tried again after a second, or when the log is
 * flushed, from where it broke off.
 *
 * @param options The format, and where lines go.
 */
export function accessLog(options: AccessLogOptions): AccessLog {
  return new BufferedLog(options);
}

class BufferedLog implements AccessLog {
  readonly #format: LineFormat;
  readonly #clock: Clock;
  readonly #onError: ((error: ConnError) => void) | undefined;
  #write: LogWriter;
  /** Lines that are being collected: ASCII, so their length is that in bytes. */
  #text = "";
  /** What is to be written; while there is a write, the first is. */
  readonly #chunks: Uint8Array[] = [];
  /** The bytes of all chunks. */
  #queued = 0;
  /** The bytes that were made chunks, and those that were written, ever. */
  #cutAt = 0;
  #writtenAt = 0;
  /** The write that is under way: settles when it is over, never rejects. */
  #writing: Promise<void> | undefined;
  /** Why the last write failed. */
  #failure: ConnError | undefined;
  #timer: unknown;
  #dropped = 0;
  /** Lines dropped since the last that was not, and the time of the last. */
  #missing = 0;
  #missingTime = 0;
  #closed: Promise<void> | undefined;

  constructor(options: AccessLogOptions) {
    this.#format = lineFormat(options.format);
    this.#write = options.write;
    this.#onError = options.onError;
    this.#clock = options.clock ?? systemClock;
  }

  get dropped(): number {
    return this.#dropped;
  }

  log(record: ExchangeRecord): void {
    const line = this.#format.line(record);
    const waiting = this.#queued + this.#text.length;
    if (this.#closed !== undefined || waiting + line.length > MAX_WAITING) {
      this.#dropped++;
      this.#missing++;
      this.#missingTime = record.time;
      return;
    }
    if (this.#missing > 0) this.#addNote();
    this.#text += line;
    if (this.#text.length >= CHUNK_SIZE) {
      this.#cut();
      // If it fails, only the timer tries again.
      if (this.#failure === undefined) this.#start();
    } else if (this.#timer === undefined) this.#setTimer();
  }

  async reopen(write: LogWriter): Promise<void> {
    this.#write = write;
    await this.#writing;
  }

  async flush(): Promise<void> {
    if (this.#missing > 0) this.#addNote();
    this.#cut();
    const end = this.#cutAt;
    // A write that is under way may have to be followed by others; after one that
    // failed there is none.
    this.#start();
    while (this.#writtenAt < end && this.#writing !== undefined) {
      await this.#writing;
    }
    if (this.#writtenAt < end) throw this.#failure;
  }

  close(): Promise<void> {
    return this.#closed ??= this.#end();
  }

  async #end(): Promise<void> {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.flush();
  }

  #addNote(): void {
    this.#text += this.#format.note(this.#missing, this.#missingTime);
    this.#missing = 0;
  }

  #setTimer(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#cut();
      this.#start();
    }, INTERVAL);
    this.#clock.unrefTimer?.(this.#timer);
  }

  /** Makes a chunk of the lines that were collected. */
  #cut(): void {
    if (this.#text === "") return;
    const bytes = encoder.encode(this.#text);
    this.#text = "";
    this.#chunks.push(bytes);
    this.#queued += bytes.length;
    this.#cutAt += bytes.length;
  }

  /** Writes chunks until there are none, or one fails. */
  #start(): void {
    if (this.#writing !== undefined || this.#chunks.length === 0) return;
    this.#writing = this.#writeChunk(this.#write).then(() => {
      this.#writing = undefined;
      if (this.#failure === undefined) this.#start();
      else if (this.#timer === undefined && this.#closed === undefined) {
        this.#setTimer();
      }
    });
  }

  /** Writes the first chunk; the old place gets all of it, also while reopening. */
  async #writeChunk(write: LogWriter): Promise<void> {
    try {
      for (let rest = this.#chunks[0]!; rest.length > 0;) {
        const count = Math.min(await write(rest) ?? rest.length, rest.length);
        if (!(count > 0)) throw new TypeError("Nothing was taken");
        rest = this.#chunks[0] = rest.subarray(count);
        this.#queued -= count;
        this.#writtenAt += count;
      }
      this.#chunks.shift();
      this.#failure = undefined;
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #fail(cause: unknown): void {
    const isFirst = this.#failure === undefined;
    this.#failure = new ConnError(
      `Cannot write the access log: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { code: "log_failed", side: "local", cause },
    );
    if (isFirst) this.#onError?.(this.#failure);
  }
}

const encoder = new TextEncoder();
