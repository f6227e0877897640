/**
 * Follows a configuration file.
 *
 * @module
 */

import { dirname } from "@std/path";
import { type Clock, systemClock } from "../../conn/clock.ts";
import { ConfigError } from "./config_error.ts";
import type { FileConfig } from "./file_config.ts";
import { parseConfig } from "./parse.ts";

/** Options of {@linkcode watchConfig}. */
export interface WatchConfigOptions {
  /**
   * Called with each new configuration that is right. The file is not read again
   * before its promise is settled; if it fails, `onError` gets to know, and the
   * configuration counts as not taken.
   */
  onChange(config: FileConfig): void | Promise<void>;
  /**
   * Called with why a configuration was refused: a {@linkcode ConfigError}, or
   * what `onChange` threw. The old one stays. It must not throw.
   */
  onError(error: unknown): void;
  /** Ends the watch, as {@linkcode ConfigWatcher.close} does. */
  signal?: AbortSignal;
  /**
   * The time from the first sign of a change to reading the file, in
   * milliseconds: who writes it may not be done at once.
   *
   * @default {100}
   */
  delay?: number;
  /**
   * Where the time comes from.
   *
   * @default {systemClock}
   */
  clock?: Clock;
}

/** A configuration file that is watched. */
export interface ConfigWatcher extends Disposable {
  /** The last configuration that was right and taken; at first, the first. */
  readonly config: FileConfig;
  /**
   * Reads the file now, as a program does on SIGHUP. If it is wrong, `onError`
   * gets to know, even if it is as wrong as before.
   *
   * @returns Settles when that is done, and `onChange` with it; never fails.
   */
  reload(): Promise<void>;
  /** Ends the watch. Nothing is called any more. */
  close(): void;
}

/**
 * Reads a configuration file, and again whenever it changes: written in place, or
 * replaced by another file or link of its name (as editors and Kubernetes do). If
 * it is a link to a file in another folder, changes of that file itself are not
 * seen.
 *
 * @param file Where it is.
 * @param options What to call, when, and until when.
 * @returns The first configuration, and the watch.
 * @throws {ConfigError} If there is no first configuration.
 *
 * @example A change
 * ```ts
 * import { watchConfig } from "@meerkat/net/balancer";
 * import { assertEquals } from "@std/assert";
 *
 * const file = await Deno.makeTempFile({ suffix: ".jsonc" });
 * await Deno.writeTextFile(file, `{ "routes": [], "drainRate": 10 }`);
 *
 * const changed = Promise.withResolvers<number | undefined>();
 * using watcher = await watchConfig(file, {
 *   onChange: (config) => changed.resolve(config.drainRate),
 *   onError: (error) => changed.reject(error),
 * });
 * assertEquals(watcher.config.drainRate, 10);
 * await Deno.writeTextFile(file, `{ "routes": [], "drainRate": 20 }`);
 * assertEquals(await changed.promise, 20);
 * ```
 */
export async function watchConfig(
  file: string,
  options: WatchConfigOptions,
): Promise<ConfigWatcher> {
  options.signal?.throwIfAborted();
  // Before the first look, so that no change is between the two.
  const events = watchFolder(file);
  try {
    const text = await read(file);
    if (typeof text !== "string") throw text;
    const config = parseConfig(text, file);
    options.signal?.throwIfAborted();
    return new Watcher(file, text, config, events, options);
  } catch (error) {
    events.close();
    throw error;
  }
}

class Watcher implements ConfigWatcher {
  readonly #file: string;
  readonly #events: Deno.FsWatcher;
  readonly #options: WatchConfigOptions;
  readonly #clock: Clock;
  readonly #onAbort = () => this.close();
  #config: FileConfig;
  /** The text of that configuration. */
  #taken: string;
  /** What the last look at the file found: its text, or why there was none. */
  #seen: string;
  /** Settles when all looks are over; never fails. */
  #turn: Promise<void> = Promise.resolve();
  #timer: unknown;
  #isClosed = false;

  constructor(
    file: string,
    text: string,
    config: FileConfig,
    events: Deno.FsWatcher,
    options: WatchConfigOptions,
  ) {
    this.#file = file;
    this.#taken = this.#seen = text;
    this.#config = config;
    this.#events = events;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    options.signal?.addEventListener("abort", this.#onAbort);
    this.#follow();
  }

  get config(): FileConfig {
    return this.#config;
  }

  reload(): Promise<void> {
    return this.#look(true);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#clock.clearTimeout(this.#timer);
    this.#events.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Waits for events of the folder. Which of its entries leads to the file is not
   * asked: a link on the way may have changed, so each is a sign.
   */
  async #follow(): Promise<void> {
    try {
      for await (const event of this.#events) {
        // This one may have been on its way here already.
        if (this.#isClosed) return;
        // Reading the file is such an event, too.
        if (event.kind === "access" || this.#timer !== undefined) continue;
        // The first sign starts the wait and no other one prolongs it: something
        // else in the folder may change all the time.
        this.#timer = this.#clock.setTimeout(() => {
          this.#timer = undefined;
          this.#look(false);
        }, this.#options.delay ?? 100);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Looks at the file once all looks before are over. */
  #look(isAsked: boolean): Promise<void> {
    return this.#turn = this.#turn.then(async () => {
      if (this.#isClosed) return;
      try {
        await this.#take(await read(this.#file), isAsked);
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  async #take(found: string | ConfigError, isAsked: boolean): Promise<void> {
    const seen = String(found);
    // What has been told is not told again because something else has changed.
    if (this.#isClosed || seen === this.#seen && !isAsked) return;
    this.#seen = seen;
    if (typeof found !== "string") throw found;
    if (found === this.#taken) return;
    const config = parseConfig(found, this.#file);
    await this.#options.onChange(config);
    this.#config = config;
    this.#taken = found;
  }

  #fail(error: unknown): void {
    if (!this.#isClosed) this.#options.onError(error);
  }
}

function watchFolder(file: string): Deno.FsWatcher {
  try {
    return Deno.watchFs(dirname(file), { recursive: false });
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function read(file: string): Promise<string | ConfigError> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    return unreadable(file, error);
  }
}

function unreadable(file: string, cause: unknown): ConfigError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const problem = { path: "", message: `Cannot read the file: ${why}` };
  return new ConfigError([problem], { file, cause });
}
