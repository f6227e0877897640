// One message to peers of several makes, some of which compress.

import { assert, assertEquals } from "@std/assert";
import { need } from "../../tools/need.ts";
import { broadcast, PreparedMessage } from "../mod.ts";
import { assertSame, bytesOf } from "./_exercise_test_util.ts";
import {
  type Link,
  type LinkOptions,
  peerConnects,
  peerListens,
  type Way,
} from "./_link_test_util.ts";
import {
  startDeno,
  startWebsockets,
  startWsPackage,
} from "./_peers_test_util.ts";

const NAME = "broadcast reaches clients and servers of all makes, and keeps " +
  "their contexts in step";
const node = need("node", NAME);
const python = need("python3-websockets", NAME);

const ROUNDS = 10;
/** What does not compress by itself, only because it was there before. */
const NOISE = Array.from(
  bytesOf(1500),
  (byte) => String.fromCharCode(64 + byte % 64),
).join("");

/** What repeats farther back than a small window reaches. */
const FAR = new Uint8Array(60_000);
for (let at = 0; at < FAR.length; at += 6000) FAR.set(bytesOf(6000), at);

const PLAIN: LinkOptions = {
  ours: { deflate: true },
  theirs: { deflate: false },
};

/** Both compress, as the peer asks. */
function deflated(
  theirs: true | Record<string, boolean | number>,
): LinkOptions {
  return { ours: { deflate: { threshold: 0 } }, theirs: { deflate: theirs } };
}

/** Sends own messages and common ones, and gives what a peer is to echo. */
async function talk(links: Link[]): Promise<(string | Uint8Array)[][]> {
  const conns = links.map(({ conn }) => conn);
  const sent = links.map((): (string | Uint8Array)[] => []);
  const toAll = (message: string | Uint8Array, prepared = false) => {
    const what = prepared ? new PreparedMessage(message) : message;
    const result = broadcast(conns, what);
    assertEquals(result, { sent: links.length, skipped: 0, closed: 0 });
    for (const list of sent) list.push(message);
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, conn] of conns.entries()) {
      const own = `${i}, ${round}: ${NOISE}`;
      conn.send(own);
      sent[i]!.push(own);
    }
    toAll(`all, ${round}: ${NOISE} 😀`);
    toAll(FAR.slice(round), true);
    toAll(new TextEncoder().encode(`${round} ${NOISE}`));
    for (const [i, conn] of conns.entries()) {
      await conn.stream("text", pieces([`${i} `, NOISE, `${round}`]));
      sent[i]!.push(`${i} ${NOISE}${round}`);
    }
  }
  return sent;
}

async function* pieces(texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

Deno.test({
  name: NAME,
  ignore: node === undefined || python === undefined,
  async fn() {
    await using ws = await startWsPackage(node!);
    await using websockets = startWebsockets(python!);
    await using deno = startDeno("WebSocket");
    const wanted: [Way, LinkOptions][] = [
      [peerConnects(ws), PLAIN],
      [peerConnects(ws), deflated(true)],
      [peerConnects(ws), deflated({ serverMaxWindowBits: 9 })],
      [peerConnects(ws), deflated({ serverNoContextTakeover: true })],
      [peerConnects(ws), deflated({ clientNoContextTakeover: true })],
      [peerConnects(websockets), PLAIN],
      [peerConnects(websockets), deflated(true)],
      [peerConnects(deno), PLAIN],
      [peerListens(ws), PLAIN],
      [peerListens(ws), deflated(true)],
      [peerListens(websockets), deflated(true)],
      [peerListens(deno), PLAIN],
    ];
    await using stack = new AsyncDisposableStack();
    const links: Link[] = [];
    for (const [way, options] of wanted) {
      const link = stack.use(await way.open(options));
      const compresses = options !== PLAIN;
      assertEquals(link.conn.deflate !== undefined, compresses);
      links.push(link);
    }
    const sent = await talk(links);
    for (const [i, { inbox, conn }] of links.entries()) {
      for (const message of sent[i]!) {
        assertSame(await inbox.message(), message);
      }
      assert(conn.state === "open");
    }
  },
});
