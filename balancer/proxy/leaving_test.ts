// Who leaves, and who does not read: nothing goes on for nobody, and nothing piles
// up.

import { assert, assertEquals } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import {
  field,
  post,
  readMessage,
  readResponse,
  request,
  respond,
  settle,
  type Wire,
} from "./proxy_test_util.ts";

const CHUNKED = "Transfer-Encoding: chunked\r\n";
const MIB = 1024 * 1024;

/** A bench with one backend that the test answers for. */
function one(): Bench {
  const t = new Bench({ backends: 1 });
  t.a.raw();
  return t;
}

const LEAVINGS: [how: string, leave: (client: Wire) => Promise<void> | void][] =
  [
    ["ends its side", (client) => client.end()],
    ["closes", (client) => client.close()],
    ["resets", (client) => client.reset()],
  ];

/** Where an exchange may be when the client leaves. */
const STAGES: [
  name: string,
  reach: (t: Bench, client: Wire) => Promise<unknown>,
][] = [
  ["waits for the head", (_, client) => client.ask(request())],
  [
    "sends its body",
    (_, client) =>
      client.ask(request("/", "Content-Length: 100\r\n", "POST") + "abc"),
  ],
  [
    "gets the body",
    async (t, client) => {
      await client.ask(request());
      t.a.wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n`);
      await settle();
    },
  ],
  [
    "gets a response that is held back",
    async (t, client) => {
      await client.ask(request());
      t.a.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
      await settle();
    },
  ],
];

for (const [how, leave] of LEAVINGS) {
  for (const [stage, reach] of STAGES) {
    Deno.test(`a client that ${how} while it ${stage} ends the backend's request`, async () => {
      await using t = one();
      const client = t.client();
      await reach(t, client);
      await leave(client);
      await settle();
      assert(t.a.wire.ended !== "no", "the backend's connection is closed");
      assertEquals(t.a.wires.length, 1, "it is not sent again");
      assertEquals(t.figures().inFlight, 0);
      assertEquals(t.figures().openConnections, 0);
      assertEquals(t.records.length, 1);
      assertEquals(t.figures().errors, {}, "that is not the backend's fault");
      // A body that is cut gets its answer before the connection closes.
      if (t.record.outcome === "client_left") {
        assertEquals(t.record.status, 499);
      } else assertEquals([how, stage], ["ends its side", "sends its body"]);
    });
  }
}

Deno.test("a client that leaves while a connection is opened is no request", async () => {
  await using t = one();
  t.a.mode = "silent";
  const client = t.client();
  await client.ask(request());
  client.close();
  await settle();
  assertEquals(t.record.outcome, "client_left");
  await t.clock.advance(3000);
  assertEquals(t.figures().inFlight, 0);
});

Deno.test("a client that leaves after its answer is not told of", async () => {
  await using t = new Bench({ backends: 1 });
  const client = t.client();
  await client.ask(request());
  client.close();
  await settle();
  assertEquals(t.balancer.snapshot().clientLeft, 0);
  assertEquals(t.figures().idleConnections, 1);
});

Deno.test("a client that ends its side after its request leaves", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = () => {};
  const client = t.client();
  client.send(request());
  await client.end();
  assertEquals(t.record.outcome, "client_left");
});

Deno.test("a hedged request whose client leaves ends at both backends", async () => {
  await using t = new Bench({ route: { hedgeAfter: 100 } });
  t.a.answer = t.b.answer = () => {};
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(120);
  assertEquals([t.a.wires.length, t.b.wires.length], [1, 1]);
  client.close();
  await settle();
  assert(t.a.wire.ended !== "no" && t.b.wire.ended !== "no");
});

/** Chunks of which no two are the same; all that was sent of them. */
class Flood {
  body = "";
  #count = 0;

  next(): string {
    const mark = `<${this.#count++}>`;
    const data = mark.repeat(Math.ceil(65_536 / mark.length)).slice(0, 65_536);
    this.body += data;
    return `10000\r\n${data}\r\n`;
  }
}

/** Sends without end, until nothing more is taken; how much that was. */
async function flood(wire: Wire, chunks = new Flood()): Promise<number> {
  let before = -1;
  while (wire.transport.bytesWritten !== before) {
    before = wire.transport.bytesWritten;
    if (before > 64 * MIB) break;
    for (let i = 0; i < 8; i++) wire.send(chunks.next());
    await settle();
    // Who reads without a pause takes a break of a timer's turn.
    await new Promise((resolve) => setTimeout(resolve, 1));
    await settle();
  }
  return before;
}

Deno.test("a client that does not read stops the backend", async () => {
  await using t = one();
  const client = t.client();
  await client.ask(request());
  client.transport.stall();
  t.a.wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`);
  const sent = new Flood();
  const taken = await flood(t.a.wire, sent);
  assert(taken < 2 * MIB, `${taken} bytes were taken`);
  client.transport.resume();
  t.a.wire.send("0\r\n\r\n");
  for (let i = 0; i < 200 && !client.received.endsWith("\r\n0\r\n\r\n"); i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(readResponse(client.received).body === sent.body);
});

Deno.test("a backend that does not read stops the client", async () => {
  await using t = one();
  t.a.take = (wire) => wire.transport.stall();
  const client = t.client();
  client.send(request("/", CHUNKED, "POST"));
  await settle();
  const sent = new Flood();
  const taken = await flood(client, sent);
  assert(taken < 2 * MIB, `${taken} bytes were taken`);
  t.a.take = () => {};
  t.a.wire.transport.resume();
  client.send("0\r\n\r\n");
  for (
    let i = 0;
    i < 200 && !t.a.wire.received.endsWith("\r\n0\r\n\r\n");
    i++
  ) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const [seen] = readMessage(t.a.wire.received)!;
  assert(seen.body === sent.body);
  t.a.wire.send(respond("ok"));
  await settle();
  assertEquals(readResponse(client.received).body, "ok");
});

Deno.test("a backend that cannot be connected to yet stops the client", async () => {
  await using t = one();
  t.a.mode = "silent";
  const client = t.client();
  client.send(request("/", CHUNKED, "POST"));
  await settle();
  const taken = await flood(client);
  assert(taken < 2 * MIB, `${taken} bytes were taken`);
  // That it left is seen once what it sent before is taken: here, never.
  client.close();
  await t.clock.advance(7000);
  assertEquals(t.record.error, "connect_timeout");
});

Deno.test("a client that reads nothing at all is cut in time", async () => {
  await using t = one();
  const client = t.client();
  await client.ask(request());
  client.transport.stall();
  t.a.wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`);
  await flood(t.a.wire);
  await t.clock.advance(70_000);
  assertEquals(t.record.outcome, "client_left");
  assertEquals(t.record.error, "send_timeout");
  assert(t.a.wire.ended !== "no");
});

Deno.test("a backend that reads nothing at all is cut in time", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.take = (wire) => wire.transport.stall();
  const client = t.client();
  client.send(request("/", CHUNKED, "POST"));
  await settle();
  await flood(client);
  await t.clock.advance(70_000);
  const reply = client.received;
  assert(/^HTTP\/1\.1 50[24] /.test(reply), reply);
  assertEquals(t.figures().errors, { send_timeout: 1 });
});

Deno.test("a slow client does not stop another one's requests", async () => {
  await using t = one();
  const slow = t.client();
  await slow.ask(request("/slow"));
  slow.transport.stall();
  t.a.wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`);
  await flood(t.a.wire);
  const fast = t.client();
  await fast.ask(post("x"));
  assertEquals(t.a.wires.length, 2);
  t.a.wires[1]!.send(respond("fast", 200, "X-A: b\r\n"));
  await settle();
  const reply = readResponse(fast.take());
  assertEquals([reply.body, field(reply, "x-a")], ["fast", "b"]);
});

Deno.test("an answer of a backend that takes no more of the body arrives", async () => {
  await using t = one();
  t.a.take = (wire) => wire.transport.stall();
  const client = t.client();
  client.send(request("/", CHUNKED, "POST"));
  await settle();
  await flood(client);
  await t.a.wire.ask(respond("too large", 413, "Connection: close\r\n"));
  t.a.wire.close();
  await settle();
  assertEquals(readResponse(client.received).body, "too large");
});

Deno.test("an answer and the end of the connection at once arrive", async () => {
  await using t = one();
  t.a.take = (wire) => wire.transport.stall();
  const client = t.client();
  client.send(request("/", CHUNKED, "POST"));
  await settle();
  await flood(client);
  t.a.wire.send(respond("too large", 413, "Connection: close\r\n"));
  await Promise.resolve();
  t.a.wire.close();
  await settle();
  assertEquals(readResponse(client.received).body, "too large");
});

Deno.test("interim responses to a client that does not read stop the backend", async () => {
  await using t = one();
  const client = t.client();
  await client.ask(request());
  client.transport.stall();
  const hints = `HTTP/1.1 103 Early Hints\r\nLink: ${"x".repeat(1000)}\r\n\r\n`;
  let before = -1;
  while (t.a.wire.transport.bytesWritten !== before) {
    before = t.a.wire.transport.bytesWritten;
    if (before > 4 * MIB) break;
    t.a.wire.send(hints.repeat(200));
    await settle();
    await new Promise((resolve) => setTimeout(resolve, 1));
    await settle();
  }
  assert(before < 2 * MIB, `${before} bytes were taken`);
});
