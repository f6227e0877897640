import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { FakeNet, type Peer } from "./client_test_util.ts";

const URL = "http://a.test/path?q=1";

async function fails(promise: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => promise, ConnError);
  return error.code;
}

Deno.test("Client sends a request and gives the reply", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  const head = await peer.serve("hello", "X-One: 1\r\n", "201 Made");
  const response = await promise;
  assertEquals(head.split("\r\n")[0], "GET /path?q=1 HTTP/1.1");
  assertEquals(head.split("\r\n")[1], "Host: a.test");
  assertEquals(response.status, 201);
  assertEquals(response.reason, "Made");
  assertEquals(response.fields.get("x-one"), "1");
  assertEquals(response.url, URL);
  assertEquals(response.reused, false);
  assertEquals(await response.body.text(), "hello");
  assertEquals(net.requests[0]!.hostname, "a.test");
  assertEquals(net.requests[0]!.port, 80);
  assertEquals(net.requests[0]!.tls, undefined);
});

Deno.test("Client keeps the connection for the next request", async () => {
  const net = new FakeNet();
  await using client = net.client();
  let peer: Peer | undefined;
  for (let i = 0; i < 3; i++) {
    const promise = client.request(URL);
    peer ??= await net.next();
    await peer.serve(`${i}`);
    const response = await promise;
    assertEquals(await response.body.text(), `${i}`);
    assertEquals(response.reused, i > 0);
  }
  assertEquals(net.requests.length, 1);
});

Deno.test("Client does not keep a connection that the server closes", async () => {
  const net = new FakeNet();
  await using client = net.client();
  for (const fields of ["Connection: close\r\n", ""]) {
    const promise = client.request(URL);
    const peer = await net.next();
    await peer.serve("x", fields);
    assertEquals(await (await promise).body.text(), "x");
  }
  assertEquals(net.requests.length, 2);
});

Deno.test("Client reads the body as bytes, JSON, stream and iterable", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const bodies: unknown[] = [];
  let peer: Peer | undefined;
  for (const how of ["bytes", "json", "stream", "iterate", "text"] as const) {
    const promise = client.request(URL);
    peer ??= await net.next();
    await peer.serve("[1]");
    const { body } = await promise;
    if (how === "bytes") bodies.push([...await body.bytes()]);
    else if (how === "json") bodies.push(await body.json());
    else if (how === "text") bodies.push(await body.text());
    else if (how === "stream") {
      bodies.push(await new Response(body.stream()).text());
    } else for await (const piece of body) bodies.push(piece.length);
    assertEquals(body.used, true);
    assertEquals(await fails(body.text()), "body_used");
  }
  assertEquals(bodies, [[91, 49, 93], [1], "[1]", 3, "[1]"]);
});

Deno.test("Client rejects a body that is no JSON", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  await (await net.next()).serve("{");
  const { body } = await promise;
  await assertRejects(() => body.json(), SyntaxError);
});

Deno.test("Client sends whole bodies with their length and type", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL, { method: "POST", body: "é" });
  const peer = await net.next();
  const head = await peer.head();
  assertStringIncludes(head, "POST /path?q=1 HTTP/1.1\r\n");
  assertStringIncludes(head.toLowerCase(), "content-length: 2\r\n");
  assertStringIncludes(head, "Content-Type: text/plain;charset=UTF-8\r\n");
  assertEquals(await peer.until("é"), "é");
  await peer.reply("");
  await promise;
});

Deno.test("Client streams a body in chunks, with trailers", async () => {
  const net = new FakeNet();
  await using client = net.client();
  async function* words() {
    yield "one";
    await Promise.resolve();
    yield new Uint8Array([50]);
  }
  const progress: number[] = [];
  const promise = client.request(URL, {
    method: "PUT",
    body: words(),
    trailers: () => ({ "X-Sum": "3" }),
    onProgress: ({ sent }) => progress.push(sent),
  });
  const peer = await net.next();
  const head = await peer.head();
  assertStringIncludes(head.toLowerCase(), "transfer-encoding: chunked\r\n");
  assertEquals(
    await peer.until("\r\n\r\n"),
    "3\r\none\r\n1\r\n2\r\n0\r\nX-Sum: 3\r\n\r\n",
  );
  await peer.reply("ok");
  const response = await promise;
  assertEquals(await response.body.text(), "ok");
  assertEquals(progress.slice(0, 2), [3, 4]);
});

Deno.test("Client sends a blob with its length", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const body = new Blob(["hello"], { type: "a/b" });
  const promise = client.request(URL, { method: "POST", body });
  const peer = await net.next();
  const head = await peer.head();
  assertStringIncludes(head, "Content-Length: 5\r\n");
  assertStringIncludes(head, "Content-Type: a/b\r\n");
  await peer.until("hello");
  await peer.reply("");
  await promise;
});

Deno.test("Client fails with what a body's stream fails with", async () => {
  const net = new FakeNet();
  await using client = net.client();
  async function* broken() {
    yield "x";
    await Promise.resolve();
    throw new RangeError("no more");
  }
  const promise = client.request(URL, { method: "POST", body: broken() });
  promise.catch(() => {});
  const peer = await net.next();
  await peer.head();
  await assertRejects(() => promise, RangeError, "no more");
  assertEquals(client.connections, 0);
});

Deno.test("Client gives fields of its own, of the program and of the request", async () => {
  const net = new FakeNet();
  await using client = net.client({
    fields: { "X-All": "1", "X-Both": "client" },
  });
  const promise = client.request(URL, {
    fields: { "X-Both": "request", "accept": "a/b", "Host": "other.test" },
  });
  const peer = await net.next();
  const lines = (await peer.serve("")).trim().split("\r\n").slice(1);
  assertEquals(lines, [
    "Host: other.test",
    "X-Both: request",
    "accept: a/b",
    "X-All: 1",
    "User-Agent: meerkat",
    "Accept-Encoding: gzip, deflate, br",
  ]);
  await promise;
});

Deno.test("Client refuses bad fields, methods and URLs without a connection", async () => {
  const net = new FakeNet();
  await using client = net.client();
  for (
    const options of [
      { fields: { "a b": "x" } },
      { fields: { "a": "x\r\ny: z" } },
    ]
  ) {
    assertEquals(
      (await fails(client.request(URL, options))).startsWith("bad_field"),
      true,
    );
  }
  assertEquals(await fails(client.request("nonsense")), "url_invalid");
  assertEquals(net.requests.length, 0);
});

Deno.test("Client gives trailers of the reply", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n",
  );
  const response = await promise;
  assertEquals(await response.body.text(), "hi");
  assertEquals((await response.trailers).get("x-t"), "1");
});

Deno.test("Client tells of interim responses, and of each event", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const interim: number[] = [];
  const events: string[] = [];
  const promise = client.request(URL, {
    onInformation: (head) => interim.push(head.status),
    onEvent: (event) => {
      events.push(event.type);
    },
  });
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
  await peer.reply("hi");
  const response = await promise;
  await response.trailers;
  assertEquals(interim, [103]);
  assertEquals(events, ["response", "response", "body", "end"]);
  assertEquals(await fails(response.body.text()), "body_used");
});

Deno.test("Client has no body for HEAD, 204 and 304, and keeps the connection", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const first = client.request(URL, { method: "HEAD" });
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  assertEquals(await (await first).body.text(), "");
  for (const status of ["204 No Content", "304 Not Modified"]) {
    const promise = client.request(URL);
    await peer.head();
    await peer.send(`HTTP/1.1 ${status}\r\n\r\n`);
    assertEquals(await (await promise).body.text(), "");
  }
  assertEquals(net.requests.length, 1);
});

Deno.test("Client takes a reply that ends with the connection", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\n\r\nall of it");
  peer.transport.close();
  assertEquals(await (await promise).body.text(), "all of it");
});

Deno.test("Client fails rather than give a reply that is cut short or wrong", async () => {
  const table: [string, string][] = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "body_cut"],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "body_cut",
    ],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello", ""],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiXX", ""],
    ["HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi", ""],
    ["HTTP/1.1 200 OK\r\nContent-Le", ""],
    ["garbage\r\n\r\n", ""],
    [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(40000)}\r\n\r\n`, ""],
  ];
  for (const [reply, code] of table) {
    const net = new FakeNet();
    await using client = net.client({ retry: false });
    const promise = client.request(URL).then((response) =>
      response.body.text()
    );
    promise.catch(() => {});
    const peer = await net.next();
    await peer.head();
    await peer.send(reply);
    await peer.transport.closeWrite();
    const failed = await fails(promise);
    if (code !== "") assertEquals(failed, code, reply.slice(0, 60));
    assertEquals(client.connections, 0, reply.slice(0, 60));
  }
});

Deno.test("Client gives what came of a body before it fails", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
  const response = await promise;
  peer.transport.close();
  let text = "";
  const error = await assertRejects(async () => {
    for await (const piece of response.body) {
      text += new TextDecoder().decode(piece);
    }
  }, ConnError);
  assertEquals(text, "short");
  assertEquals(error.code, "body_cut");
  assertEquals(await fails(response.trailers), "body_cut");
});

Deno.test("Client stops reading while nobody takes the body, and goes on then", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  const size = 1 << 20;
  await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  let sent = 0;
  const sending = (async () => {
    const piece = new Uint8Array(16384);
    for (; sent < size; sent += piece.length) await peer.send(piece.slice());
  })();
  const response = await promise;
  await net.clock.advance(1);
  assert(sent < 512 * 1024, `${sent} bytes were taken`);
  let received = 0;
  for await (const piece of response.body) received += piece.length;
  await sending;
  assertEquals(received, size);
});

Deno.test("Client collects no more than maxBufferedSize", async () => {
  const net = new FakeNet();
  await using client = net.client({ maxBufferedSize: 4 });
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.serve("hello");
  assertEquals(await fails((await promise).body.text()), "response_too_large");
});

Deno.test("Client takes no more than maxResponseSize, announced or not", async () => {
  for (
    const head of [
      "Content-Length: 5\r\n\r\nhello",
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ]
  ) {
    const net = new FakeNet();
    await using client = net.client({ maxResponseSize: 4 });
    const promise = client.request(URL);
    const peer = await net.next();
    await peer.head();
    await peer.send(`HTTP/1.1 200 OK\r\n${head}`);
    assertEquals(
      await fails((await promise).body.text()),
      "response_too_large",
    );
    assertEquals(client.connections, 0);
  }
});

Deno.test("Client closes the connection of a body that is given up", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  const response = await promise;
  for await (const _ of response.body) break;
  assertEquals(client.connections, 0);
});

Deno.test("Client decodes compressed replies", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const gzip = new Blob(["hello ".repeat(100)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const coded = new Uint8Array(await new Response(gzip).arrayBuffer());
  let peer: Peer | undefined;
  for (const how of ["text", "stream"] as const) {
    const promise = client.request(URL);
    peer ??= await net.next();
    const head = await peer.head();
    assertStringIncludes(head, "Accept-Encoding: gzip, deflate, br\r\n");
    await peer.send(
      `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n`,
    );
    await peer.send(coded.slice());
    const { body } = await promise;
    const text = how === "text"
      ? await body.text()
      : await new Response(body.stream()).text();
    assertEquals(text, "hello ".repeat(100));
  }
  const raw = client.request(URL, { decode: false });
  const head = await peer!.head();
  assertEquals(head.includes("Accept-Encoding"), false);
  await peer!.send(
    `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n`,
  );
  await peer!.send(coded.slice());
  assertEquals(await (await raw).body.bytes(), coded);
});

Deno.test("Client caps what a reply decodes to", async () => {
  const net = new FakeNet();
  await using client = net.client({ maxResponseSize: 5000 });
  const gzip = new Blob([new Uint8Array(1e6)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const coded = new Uint8Array(await new Response(gzip).arrayBuffer());
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send(
    `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n`,
  );
  await peer.send(coded);
  assertEquals(await fails((await promise).body.text()), "content_too_large");
});

Deno.test("Client measures the phases on its clock", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await net.clock.advance(30);
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  const response = await promise;
  assertEquals(response.timings.firstByte, 30);
  assertEquals(response.timings.total, undefined);
  await net.clock.advance(20);
  await peer.send("ok");
  await response.body.text();
  assertEquals(response.timings, {
    queue: 0,
    connect: 0,
    tls: 0,
    firstByte: 30,
    total: 50,
  });
});

Deno.test("Client hands over the connection after 101", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL, {
    fields: { Connection: "upgrade", Upgrade: "x" },
  });
  const peer = await net.next();
  await peer.head();
  await peer.send(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nmore",
  );
  const response = await promise;
  assertEquals(response.status, 101);
  assertEquals(client.connections, 0);
  const { RawMachine } = await import("../../conn/raw.ts");
  const raw = response.conn.become(new RawMachine());
  for await (const event of raw) {
    if (event.type !== "bytes") continue;
    assertEquals(new TextDecoder().decode(event.bytes), "more");
    break;
  }
  raw.abort();
});

Deno.test("Client does not hand over any other connection", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  await (await net.next()).serve("");
  const response = await promise;
  let code = "";
  try {
    response.conn;
  } catch (error) {
    code = (error as ConnError).code;
  }
  assertEquals(code, "not_upgraded");
});

Deno.test("Client fails a request whose callback throws, and no other", async () => {
  for (const name of ["onInformation", "onEvent", "onProgress"]) {
    const net = new FakeNet();
    await using client = net.client();
    const other = client.request(URL);
    const calm = await net.next();
    const promise = client.request(URL, {
      [name]: () => {
        throw new RangeError("mine");
      },
    }).then((response) => response.trailers);
    promise.catch(() => {});
    const peer = await net.next();
    await peer.head();
    await peer.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    if (name === "onProgress") await peer.reply("hi");
    await assertRejects(() => promise, RangeError, "mine", name);
    await calm.serve("ok");
    assertEquals(await (await other).text(), "ok");
  }
});

Deno.test("Client understands replies that come byte by byte", async () => {
  const net = new FakeNet();
  net.chunk = 1;
  await using client = net.client();
  let peer: Peer | undefined;
  for (let i = 0; i < 2; i++) {
    const promise = client.request(URL);
    peer ??= await net.next();
    await peer.head();
    await peer.send(
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX-One: 1\r\n" +
        "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nX-T: 1\r\n\r\n",
    );
    const response = await promise;
    assertEquals(response.fields.get("x-one"), "1");
    assertEquals(await response.text(), "onetwo");
    assertEquals((await response.trailers).get("x-t"), "1");
    assertEquals(response.reused, i > 0);
  }
});
