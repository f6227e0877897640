/**
 * Reading what a client sends.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { ClientMessage, Mode } from "./protocol.ts";

/** A JSON object, of which nothing is known yet. */
type Json = Readonly<Record<string, unknown>>;

/** How a command of each type is read. */
const READERS: {
  readonly [T in ClientMessage["type"]]: (
    json: Json,
  ) => ClientMessage & { type: T };
} = {
  subscribe: (json) => ({
    type: "subscribe",
    filter: text(json, "filter"),
    ...optional(json, "mode", mode),
    ...optional(json, "since", text),
    ...optional(json, "delta", flag),
    ...optional(json, "presence", flag),
  }),
  unsubscribe: (json) => ({
    type: "unsubscribe",
    filter: text(json, "filter"),
  }),
  publish: (json) => ({
    type: "publish",
    ref: ref(json),
    topic: text(json, "topic"),
    value: value(json),
    ...optional(json, "key", text),
  }),
  presence: (json) => ({
    type: "presence",
    ref: ref(json),
    topic: text(json, "topic"),
  }),
  authorize: (json) => ({
    type: "authorize",
    ref: ref(json),
    token: text(json, "token"),
  }),
};

/**
 * Reads a client's message. All fields of a command are checked for their types,
 * and nothing beyond: whether a topic, filter or cursor is valid is for others to
 * say. Fields that the command does not have are left out.
 *
 * @param message The text of the message.
 * @returns The command.
 * @throws {ConnError} With code `"command_invalid"`; `reply` is 1007 for what is
 * no JSON, 1008 for what is no command.
 */
export function parseCommand(message: string): ClientMessage {
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    throw invalid("it is no JSON", 1007);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid("expected a JSON object");
  }
  const { type } = json as Json;
  if (typeof type !== "string" || !Object.hasOwn(READERS, type)) {
    throw invalid(
      `its "type" is ${shown(type)}, expected one of ${
        Object.keys(READERS).map((name) => `"${name}"`).join(", ")
      }`,
    );
  }
  return READERS[type as ClientMessage["type"]](json as Json);
}

/** A field that may be left out, as an object that has it or not. */
function optional<K extends string, V>(
  json: Json,
  name: K,
  read: (json: Json, name: K) => V,
): { [key in K]?: V } {
  if (!Object.hasOwn(json, name)) return {};
  return { [name]: read(json, name) } as { [key in K]?: V };
}

function text(json: Json, name: string): string {
  const value = json[name];
  if (typeof value === "string") return value;
  throw unfit(json, name, "a string");
}

function flag(json: Json, name: string): boolean {
  const value = json[name];
  if (typeof value === "boolean") return value;
  throw unfit(json, name, "true or false");
}

function mode(json: Json, name: string): Mode {
  const value = json[name];
  if (value === "latest" || value === "every") return value;
  throw unfit(json, name, '"latest" or "every"');
}

function ref(json: Json): number {
  const { ref } = json;
  if (Number.isSafeInteger(ref)) return ref as number;
  throw unfit(json, "ref", "an integer");
}

/** Any JSON, but it must be there: `null` is a value. */
function value(json: Json): unknown {
  if (Object.hasOwn(json, "value")) return json.value;
  throw unfit(json, "value", "a value");
}

function unfit(json: Json, name: string, expected: string): ConnError {
  return invalid(
    `"${name}" of "${json.type}" is ${shown(json[name])}, expected ${expected}`,
  );
}

function invalid(reason: string, reply = 1008): ConnError {
  return new ConnError(`Cannot read the command: ${reason}`, {
    code: "command_invalid",
    side: "remote",
    reply,
  });
}

/** A value for a message, in a few words: it ends up in a close frame. */
function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  switch (typeof value) {
    case "string":
      return value.length <= 20 ? `"${value}"` : "a longer string";
    case "object":
      return Array.isArray(value) ? "an array" : "an object";
    default:
      return String(value);
  }
}
