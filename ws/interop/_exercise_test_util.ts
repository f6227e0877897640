// What must work with every peer, whoever opens the connection.

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Link, LinkOptions, Way } from "./_link_test_util.ts";

/** What a peer can do, and what it sees. */
export interface Abilities {
  /** Whether it can send fragments. */
  fragments: boolean;
  /** Whether it can send a ping, and see the pong. */
  ping: boolean;
  /** Whether it can cut the connection; its process may end by that. */
  abort: boolean;
  /** What it sees of a refusal, or our client of its. */
  refusal: { status?: number; body?: string };
  /** The code that we see when it closes without naming one. */
  closesWith: 1000 | 1005;
  /** The code that its program gets when there was no close frame. */
  cutCode: 1006 | 0;
}

/** The lengths at which the head of a frame changes, and a long one. */
const LENGTHS = [0, 1, 125, 126, 65_535, 65_536, 1 << 20];

/** Characters of one to four bytes; the last is outside the basic plane. */
const CHARACTERS = "aé漢😀";

/** A text of so many bytes. */
export function textOf(length: number): string {
  return CHARACTERS.repeat(length / 10) + "x".repeat(length % 10);
}

/** Bytes that repeat late, but do. */
export function bytesOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    if (i % 4000 === 0) state = 1 + (i % 12_000);
    state = Math.imul(state, 1103515245) + 12345 >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Sends a message, and expects it back. */
export async function assertEcho(
  { conn, inbox }: Link,
  data: string | Uint8Array,
): Promise<void> {
  conn.send(data);
  assertSame(await inbox.message(), data);
}

/** As `assertEquals`, which would take minutes to print a long message. */
export function assertSame(
  actual: string | Uint8Array,
  expected: string | Uint8Array,
): void {
  assertEquals(typeof actual, typeof expected);
  assertEquals(actual.length, expected.length);
  if (typeof actual === "string") assert(actual === expected, "Other text");
  else assert(actual.every((byte, i) => byte === expected[i]), "Other bytes");
}

type Part = (way: Way, options: LinkOptions, can: Abilities) => Promise<void>;

/** The parts of the exercise, by what they show. */
const PARTS: Record<string, Part> = {
  "messages of all lengths come back": lengths,
  "a message that is sent as a stream comes back whole": streamed,
  "control frames go between fragments": interleaved,
  "our pings are answered": pinged,
  "the peer sees our close code and reason": closedByUs,
  "we see the peer's close code and reason": closedByPeer,
  "a close without a code is seen as one": closedWithoutCode,
  "an agreed subprotocol is known to both": subprotocol,
  "a refusal is seen": refused,
  "the peer sees that we cut the connection": abortedByUs,
};

/** Those that not every peer can take part in. */
const MORE: Record<string, [needs: keyof Abilities, part: Part]> = {
  "a message that comes in fragments is put together": [
    "fragments",
    fragmented,
  ],
  "the peer's pings are answered": ["ping", pingedByPeer],
  "we see that the peer cut the connection": ["abort", abortedByPeer],
};

/**
 * Runs all that a peer can take part in, as steps.
 *
 * @param t The test.
 * @param way Who opens connections.
 * @param can What the peer can do.
 * @param options How connections are opened.
 */
export async function exercise(
  t: Deno.TestContext,
  way: Way,
  can: Abilities,
  options: LinkOptions = {},
): Promise<void> {
  for (const [name, part] of Object.entries(PARTS)) {
    await t.step(name, () => part(way, options, can));
  }
  for (const [name, [needs, part]] of Object.entries(MORE)) {
    if (can[needs]) await t.step(name, () => part(way, options, can));
  }
}

async function lengths(way: Way, options: LinkOptions): Promise<void> {
  await using link = await way.open(options);
  for (const length of LENGTHS) {
    await assertEcho(link, textOf(length));
    await assertEcho(link, bytesOf(length));
  }
  const many = Array.from({ length: 200 }, (_, i) => `${i} `.repeat(i));
  for (const text of many) link.conn.send(text);
  for (const text of many) assertSame(await link.inbox.message(), text);
}

async function streamed(way: Way, options: LinkOptions): Promise<void> {
  await using link = await way.open(options);
  const { conn, inbox } = link;
  const text = textOf(100_000);
  await conn.stream("text", pieces(text, [1, 7, 4096, 0, 50_000]));
  assertSame(await inbox.message(), text);
  const bytes = bytesOf(1 << 20);
  await conn.stream("binary", pieces(bytes, [1, 0, 125, 70_000]));
  assertSame(await inbox.message(), bytes);
  // Frames without payload, at the beginning, between, and at the end.
  for (const data of ["", "half ", "", "and half", ""]) {
    conn.send({ type: "fragment", kind: "text", data, final: false });
  }
  conn.send({ type: "fragment", kind: "text", data: "", final: true });
  assertEquals(await inbox.message(), "half and half");
  await assertEcho(link, "and a whole one");
}

/** Pieces of these lengths, again and again. */
async function* pieces<T extends string | Uint8Array>(
  data: T,
  lengths: readonly number[],
): AsyncGenerator<T> {
  for (let at = 0, i = 0; at < data.length; i++) {
    const end = at + lengths[i % lengths.length]!;
    yield data.slice(at, end) as T;
    at = end;
  }
}

async function interleaved(way: Way, options: LinkOptions): Promise<void> {
  await using link = await way.open(options);
  const { conn, inbox } = link;
  const writer = conn.stream("text").getWriter();
  for (const piece of ["one ", "two ", "three"]) {
    await writer.write(piece);
    assert(await conn.ping() >= 0);
  }
  conn.send("later");
  await writer.close();
  assertEquals(await inbox.message(), "one two three");
  assertEquals(await inbox.message(), "later");
}

async function fragmented(way: Way, options: LinkOptions): Promise<void> {
  await using link = await way.open(options);
  for (const size of [1, 3, 4096]) {
    link.conn.send(`!fragments ${size}`);
    await assertEcho(link, textOf(5000));
    await assertEcho(link, bytesOf(5000));
  }
  const ours = { ...options.ours, fragments: true };
  await using pieces = await way.open({ ...options, ours });
  pieces.conn.send("!fragments 100");
  pieces.conn.send(textOf(5000));
  let text = "";
  let count = 0;
  for (let final = false; !final; count++) {
    const fragment = await pieces.inbox.take("fragment");
    text += fragment.data;
    final = fragment.final;
  }
  assertSame(text, textOf(5000));
  assert(count > 10, `It came in ${count} pieces`);
}

async function pinged(way: Way, options: LinkOptions): Promise<void> {
  await using link = await way.open(options);
  const { conn, inbox } = link;
  const payload = bytesOf(125);
  const latency = await conn.ping(payload);
  assert(latency >= 0 && latency === conn.latency);
  assertEquals((await inbox.take("pong")).payload, payload);
  await conn.ping(new Uint8Array(0));
}

async function pingedByPeer(way: Way, options: LinkOptions): Promise<void> {
  await using link = await way.open(options);
  const { conn, inbox } = link;
  conn.send("!ping meerkat");
  const ping = await inbox.take("ping");
  assertEquals(new TextDecoder().decode(ping.payload), "meerkat");
  assertEquals(await inbox.message(), "pong meerkat");
}

async function closedByUs(way: Way, options: LinkOptions): Promise<void> {
  for (const [code, reason] of [[1000, ""], [4001, "Lebt wohl, 😀"]] as const) {
    await using link = await way.open(options);
    await assertEcho(link, "hello");
    link.conn.close(code, reason);
    const close = await link.inbox.take("close");
    assertEquals(close.wasClean, true);
    assertEquals(close.code, code);
    assertEquals(close.error, undefined);
    assertEquals(await link.ended(), { code, reason });
  }
}

async function closedByPeer(way: Way, options: LinkOptions): Promise<void> {
  for (const [code, reason] of [[1000, ""], [4002, "Lebt wohl, 😀"]] as const) {
    await using link = await way.open(options);
    const { conn, inbox } = link;
    conn.send(`!close ${code} ${reason}`);
    const { type: _, ...closing } = await inbox.take("closing");
    assertEquals(closing, { code, reason });
    const close = await inbox.take("close");
    assertEquals({ ...close }, { type: "close", code, reason, wasClean: true });
    assertEquals([conn.closeCode, conn.closeReason], [code, reason]);
    assertEquals((await link.ended()).code, code);
  }
}

async function closedWithoutCode(
  way: Way,
  options: LinkOptions,
  can: Abilities,
): Promise<void> {
  {
    await using link = await way.open(options);
    link.conn.send("!close");
    assertEquals((await link.inbox.take("close")).code, can.closesWith);
  }
  await using link = await way.open(options);
  link.conn.send({ type: "close" });
  const close = await link.inbox.take("close");
  assertEquals(close.wasClean, true);
  assertEquals((await link.ended()).code, 1005);
}

async function subprotocol(way: Way, options: LinkOptions): Promise<void> {
  const link = (ours: string[], theirs: string[]) =>
    way.open({
      ours: { ...options.ours, protocols: ours },
      theirs: { ...options.theirs, protocols: theirs },
    });
  await using both = await link(["chat.v2", "chat.v1"], ["chat.v1", "other"]);
  assertEquals(both.conn.subprotocol, "chat.v1");
  assertEquals(both.answer.protocol ?? "chat.v1", "chat.v1");
  await assertEcho(both, "hello");
}

async function refused(
  way: Way,
  _options: LinkOptions,
  can: Abilities,
): Promise<void> {
  assertEquals(await way.refused(), can.refusal);
}

async function abortedByUs(
  way: Way,
  options: LinkOptions,
  can: Abilities,
): Promise<void> {
  await using link = await way.open(options);
  await assertEcho(link, "hello");
  link.conn.abort();
  assertEquals(await link.ended(), { code: can.cutCode, reason: "" });
}

async function abortedByPeer(way: Way, options: LinkOptions): Promise<void> {
  await using link = await way.open(options);
  await assertEcho(link, "hello");
  link.conn.send("!abort");
  const close = await link.inbox.take("close");
  assertEquals([close.code, close.wasClean], [1006, false]);
  assertNotEquals(close.error, undefined);
}
