import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { ConfigError } from "./config_error.ts";
import { parseConfig } from "./parse.ts";
import { resolveConfig } from "./resolve.ts";

/** What is said of a text that is refused. */
function refusal(text: string, file?: string): string[] {
  const error = assertThrows(() => parseConfig(text, file), ConfigError);
  return error.message.split("\n");
}

Deno.test("comments and trailing commas are JSON here", () => {
  const config = parseConfig(`{
    // A line.
    "routes": [ /* none */ ],
    "drainRate": 5,
  }`);
  assertEquals(config.drainRate, 5);
  assertEquals(resolveConfig(config).drainRate, 5);
});

Deno.test("a byte order mark is no part of a file", () => {
  assertEquals(parseConfig('\ufeff{"routes": []}').routes, []);
  assertEquals(refusal('\ufeff{"routs": []}')[1]?.slice(0, 4), "1:2:");
});

Deno.test("each problem has its line and column, in the order of the file", () => {
  const text = `{
  "routes": [
    { "upstream": "ap" },
    {
      "prefix": "api",
\t"upstrem": "app"
    }
  ],
  "upstreams": {
    "app": { "backends": ["127.0.0.1"] }
  }
}`;
  assertEquals(refusal(text, "lb.jsonc"), [
    'lb.jsonc:3:19: routes[0].upstream: Cannot use "ap": ' +
    'expected one of the upstreams "app"',
    'lb.jsonc:5:17: routes[1].prefix: Cannot use "api": ' +
    'expected a path that begins with "/"',
    'lb.jsonc:6:2: routes[1].upstrem: Cannot use the unknown option "upstrem": ' +
    'did you mean "upstream"?',
    'lb.jsonc:10:27: upstreams.app.backends[0]: Cannot use "127.0.0.1": ' +
    'expected "host:port", "http://host:port", "https://host:port" or "unix:/path"',
  ]);
});

Deno.test("a problem is an object, too", () => {
  const error = assertThrows(
    () => parseConfig('{\r\n"routes": 1}', "lb.jsonc"),
    ConfigError,
  );
  assertEquals(error.file, "lb.jsonc");
  assertEquals(error.problems, [{
    path: "routes",
    message: "Cannot use 1: expected a list of routes",
    line: 2,
    column: 11,
  }]);
});

Deno.test("an option that is there twice is refused, not the last one taken", () => {
  const text = `{ "routes": [], "via": "a", "via": "b" }`;
  assertEquals(refusal(text), ['1:29: via: Cannot use "via" twice']);
  const deep = `{ "routes": [], "upstreams": { "a": { "backends": [] },
    "a": { "backends": [ { "address": "a:1", "address": "b:1" } ] } } }`;
  assertEquals(refusal(deep), [
    '2:5: upstreams.a: Cannot use "a" twice',
    '2:46: upstreams.a.backends[0].address: Cannot use "address" twice',
  ]);
});

const SYNTAX: Record<string, string> = {
  "": "1:1: Cannot read the end: expected a value",
  "{": '1:2: Cannot read the end: expected a closing brace ("}")',
  '{\n"routes" []}': '2:10: Cannot read "[": expected a colon (":")',
  '{"routes": [] "via": 1}':
    '1:15: Cannot read "\\"via\\"": expected a comma (",")',
  "{routes: []}":
    '1:2: Cannot read "routes": expected a value, in quotes (") if it is a text',
  "{'routes': []}":
    `1:2: Cannot read "'routes'": expected a value, in quotes (") if it is a text`,
  '{"routes': '1:2: Cannot read "\\"routes": expected the end of the text (")',
  '{"routes": []} {}':
    '1:16: Cannot read "{": expected nothing after the first value',
  '{"routes": [}': '1:13: Cannot read "}": expected a value',
  '{"routes": []} /*':
    '1:16: Cannot read "/*": expected the end of the comment ("*/")',
  '{"via": "\\x"}':
    '1:9: Cannot read "\\"\\\\x\\"": expected an escape that JSON has',
};

for (const [text, expected] of Object.entries(SYNTAX)) {
  Deno.test(`a text that is not JSON is refused: ${expected}`, () => {
    assertEquals(refusal(text), [expected]);
  });
}

Deno.test("no text makes reading it fail otherwise", () => {
  const parts = [
    ...'{}[]:,"\\/*\n ',
    '"routes"',
    '"a"',
    "1",
    "-",
    "null",
    "//",
  ];
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...parts)).map((some) => some.join("")),
    fc.json(),
  );
  fc.assert(fc.property(text, (text) => {
    try {
      parseConfig(text);
    } catch (error) {
      assertInstanceOf(error, ConfigError);
    }
  }));
});

Deno.test("the example file is a configuration", async () => {
  const file = new URL("../../examples/load_balancer.jsonc", import.meta.url);
  const config = parseConfig(await Deno.readTextFile(file), file.pathname);
  resolveConfig(config);
  assertEquals(config.listen?.port, 8000);
});
