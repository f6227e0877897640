import { assert, assertEquals, assertRejects } from "@std/assert";
import { bytes, readAll } from "./_test_util.ts";
import type { Conn } from "./conn.ts";
import { ConnError } from "./error.ts";
import { attach } from "./loop.ts";
import { memoryPair, type MemoryTransport } from "./pair.ts";
import { RawMachine, type TcpCommand, type TcpEvent } from "./raw.ts";
import { splice, type SpliceResult } from "./splice.ts";

type Raw = Conn<TcpEvent, TcpCommand>;

function tunnel(bufferSize = 64 * 1024): {
  client: MemoryTransport;
  server: MemoryTransport;
  a: Raw;
  b: Raw;
  done: Promise<SpliceResult>;
} {
  const [client, left] = memoryPair({ bufferSize });
  const [right, server] = memoryPair({ bufferSize });
  const a = attach(left, new RawMachine(), () => {});
  const b = attach(right, new RawMachine(), () => {});
  return { client, server, a, b, done: splice(a, b) };
}

Deno.test("splice carries bytes and each direction's end", async () => {
  const { client, server, done } = tunnel();
  await client.write(bytes("request"));
  await client.closeWrite();
  assertEquals(await readAll(server), "request");
  await server.write(bytes("response"));
  await server.closeWrite();
  assertEquals(await readAll(client), "response");
  assertEquals(await done, { aToB: 7, bToA: 8 });
});

Deno.test("splice carries back-pressure", async () => {
  const { client, server, done } = tunnel(1024);
  let written = 0;
  const writing = (async () => {
    while (written < 1 << 20) {
      written += await client.write(new Uint8Array(1024));
    }
    await client.closeWrite();
  })();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert(written < 300 * 1024, `${written} bytes piled up`);
  await server.closeWrite();
  assertEquals((await readAll(server)).length, 1 << 20);
  await writing;
  assertEquals(await done, { aToB: 1 << 20, bToA: 0 });
});

Deno.test("splice cuts one end when the other breaks", async () => {
  const { client, server, done } = tunnel();
  client.reset();
  assertEquals(await readAll(server), "");
  assertEquals((await done).error?.code, "reset");
});

Deno.test("splice passes on what an event had not used", async () => {
  const [client, left] = memoryPair();
  const [right, server] = memoryPair();
  const done = Promise.withResolvers<SpliceResult>();
  attach(left, new RawMachine(), (event, conn) => {
    if (event.type !== "bytes") return;
    const a = conn.become(new RawMachine(), () => {}, event.bytes);
    splice(a, attach(right, new RawMachine(), () => {})).then(done.resolve);
  });
  await client.write(bytes("hello"));
  await client.closeWrite();
  assertEquals(await readAll(server), "hello");
  server.close();
  assertEquals((await done.promise).aToB, 5);
});

Deno.test("splice refuses a closed connection, and closes the other", async () => {
  const [, left] = memoryPair();
  const [, right] = memoryPair();
  const a = attach(left, new RawMachine(), () => {});
  const b = attach(right, new RawMachine(), () => {});
  b.abort();
  await assertRejects(() => splice(a, b), ConnError, "closed");
  await a.closed;
});
