import { assertEquals, assertMatch } from "@std/assert";
import { attach } from "../../conn/loop.ts";
import { memoryPair, type MemoryTransport } from "../../conn/pair.ts";
import type { Handler } from "../../conn/conn.ts";
import { listen } from "./listen.ts";
import { HttpMachine } from "../machine/machine.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A served connection whose events are logged by type. */
function served(handler: Handler<HttpEvent, HttpCommand>): {
  peer: MemoryTransport;
  log: string[];
  closed: Promise<unknown>;
} {
  const [here, peer] = memoryPair();
  const log: string[] = [];
  const conn = attach<HttpEvent, HttpCommand>(
    here,
    new HttpMachine("server"),
    (event, conn) => {
      log.push(event.type);
      return handler(event, conn);
    },
  );
  return { peer, log, closed: conn.closed };
}

async function readAll(peer: MemoryTransport): Promise<string> {
  const buffer = new Uint8Array(4096);
  let all = "";
  let count;
  while ((count = await peer.read(buffer)) !== null) {
    all += decoder.decode(buffer.subarray(0, count));
  }
  return all;
}

Deno.test("A handler that pauses on an Upgrade request gets its end", async () => {
  const { peer, log, closed } = served(async (event, conn) => {
    if (event.type === "request") await Promise.resolve();
    if (event.type !== "end") return;
    conn.send({ type: "response", status: 200, body: "no" });
    conn.close();
  });
  await peer.write(encoder.encode(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
  ));
  assertMatch(await readAll(peer), /^HTTP\/1\.1 200 /);
  await peer.closeWrite();
  await closed;
  assertEquals(log, ["open", "request", "end", "close"]);
});

Deno.test("A handler that throws is answered with 500, once", async () => {
  const [here, peer] = memoryPair();
  const errors: unknown[] = [];
  attach(here, new HttpMachine("server"), (event) => {
    if (event.type === "request") throw new Error("secret");
  }, { onError: (error) => errors.push(error) });
  await peer.write(encoder.encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const answer = await readAll(peer);
  await peer.closeWrite();
  assertMatch(answer, /^HTTP\/1\.1 500 /);
  assertEquals(answer.includes("secret"), false);
  assertEquals(errors.length, 1);
});

Deno.test("listen.shutdown lets the request that is under way end, and no other come", async () => {
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const server = listen(
    { hostname: "127.0.0.1", port: 0 },
    async (event, conn) => {
      if (event.type !== "request") return;
      started.resolve();
      await gate.promise;
      conn.send({ type: "response", status: 200, body: "whole" });
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  const idle = await Deno.connect({ hostname: "127.0.0.1", port });
  const busy = await Deno.connect({ hostname: "127.0.0.1", port });
  await busy.write(encoder.encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  await started.promise;
  const down = server.shutdown();
  assertEquals(await idle.read(new Uint8Array(1)), null);
  idle.close();
  gate.resolve();
  const buffer = new Uint8Array(4096);
  let answer = "";
  let count;
  while ((count = await busy.read(buffer)) !== null) {
    answer += decoder.decode(buffer.subarray(0, count));
  }
  busy.close();
  await down;
  assertMatch(answer, /\r\nConnection: close\r\n/);
  assertEquals(answer.endsWith("whole"), true);
});

Deno.test("listen takes connections from a given listener", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using server = listen({ listener }, (event, conn) => {
    if (event.type !== "request") return;
    conn.send({ type: "response", status: 200, body: "listened" });
  });
  assertEquals(server.addr, listener.addr);
  const response = await fetch(`http://127.0.0.1:${listener.addr.port}/`);
  assertEquals(await response.text(), "listened");
});
