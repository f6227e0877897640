import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ConnError } from "../../conn/error.ts";
import { RawMachine } from "../../conn/raw.ts";
import { sourceResponse } from "./body_source.ts";
import { formVariables } from "../forms/form.ts";
import { client } from "./_serve_test_util.ts";
import { serve, type ServeHandler, type ServeInfo } from "./serve.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Pieces that each take a turn of the event loop. */
async function* later(pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    yield piece;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** Sends one request, ends with the connection, gives the whole answer. */
async function exchange(
  handler: ServeHandler,
  request: string,
): Promise<string> {
  const { send, read, peer, closed } = client(handler);
  await send(request);
  const answer = await read();
  await peer.closeWrite().catch(() => {});
  await closed;
  return answer;
}

const GET = "GET /path?a=b HTTP/1.1\r\nHost: example.com\r\n" +
  "Connection: close\r\n\r\n";

Deno.test("serve answers with length, date and the response's fields", async () => {
  const answer = await exchange(
    (request) =>
      new Response(`${request.method} ${request.url}`, {
        headers: { "x-one": "1" },
      }),
    GET,
  );
  assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assertMatch(answer, /\r\ncontent-type: text\/plain;charset=UTF-8\r\n/i);
  assertMatch(answer, /\r\nx-one: 1\r\n/i);
  assertMatch(answer, /\r\nDate: today\r\n/);
  assertMatch(answer, /\r\nConnection: close\r\n/i);
  assert(
    answer.endsWith("\r\n\r\nGET http://example.com/path?a=b") ||
      answer.includes("GET http://example.com/path?a=b"),
  );
});

Deno.test("serve sends a null body with Content-Length 0, and 204 without", async () => {
  assertMatch(
    await exchange(() => new Response(null), GET),
    /\r\nContent-Length: 0\r\n/i,
  );
  const none = await exchange(() => new Response(null, { status: 204 }), GET);
  assertMatch(none, /^HTTP\/1\.1 204 /);
  assert(!/content-length/i.test(none));
});

Deno.test("serve keeps several Set-Cookie fields apart", async () => {
  const answer = await exchange(() => {
    const headers = new Headers();
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return new Response(null, { headers });
  }, GET);
  assertMatch(answer, /set-cookie: a=1\r\n/i);
  assertMatch(answer, /set-cookie: b=2\r\n/i);
});

Deno.test("serve sends no body to HEAD, and cancels the stream", async () => {
  let cancelled = false;
  const answer = await exchange(
    () =>
      new Response(
        new ReadableStream({ cancel: () => void (cancelled = true) }),
      ),
    GET.replace("GET", "HEAD"),
  );
  assert(answer.endsWith("\r\n\r\n"));
  assert(cancelled);
});

Deno.test("serve streams a body of unknown length in chunks", async () => {
  const answer = await exchange(
    () =>
      new Response(
        ReadableStream.from(
          later(["one", "two"].map((x) => encoder.encode(x))),
        ),
      ),
    GET,
  );
  assertMatch(answer, /\r\nTransfer-Encoding: chunked\r\n/i);
  assert(answer.endsWith("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"), answer);
});

Deno.test("serve keeps a length that the handler gives", async () => {
  const answer = await exchange(
    () =>
      new Response(ReadableStream.from([encoder.encode("four")]), {
        headers: { "content-length": "4" },
      }),
    GET,
  );
  assert(!/transfer-encoding/i.test(answer));
  assert(answer.endsWith("\r\n\r\nfour"));
});

Deno.test("serve does not let a body pass that is not as long as it says", async () => {
  const pieces = [encoder.encode("abc"), encoder.encode("de")];
  const { send, read, closed, peer } = client(() =>
    new Response(ReadableStream.from(later(pieces)), {
      headers: { "content-length": "6" },
    })
  );
  await send(GET);
  assert((await read()).endsWith("abcde"));
  await peer.closeWrite();
  assertEquals((await closed)?.side, "local");
  const short = await exchange(
    () => new Response("abc", { headers: { "content-length": "6" } }),
    GET,
  );
  assertMatch(short, /^HTTP\/1\.1 500 /);
});

Deno.test("serve cuts a chunked body whose stream fails", async () => {
  const reported: unknown[] = [];
  const { send, read, closed, peer } = client(
    () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(encoder.encode("part")),
          pull: () => Promise.reject(new Error("disk on fire")),
        }),
      ),
    (error) => {
      reported.push((error as Error).message);
      return new Response();
    },
  );
  await send(GET);
  const answer = await read();
  await peer.closeWrite();
  assert(!answer.endsWith("0\r\n\r\n"), answer);
  assert(!answer.includes("fire"));
  assertEquals((await closed)?.code, "body_failed");
  assertEquals(reported, ["disk on fire"]);
});

Deno.test("serve answers 500 without the error's text when the handler fails", async () => {
  for (
    const handler of [
      () => {
        throw new Error("secret");
      },
      () => Promise.reject(new Error("secret")),
    ]
  ) {
    const answer = await exchange(handler, GET);
    assertMatch(answer, /^HTTP\/1\.1 500 /);
    assert(answer.includes("failed"));
    assert(!answer.includes("secret"));
  }
});

Deno.test("serve answers 500 when onError itself fails", async () => {
  const { send, read, peer, closed } = client(
    () => Promise.reject(new Error("secret")),
    () => {
      throw new Error("secret too");
    },
  );
  await send(GET);
  const answer = await read();
  assertMatch(answer, /^HTTP\/1\.1 500 /);
  assert(!answer.includes("secret"));
  await peer.closeWrite();
  await closed;
});

Deno.test("serve gives the body as it comes", async () => {
  const got: string[] = [];
  const { send, read, peer, closed, clock } = client(async (request) => {
    for await (const bytes of request.body!) got.push(decoder.decode(bytes));
    return new Response("done");
  });
  await send(
    "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\none",
  );
  await clock.advance(0);
  assertEquals(got, ["one"]);
  await send("two");
  assert((await read()).endsWith("done"));
  assertEquals(got, ["one", "two"]);
  await peer.closeWrite();
  await closed;
});

Deno.test("serve lets a slow reader of the body slow the client down", async () => {
  const gate = Promise.withResolvers<void>();
  const size = 4 << 20;
  const { peer, send, read, clock } = client(async (request) => {
    const reader = request.body!.getReader();
    await gate.promise;
    let total = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return new Response(`${total}`);
      total += value.length;
    }
  });
  await send(
    `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`,
  );
  let written = 0;
  const piece = new Uint8Array(64 * 1024);
  const writing = (async () => {
    while (written < size) written += await peer.write(piece);
  })();
  await clock.advance(0);
  await clock.advance(0);
  assert(written < 1 << 20, `${written} bytes were taken`);
  gate.resolve();
  await writing;
  assert((await read()).endsWith(`\r\n\r\n${size}`));
  peer.close();
});

Deno.test("serve answers pipelined requests one after the other, in order", async () => {
  let running = 0;
  const { send, read, peer, closed } = client(async (request) => {
    assertEquals(++running, 1);
    await Promise.resolve();
    running--;
    return new Response(new URL(request.url).pathname);
  });
  await send(
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  await send("GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const answer = await read();
  assertEquals(answer.match(/\/\d$|\/\d(?=HTTP)/g), ["/1", "/2", "/3"]);
  await peer.closeWrite();
  await closed;
});

Deno.test("serve lets a handler answer before the body has come", async () => {
  const { send, read, peer, closed } = client(() =>
    new Response("no thanks", { status: 413 })
  );
  await send(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
  );
  assert((await read("no thanks")).startsWith("HTTP/1.1 413 "));
  peer.close();
  await closed;
});

Deno.test("request.signal aborts when the client leaves", async () => {
  const aborted = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const { send, peer, closed } = client(async (request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    started.resolve();
    await aborted.promise;
    return new Response();
  });
  await send(GET);
  await started.promise;
  peer.close();
  await aborted.promise;
  await closed;
});

Deno.test("request.signal does not follow the connection after the answer", async () => {
  const signals: AbortSignal[] = [];
  const { send, read, peer, closed } = client((request) => {
    signals.push(request.signal);
    if (signals.length === 1) return new Response("one");
    return new Promise((resolve) =>
      request.signal.onabort = () => resolve(new Response("two"))
    );
  });
  await send(GET.replace("close", "keep-alive"));
  await read("one");
  await send(GET);
  await peer.closeWrite();
  assert((await read()).endsWith("two"));
  await closed;
  assertEquals(signals.map((signal) => signal.aborted), [false, true]);
});

Deno.test("serve cancels the response's stream when the client leaves", async () => {
  const cancelled = Promise.withResolvers<void>();
  const { send, read, peer, closed, clock } = client(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(encoder.encode("tick")),
        cancel: () => cancelled.resolve(),
      }),
    )
  );
  await send(GET);
  await read("tick\r\n");
  peer.close();
  await clock.advance(5_000);
  await cancelled.promise;
  await closed;
});

Deno.test("serve cancels a stream that has brought nothing when the client leaves", async () => {
  let cancelled = false;
  const { send, read, peer, closed, clock } = client(() =>
    new Response(new ReadableStream({ cancel: () => void (cancelled = true) }))
  );
  await send(GET);
  await clock.advance(10);
  await read("\r\n\r\n");
  peer.close();
  await clock.advance(5_000);
  await closed;
  assert(cancelled);
});

Deno.test("serve stops a stream that a client never saw begin", async () => {
  const gate = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  let outcome: Promise<unknown> | undefined;
  const { send, peer, closed } = client(async (_request, info) => {
    outcome = info.completed.catch((error) => error.code);
    await gate.promise;
    return new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(9)),
        cancel: () => cancelled.resolve(),
      }),
    );
  });
  await send(GET);
  peer.reset();
  await closed;
  gate.resolve();
  await cancelled.promise;
  assertEquals(await outcome, "closed");
});

Deno.test("serve sends a whole stream to a client that ended its side", async () => {
  const { send, read, peer, clock, closed } = client(() =>
    new Response(
      ReadableStream.from(
        later(["one", "two", "three"].map((x) => encoder.encode(x))),
      ),
    )
  );
  await send(GET);
  await peer.closeWrite();
  await clock.advance(0);
  const answer = await read();
  assert(answer.endsWith("3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"), answer);
  await closed;
});

Deno.test("serve sends the head of a stream that takes its time", async () => {
  let stream: ReadableStreamDefaultController<Uint8Array>;
  const { send, read, clock, peer, closed } = client(() =>
    new Response(
      new ReadableStream({ start: (controller) => void (stream = controller) }),
    )
  );
  await send(GET);
  await clock.advance(10);
  assertMatch(await read("\r\n\r\n"), /^HTTP\/1\.1 200 OK\r\n/);
  stream!.enqueue(encoder.encode("late"));
  stream!.close();
  assertEquals(await read(), "4\r\nlate\r\n0\r\n\r\n");
  await peer.closeWrite();
  await closed;
});

Deno.test("serve refuses a stream of anything but bytes", async () => {
  for (const piece of [5, "text", new ArrayBuffer(5)] as unknown[]) {
    let reported: unknown;
    const { send, read, peer, closed } = client(
      () =>
        new Response(ReadableStream.from([piece as Uint8Array<ArrayBuffer>])),
      (error) => {
        reported = error;
        return new Response();
      },
    );
    await send(GET);
    assertMatch(await read(), /^HTTP\/1\.1 500 /);
    assert(reported instanceof TypeError);
    await peer.closeWrite();
    await closed;
  }
});

Deno.test("serve cancels a stream that is longer than it says", async () => {
  const cancelled = Promise.withResolvers<void>();
  const reported: unknown[] = [];
  const { send, read, peer, closed } = client(
    () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(encoder.encode("abcd")),
          cancel: () => cancelled.resolve(),
        }),
        { headers: { "content-length": "6" } },
      ),
    (error) => {
      reported.push((error as ConnError).code);
      return new Response();
    },
  );
  await send(GET);
  assert((await read()).endsWith("\r\n\r\nabcd"));
  await cancelled.promise;
  assertEquals(reported, ["body_too_long"]);
  await peer.closeWrite();
  await closed;
});

Deno.test("serve answers HEAD without waiting for the stream to be cancelled", async () => {
  const answer = await exchange(
    () =>
      new Response(
        new ReadableStream({ cancel: () => new Promise(() => {}) }),
      ),
    GET.replace("GET", "HEAD"),
  );
  assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n/);
});

Deno.test("serve reports a response that it cannot send", async () => {
  const bad: ServeHandler[] = [
    () => undefined as unknown as Response,
    () => Response.error(),
    () => Promise.resolve(Response.error()),
    (_request, { conn }) => {
      conn.send({ type: "response", status: 200, body: "first" });
      return new Response("second");
    },
  ];
  for (const handler of bad) {
    let outcome: Promise<string> | undefined;
    let reports = 0;
    const { send, read, peer, closed } = client((request, info) => {
      outcome = info.completed.then(() => "sent", () => "failed");
      return handler(request, info);
    }, () => {
      reports++;
      return new Response();
    });
    await send(GET.replace("close", "keep-alive"));
    assertMatch(await read(), /^HTTP\/1\.1 (500 |200 [^]*first$)/);
    assertEquals(await outcome, "failed");
    assertEquals(reports, 1);
    await peer.closeWrite();
    await closed;
  }
});

Deno.test("A handler that fails after info.takeOver leaves the connection alone", async () => {
  const reported: unknown[] = [];
  const { send, read, peer, closed } = client(
    // deno-lint-ignore require-await
    async (_request, info) => {
      info.takeOver(
        { status: 101, fields: { upgrade: "echo" } },
        new RawMachine(),
        (event, conn) => {
          if (event.type === "bytes") conn.send(event.bytes);
        },
      );
      throw new Error("too late");
    },
    (error) => {
      reported.push((error as Error).message);
      return new Response("failed", { status: 500 });
    },
  );
  await send(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
  );
  await read("\r\n\r\n");
  await send("echo");
  assertEquals(await read("echo"), "echo");
  assertEquals(reported[0], "too late");
  await peer.closeWrite();
  await closed;
});

Deno.test("serve lets a slow client slow the response's stream down", async () => {
  let made = 0;
  const { send, peer, clock, closed } = client(
    () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            made++;
            controller.enqueue(new Uint8Array(64 * 1024));
          },
        }),
      ),
    undefined,
    1024,
  );
  await send(GET);
  for (let i = 0; i < 5; i++) await clock.advance(0);
  assert(made < 20, `${made} pieces were made`);
  peer.close();
  await closed;
});

Deno.test("serve takes no further request from a client that takes no answer", async () => {
  let requests = 0;
  const { send, peer, clock, closed } = client(
    () => {
      requests++;
      return new Response("x".repeat(50_000));
    },
    undefined,
    16 * 1024,
  );
  await send(GET.replace("close", "keep-alive").repeat(100));
  for (let i = 0; i < 5; i++) await clock.advance(0);
  assert(requests < 4, `${requests} requests were taken`);
  peer.close();
  await closed;
});

Deno.test("info.takeOver upgrades, with the bytes that follow", async () => {
  const raw: string[] = [];
  let detached: unknown;
  const { send, read, peer, closed } = client((_request, info) => {
    const { conn, response } = info.takeOver(
      { status: 101, fields: { connection: "Upgrade", upgrade: "echo" } },
      new RawMachine(),
      (event, conn) => {
        if (event.type !== "bytes") return;
        raw.push(decoder.decode(event.bytes));
        conn.send(event.bytes);
      },
    );
    assertEquals(conn.protocol, "tcp");
    detached = info.conn;
    return response;
  });
  await send(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly",
  );
  const answer = await read("early");
  assertMatch(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assertMatch(answer, /\r\nupgrade: echo\r\n/i);
  await send("late");
  assertEquals(await read("late"), "late");
  assertEquals(raw, ["early", "late"]);
  assert(detached !== undefined);
  await peer.closeWrite();
  await closed;
});

Deno.test("info.takeOver answers CONNECT", async () => {
  const { send, read, peer, closed } = client((request, info) => {
    assertEquals(request.method, "CONNECT");
    assertEquals(info.head.target, "db.example:5432");
    return info.takeOver({ status: 200 }, new RawMachine(), (event, conn) => {
      if (event.type === "bytes") conn.send(event.bytes);
    }).response;
  });
  await send(
    "CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\nhello",
  );
  const answer = await read("hello");
  assertMatch(answer, /^HTTP\/1\.1 200 /);
  assert(!/transfer-encoding|content-length/i.test(answer));
  await peer.closeWrite();
  await closed;
});

Deno.test("serve refuses a target that is no URL", async () => {
  const answer = await exchange(
    () => new Response("never"),
    GET.replace("example.com", "exa mple:x"),
  );
  assertMatch(answer, /^HTTP\/1\.1 400 /);
});

Deno.test("serve gives the URL of absolute-form and asterisk-form", async () => {
  const url: ServeHandler = (request) => new Response(request.url);
  assert(
    (await exchange(url, GET.replace("/path?a=b", "http://other/x")))
      .endsWith("http://other/x"),
  );
  assert(
    (await exchange(
      url,
      "OPTIONS * HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n",
    )).endsWith("http://example.com/"),
  );
});

Deno.test("info.completed settles with the response", async () => {
  let info: ServeInfo | undefined;
  await exchange((_request, given) => {
    info = given;
    return new Response("x");
  }, GET);
  await info!.completed;
});

Deno.test("serve pulls a body from its source", async () => {
  let left = 100_000;
  const answer = await exchange(() =>
    sourceResponse({
      size: left,
      pull: (buffer) => {
        const count = Math.min(buffer.length, left, 30_000);
        buffer.fill(0x61, 0, count);
        left -= count;
        return Promise.resolve(count);
      },
      cancel: () => {},
    }, {}), GET);
  assertMatch(answer, /\r\ncontent-length: 100000\r\n/i);
  assert(answer.endsWith("a".repeat(100_000)));
});

Deno.test("serve cuts a body whose source fails", async () => {
  const { send, read, closed, peer } = client(() =>
    sourceResponse({
      size: 10,
      pull: () => Promise.reject(new Error("shrank")),
      cancel: () => {},
    }, {})
  );
  await send(GET);
  assert((await read()).endsWith("\r\n\r\n"));
  await peer.closeWrite();
  assertEquals((await closed)?.code, "body_failed");
});
Deno.test("The same handler runs under serve and Deno.serve", async () => {
  const handler = async (
    request: Request,
    info: { remoteAddr: Deno.NetAddr },
  ): Promise<Response> =>
    new Response(`${await request.text()} from ${info.remoteAddr.hostname}`);
  const options = { hostname: "127.0.0.1", port: 0 };
  await using ours = serve(options, handler);
  await using theirs = Deno.serve({ ...options, onListen: () => {} }, handler);
  for (const { addr } of [ours, theirs]) {
    const { port } = addr as Deno.NetAddr;
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: "POST",
      body: "hello",
    });
    assertEquals(await response.text(), "hello from 127.0.0.1");
  }
});

Deno.test("serve answers what a helper found wrong with the request", async () => {
  await using server = serve(
    { hostname: "127.0.0.1", port: 0 },
    async (request) => {
      const fields = await formVariables(request, { maxBytes: 4 });
      return new Response(fields.get("a"));
    },
  );
  const url = `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`;
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answers = await Promise.all(
    ["a=1", "a=1234567"].map(async (body) => {
      const response = await fetch(url, { method: "POST", headers, body });
      return [response.status, await response.text()];
    }),
  );
  assertEquals(answers, [[200, "1"], [413, "Content Too Large\n"]]);
});

Deno.test("serve.shutdown lets a streamed answer and a pipelined request end", async () => {
  const gate = Promise.withResolvers<void>();
  const server = serve({ hostname: "127.0.0.1", port: 0 }, (request) => {
    if (request.url.endsWith("/second")) return new Response("second");
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield encoder.encode("one ");
      await gate.promise;
      yield encoder.encode("two");
    }
    return new Response(ReadableStream.from(pieces()));
  });
  const { port } = server.addr as Deno.NetAddr;
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(encoder.encode(
    "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n",
  ));
  const buffer = new Uint8Array(4096);
  let answer = "";
  while (!answer.endsWith("one \r\n")) {
    answer += decoder.decode(buffer.subarray(0, (await conn.read(buffer))!));
  }
  const down = server.shutdown();
  gate.resolve();
  let count;
  while ((count = await conn.read(buffer)) !== null) {
    answer += decoder.decode(buffer.subarray(0, count));
  }
  conn.close();
  await down;
  const [first, second] = answer.split(/(?=HTTP\/1\.1 )/);
  assert(first!.endsWith("4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"), answer);
  assert(second!.endsWith("second"), answer);
  assertMatch(second!, /\r\nConnection: close\r\n/);
});

Deno.test("serve.shutdown leaves a tunnel to its machine, and close cuts what is left", async () => {
  const server = serve(
    { hostname: "127.0.0.1", port: 0 },
    (_request, info) =>
      info.takeOver({ status: 200 }, new RawMachine(), (event, conn) => {
        if (event.type === "bytes") conn.send(event.bytes);
      }).response,
  );
  const { port } = server.addr as Deno.NetAddr;
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(
    encoder.encode("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nhello"),
  );
  const buffer = new Uint8Array(4096);
  let answer = "";
  while (!answer.endsWith("hello")) {
    answer += decoder.decode(buffer.subarray(0, (await conn.read(buffer))!));
  }
  const down = server.shutdown();
  assertEquals(await conn.read(buffer), null);
  conn.close();
  await down;
  assertEquals(server.connections, 0);
});

Deno.test("serve takes connections from a given listener", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using _server = serve({ listener }, () => new Response("served"));
  const response = await fetch(`http://127.0.0.1:${listener.addr.port}/`);
  assertEquals(await response.text(), "served");
});
