import { assert, assertEquals, assertRejects } from "@std/assert";
import { bytes, readAll } from "./_test_util.ts";
import type { Conn } from "./conn.ts";
import { ConnError } from "./error.ts";
import { attach } from "./loop.ts";
import { memoryPair, type MemoryTransport } from "./pair.ts";
import { RawMachine, type TcpCommand, type TcpEvent } from "./raw.ts";
import type { Sink } from "./machine.ts";
import { splice, type SpliceEnd, type SpliceResult } from "./splice.ts";

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
  for (const gone of [0, 1]) {
    const conns = [memoryPair(), memoryPair()].map(([, end]) =>
      attach(end, new RawMachine(), () => {})
    );
    conns[gone]!.abort();
    await assertRejects(
      () => splice(conns[0]!, conns[1]!),
      ConnError,
      "closed",
    );
    await Promise.all(conns.map((conn) => conn.closed));
  }
});

Deno.test("splice leaves a detached connection to who has it", async () => {
  const { client, server, a, done } = tunnel();
  const [, end] = memoryPair();
  const other = attach(end, new RawMachine(), () => {});
  const error = await assertRejects(() => splice(a, other), ConnError);
  assertEquals(error.code, "detached");
  await other.closed;
  await client.write(bytes("goes on"));
  await client.closeWrite();
  await server.closeWrite();
  assertEquals(await readAll(server), "goes on");
  assertEquals((await done).aToB, 7);
});

/** Passes whole lines, and drops those that begin with "#". */
class Lines extends RawMachine {
  override receive(bytes: Uint8Array, sink: Sink<TcpEvent>): number {
    let start = 0;
    for (let end; (end = bytes.indexOf(10, start) + 1) > 0; start = end) {
      if (bytes[start] === 35) continue;
      sink.emit({ type: "bytes", bytes: bytes.subarray(start, end) });
    }
    return start;
  }
}

Deno.test("splice passes what a machine makes of it, and what is put in between", async () => {
  const [client, left] = memoryPair({ chunk: 3 });
  const [right, server] = memoryPair();
  const ends: SpliceEnd[] = [];
  const done = splice(
    attach(left, new RawMachine(), () => {}),
    attach(right, new RawMachine(), () => {}),
    {
      machines: [
        new Lines({ allowHalfOpen: true }),
        new RawMachine({ allowHalfOpen: true }),
      ],
      onOpen: (...both) => ends.push(...both),
    },
  );
  await client.write(bytes("one\n# no\ntw"));
  assertEquals(await readAll(server, 4), "one\n");
  ends[1]!.send("between\n");
  ends[0]!.send("hello\n");
  await client.write(bytes("o\n"));
  await client.closeWrite();
  assertEquals(await readAll(server), "between\ntwo\n");
  await server.closeWrite();
  assertEquals(await readAll(client), "hello\n");
  assertEquals(await done, { aToB: 8, bToA: 0 });
});

Deno.test("splice closes both ends if it is told no more of them", async () => {
  const [client, left] = memoryPair();
  const [right, server] = memoryPair();
  await assertRejects(
    () =>
      splice(
        attach(left, new RawMachine(), () => {}),
        attach(right, new RawMachine(), () => {}),
        {
          onOpen: () => {
            throw new Error("No");
          },
        },
      ),
    Error,
    "No",
  );
  assertEquals(await readAll(client) + await readAll(server), "");
});
