// Every agreement on compression, whoever asks for it.

import { assert, assertEquals } from "@std/assert";
import type { DeflateParams } from "../mod.ts";
import { assertEcho, bytesOf } from "./_exercise_test_util.ts";
import type { Link, Way } from "./_link_test_util.ts";

/** How far back a text has to be found: beyond a window of 2^10 bytes. */
const LENGTH = 2000;

/** Every combination of the four parameters, with these window sizes. */
export function* combinations(
  bits: readonly number[],
): Generator<DeflateParams> {
  for (const serverNoContextTakeover of [false, true]) {
    for (const clientNoContextTakeover of [false, true]) {
      for (const serverMaxWindowBits of bits) {
        for (const clientMaxWindowBits of bits) {
          yield {
            serverNoContextTakeover,
            clientNoContextTakeover,
            serverMaxWindowBits,
            clientMaxWindowBits,
          };
        }
      }
    }
  }
}

/**
 * Opens a connection for each combination, and sees that both ends use it.
 *
 * @param way Who opens connections.
 * @param bits The window sizes.
 */
export async function negotiate(
  way: Way,
  bits: readonly number[],
): Promise<void> {
  for (const params of combinations(bits)) {
    await agree(way, params, "the peer asks");
    await agree(way, params, "we ask");
  }
}

/** Opens a connection: one end asks for the parameters, the other for nothing. */
async function agree(
  way: Way,
  params: DeflateParams,
  who: "the peer asks" | "we ask",
): Promise<void> {
  const asks = who === "we ask";
  const ours = { deflate: { threshold: 0, ...(asks ? params : {}) } };
  const theirs = { deflate: asks ? {} : { ...params } };
  try {
    await using link = await way.open({ ours, theirs });
    const { serverNoContextTakeover, clientNoContextTakeover } = link.conn
      .deflate!;
    const { serverMaxWindowBits, clientMaxWindowBits } = link.conn.deflate!;
    assertEquals({
      serverNoContextTakeover,
      clientNoContextTakeover,
      serverMaxWindowBits,
      clientMaxWindowBits,
    }, params);
    await use(link, params, way.role);
  } catch (cause) {
    const what = JSON.stringify(params);
    throw new Error(`When ${who} for ${what}: ${cause}`, { cause });
  }
}

/** The context, and the window, are seen in the size of what repeats. */
async function use(
  link: Link,
  params: DeflateParams,
  role: Way["role"],
): Promise<void> {
  const noise = bytesOf(LENGTH);
  const text = Array.from(noise, (byte) => String.fromCharCode(64 + byte % 64))
    .join("");
  await assertEcho(link, text);
  await assertEcho(link, noise);
  const before = { ...sizes(link) };
  await assertEcho(link, noise);
  const after = sizes(link);
  const server = !params.serverNoContextTakeover &&
    params.serverMaxWindowBits > 11;
  const client = !params.clientNoContextTakeover &&
    params.clientMaxWindowBits > 11;
  const [out, back] = role === "server" ? [server, client] : [client, server];
  assertShort(after.out - before.out, out, "what we send");
  assertShort(after.back - before.back, back, "what the peer sends");
  for (const length of [0, 1, 70_000]) await assertEcho(link, bytesOf(length));
  for (let i = 0; i < 5; i++) await assertEcho(link, `${i} ${text}`);
}

function sizes({ conn }: Link): { out: number; back: number } {
  return { out: conn.stats.bytesOut, back: conn.stats.bytesIn };
}

function assertShort(size: number, short: boolean, what: string): void {
  const expected = short ? "the second time in short" : "in full again";
  assert(
    short ? size < LENGTH / 10 : size > LENGTH / 2,
    `Expected ${what} ${expected}, but it is ${size} bytes`,
  );
}
