// The file that the versions of one hub are kept in: what makes it one, and that
// nobody else has it open.

import { DatabaseSync } from "node:sqlite";
import type { ConnError } from "../../conn/error.ts";
import { unavailable } from "./unavailable.ts";

/** Marks the files of this engine: "MKph" in ASCII. */
const APPLICATION_ID = 0x4d4b7068;
/** So many KiB of the file are held in memory: keys come in no order. */
const CACHE = 16_384;
/** The version of the tables. */
const SCHEMA = 1;

/**
 * - `sequence`, one row: the offsets' epoch, and one that no offset is above.
 * - `keys`: which keys were used, for which offset, and when they are forgotten.
 */
const TABLES = `
CREATE TABLE sequence (epoch TEXT NOT NULL, ceiling INTEGER NOT NULL) STRICT;
CREATE TABLE versions (
  offset INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  previous INTEGER NOT NULL,
  at INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX versions_by_topic ON versions (topic, offset);
CREATE TABLE keys (
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  offset INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  UNIQUE (topic, key)
) STRICT;
CREATE INDEX keys_by_time ON keys (expires);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA};
`;

/**
 * Opens the file for this hub alone, and makes it if it is not there.
 *
 * @param path Its path.
 * @param epoch Names the offsets of a file that is made.
 * @throws {ConnError} With code `"engine_unavailable"`, if it cannot be opened,
 * is something else, or another hub has it.
 */
export function openFile(path: string, epoch: string): DatabaseSync {
  let file: DatabaseSync | undefined;
  try {
    file = new DatabaseSync(path);
    // Held until it is closed, or the process ends, in whichever way.
    file.exec("PRAGMA locking_mode = EXCLUSIVE");
    const isNew = checkKind(file);
    // Only now that it is ours to change.
    file.exec("PRAGMA journal_mode = WAL");
    file.exec(`PRAGMA cache_size = ${-CACHE}`);
    file.exec("BEGIN IMMEDIATE");
    if (isNew) {
      file.exec(TABLES);
      file.prepare("INSERT INTO sequence VALUES (?, 0)").run(epoch);
    }
    file.exec("COMMIT");
    return file;
  } catch (error) {
    file?.close();
    throw cannotOpen(path, error);
  }
}

/** Makes the error of a file that cannot be used, from what SQLite says. */
export function cannotOpen(path: string, error: unknown): ConnError {
  const message = `Cannot open the engine's file "${path}": ${reason(error)}`;
  return unavailable(message, error);
}

/**
 * Checks that a file is one of this engine, or empty.
 *
 * @returns Whether it is empty.
 */
function checkKind(file: DatabaseSync): boolean {
  const id = pragma(file, "application_id");
  const schema = pragma(file, "user_version");
  if (id === APPLICATION_ID) {
    if (schema === SCHEMA) return false;
    throw new Error(`its schema is ${schema}, expected ${SCHEMA}`);
  }
  const tables = file.prepare("SELECT count(*) AS n FROM sqlite_schema").get();
  if (id === 0 && schema === 0 && tables?.n === 0) return true;
  throw new Error("it is a database of another program");
}

function pragma(file: DatabaseSync, name: string): unknown {
  return file.prepare(`PRAGMA ${name}`).get()?.[name];
}

/** SQLite's primary result code for a file that another connection has locked. */
const BUSY = 5;

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errcode } = error as { errcode?: number };
  return errcode !== undefined && (errcode & 0xff) === BUSY
    ? "another hub has it open, expected one hub for each file"
    : error.message;
}
