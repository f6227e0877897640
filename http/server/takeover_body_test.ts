// info.takeOver with a response whose body another machine writes.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Conn } from "../../conn/conn.ts";
import type { ConnError } from "../../conn/error.ts";
import { RawMachine, type TcpCommand, type TcpEvent } from "../../conn/raw.ts";
import { client } from "./_serve_test_util.ts";
import { serve, type ServeHandler, type TakeoverHead } from "./serve.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const GET = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";

type RawConn = Conn<TcpEvent, TcpCommand>;

/** Takes every request over, after a wait if there is one. */
function taking(
  head: TakeoverHead,
  log: string[],
  options: { wait?: () => Promise<unknown>; begin?: string } = {},
): ServeHandler & { conn?: RawConn } {
  const { wait, begin = "3\r\none\r\n" } = options;
  const handler: ServeHandler & { conn?: RawConn } = (request, info) => {
    log.push(`request:${request.method}`);
    const take = () => {
      const taken = info.takeOver(head, new RawMachine(), (event) => {
        if (event.type !== "bytes") return void log.push(event.type);
        log.push(`bytes:${decoder.decode(event.bytes)}`);
      });
      handler.conn = taken.conn;
      taken.conn.send(encoder.encode(begin));
      return taken.response;
    };
    return wait === undefined ? take() : wait().then(take);
  };
  return handler;
}

/** What a handler that takes over throws, as its code, and the answer. */
async function refused(
  head: TakeoverHead,
  request: string,
): Promise<[unknown, string]> {
  let code: unknown;
  const { send, read, peer, closed } = client(taking(head, []), (error) => {
    code = (error as ConnError).code;
    return new Response("refused", {
      status: 500,
      headers: { connection: "close" },
    });
  });
  await send(request);
  const answer = await read();
  await peer.closeWrite().catch(() => {});
  await closed;
  return [code, answer];
}

Deno.test("info.takeOver sends the head of a 2xx, and the machine its body", async () => {
  const waits = [undefined, () => Promise.resolve()];
  for (const wait of waits) {
    const log: string[] = [];
    const handler = taking(
      { status: 201, fields: { "Content-Type": "text/event-stream" } },
      log,
      wait === undefined ? {} : { wait },
    );
    const { send, read, peer, closed } = client(handler);
    await send(GET);
    assertEquals(
      await read("one\r\n"),
      "HTTP/1.1 201 Created\r\nContent-Type: text/event-stream\r\n" +
        "Connection: close\r\nTransfer-Encoding: chunked\r\nDate: today\r\n\r\n" +
        "3\r\none\r\n",
    );
    handler.conn!.send(encoder.encode("3\r\ntwo\r\n"));
    assertEquals(await read("two\r\n"), "3\r\ntwo\r\n");
    await peer.closeWrite();
    await closed;
    assertEquals(log, ["request:GET", "open", "eof", "close"]);
  }
});

Deno.test("info.takeOver tells a client of HTTP/1.0 of no chunks", async () => {
  const handler = taking({ status: 200 }, [], { begin: "one" });
  const { send, read, peer, closed } = client(handler);
  await send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assertEquals(
    await read("one"),
    "HTTP/1.1 200 OK\r\nConnection: close\r\nDate: today\r\n\r\none",
  );
  await peer.closeWrite();
  await closed;
});

Deno.test("info.takeOver leaves a body of known length to the machine, too", async () => {
  const handler = taking(
    { status: 200, fields: [["Content-Length", "3"]] },
    [],
    { begin: "one" },
  );
  const { send, read, peer, closed } = client(handler);
  await send(GET);
  const answer = await read("one");
  assertMatch(answer, /\r\nContent-Length: 3\r\n/);
  assert(!/transfer-encoding/i.test(answer));
  await peer.closeWrite();
  await closed;
});

Deno.test("info.takeOver says that the connection ends, whatever the fields say", async () => {
  for (const value of ["keep-alive", "close"]) {
    const fields = new Headers({ connection: value });
    const { send, read, peer, closed } = client(
      taking({ status: 200, fields }, []),
    );
    await send(GET);
    const answer = await read("one\r\n");
    assertEquals(answer.match(/connection: .*/gi), ["Connection: close"]);
    assertEquals(fields.get("connection"), value);
    await peer.closeWrite();
    await closed;
  }
});

Deno.test("info.takeOver gives what is pipelined to the machine", async () => {
  for (const wait of [undefined, () => Promise.resolve()]) {
    const log: string[] = [];
    const handler = taking(
      { status: 200 },
      log,
      wait === undefined ? {} : { wait },
    );
    const { send, read, peer, closed } = client(handler);
    await send(GET + "GET /two HTTP/1.1\r\nHost: a\r\n\r\n");
    await read("one\r\n");
    await peer.closeWrite();
    await closed;
    assertEquals(log, [
      "request:GET",
      "open",
      "bytes:GET /two HTTP/1.1\r\nHost: a\r\n\r\n",
      "eof",
      "close",
    ]);
  }
});

Deno.test("info.takeOver works byte by byte, and behind other exchanges", async () => {
  const log: string[] = [];
  const taker = taking({ status: 200 }, log);
  const { send, read, peer, closed } = client((request, info) =>
    request.url.endsWith("/events")
      ? taker(request, info)
      : new Response("page")
  );
  for (const byte of GET.replace("/events", "/")) await send(byte);
  assertMatch(await read("page"), /^HTTP\/1\.1 200 /);
  for (const byte of GET + "x") await send(byte);
  assertMatch(await read("one\r\n"), /^HTTP\/1\.1 200 /);
  await peer.closeWrite();
  await closed;
  assertEquals(log, ["request:GET", "open", "bytes:x", "eof", "close"]);
});

Deno.test("info.takeOver may ignore an Upgrade that the client offers", async () => {
  const { send, read, peer, closed } = client(taking({ status: 200 }, []));
  await send(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
  );
  assertMatch(await read("one\r\n"), /^HTTP\/1\.1 200 OK\r\n/);
  await peer.closeWrite();
  await closed;
});

Deno.test("info.takeOver takes a request with a body over when that has come", async () => {
  const log: string[] = [];
  const taker = taking({ status: 200 }, log);
  const { send, read, peer, closed } = client(async (request, info) => {
    log.push(await request.text());
    return taker(request, info);
  });
  await send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
  await send("dybehind");
  await read("one\r\n");
  await peer.closeWrite();
  await closed;
  assertEquals(log, [
    "body",
    "request:POST",
    "open",
    "bytes:behind",
    "eof",
    "close",
  ]);
});

Deno.test("info.takeOver refuses while the request is not received completely", async () => {
  const [code, answer] = await refused(
    { status: 200 },
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
  );
  assertEquals(code, "unexpected_upgrade");
  assertMatch(answer, /^HTTP\/1\.1 500 [^]*refused$/);
});

Deno.test("info.takeOver refuses where there is no body, or no such response", async () => {
  const cases: [number, string][] = [
    [200, "HEAD"],
    [204, "GET"],
    [304, "GET"],
    [404, "GET"],
    [100, "GET"],
    [NaN, "GET"],
  ];
  for (const [status, method] of cases) {
    const [code, answer] = await refused(
      { status },
      GET.replace("GET", method),
    );
    assertEquals(code, "bad_framing");
    assertMatch(answer, /^HTTP\/1\.1 500 /);
  }
  const [code] = await refused({ status: 101, fields: { upgrade: "x" } }, GET);
  assertEquals(code, "unexpected_upgrade");
  const [field, answer] = await refused(
    { status: 200, fields: { "x-bad": "a\nb" } },
    GET,
  );
  assertEquals(field, "bad_field_value");
  assertMatch(answer, /^HTTP\/1\.1 500 /);
});

Deno.test("info.takeOver refuses when the client has left, and does no harm", async () => {
  const gate = Promise.withResolvers<void>();
  let code: unknown;
  const { send, peer, closed } = client(
    taking({ status: 200 }, [], { wait: () => gate.promise }),
    (error) => {
      code = (error as ConnError).code;
      return new Response();
    },
  );
  await send(GET);
  peer.reset();
  await closed;
  gate.resolve();
  await gate.promise;
  while (code === undefined) await new Promise((go) => setImmediate(go));
  assertEquals(code, "closed");
});

Deno.test("A handler that fails after it was taken over leaves the stream alone", async () => {
  const log: string[] = [];
  const taker = taking({ status: 200 }, log);
  const reported: unknown[] = [];
  const { send, read, peer, closed } = client((request, info) => {
    taker(request, info);
    throw new Error("too late");
  }, (error) => {
    reported.push((error as Error).message);
    return new Response("failed", { status: 500 });
  });
  await send(GET);
  await read("one\r\n");
  await new Promise((go) => setImmediate(go));
  taker.conn!.send(encoder.encode("3\r\ntwo\r\n"));
  assertEquals(await read("two\r\n"), "3\r\ntwo\r\n");
  assertEquals(reported[0], "too late");
  await peer.closeWrite();
  await closed;
});

Deno.test("info.completed resolves when the machine has taken over", async () => {
  let completed: Promise<void> | undefined;
  const taker = taking({ status: 200 }, []);
  const { send, read, peer, closed } = client((request, info) => {
    completed = info.completed;
    return taker(request, info);
  });
  await send(GET);
  await read("one\r\n");
  await completed;
  await peer.closeWrite();
  await closed;
});

Deno.test("serve.shutdown lets the machine end the body, and close cuts it", async () => {
  class Chunks extends RawMachine {
    override drain(sink: Parameters<RawMachine["drain"]>[0]): void {
      sink.write("0\r\n\r\n");
      sink.close();
    }
  }
  for (const way of ["shutdown", "close"] as const) {
    const server = serve(
      { hostname: "127.0.0.1", port: 0 },
      (_request, info) => {
        const { conn, response } = info.takeOver(
          { status: 200 },
          new Chunks(),
          () => {},
        );
        conn.send(encoder.encode("3\r\none\r\n"));
        return response;
      },
    );
    const { port } = server.addr as Deno.NetAddr;
    const response = await fetch(`http://127.0.0.1:${port}/`);
    const reader = response.body!.getReader();
    assertEquals(decoder.decode((await reader.read()).value), "one");
    const rest = reader.read().then(({ done }) => done, () => "cut");
    await server[way]();
    assertEquals(await rest, way === "shutdown" ? true : "cut");
    await server.finished;
    assertEquals(server.connections, 0);
  }
});
