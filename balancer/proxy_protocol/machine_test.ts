import { assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import type { Handler } from "../../conn/conn.ts";
import { attach } from "../../conn/loop.ts";
import { memoryPair } from "../../conn/pair.ts";
import { HttpMachine } from "../../http/machine/machine.ts";
import { encodeProxyHeader } from "./encode.ts";
import { type ProxyEvent, ProxyProtocolMachine } from "./machine.ts";

const LINE = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 80\r\n";
const REQUEST = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A connection that begins with the PROXY protocol, and what its peer holds. */
function begin(chunk = Infinity, handler?: Handler<ProxyEvent, never>) {
  const [here, there] = memoryPair({ chunk });
  const clock = new TestClock();
  const log: string[] = [];
  const conn = attach<ProxyEvent, never>(
    there,
    new ProxyProtocolMachine(),
    (event, conn) => {
      log.push(event.type);
      return handler?.(event, conn);
    },
    { clock, closeTimeout: 1_000 },
  );
  return { conn, here, there, clock, log };
}

/** Speaks HTTP behind the header, and answers with what the header said. */
function answering(log: string[]): Handler<ProxyEvent, never> {
  return (event, conn) => {
    if (event.type !== "proxy") return;
    const { source } = event.header;
    conn.become(new HttpMachine("server"), (event, http) => {
      if (event.type === "request") log.push(event.head.target);
      if (event.type !== "end") return;
      const body = `${source?.hostname}:${source?.port}`;
      http.send({ type: "response", status: 200, body });
    });
  };
}

async function readText(transport: {
  read(buffer: Uint8Array): Promise<number | null>;
}): Promise<string> {
  const buffer = new Uint8Array(1024);
  let text = "";
  for (;;) {
    const count = await transport.read(buffer);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

const HEADERS: [name: string, header: Uint8Array][] = [
  ["version 1", bytesOf(LINE)],
  [
    "version 2",
    encodeProxyHeader(
      "v2",
      { transport: "tcp", hostname: "192.0.2.1", port: 56324 },
      { transport: "tcp", hostname: "198.51.100.2", port: 80 },
    ),
  ],
];

for (const [name, header] of HEADERS) {
  for (const chunk of [1, 7, header.length, Infinity]) {
    Deno.test(`HTTP follows a header of ${name} in pieces of ${chunk}`, async () => {
      const targets: string[] = [];
      const { conn, here, log } = begin(chunk, answering(targets));
      await here.write(Uint8Array.of(...header, ...bytesOf(REQUEST)));
      const reply = await readText(here);
      assertEquals(reply.endsWith("\r\n\r\n192.0.2.1:56324"), true, reply);
      here.close();
      await conn.closed;
      assertEquals(log, ["open", "proxy"]);
      assertEquals(targets, ["/a"]);
    });
  }
}

Deno.test("a handler may take its time before HTTP follows", async () => {
  const targets: string[] = [];
  const answer = answering(targets);
  const { conn, here } = begin(Infinity, async (event, conn) => {
    await Promise.resolve();
    await answer(event, conn);
  });
  await here.write(bytesOf(LINE + REQUEST));
  assertEquals((await readText(here)).includes("192.0.2.1"), true);
  here.close();
  await conn.closed;
});

Deno.test("a connection without a header is aborted without an answer", async () => {
  const { conn, here, there, log } = begin();
  await here.write(bytesOf(REQUEST));
  assertEquals((await conn.closed)?.code, "bad_proxy_header");
  assertEquals(log, ["open", "close"]);
  assertEquals(there.bytesWritten, 0);
  here.close();
});

Deno.test("a header that is cut aborts the connection", async () => {
  const { conn, here, log } = begin();
  await here.write(bytesOf(LINE.slice(0, -1)));
  await here.closeWrite();
  assertEquals((await conn.closed)?.code, "bad_proxy_header");
  assertEquals(log, ["open", "close"]);
  here.close();
});

Deno.test("a connection that closes without a byte just closes", async () => {
  const { conn, here, log } = begin();
  await here.closeWrite();
  assertEquals(await conn.closed, undefined);
  assertEquals(log, ["open", "close"]);
  here.close();
});

for (const sent of ["", "PROXY TCP4 ", "\r\n\r\n\0"]) {
  Deno.test(`a header that stops after ${JSON.stringify(sent)} is late after 3 s`, async () => {
    const { conn, here, clock } = begin();
    if (sent !== "") await here.write(bytesOf(sent));
    await clock.advance(2_900);
    assertEquals(conn.state, "open");
    await clock.advance(400);
    assertEquals((await conn.closed)?.code, "proxy_header_timeout");
    here.close();
  });
}

Deno.test("a header that comes byte by byte gets no more time", async () => {
  const { conn, here, clock } = begin();
  for (const byte of bytesOf(LINE.slice(0, 7))) {
    await here.write(Uint8Array.of(byte));
    await clock.advance(400);
  }
  assertEquals(conn.state, "open");
  await here.write(bytesOf(LINE.slice(7, 8)));
  await clock.advance(500);
  assertEquals((await conn.closed)?.code, "proxy_header_timeout");
  here.close();
});

Deno.test("what follows the header waits for another machine", async () => {
  const { conn, here, clock, log } = begin();
  await here.write(bytesOf(LINE + "GET"));
  await clock.advance(0);
  await here.write(bytesOf(" /"));
  await clock.advance(0);
  assertEquals([conn.state, log], ["open", ["open", "proxy"]]);
  await here.closeWrite();
  assertEquals(await conn.closed, undefined);
  here.close();
});

Deno.test("nothing is late behind the header", async () => {
  const { conn, here, clock, log } = begin();
  await here.write(bytesOf(LINE));
  await clock.advance(10_000);
  assertEquals([conn.state, log], ["open", ["open", "proxy"]]);
  conn.close();
  here.close();
  await conn.closed;
});
