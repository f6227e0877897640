/**
 * The engine of a single hub whose topics outlive it, in a file.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { Clock } from "../../conn/clock.ts";
import type { Engine } from "./engine.ts";
import { randomName } from "../random_name.ts";
import { checkNotNegative, KEY_TTL } from "./_key_options.ts";
import { SqliteEngine } from "./_sqlite_engine.ts";
import { openFile } from "./_sqlite_file.ts";
import { wallTime } from "../wall_time.ts";

/** Options of {@linkcode sqliteEngine}. */
export interface SqliteEngineOptions {
  /**
   * Wait for the disk before a publish resolves. Without it, what was published
   * outlives the program, however that ends; when the machine goes down, the last
   * seconds may be lost. With it, nothing is; but publishing holds up the program
   * for as long as the disk takes, once for all that is published in a turn of the
   * event loop.
   *
   * @default {false}
   */
  durable?: boolean;
  /**
   * How long the key of a published value is remembered, in milliseconds.
   *
   * @default {600000}
   */
  keyTtl?: number;
  /** The clock that times go by; for tests. By default the system's. */
  clock?: Clock;
}

/**
 * Creates an engine that keeps the versions of one hub in an SQLite file: topics,
 * their history, keys and cursors are there again after a restart. No other hub,
 * and no other program, can open the file as long as the hub has it; beside it
 * there is one that ends in `-wal`, which belongs to it.
 *
 * It wants the permissions to read and write the file.
 *
 * @param path The file's path, or its `file:` URL. A hub that opens the engine
 * makes the file if it is not there, but not its folder.
 * @param options How safe, and how long keys are remembered.
 * @returns The engine, for one hub. Opening it throws a {@linkcode ConnError} with
 * code `"engine_unavailable"` if the file cannot be read and written, is something
 * else, or is in use.
 * @throws {RangeError} If an option is out of its range.
 * @throws {TypeError} If the path is empty, or the URL no `file:` URL.
 *
 * @example A value that is there after a restart
 * ```ts
 * import { type EngineListener, sqliteEngine } from "@meerkat/net/push";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * const listener: EngineListener = {
 *   versions() {},
 *   reload() {},
 *   removed() {},
 *   signal() {},
 *   reachable() {},
 * };
 *
 * const before = sqliteEngine(path);
 * const { epoch } = await before.open(listener);
 * await before.publish({ topic: "lucky", data: "42" });
 * await before.close();
 *
 * const after = sqliteEngine(path);
 * const state = await after.open(listener);
 * assertEquals(state.epoch, epoch);
 * assertEquals(state.versions[0]?.data, "42");
 * await after.close();
 * await Deno.remove(path);
 * ```
 */
export function sqliteEngine(
  path: string | URL,
  options: SqliteEngineOptions = {},
): Engine {
  const { durable = false, keyTtl = KEY_TTL, clock } = options;
  checkNotNegative("keyTtl", keyTtl);
  const file = typeof path === "string" ? path : fromFileUrl(path);
  if (file === "") throw new TypeError('Cannot use "" as the path of a file');
  return new SqliteEngine(file, (path) => openFile(path, randomName()), {
    durable,
    keyTtl,
    time: wallTime(clock),
  });
}
