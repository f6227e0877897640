import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HttpDriver, latin1, type TestHandler } from "./_test_driver.ts";
import type { HttpRole } from "./machine.ts";
import { requests, type Sample } from "./testdata/requests.ts";
import { responses } from "./testdata/responses.ts";

const answerAtEnd: TestHandler = (event, driver) => {
  if (event.type !== "end") return;
  driver.send({ type: "response", status: 200, body: "" });
};

/** Begins a connection on which the samples of a role make sense. */
function begin(role: HttpRole, method = "GET"): HttpDriver {
  if (role === "server") return new HttpDriver("server", answerAtEnd);
  const driver = new HttpDriver("client");
  driver.send({
    type: "request",
    method,
    target: method === "CONNECT" ? "a:1" : "/",
    fields: { Host: "a" },
    body: "",
  });
  driver.output = "";
  return driver;
}

/** What came out, as the tables write it. */
function verdict(driver: HttpDriver): string[] {
  const lines = [...driver.log];
  const before = driver.closed;
  if (!before) driver.end();
  if (driver.log.length > lines.length || (!before && driver.error)) {
    lines.push("eof", ...driver.log.slice(lines.length));
  }
  if (driver.error !== undefined) {
    const { reply, code } = driver.error;
    lines.push(reply === undefined ? `! ${code}` : `! ${reply} ${code}`);
  } else if (before) {
    lines.push("close");
  }
  return lines;
}

/** The last of the messages that a server wrote. */
function lastAnswer(output: string): string {
  return output.slice(output.lastIndexOf("HTTP/1.1 "));
}

function checkRefusal(driver: HttpDriver, role: HttpRole): void {
  if (driver.error === undefined) return;
  assertEquals(driver.error.side, "remote");
  // Only a server has last words, and has to get them across.
  assertEquals(driver.aborted, role === "client");
  if (role === "client") return assertEquals(driver.output, "");
  const [head, body] = lastAnswer(driver.output).split("\r\n\r\n");
  assert(head!.startsWith(`HTTP/1.1 ${driver.error.reply} `), head);
  assert(head!.includes("\r\nConnection: close"), head);
  assert(head!.includes(`\r\nContent-Length: ${body!.length}`), head);
}

/** Feeds a sample in pieces that end at the given offsets. */
function feedSplit(driver: HttpDriver, input: string, ends: number[]): void {
  const bytes = latin1(input);
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    if (end <= from) continue;
    driver.feed(bytes.subarray(from, end));
    from = end;
  }
}

function method(role: HttpRole, sample: Sample): string {
  return role === "client" ? /^\[(\w+)\]/.exec(sample[1])?.[1] ?? "GET" : "GET";
}

/** Long samples byte by byte are slow, so they come in larger bites. */
function bites(length: number): number[] {
  const step = length > 2_000 ? 251 : 1;
  return Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step);
}

function sampleTests(
  role: HttpRole,
  samples: readonly Sample[],
  trailing: (expected: string[]) => [string, string[]] | undefined,
): void {
  for (const sample of samples) {
    const [section, what, input, ...expected] = sample;
    Deno.test(`HttpMachine as a ${role} judges ${what} (RFC ${section})`, () => {
      const whole = begin(role, method(role, sample));
      whole.feed(input);
      assertEquals(verdict(whole), expected, "fed whole");
      checkRefusal(whole, role);

      const byByte = begin(role, method(role, sample));
      feedSplit(byByte, input, bites(input.length));
      assertEquals(verdict(byByte), expected, "fed byte by byte");
      assertEquals(byByte.output, whole.output);

      const more = trailing(expected);
      if (more === undefined) return;
      const followed = begin(role, method(role, sample));
      followed.feed(input + more[0]);
      assertEquals(verdict(followed), more[1], "with trailing bytes");
    });
  }
}

function isConnect(expected: string[]): boolean {
  return expected[0]!.startsWith("request CONNECT");
}

const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

sampleTests("server", requests, (expected) => {
  // What follows a CONNECT that is answered 200 is not HTTP.
  if (expected.includes("eof") || isConnect(expected)) return undefined;
  const last = expected.at(-1)!;
  if (last === "close" || last.startsWith("!")) return [NEXT, expected];
  return [NEXT, [...expected, "request GET /next 1.1 0", "end"]];
});

sampleTests("client", responses, (expected) => {
  if (expected.includes("eof")) return undefined;
  const last = expected.at(-1)!;
  if (last === "close" || last.startsWith("!")) return ["x", expected];
  return last === "end" ? ["x", [...expected, "! unexpected_data"]] : undefined;
});

Deno.test("The tables hold enough samples, each once", () => {
  assert(requests.length >= 150, `${requests.length} requests`);
  assert(responses.length >= 60, `${responses.length} responses`);
  for (const samples of [requests, responses]) {
    assertEquals(new Set(samples.map((s) => s[1])).size, samples.length);
  }
});

for (
  const [role, samples] of [["server", requests], [
    "client",
    responses,
  ]] as const
) {
  Deno.test(`HttpMachine as a ${role} tells the same events for any splits`, () => {
    const splits = fc.record({
      sample: fc.constantFrom(...samples),
      points: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
        maxLength: 8,
      }),
    });
    fc.assert(
      fc.property(splits, ({ sample, points }) => {
        const [, , input, ...expected] = sample;
        const driver = begin(role, method(role, sample));
        const ends = points.map((point) => Math.floor(point * input.length));
        feedSplit(driver, input, ends.sort((a, b) => a - b));
        assertEquals(verdict(driver), expected);
      }),
      { numRuns: 600, seed: 9112 },
    );
  });

  Deno.test(`HttpMachine as a ${role} tells the same events to a handler that pauses`, () => {
    for (const sample of samples) {
      const [, , input, ...expected] = sample;
      if (input.length > 2_000) continue;
      const driver = pausing(role, method(role, sample));
      driver.feed(input);
      for (let i = 0; i < 40; i++) driver.resume();
      assertEquals(verdict(driver), expected, sample[1]);
    }
  });
}

/** Puts a byte into a sample, in the place of so many others. */
function mutate(input: string, at: number, removed: number, byte: string) {
  const from = Math.floor(at * input.length);
  return input.slice(0, from) + byte + input.slice(from + removed);
}

for (
  const [role, samples] of [["server", requests], [
    "client",
    responses,
  ]] as const
) {
  Deno.test(`HttpMachine as a ${role} judges a damaged sample alike for any splits`, () => {
    const where = fc.double({ min: 0, max: 1, noNaN: true });
    const damaged = fc.record({
      sample: fc.constantFrom(...samples.filter((s) => s[2].length < 2_000)),
      at: where,
      removed: fc.integer({ min: 0, max: 2 }),
      byte: fc.constantFrom(
        ..."\0\t\n\r :;,=0159aAfFgzZ-_/*\x7f\x80\xff",
        "",
        "\r\n",
        "\r\n\r\n",
      ),
      points: fc.array(where, { maxLength: 6 }),
    });
    fc.assert(
      fc.property(damaged, ({ sample, at, removed, byte, points }) => {
        const input = mutate(sample[2], at, removed, byte);
        const whole = begin(role, method(role, sample));
        whole.feed(input);
        const split = begin(role, method(role, sample));
        const ends = points.map((point) => Math.floor(point * input.length));
        feedSplit(split, input, ends.sort((a, b) => a - b));
        // A line that never ends may be judged when it comes, or at the end.
        const judged = [whole, split].map((driver) =>
          verdict(driver).filter((line) => line !== "eof")
        );
        assertEquals(judged[1], judged[0]);
        assertEquals(split.output, whole.output);
        checkRefusal(whole, role);
      }),
      { numRuns: 1_500, seed: 9110 },
    );
  });
}

/** As `begin`, but each event pauses. */
function pausing(role: HttpRole, method: string): HttpDriver {
  const driver = new HttpDriver(role, (event, driver) => {
    if (role === "server") answerAtEnd(event, driver);
    return "pause";
  });
  if (role === "client") {
    driver.send({
      type: "request",
      method,
      target: method === "CONNECT" ? "a:1" : "/",
      fields: { Host: "a" },
      body: "",
    });
    driver.output = "";
  }
  return driver;
}
