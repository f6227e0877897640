// Chunked bodies: what framed the chunks is gone, and all that came in one read is
// one event, however small the chunks are.

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { HttpEvent } from "../codec/message.ts";
import { decodeLatin1 } from "../codec/head_values.ts";
import { HttpDriver, type TestHandler } from "./_test_driver.ts";
import type { HttpRole } from "./machine.ts";

const HEADS: Record<HttpRole, string> = {
  server: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
  client: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
};
const LAST = "0\r\n\r\n";

const chunk = (data: string, extension = "") =>
  `${data.length.toString(16)}${extension}\r\n${data}\r\n`;

const modes = (["server", "client"] as const).flatMap((role) =>
  [false, true].map((lendBodies) => ({ role, lendBodies }))
);

/** A driver that is about to read a body, and the bodies of its events. */
function reader(
  { role, lendBodies }: { role: HttpRole; lendBodies: boolean },
  options: { maxBody?: number; handler?: TestHandler } = {},
): { driver: HttpDriver; bodies: string[]; kept: Uint8Array[] } {
  const { handler, ...limits } = options;
  const bodies: string[] = [];
  const kept: Uint8Array[] = [];
  const onEvent = (event: HttpEvent, driver: HttpDriver) => {
    if (event.type === "body") {
      bodies.push(decodeLatin1(event.bytes));
      kept.push(event.bytes);
    }
    if (event.type === "end") {
      driver.send(
        role === "server" ? { type: "response", status: 200, body: "" } : ask(),
      );
    }
    return handler?.(event, driver);
  };
  const driver = new HttpDriver(role, onEvent, { lendBodies, ...limits });
  if (role === "client") driver.send(ask());
  return { driver, bodies, kept };
}

/** What may come in one read: no response comes before it is asked for. */
function streams(role: HttpRole, messages: string[]): string[] {
  return role === "server" ? [messages.join("")] : messages;
}

function ask() {
  const fields = { Host: "a" };
  return {
    type: "request",
    method: "GET",
    target: "/",
    fields,
    body: "",
  } as const;
}

for (const mode of modes) {
  const name = `${mode.role}, ${mode.lendBodies ? "lent" : "given"}`;

  Deno.test(`many small chunks of one read are one event (${name})`, () => {
    const { driver, bodies } = reader(mode);
    const data = Array.from({ length: 5000 }, (_, i) => String(i % 10));
    driver.feed(HEADS[mode.role] + data.map((each) => chunk(each)).join(""));
    assertEquals(bodies, [data.join("")]);
    driver.feed(chunk("a") + chunk("b") + LAST);
    assertEquals(bodies, [data.join(""), "ab"]);
    assertEquals(driver.log.at(-1), "end");
  });

  Deno.test(`a body is the same, however it is cut into chunks and reads (${name})`, () => {
    const extension = fc.constantFrom("", "", ";a=b", ';a="b;c"');
    const piece = fc.tuple(
      fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }),
      extension,
    );
    const message = fc.array(piece, { maxLength: 12 });
    fc.assert(fc.property(
      fc.array(message, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (messages, sizes) => {
        const { driver, bodies } = reader(mode);
        const texts = messages.map((pieces) =>
          HEADS[mode.role] +
          pieces.map(([data, extension]) => chunk(data, extension)).join("") +
          LAST
        );
        for (const text of streams(mode.role, texts)) {
          for (let at = 0, i = 0; at < text.length; i++) {
            const size = sizes[i % sizes.length]!;
            driver.feed(text.slice(at, at + size));
            at += size;
          }
        }
        const sent = messages.flat().map(([data]) => data).join("");
        assertEquals(bodies.join(""), sent);
        const ends = driver.log.filter((line) => line === "end").length;
        assertEquals([ends, driver.error], [messages.length, undefined]);
      },
    ));
  });

  for (
    const [what, bad, code] of [
      ["a chunk size that is none", "x\r\n", "bad_chunk_size"],
      ["a chunk that is too long", "1\r\nabc\r\n", "bad_chunk_end"],
      ["a body that is too long", chunk("0123456789"), "body_too_large"],
      [
        "a trailer that frames",
        "0\r\nContent-Length: 1\r\n\r\n",
        "forbidden_trailer",
      ],
    ] as const
  ) {
    Deno.test(`what came before ${what} is told first (${name})`, () => {
      const { driver, bodies } = reader(mode, { maxBody: 10 });
      driver.feed(HEADS[mode.role] + chunk("ab") + chunk("c") + bad + LAST);
      const before = code === "bad_chunk_end" ? "abca" : "abc";
      assertEquals(bodies, [before]);
      assertEquals(driver.error?.code, code);
      assertEquals(driver.log.includes("end"), false);
    });
  }

  Deno.test(`a pause holds back what comes behind its event (${name})`, () => {
    const { driver, bodies } = reader(mode, {
      handler: ({ type }) => type === "body" ? "pause" : undefined,
    });
    const message = HEADS[mode.role] + chunk("a") + chunk("b") + LAST;
    const ends = () => driver.log.filter((line) => line === "end").length;
    const [first, second] = streams(mode.role, [message, message]);
    driver.feed(first!);
    assertEquals([bodies, ends()], [["ab"], 0]);
    driver.resume();
    assertEquals(ends(), 1);
    if (second !== undefined) driver.feed(second);
    assertEquals([bodies, ends()], [["ab", "ab"], 1]);
    driver.resume();
    assertEquals(ends(), 2);
  });
}

Deno.test("chunks that are given are the handler's to keep", () => {
  const { driver, kept } = reader({ role: "client", lendBodies: false });
  driver.feed(HEADS.client + chunk("ab") + chunk("cd"));
  driver.feed(chunk("ef") + LAST).feed(
    HEADS.client + chunk("gh") + LAST,
  );
  assertEquals(kept.map((bytes) => decodeLatin1(bytes)), ["abcd", "ef", "gh"]);
});
