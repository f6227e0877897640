import { assertEquals } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { Fields } from "../../http/codec/fields.ts";
import type { HttpEvent } from "../../http/codec/message.ts";
import { type CheckResult, Verdict } from "./_verdict.ts";

const KIB = 1024;
const END: HttpEvent = { type: "end", trailers: new Fields() };

function response(status: number): HttpEvent {
  const head = {
    status,
    reason: "",
    version: "1.1" as const,
    fields: new Fields(),
    contentLength: undefined,
    keepAlive: false,
  };
  return { type: "response", head };
}

function body(text: string): HttpEvent {
  return { type: "body", bytes: new TextEncoder().encode(text) };
}

/** The first result, and how many events it took. */
function judge(
  events: HttpEvent[],
  wanted?: string,
): [CheckResult | undefined, number] {
  const verdict = new Verdict({ statuses: [200, 204], body: wanted });
  for (const [i, event] of events.entries()) {
    const result = verdict.take(event);
    if (result !== undefined) return [result, i + 1];
  }
  return [undefined, events.length];
}

Deno.test("a check passes at the head if no text is wanted", () => {
  const events = [response(204), body("x"), END];
  assertEquals(judge(events), [{ passed: true, reason: "status 204" }, 1]);
});

Deno.test("a check fails at the head if the status is another one", () => {
  assertEquals(judge([response(503), body("ok"), END], "ok"), [
    { passed: false, reason: "status 503, expected 200 or 204" },
    1,
  ]);
});

Deno.test("a check waits for the final response", () => {
  const events = [response(103), response(100), response(200)];
  assertEquals(judge(events), [{ passed: true, reason: "status 200" }, 3]);
});

Deno.test("a check finds its text wherever the body is cut", () => {
  const text = "état: päivää 🦦 ok.";
  const bytes = new TextEncoder().encode(`-- ${text} --`);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const parts = [bytes.slice(0, cut), bytes.slice(cut)];
    const events = parts.map((bytes): HttpEvent => ({ type: "body", bytes }));
    const [result] = judge([response(200), ...events], text);
    assertEquals(result, { passed: true, reason: "status 200" }, `${cut}`);
  }
  const single = [...bytes].map((byte): HttpEvent => ({
    type: "body",
    bytes: Uint8Array.of(byte),
  }));
  const [result, count] = judge([response(200), ...single, END], text);
  assertEquals(result?.passed, true);
  // As soon as it is there: the last three bytes are not needed.
  assertEquals(count, single.length - 3 + 1);
});

Deno.test("a check fails if its text is not in the body", () => {
  assertEquals(judge([response(200), body("o"), body("-k"), END], "ok"), [
    { passed: false, reason: '"ok" is not in the body' },
    4,
  ]);
  assertEquals(judge([response(200), END], "ok")[0]?.passed, false);
});

Deno.test("a check looks at the first 64 KiB of the body and no further", () => {
  const fits = "x".repeat(64 * KIB - 2) + "ok";
  assertEquals(judge([response(200), body(fits)], "ok")[0]?.passed, true);
  const cut = "x".repeat(64 * KIB - 1) + "ok";
  const reason = '"ok" is not in the first 64 KiB of the body';
  assertEquals(judge([response(200), body(cut)], "ok"), [
    { passed: false, reason },
    2,
  ]);
});

Deno.test("a check says why the connection closed", () => {
  const error = new ConnError("Cannot read: the peer reset the connection", {
    code: "reset",
    side: "transport",
  });
  assertEquals(judge([{ type: "open" }, { type: "close", error }]), [
    { passed: false, reason: "Cannot read: the peer reset the connection" },
    2,
  ]);
  assertEquals(judge([{ type: "close" }])[0], {
    passed: false,
    reason: "closed without a response",
  });
});
