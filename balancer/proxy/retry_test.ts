// When a request is sent again, and when it must not be.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Bench, type TestBackend } from "../balancer_test_util.ts";
import {
  chunks,
  field,
  post,
  readMessage,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy_test_util.ts";

/** A backend that breaks each connection once a request has come. */
function breaks(backend: TestBackend, sent = "", how: "reset" | "end" = "end") {
  backend.answer = (_, wire) => {
    wire.send(sent);
    wire.end().then(() => how === "reset" ? wire.reset() : undefined);
  };
}

/** Warms a connection to each backend up. */
async function warm(t: Bench): Promise<void> {
  for (let i = 0; i < t.backends.length; i++) await t.ask(request("/warm"));
  for (const backend of t.backends) backend.requests.length = 0;
}

const counts = (t: Bench) => t.backends.map(({ requests }) => requests.length);

Deno.test("a refused connection is not seen by the client", async () => {
  await using t = new Bench();
  t.a.mode = "refusing";
  for (const sent of [request(), post("x")]) {
    assertEquals(readResponse(await t.ask(sent)).body, "b");
  }
  assertEquals(t.upstream().retries, 2);
  assertEquals(t.figures(0).errors, { connect_refused: 2 });
  assertEquals(t.records.map(({ retries }) => retries), [1, 1]);
});

Deno.test("a POST that was not sent is sent to another backend", async () => {
  await using t = new Bench();
  t.a.mode = "refusing";
  assertEquals(readResponse(await t.ask(post("x"))).body, "b");
  assertEquals(t.b.requests[0]!.body, "x");
});

Deno.test("a connection that takes too long is given up", async () => {
  await using t = new Bench({ upstream: { pool: { connectTimeout: 2000 } } });
  t.a.mode = "silent";
  const client = t.client();
  assertEquals(await client.ask(post("x")), "");
  await t.clock.advance(2100);
  assertEquals(readResponse(client.take()).body, "b");
});

for (const how of ["end", "reset"] as const) {
  Deno.test(`a GET whose connection ends by ${how} is tried elsewhere`, async () => {
    await using t = new Bench();
    breaks(t.a, "", how);
    assertEquals(readResponse(await t.ask(request())).body, "b");
    assertEquals(counts(t), [1, 1]);
  });

  Deno.test(`a POST whose connection ends by ${how} is not sent twice`, async () => {
    await using t = new Bench();
    breaks(t.a, "", how);
    assertEquals(statusOf(await t.ask(post("x"))), 502);
    assertEquals(counts(t), [1, 0]);
  });
}

Deno.test("a PUT is tried again with its body", async () => {
  await using t = new Bench();
  breaks(t.a);
  const put = request("/", "Content-Length: 3\r\n", "PUT") + "abc";
  assertEquals(readResponse(await t.ask(put)).body, "b");
  assertEquals(t.b.requests[0]!.body, "abc");
});

Deno.test("a PUT is tried again in chunks, with its trailers", async () => {
  await using t = new Bench();
  breaks(t.a);
  const head = request("/", "Transfer-Encoding: chunked\r\n", "PUT");
  readResponse(await t.ask(head + "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"));
  assertEquals(t.b.requests[0]!.body, "abc");
  assertEquals(t.b.requests[0]!.trailers, "X-Sum: 1\r\n");
});

Deno.test("a PUT that breaks while it comes goes on elsewhere", async () => {
  await using t = new Bench();
  t.a.raw();
  const client = t.client();
  await client.ask(request("/", "Content-Length: 6\r\n", "PUT") + "abc");
  await t.a.wire.reset();
  await client.ask("def");
  assertEquals(readResponse(client.received).body, "b");
  assertEquals(t.b.requests[0]!.body, "abcdef");
});

Deno.test("a PUT beyond maxReplay is not tried again", async () => {
  await using t = new Bench({ route: { retries: { maxReplay: 10 } } });
  breaks(t.a);
  const body = "x".repeat(11);
  const put = request("/", "Content-Length: 11\r\n", "PUT") + body;
  assertEquals(statusOf(await t.ask(put)), 502);
  assertEquals(counts(t), [1, 0]);
});

Deno.test("there are so many attempts, and no more", async () => {
  await using t = new Bench({
    backends: 5,
    route: { retries: { attempts: 2 } },
  });
  for (const backend of t.backends) breaks(backend);
  assertEquals(statusOf(await t.ask(request())), 502);
  assertEquals(counts(t), [1, 1, 1, 0, 0]);
  assertEquals(t.record.retries, 2);
});

Deno.test("without retries there is one attempt", async () => {
  await using t = new Bench({ route: { retries: { attempts: 0 } } });
  breaks(t.a);
  assertEquals(statusOf(await t.ask(request())), 502);
  assertEquals(counts(t), [1, 0]);
});

Deno.test("retries are a share of the requests", async () => {
  await using t = new Bench({
    upstream: {
      retryBudget: { ratio: 0.5, minPerSecond: 0 },
      ejection: false,
    },
  });
  breaks(t.a);
  breaks(t.b);
  for (let i = 0; i < 4; i++) {
    assertEquals(statusOf(await t.ask(request())), 502);
  }
  assertEquals(t.upstream().retries, 2);
  assert(t.upstream().budgetRefused > 0);
});

Deno.test("a GET without a head in time is tried elsewhere", async () => {
  await using t = new Bench({ route: { timeouts: { head: 1000 } } });
  t.a.answer = () => {};
  const client = t.client();
  assertEquals(await client.ask(request()), "");
  await t.clock.advance(900);
  assertEquals(client.take(), "");
  await t.clock.advance(300);
  assertEquals(readResponse(client.take()).body, "b");
  assertEquals(t.figures(0).errors, { head_timeout: 1 });
});

Deno.test("a POST without a head in time is answered with 504", async () => {
  await using t = new Bench({ route: { timeouts: { head: 1000 } } });
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(post("x"));
  await t.clock.advance(1200);
  const reply = readResponse(client.take());
  assertMatch(reply.start, / 504 Gateway Timeout$/);
  assertEquals(field(reply, "x-request-id"), t.record.requestId);
  assertMatch(reply.body, new RegExp(t.record.requestId));
  assertEquals(counts(t), [1, 0]);
  assertEquals(t.a.wire.ended !== "no", true);
});

Deno.test("a head that is late is a failure on a kept connection, too", async () => {
  await using t = new Bench({ route: { timeouts: { head: 1000 } } });
  await warm(t);
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(1200);
  assertEquals(readResponse(client.take()).body, "b");
  assertEquals(t.figures(0).errors, { head_timeout: 1 });
  assertEquals(counts(t), [1, 1]);
});

Deno.test("the head's time begins when the request is complete", async () => {
  await using t = new Bench({
    backends: 1,
    route: { timeouts: { head: 1000 } },
    http: { minBodyRate: 0 },
  });
  const client = t.client();
  await client.ask(request("/", "Content-Length: 2\r\n", "POST") + "a");
  await t.clock.advance(5000);
  assertEquals(client.take(), "");
  assertEquals(readResponse(await client.ask("b")).body, "a");
});

for (const [name, sent] of [["GET", request()], ["POST", post("x")]] as const) {
  Deno.test(`a stale connection is not seen by a client's ${name}`, async () => {
    await using t = new Bench({ backends: 1 });
    await warm(t);
    const old = t.a.wire;
    // It leaves without having taken the request.
    t.a.take = (wire) => {
      if (wire === old) return void wire.reset();
      wire.send(respond("fresh"));
    };
    const got = await t.ask(sent);
    if (name === "GET") {
      assertEquals(readResponse(got).body, "fresh");
      assertEquals(t.figures().errors, {}, "it is nobody's fault");
      assertEquals(t.record.retries, 0);
    } else assertEquals(statusOf(got), 502);
  });

  Deno.test(`a connection that was closed before a ${name} is not used`, async () => {
    await using t = new Bench({ backends: 1 });
    await warm(t);
    await t.a.wire.end();
    assertEquals(readResponse(await t.ask(sent)).body, "a");
    assertEquals(t.a.wires.length, 2);
  });
}

Deno.test("a POST uses no connection that has rested too long", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { unsafeIdle: 1000 } },
  });
  await warm(t);
  await t.clock.advance(900);
  await t.ask(post("x"));
  assertEquals(t.a.wires.length, 1);
  await t.clock.advance(1100);
  await t.ask(post("x"));
  assertEquals(t.a.wires.length, 2);
  await t.clock.advance(1100);
  await t.ask(request());
  assertEquals(t.a.wires.length, 2, "a GET may");
});

Deno.test("statuses are tried elsewhere if the route says so", async () => {
  await using t = new Bench({ route: { retries: { statuses: [503] } } });
  t.a.answer = () => respond("busy", 503);
  assertEquals(readResponse(await t.ask(request())).body, "b");
  await t.ask(request());
  assertEquals(statusOf(await t.ask(post("x"))), 503, "not a POST");
});

Deno.test("the last status passes when there are no attempts left", async () => {
  await using t = new Bench({ route: { retries: { statuses: [503] } } });
  for (const each of t.backends) each.answer = () => respond("busy", 503);
  assertEquals(readResponse(await t.ask(request())).body, "busy");
});

for (const how of ["chooses none", "fails"]) {
  Deno.test(`a status passes when a policy ${how} for a second attempt`, async () => {
    let asked = 0;
    await using t = new Bench({
      upstream: {
        policy: (candidates) => {
          if (asked++ === 0) return candidates[0];
          if (how === "fails") throw new Error("mine");
          return undefined;
        },
      },
      route: { retries: { statuses: [500] } },
    });
    t.a.answer = () => respond("why", 500);
    const reply = readResponse(await t.ask(request()));
    assertEquals([statusOf(reply.start), reply.body], [500, "why"]);
    assertEquals(t.errors.splice(0).length, how === "fails" ? 1 : 0);
  });
}

Deno.test("a short response that breaks is tried elsewhere", async () => {
  await using t = new Bench();
  breaks(t.a, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
  assertEquals(readResponse(await t.ask(request())).body, "b");
  assertEquals(t.record.bytesOut, 1);
});

Deno.test("a short response to a POST that breaks is not tried again", async () => {
  await using t = new Bench();
  breaks(t.a, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
  assertEquals(statusOf(await t.ask(post("x"))), 502);
  assertEquals(counts(t), [1, 0]);
});

for (
  const [name, head] of [
    ["a long", "Content-Length: 100000\r\n"],
    ["a chunked", "Transfer-Encoding: chunked\r\n"],
  ]
) {
  Deno.test(`${name} response that breaks breaks the client's`, async () => {
    await using t = new Bench();
    breaks(t.a, `HTTP/1.1 200 OK\r\n${head}\r\n5\r\nhello\r\n`);
    const client = t.client();
    const got = await client.ask(request());
    assertMatch(got, /hello/);
    assertEquals(readMessage(got, "GET"), undefined);
    assert(client.ended !== "no");
    assertEquals(t.records.length, 1);
    assertEquals(t.record.outcome, "broken");
  });
}

Deno.test("nothing is held back with holdBack 0", async () => {
  await using t = new Bench({
    backends: 1,
    route: { retries: { holdBack: 0 } },
  });
  t.a.answer = () => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345";
  assertMatch(await t.ask(request()), /12345$/);
});

Deno.test("a chunked POST is not sent twice either", async () => {
  await using t = new Bench();
  breaks(t.a);
  const head = request("/", "Transfer-Encoding: chunked\r\n", "POST");
  assertEquals(statusOf(await t.ask(head + chunks("x"))), 502);
  assertEquals(counts(t), [1, 0]);
});

Deno.test("a response that is held back and never ends is given up in time", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = () => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345";
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(300_000);
  assertMatch(readResponse(client.received).start, / 50[24] /);
});

Deno.test("a response that is passed on and never ends is cut in time", async () => {
  await using t = new Bench({ backends: 1 });
  const head = "Content-Length: 100000\r\n";
  t.a.answer = () => `HTTP/1.1 200 OK\r\n${head}\r\n12345`;
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(300_000);
  assertEquals(readMessage(client.received, "GET"), undefined);
  assertEquals(t.records.map(({ outcome }) => outcome), ["broken"]);
  assert(client.ended !== "no");
});

Deno.test("a body in many pieces is sent again as it was", async () => {
  await using t = new Bench();
  t.a.raw();
  const client = t.client();
  const pieces = Array.from({ length: 30 }, (_, i) => `<${i}>`.repeat(300));
  const body = pieces.join("");
  client.send(request("/", `Content-Length: ${body.length}\r\n`, "PUT"));
  for (const piece of pieces) await client.ask(piece);
  assert(t.a.wire.received.endsWith(body));
  await t.a.wire.reset();
  assert(t.b.requests[0]?.body === body);
});

Deno.test("a POST on a connection that is useless is sent by another one", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { maxConnections: 1 } },
  });
  t.a.answer = () => {};
  const [first, second] = [t.client(), t.client()];
  await first.ask(request("/1"));
  await second.ask(post("x", "", "/2"));
  t.a.answer = () => respond("2");
  // What comes behind the response spoils the connection, which is given to the
  // second request at that moment: nothing of it has left.
  t.a.wire.send(respond("1") + "spoilt");
  await settle();
  assertEquals(readResponse(first.take()).body, "1");
  assertEquals(readResponse(second.take()).body, "2");
  const targets = t.a.requests.map(({ start }) => start.split(" ")[1]);
  assertEquals(targets, ["/1", "/2"]);
});

Deno.test("while the backend takes the request its head is not late", async () => {
  await using t = new Bench({
    backends: 1,
    route: { timeouts: { head: 1000 } },
  });
  t.a.take = (wire) => wire.transport.stall();
  const client = t.client();
  const body = "x".repeat(400_000);
  await client.ask(post(body));
  await t.clock.advance(5000);
  assertEquals(client.received, "");
  t.a.take = () => {};
  t.a.wire.transport.resume();
  for (let i = 0; i < 100 && !t.a.wire.received.endsWith(body); i++) {
    await t.clock.advance(10);
  }
  t.a.wire.send(respond("a"));
  await settle();
  assertEquals(readResponse(client.take()).body, "a");
});
