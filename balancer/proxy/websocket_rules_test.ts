// WebSocket connections whose frames the balancer looks into; and drains that are
// taken back or hurried.

import { assert, assertEquals } from "@std/assert";
import { Bench, type BenchOptions } from "../balancer_test_util.ts";
import type { WebSocketRules } from "../config/config.ts";
import {
  AGREES_WEBSOCKET,
  ASKS_WEBSOCKET,
  readMessages,
  request,
  settle,
  type Wire,
} from "./proxy_test_util.ts";

/** The end of a close frame with this code. */
const code = (value: number) => String.fromCharCode(value >> 8, value & 0xff);

/** A text frame, masked with zeros, and one that is not masked. */
const fromClient = (text: string) =>
  `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
const fromServer = (text: string) =>
  `\x81${String.fromCharCode(text.length)}${text}`;

const isClose = (bytes: string, value: number) =>
  bytes.startsWith("\x88") && bytes.includes(code(value));

/** One backend that agrees to WebSocket. */
function bench(options: BenchOptions = {}): Bench {
  const t = new Bench({ backends: 1, ...options });
  t.a.raw();
  return t;
}

const ruled = (websocket: WebSocketRules) => bench({ route: { websocket } });

async function open(t: Bench): Promise<[client: Wire, backend: Wire]> {
  const client = t.client();
  await client.ask(request("/", ASKS_WEBSOCKET));
  const backend = t.a.wire;
  backend.take();
  backend.send(AGREES_WEBSOCKET);
  await settle();
  readMessages(client.take(), []);
  return [client, backend];
}

Deno.test("a frame beyond maxFrame ends with 1009, from either end", async () => {
  for (const from of ["client", "backend"]) {
    await using t = ruled({ maxFrame: 10 });
    const [client, backend] = await open(t);
    await client.ask(fromClient("0123456789"));
    assertEquals(backend.take(), fromClient("0123456789"));
    await backend.ask(fromServer("0123456789"));
    assertEquals(client.take(), fromServer("0123456789"));
    const got = from === "client"
      ? await client.ask(fromClient("01234567890"))
      : await backend.ask(fromServer("01234567890"));
    assert(!(client.received + backend.received).includes("01234567890"));
    assert(got.startsWith("\x88"), from);
    // What goes to the backend is masked.
    if (from === "client") assert(isClose(got, 1009));
    await t.clock.advance(10_000);
    assertEquals(t.balancer.snapshot().websockets, 0);
  }
});

Deno.test("messages beyond messageRate end with 1008", async () => {
  await using t = ruled({ messageRate: 2 });
  const [client, backend] = await open(t);
  for (let i = 0; i < 4; i++) {
    assertEquals(await client.ask(fromClient(`${i}`)), "");
    assertEquals(backend.take(), fromClient(`${i}`));
    await t.clock.advance(500);
  }
  const got = await client.ask(fromClient("x").repeat(5));
  assert(isClose(got, 1008), got);
  await t.clock.advance(10_000);
  assertEquals(t.balancer.snapshot().websockets, 0);
  assertEquals(t.figures().errors, {}, "it is the client's fault");
});

Deno.test("a backend may send as much as it likes", async () => {
  await using t = ruled({ messageRate: 1 });
  const [client, backend] = await open(t);
  const many = fromServer("x").repeat(100);
  await backend.ask(many);
  assertEquals(client.take(), many);
});

Deno.test("without rules frames of any size and number pass", async () => {
  await using t = bench();
  const [client, backend] = await open(t);
  const many = fromClient("x".repeat(100)).repeat(300);
  await client.ask(many);
  await settle();
  assertEquals(backend.take(), many);
});

Deno.test("a backend that comes back keeps the connections that were not told yet", async () => {
  await using t = bench({ common: { drainRate: 1 } });
  const pairs = [await open(t), await open(t), await open(t)];
  const { name } = t.upstream();
  t.balancer.setDraining(name, t.a.address, true);
  await settle();
  t.balancer.setDraining(name, t.a.address, false);
  await t.clock.advance(10_000);
  const told = pairs.filter(([client]) => isClose(client.take(), 1001));
  assertEquals(told.length, 1);
  assertEquals(t.balancer.snapshot().websockets, 2);
  const [client, backend] = pairs.at(-1)!;
  await backend.ask(fromServer("hi"));
  assertEquals(client.take(), fromServer("hi"));
});

Deno.test("a drain goes by the drainRate of now", async () => {
  const config = (drainRate: number) => ({
    drainRate,
    routes: [{ upstream: { backends: ["127.0.0.1:9001"] } }],
  });
  await using t = bench({ config: () => config(0.1) });
  const pairs = [await open(t), await open(t), await open(t), await open(t)];
  t.balancer.drain();
  await settle();
  const told = () =>
    pairs.filter(([client]) => client.received.endsWith(code(1001))).length;
  assertEquals(told(), 1);
  t.balancer.update(config(10));
  await t.clock.advance(400);
  assertEquals(told(), 4);
  await t.clock.advance(10_000);
});

Deno.test("a drain within a time tells all of them within it", async () => {
  await using t = bench({ common: { drainRate: 1 } });
  const pairs: [Wire, Wire][] = [];
  for (let i = 0; i < 12; i++) pairs.push(await open(t));
  t.balancer.drain({ within: 3000 });
  const told = () =>
    pairs.filter(([client]) => client.received.endsWith(code(1001))).length;
  await t.clock.advance(1000);
  assert(told() > 1 && told() < 8, `${told()} after a third of the time`);
  await t.clock.advance(2000);
  assertEquals(told(), 12);
  await t.clock.advance(10_000);
});
