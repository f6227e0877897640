// The page of the WebSocket server, in a browser.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "playwright-core";
import { launch, look } from "../tools/browser_test_util.ts";
import { testWith } from "../tools/need.ts";
import { startWsServer } from "./_websocket_test_util.ts";

/** The last line of the page's log that is of a kind. */
async function logged(page: Page, kind: string, count = 1): Promise<string[]> {
  const lines = page.locator("#log li", {
    has: page.locator(".kind", { hasText: new RegExp(`^${kind}$`) }),
  });
  await lines.nth(count - 1).waitFor();
  return await lines.nth(count - 1).locator("span").allTextContents();
}

/** Connects, talks, disconnects, as a user does. */
async function useIt(page: Page, url: string): Promise<void> {
  assertEquals(await page.title(), "WebSocket demo");
  assertEquals(await page.inputValue("#url"), url);
  assert(await page.isDisabled("#send"));
  await page.click("#connect");
  await page.waitForSelector("#state.open");
  assertMatch(
    await page.textContent("#state") ?? "",
    /^Connected\s*permessage-deflate/,
  );
  assertEquals(await page.textContent("#connect"), "Disconnect");
  assert(await page.isDisabled("#url"));

  await page.fill("#text", "Wer da? <b>Erdmännchen</b> 😀");
  await page.click("#send");
  const [, text, notes] = await logged(page, "received");
  assertEquals(text, "Wer da? <b>Erdmännchen</b> 😀");
  assertMatch(notes ?? "", /^text, 32 B, \d+\.\d ms$/);

  await page.check("#binary");
  await page.fill("#text", "x".repeat(100_000));
  await page.press("#text", "Control+Enter");
  const [, bytes, more] = await logged(page, "received", 2);
  assertEquals(bytes, "x".repeat(100_000));
  assertMatch(more ?? "", /^binary, 100,000 B, \d+\.\d ms$/);

  await page.click("#connect");
  assertEquals((await logged(page, "closed"))[1], "code 1000");
  assertEquals(await page.textContent("#connect"), "Connect");
  assert(await page.isDisabled("#send"));
  await page.click("#clear");
  assertEquals(await page.locator("#log li").count(), 0);
}

for (const scheme of ["ws", "wss"] as const) {
  testWith(
    "chromium",
    `websocket_server's page talks with it over ${scheme}`,
    async (chromium) => {
      const started = await startWsServer(scheme);
      await using server = started.server;
      const browser = await launch(chromium);
      try {
        const page = await browser.newPage({ ignoreHTTPSErrors: true });
        const complaints: string[] = [];
        page.on("console", (message) => complaints.push(message.text()));
        page.on("pageerror", (error) => complaints.push(error.message));
        await page.goto(`${started.http}/test.html`);
        await useIt(page, started.url);
        assertEquals(complaints, []);
      } finally {
        await browser.close();
      }
      server.kill("SIGTERM");
      assertEquals(await server.ended(), 0);
    },
  );
}

testWith(
  "chromium",
  "websocket_server's page says when it cannot connect, and when it is left",
  async (chromium) => {
    const started = await startWsServer();
    await using server = started.server;
    const browser = await launch(chromium);
    try {
      const page = await browser.newPage();
      await page.goto(`${started.http}/test.html`);
      const wrong = `${started.url}/not/there`;
      await page.fill("#url", wrong);
      await page.click("#connect");
      await page.waitForSelector("#state.failed");
      assertEquals(
        (await logged(page, "error"))[1],
        `Cannot connect to ${wrong}`,
      );
      await page.fill("#url", started.url);
      await page.click("#connect");
      await page.waitForSelector("#state.open");
      server.kill("SIGTERM");
      assertMatch((await logged(page, "closed"))[1] ?? "", /^code 1001/);
      assertEquals(await server.ended(), 0);
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "websocket_server's page fits a phone and a desk, by day and by night",
  async (chromium, t) => {
    const started = await startWsServer();
    await using server = started.server;
    const browser = await launch(chromium);
    try {
      await look(t, browser, [320, 390, 1100], async (page) => {
        await page.goto(`${started.http}/test.html`);
        await page.click("#connect");
        await page.waitForSelector("#state.open");
        await page.fill("#text", "meerkat".repeat(100));
        await page.click("#send");
        await logged(page, "received");
      });
    } finally {
      await browser.close();
    }
    server.kill("SIGTERM");
    assertEquals(await server.ended(), 0);
  },
);
