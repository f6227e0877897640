import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "./_usage.ts";
import { parseCommandLine, parseUrl } from "./_websocket_args.ts";

const NAMES = { values: ["url", "m"], switches: ["i", "reconnect"] } as const;

Deno.test("parseCommandLine reads options with one dash or two", () => {
  for (const dash of ["-", "--"]) {
    const parsed = parseCommandLine(
      [`${dash}url`, "ws://a", `${dash}m=b=c`, `${dash}reconnect`, "-i"],
      NAMES,
    );
    assertEquals(parsed?.values, { url: "ws://a", m: "b=c" });
    assertEquals(parsed?.switches, new Set(["i", "reconnect"] as const));
  }
});

Deno.test("parseCommandLine takes a value as it is", () => {
  for (const m of ["-i", "--help", "", "a\nb", "007", "="]) {
    const parsed = parseCommandLine(["-m", m], NAMES);
    assertEquals(parsed, { values: { m }, switches: new Set<never>() });
  }
});

Deno.test("parseCommandLine leaves out what was not given", () => {
  assertEquals(parseCommandLine([], NAMES), {
    values: {},
    switches: new Set<never>(),
  });
});

Deno.test("parseCommandLine gives undefined for a cry for help", () => {
  assertEquals(parseCommandLine(["--help"], NAMES), undefined);
  assertEquals(parseCommandLine(["-i", "-help"], NAMES), undefined);
});

Deno.test("parseCommandLine refuses what it does not know", () => {
  const cases: [string[], string][] = [
    [["-x"], 'Unknown option "-x"'],
    [["-xyz"], 'Unknown option "--xyz"'],
    [["more"], 'Unknown option "more"'],
    [["-url"], "Option -url needs a value"],
    [["-m", "a", "-m", "b"], "Option -m may be given only once"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseCommandLine(args, NAMES), UsageError, message);
  }
});

Deno.test("parseUrl takes WebSocket URLs alone", () => {
  assertEquals(parseUrl("wss://[::1]:1/a?b").port, "1");
  for (const value of ["", "localhost:8000", "http://localhost", "ws://"]) {
    assertThrows(
      () => parseUrl(value),
      UsageError,
      `Option -url is "${value}", expected ws://HOST:PORT or wss://HOST:PORT`,
    );
  }
});
