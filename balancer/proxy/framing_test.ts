// How messages are framed on their way: bodies are the same to the byte, and who
// waits for what gets it.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import {
  chunks,
  field,
  post,
  readMessage,
  readMessages,
  readResponse,
  request,
  respond,
  settle,
} from "./proxy_test_util.ts";

const one = () => new Bench({ backends: 1 });
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** Bytes of which each place has its own. */
function noise(length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) {
    text += String.fromCharCode(i * 7919 >> 3 & 255);
  }
  return text;
}

/** In pieces that fit no buffer. */
function pieces(text: string): string[] {
  const found: string[] = [];
  for (
    let at = 0, size = 1;
    at < text.length;
    at += size, size = size * 3 + 1
  ) {
    if (size > 20_000) size = 1;
    found.push(text.slice(at, at + size));
  }
  return found;
}

for (const size of [1, 2, 1023, 16_384, 65_536, 65_537, 300_000]) {
  const body = noise(size);

  Deno.test(`a request of ${size} bytes passes, counted`, async () => {
    await using t = one();
    assertEquals(readResponse(await t.ask(post(body))).body, "a");
    const [seen] = t.a.requests;
    assert(seen?.body === body);
    assertEquals(field(seen, "content-length"), String(size));
    assertEquals(t.record.bytesIn, size);
  });

  Deno.test(`a request of ${size} bytes passes, chunked`, async () => {
    await using t = one();
    const head = request("/", CHUNKED, "POST");
    readResponse(await t.ask(head + chunks(...pieces(body))));
    const [seen] = t.a.requests;
    assert(seen?.body === body);
    assert(seen.chunked);
    assertEquals(t.record.bytesIn, size);
  });

  Deno.test(`a response of ${size} bytes passes, counted`, async () => {
    await using t = one();
    t.a.answer = () => respond(body);
    const reply = readResponse(await t.ask(request()));
    assert(reply.body === body);
    assertEquals(field(reply, "content-length"), String(size));
    assertEquals(t.record.bytesOut, size);
  });

  Deno.test(`a response of ${size} bytes passes, chunked`, async () => {
    await using t = one();
    t.a.answer = () =>
      `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n` + chunks(...pieces(body));
    const reply = readResponse(await t.ask(request()));
    assert(reply.body === body);
    assert(reply.chunked);
    assertEquals(t.record.bytesOut, size);
  });

  Deno.test(`a response of ${size} bytes passes, up to the close`, async () => {
    await using t = one();
    t.a.answer = (_, wire) => {
      wire.send(`HTTP/1.0 200 OK\r\n\r\n${body}`);
      wire.end();
    };
    const client = t.client();
    await client.ask(request());
    await settle();
    const reply = readResponse(client.received);
    assert(reply.body === body);
    assertEquals(client.ended, "no", "the client's connection goes on");
  });
}

Deno.test("a request passes byte by byte", async () => {
  await using t = one();
  const client = t.client();
  client.transport.chunk = 1;
  const sent = request("/a", CHUNKED, "POST") + chunks("ab", "c") + post("xyz");
  for (const byte of sent) await client.ask(byte);
  assertEquals(t.a.requests.map(({ body }) => body), ["abc", "xyz"]);
  assertEquals(readMessages(client.received, []).length, 2);
});

Deno.test("a response passes byte by byte", async () => {
  await using t = one();
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  const sent = `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n` + chunks("ab", "c");
  for (const byte of sent) {
    t.a.wire.send(byte);
    await settle();
  }
  assertEquals(readResponse(client.take()).body, "abc");
});

Deno.test("an empty POST keeps its Content-Length", async () => {
  await using t = one();
  readResponse(await t.ask(post("")));
  assertEquals(field(t.a.requests[0]!, "content-length"), "0");
});

Deno.test("a GET without a body gets no framing", async () => {
  await using t = one();
  readResponse(await t.ask(request()));
  assertEquals(field(t.a.requests[0]!, "content-length"), undefined);
  assertEquals(t.a.requests[0]!.chunked, false);
});

Deno.test("an empty chunked body stays one", async () => {
  await using t = one();
  readResponse(await t.ask(request("/", CHUNKED, "POST") + chunks()));
  assertEquals(t.a.requests[0]!.chunked, true);
  assertEquals(t.a.requests[0]!.body, "");
});

Deno.test("many small chunks that come together go on together", async () => {
  await using t = one();
  const body = "x".repeat(2000);
  const tiny = chunks(...body);
  t.a.answer = () => `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n${tiny}`;
  const got = await t.ask(request("/", CHUNKED, "POST") + tiny);
  assertEquals(readResponse(got).body, body);
  assertEquals(t.a.requests[0]!.body, body);
  for (const text of [got, t.a.wire.received]) {
    assert(text.length < 3000, `${text.length} bytes`);
  }
});

Deno.test("103 passes before the response", async () => {
  await using t = one();
  t.a.answer = () =>
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + respond("a");
  const replies = readMessages(await t.ask(request()), []);
  assertEquals(replies.map(({ start }) => start.slice(9, 12)), ["103", "200"]);
  assertEquals(field(replies[0]!, "link"), "</a>");
});

Deno.test("100 comes from the backend, and then the body goes", async () => {
  await using t = one();
  t.a.raw();
  const client = t.client();
  const expect = "Expect: 100-continue\r\nContent-Length: 5\r\n";
  assertEquals(await client.ask(request("/", expect, "POST")), "");
  assertMatch(t.a.wire.take(), /\r\nExpect: 100-continue\r\n/);
  t.a.wire.send("HTTP/1.1 100 Continue\r\n\r\n");
  await settle();
  assertMatch(client.take(), /^HTTP\/1.1 100 Continue\r\n/);
  await client.ask("hello");
  assertEquals(t.a.wire.take(), "hello");
  t.a.wire.send(respond("done"));
  await settle();
  assertEquals(readResponse(client.take()).body, "done");
});

Deno.test("a refusal in place of 100 passes, and the body is not asked for", async () => {
  await using t = one();
  t.a.raw();
  const client = t.client();
  const expect = "Expect: 100-continue\r\nContent-Length: 5\r\n";
  await client.ask(request("/", expect, "POST"));
  t.a.wire.send(respond("", 417));
  await settle();
  assertMatch(readResponse(client.take()).start, / 417 /);
  assertEquals(t.figures().openConnections, 0, "its end is open");
});

Deno.test("an answer before the request is complete passes at once", async () => {
  await using t = one();
  t.a.raw();
  const client = t.client();
  await client.ask(request("/", "Content-Length: 100000\r\n", "POST") + "abc");
  t.a.wire.send(respond("too large", 413));
  await settle();
  const reply = readResponse(client.take());
  assertEquals(reply.body, "too large");
  assertEquals(t.record.outcome, "complete");
  await client.ask("x".repeat(99_997));
  assertEquals(t.figures().openConnections, 0);
});

Deno.test("the next request behind an early answer is its own", async () => {
  await using t = one();
  t.a.answer = () => respond("next");
  t.a.raw();
  const client = t.client();
  await client.ask(request("/", "Content-Length: 10\r\n", "POST") + "abc");
  t.a.wire.send(respond("early"));
  await settle();
  assertEquals(readResponse(client.take()).body, "early");
  await client.ask("defghij" + request("/second"));
  if (client.ended !== "no") return; // Closing is right, too.
  assertEquals(t.a.wires.length, 2);
  assertMatch(t.a.wire.received, /^GET \/second HTTP/);
  t.a.wire.send(respond("second"));
  await settle();
  assertEquals(readResponse(client.take()).body, "second");
});

for (const status of [200, 304]) {
  Deno.test(`Content-Length of ${status} without a body stays`, async () => {
    await using t = one();
    t.a.answer = () => `HTTP/1.1 ${status} X\r\nContent-Length: 500\r\n\r\n`;
    const client = t.client();
    for (let i = 0; i < 2; i++) {
      const method = status === 200 ? "HEAD" : "GET";
      const got = await client.ask(request("/", "", method));
      assertEquals(field(readResponse(got, method), "content-length"), "500");
    }
    assertEquals(t.a.wires.length, 1);
  });
}

Deno.test("204 has no framing", async () => {
  await using t = one();
  t.a.answer = () => "HTTP/1.1 204 No Content\r\n\r\n";
  const client = t.client();
  for (let i = 0; i < 2; i++) {
    const reply = readResponse(await client.ask(request("/", "", "DELETE")));
    assertEquals(field(reply, "content-length"), undefined);
    assertEquals(field(reply, "transfer-encoding"), undefined);
  }
});

Deno.test("HEAD of a chunked resource has no body", async () => {
  await using t = one();
  t.a.answer = () => `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`;
  const client = t.client();
  for (let i = 0; i < 2; i++) {
    readResponse(await client.ask(request("/", "", "HEAD")), "HEAD");
  }
  assertEquals(t.a.wires.length, 1);
});

Deno.test("trailers pass both ways", async () => {
  await using t = one();
  const body = "1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n";
  t.a.answer = () =>
    `HTTP/1.1 200 OK\r\n${CHUNKED}Trailer: X-Sum\r\n\r\n${body}`;
  const fields = `${CHUNKED}TE: trailers\r\nTrailer: X-Sum\r\n`;
  const reply = readResponse(await t.ask(request("/", fields, "POST") + body));
  assertEquals(reply.trailers, "X-Sum: 1\r\n");
  const [seen] = t.a.requests;
  assertEquals(seen!.trailers, "X-Sum: 1\r\n");
  assertEquals(field(seen!, "te"), "trailers");
});

Deno.test("trailers cannot say who the client is", async () => {
  await using t = one();
  const body =
    "0\r\nX-Forwarded-For: 1.2.3.4\r\nX-Request-Id: x\r\nX-Ok: 1\r\n\r\n";
  readResponse(await t.ask(request("/", CHUNKED, "POST") + body));
  assertEquals(t.a.requests[0]!.trailers, "X-Ok: 1\r\n");
});

Deno.test("what a route removes it removes from trailers, too", async () => {
  const remove = ["X-Secret"];
  await using t = new Bench({
    backends: 1,
    route: { requestFields: { remove }, responseFields: { remove } },
  });
  const body = "0\r\nX-Secret: s\r\nX-Ok: 1\r\n\r\n";
  t.a.answer = () => `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n${body}`;
  const sent = request("/", `${CHUNKED}TE: trailers\r\n`, "POST") + body;
  assertEquals(readResponse(await t.ask(sent)).trailers, "X-Ok: 1\r\n");
  assertEquals(t.a.requests[0]!.trailers, "X-Ok: 1\r\n");
});

Deno.test("an HTTP/1.0 client gets a response that ends with the connection", async () => {
  await using t = one();
  t.a.answer = () => `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n` + chunks("ab", "c");
  const client = t.client();
  const got = await client.ask("GET / HTTP/1.0\r\n\r\n");
  assertMatch(got, /\r\n\r\nabc$/);
  assert(!/transfer-encoding/i.test(got), got);
  assertEquals(client.ended, "eof");
  assertMatch(t.a.requests[0]!.start, /HTTP\/1\.1$/);
  assertEquals(field(t.a.requests[0]!, "via"), "1.0 meerkat");
});

Deno.test("an HTTP/1.0 client can keep its connection", async () => {
  await using t = one();
  const client = t.client();
  for (let i = 0; i < 2; i++) {
    const got = await client.ask(
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    );
    assertMatch(got, /Connection: keep-alive\r\n/i);
  }
  assertEquals(t.balancer.snapshot().accepted, 1);
});

Deno.test("an HTTP/1.0 client gets no interim response", async () => {
  await using t = one();
  t.a.answer = () => "HTTP/1.1 103 Early Hints\r\n\r\n" + respond("a");
  const got = await t.ask("GET / HTTP/1.0\r\n\r\n");
  assertMatch(got, /^HTTP\/1.1 200 /);
});

Deno.test("a backend's close does not close the client's connection", async () => {
  await using t = one();
  t.a.answer = () => respond("a", 200, "Connection: close\r\n");
  const client = t.client();
  for (let i = 0; i < 3; i++) {
    assertEquals(readResponse(await client.ask(request())).body, "a");
  }
  assertEquals(t.a.wires.length, 3);
});

Deno.test("a client's close does not close the backend's connection", async () => {
  await using t = one();
  for (let i = 0; i < 3; i++) {
    const client = t.client();
    await client.ask(request("/", "Connection: close\r\n"));
    assertEquals(client.ended, "eof");
  }
  assertEquals(t.a.wires.length, 1);
});

Deno.test("pipelined requests are answered in their order", async () => {
  await using t = new Bench();
  t.a.answer = () => {};
  const client = t.client();
  const got = await client.ask(request("/1") + post("two") + request("/3"));
  assertEquals(got, "", "the second one waits for the first one's answer");
  t.a.answer = ({ start }) => respond(start);
  t.a.wire.send(respond("first"));
  await settle();
  assertEquals(readMessages(client.take(), []).map(({ body }) => body), [
    "first",
    "b",
    "GET /3 HTTP/1.1",
  ]);
});

Deno.test("a reason phrase passes", async () => {
  await using t = one();
  t.a.answer = () => "HTTP/1.1 200 Sehr gut\r\nContent-Length: 0\r\n\r\n";
  const reply = readResponse(await t.ask(request()));
  assertEquals(reply.start, "HTTP/1.1 200 Sehr gut");
});

Deno.test("a status that nobody knows passes", async () => {
  await using t = one();
  t.a.answer = () => respond("x", 799);
  assertEquals(readResponse(await t.ask(request())).start, "HTTP/1.1 799 X");
});

Deno.test("Latin-1 in fields passes as it is", async () => {
  await using t = one();
  t.a.answer = () => respond("", 200, "X-Name: J\xfcrgen\r\n");
  const reply = readResponse(await t.ask(request("/", "X-Name: Zo\xeb\r\n")));
  assertEquals(field(reply, "x-name"), "J\xfcrgen");
  assertEquals(field(t.a.requests[0]!, "x-name"), "Zo\xeb");
});

Deno.test("a response of unknown length comes as it is made", async () => {
  await using t = one();
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  t.a.wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n`);
  await settle();
  assert(client.received.endsWith("5\r\nhello\r\n"));
  assertEquals(readMessage(client.received, "GET"), undefined);
  t.a.wire.send("0\r\n\r\n");
  await settle();
  assertEquals(readResponse(client.received).body, "hello");
});
