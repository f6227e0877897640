import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import { parseCommand } from "./parse.ts";
import type { ClientMessage } from "./protocol.ts";

/** The error that a message is answered with. */
function refusal(message: unknown): ConnError {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  const error = assertThrows(
    () => parseCommand(text),
    ConnError,
    undefined,
    text,
  );
  assertEquals([error.code, error.side], ["command_invalid", "remote"]);
  return error;
}

/** One command of each type with the fields that it needs, and with all. */
const COMMANDS: ClientMessage[] = [
  { type: "subscribe", filter: "plant/#" },
  {
    type: "subscribe",
    filter: "plant/+",
    mode: "every",
    since: "k3f9a.12",
    delta: true,
    presence: false,
  },
  { type: "subscribe", filter: "", mode: "latest" },
  { type: "unsubscribe", filter: "a" },
  { type: "publish", ref: 1, topic: "a", value: null },
  { type: "publish", ref: -1, topic: "a", value: { a: [1, "é"] }, key: "k" },
  { type: "presence", ref: 0, topic: "a" },
  { type: "authorize", ref: 2 ** 53 - 1, token: "" },
];

Deno.test("parseCommand reads every command, with and without what may be left out", () => {
  for (const command of COMMANDS) {
    assertEquals(parseCommand(JSON.stringify(command)), command);
  }
});

Deno.test("parseCommand leaves out what a command does not have", () => {
  for (const command of COMMANDS) {
    const more = { ...command, extra: 1, mode2: "x", toString: 3 };
    assertEquals(parseCommand(JSON.stringify(more)), command);
  }
  assertEquals(
    parseCommand('{"type":"unsubscribe","filter":"a","mode":7,"ref":"x"}'),
    { type: "unsubscribe", filter: "a" },
  );
});

Deno.test("parseCommand answers 1007 to what is no JSON", () => {
  for (
    const text of ["", "{", "subscribe", '{"type":"subscribe",}', "\u0000"]
  ) {
    assertEquals(refusal(text).reply, 1007);
  }
});

Deno.test("parseCommand answers 1008 to JSON that is no command", () => {
  const wrong: unknown[] = [
    null,
    1,
    '"subscribe"',
    [],
    [{ type: "subscribe", filter: "a" }],
    {},
    { type: null },
    { type: 1 },
    { type: ["subscribe"] },
    { type: "hello" },
    { type: "Subscribe" },
    { type: "toString" },
    { type: "__proto__" },
    { type: "constructor" },
  ];
  for (const json of wrong) assertEquals(refusal(json).reply, 1008);
  const inherited = '{"__proto__":{"type":"unsubscribe","filter":"a"}}';
  assertEquals(refusal(inherited).reply, 1008);
});

/** What no field takes but `value`. */
const NEVER = [null, {}, [], 1.5, ["a"]];

Deno.test("parseCommand refuses every field of a wrong type, and one that is missing", () => {
  const optional = new Set(["mode", "since", "delta", "presence", "key"]);
  for (const command of COMMANDS) {
    for (const name of Object.keys(command)) {
      if (name === "type") continue;
      const { [name]: _, ...without } = command as unknown as Record<
        string,
        unknown
      >;
      if (optional.has(name)) parseCommand(JSON.stringify(without));
      else assertEquals(refusal(without).reply, 1008);
      if (name === "value") continue;
      for (const value of NEVER) {
        const { message } = refusal({ ...command, [name]: value });
        assert(message.includes(`"${name}" of "${command.type}"`), message);
      }
    }
  }
  refusal({ type: "subscribe", filter: "a", mode: "all" });
  refusal({ type: "subscribe", filter: "a", delta: 1 });
  refusal({ type: "presence", ref: 2 ** 53, topic: "a" });
  refusal({ type: "presence", ref: "1", topic: "a" });
});

Deno.test("parseCommand says what is wrong in few words", () => {
  assertEquals(
    refusal({ type: "presence", ref: 1 }).message,
    'Cannot read the command: "topic" of "presence" is missing, expected a string',
  );
  const long = refusal({ type: "x".repeat(60_000) }).message;
  assert(long.length < 160, long);
});

Deno.test("parseCommand reads values of any depth", () => {
  const depth = 30_000;
  const value = "[".repeat(depth) + "]".repeat(depth);
  const text = `{"type":"publish","ref":1,"topic":"a","value":${value}}`;
  const command = parseCommand(text);
  assertEquals(command.type, "publish");
});

Deno.test("parseCommand gives a command or a ConnError, whatever comes", () => {
  const field = fc.constantFrom(
    "type",
    "filter",
    "mode",
    "since",
    "delta",
    "presence",
    "ref",
    "topic",
    "value",
    "key",
    "token",
    "__proto__",
    "constructor",
  );
  const type = fc.constantFrom(...COMMANDS.map(({ type }) => type));
  const json = fc.oneof(
    fc.dictionary(field, fc.oneof(fc.jsonValue(), type)),
    fc.tuple(type, fc.dictionary(field, fc.jsonValue()))
      .map(([type, rest]) => ({ ...rest, type })),
    fc.constantFrom(...COMMANDS),
    fc.jsonValue(),
  );
  const message = fc.oneof(
    json.map((json) => JSON.stringify(json)),
    fc.string({ unit: "binary" }),
    // A command of which a part is missing.
    fc.tuple(json, fc.nat(200)).map(([json, end]) =>
      JSON.stringify(json).slice(0, end)
    ),
  );
  fc.assert(
    fc.property(message, (message) => {
      let command: ClientMessage;
      try {
        command = parseCommand(message);
      } catch (error) {
        assert(error instanceof ConnError);
        assertEquals(error.code, "command_invalid");
        return;
      }
      // What was read is read the same again, and came from the message.
      const again = JSON.stringify(command);
      assertEquals(parseCommand(again), command);
      const source = JSON.parse(message);
      for (const [name, value] of Object.entries(command)) {
        assertEquals(value, source[name]);
      }
    }),
    { numRuns: 500 },
  );
});
