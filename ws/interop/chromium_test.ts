// With the WebSocket of a page in Chromium, which compresses.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { serve } from "../../http/mod.ts";
import { testWith } from "../../tools/need.ts";
import {
  type Abilities,
  assertEcho,
  assertSame,
  bytesOf,
  exercise,
  textOf,
} from "./_exercise_test_util.ts";
import { peerConnects } from "./_link_test_util.ts";
import {
  type Answer,
  type Ending,
  PATIENCE,
  type Peer,
  type Question,
  Talk,
  testdata,
} from "./_peer_test_util.ts";

const CAN: Abilities = {
  fragments: false,
  ping: false,
  abort: false,
  refusal: {},
  closesWith: 1005,
  cutCode: 1006,
};
const OPTIONS = { ours: { deflate: true } };
const LARGEST = 16 * 1024 * 1024;

const PAGE = `<!doctype html><title>Peer</title><link rel="icon" href="data:,">
<script type="module">
  import * as peer from "./web_peer.js";
  globalThis.peer = peer;
</script>`;

/** Gives the page and its script. */
function answer(request: Request): Response {
  const isPage = new URL(request.url).pathname === "/";
  const text = isPage ? PAGE : Deno.readTextFileSync(testdata("web_peer.js"));
  const type = isPage ? "text/html" : "text/javascript";
  return new Response(text, { headers: { "content-type": type } });
}

/** A page that is open. */
class PagePeer implements Peer {
  readonly page: Page;
  readonly #talk = new Talk();
  readonly #browser: Browser;
  readonly #cutOff: ReturnType<typeof setTimeout>;

  private constructor(browser: Browser, page: Page) {
    this.page = page;
    this.#browser = browser;
    this.#cutOff = setTimeout(() => browser.close(), PATIENCE);
  }

  /** Starts the browser; the page needs the server no more then. */
  static async start(executablePath: string): Promise<PagePeer> {
    const { chromium } = await import("playwright-core");
    const browser = await chromium.launch({
      executablePath,
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
        ...["--no-first-run", "--disable-background-networking"],
        ...["--disable-component-update", "--disable-sync"],
      ],
    });
    const peer = new PagePeer(browser, await browser.newPage());
    await using server = serve({ hostname: "127.0.0.1", port: 0 }, answer);
    const { port } = server.addr as Deno.NetAddr;
    await peer.page.exposeFunction("tell", peer.#hear);
    await peer.page.goto(`http://127.0.0.1:${port}/`);
    await peer.page.waitForFunction("globalThis.peer");
    return peer;
  }

  readonly #hear = (said: Parameters<Talk["hear"]>[0]): void => {
    this.#talk.hear(said);
  };

  listen(): Promise<number> {
    throw new Error("A page does not listen");
  }

  async connect(url: string, question: Question): Promise<Answer> {
    const { id, answer } = this.#talk.ask();
    const asked = JSON.stringify({ id, url, protocols: [], ...question });
    await this.page.evaluate(`peer.connect(${asked}, { tell })`);
    return await answer;
  }

  ended(path: string): Promise<Ending> {
    return this.#talk.ended(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#cutOff);
    await this.#browser.close();
    this.#talk.end();
  }
}

testWith("chromium", "serve works with a page in Chromium", async (path, t) => {
  await using peer = await PagePeer.start(path);
  const way = peerConnects(peer);
  await exercise(t, way, CAN, OPTIONS);

  await t.step("compression is agreed on, and used", async () => {
    await using link = await way.open(OPTIONS);
    assert(link.conn.deflate);
    assertMatch(link.answer.extensions ?? "", /^permessage-deflate/);
    await assertEcho(link, textOf(1 << 20));
    const { bytesIn, bytesOut } = link.conn.stats;
    assert(Math.max(bytesIn, bytesOut) < 50_000, `${bytesIn}, ${bytesOut}`);
  });

  await t.step("a Blob is sent as bytes", async () => {
    await using link = await way.open(OPTIONS);
    link.conn.send("!type blob");
    for (const length of [0, 1000, 1 << 20]) {
      await assertEcho(link, bytesOf(length));
    }
    await assertEcho(link, "text");
  });

  await t.step("16 MiB go there in fragments, and come back", async () => {
    await using link = await way.open(OPTIONS);
    const bytes = bytesOf(LARGEST);
    await link.conn.stream("binary", cut(bytes, 100_000));
    assertSame(await link.inbox.message(), bytes);
  });

  await t.step("a page that is left closes with 1001", async () => {
    await using link = await way.open(OPTIONS);
    await peer.page.goto("about:blank");
    const { code, wasClean } = await link.inbox.take("close");
    assertEquals([code, wasClean], [1001, true]);
  });
});

/** Pieces of this length. */
async function* cut(
  bytes: Uint8Array,
  length: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) {
    yield bytes.subarray(at, at + length);
  }
}
