// The browser's module in a browser, with a hub.

import { assertEquals, assertMatch } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { launch } from "../../tools/browser_test_util.ts";
import { testWith } from "../../tools/need.ts";
import { Site } from "./_site_test_util.ts";

/** Notes what it gets, in `seen`. */
const PAGE = `<!doctype html>
<meta charset="utf-8"><link rel="icon" href="data:,"><title>Page</title>
<script type="module">
import { connect } from "/push.js";
globalThis.hub = connect("/push", { resume: "test", upgradeAfter: 100 });
globalThis.seen = [];
globalThis.follow = (filter, options) =>
  hub.subscribe(filter, options, (update) => seen.push(update));
</script>`;

async function load(page: Page, { port }: Site): Promise<void> {
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.waitForFunction("globalThis.follow");
}

async function withPage(
  chromium: string,
  run: (page: Page) => Promise<void>,
): Promise<void> {
  const browser: Browser = await launch(chromium);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    const failures: string[] = [];
    page.on("pageerror", (error) => failures.push(error.message));
    await run(page);
    assertEquals(failures, []);
  } finally {
    await browser.close();
  }
}

/** Waits for so many updates, and gives the values. */
async function values(page: Page, count: number): Promise<unknown> {
  await page.waitForFunction(`seen.length >= ${count}`);
  return await page.evaluate("seen.map(({ value, type }) => value ?? type)");
}

async function isOpen(page: Page, transport: string): Promise<void> {
  const open = `hub.state === "open" && hub.transport === "${transport}"`;
  await page.waitForFunction(open);
}

/** The page gets what it asks for, however it is connected. */
async function getsAll(
  page: Page,
  { hub }: Site,
  transport: string,
): Promise<void> {
  await hub.publish("log/a", "before");
  await hub.publish("state", { is: 0, text: "long enough to be left out" });
  await page.evaluate(`follow("log/#", { mode: "every" })`);
  assertEquals(await values(page, 1), ["before"]);
  await isOpen(page, transport);
  for (let i = 1; i <= 100; i++) await hub.publish(`log/${i % 3}`, i);
  const numbers = Array.from({ length: 100 }, (_, i) => i + 1);
  assertEquals(await values(page, 101), ["before", ...numbers]);
  await page.evaluate(`seen = []; follow("state", { delta: true })`);
  const text = "long enough to be left out";
  assertEquals(await values(page, 1), [{ is: 0, text }]);
  await hub.publish("state", { is: 1, text });
  assertEquals(await values(page, 2), [{ is: 0, text }, { is: 1, text }]);
  assertEquals(await page.evaluate("hub.transport"), transport);
}

/** A page that is loaded again goes on where it was. */
async function resumes(page: Page, { hub }: Site): Promise<void> {
  await hub.publish("log/z", "last");
  await page.waitForFunction(`seen.at(-1)?.value === "last"`);
  await page.reload();
  await hub.publish("log/z", "missed 1");
  await hub.publish("log/y", "missed 2");
  await page.waitForFunction("globalThis.follow");
  await page.evaluate(`follow("log/#", { mode: "every" })`);
  assertEquals(await values(page, 2), ["missed 1", "missed 2"]);
  await hub.publish("log/y", "live");
  assertEquals(await values(page, 3), ["missed 1", "missed 2", "live"]);
}

testWith(
  "chromium",
  "a page gets values over a WebSocket, publishes, and goes on after a reload",
  (chromium) =>
    withPage(chromium, async (page) => {
      await using site = await Site.open(PAGE);
      await load(page, site);
      await getsAll(page, site, "websocket");
      const published = await page.evaluate(
        `hub.publish("from/page", { x: 1 })`,
      );
      assertEquals(site.hub.newest("from/page")?.value, { x: 1 });
      assertMatch(JSON.stringify(published), /"duplicate":false/);
      const refused = `hub.publish("x", 1).catch(({ code }) => code)`;
      assertEquals(await page.evaluate(refused), "forbidden");
      await resumes(page, site);
    }),
);

testWith(
  "chromium",
  "a page that has no WebSocket gets values by event streams",
  (chromium) =>
    withPage(chromium, async (page) => {
      await using site = await Site.open(PAGE);
      await page.addInitScript(`globalThis.WebSocket = class {
        constructor() { throw new DOMException("Blocked", "SecurityError"); }
      }`);
      await load(page, site);
      await getsAll(page, site, "event-stream");
      await resumes(page, site);
      const refused = `hub.publish("from/x", 1).catch(({ code }) => code)`;
      assertEquals(await page.evaluate(refused), "not_supported");
    }),
);

testWith(
  "chromium",
  "a page whose WebSockets are refused on the way upgrades when they are not",
  (chromium) =>
    withPage(chromium, async (page) => {
      await using site = await Site.open(PAGE);
      site.blocked.add("websocket");
      await load(page, site);
      await getsAll(page, site, "event-stream");
      site.blocked.clear();
      await isOpen(page, "websocket");
      await page.evaluate("seen = []");
      await site.hub.publish("log/a", "after");
      assertEquals(await values(page, 1), ["after"]);
    }),
);

testWith(
  "chromium",
  "a page whose event streams are cut, too, polls",
  (chromium) =>
    withPage(chromium, async (page) => {
      await using site = await Site.open(PAGE);
      site.blocked.add("websocket").add("event-stream");
      await load(page, site);
      await getsAll(page, site, "poll");
      await resumes(page, site);
    }),
);

testWith(
  "chromium",
  "a page finds the hub again, and is told that it has begun anew",
  (chromium) =>
    withPage(chromium, async (page) => {
      await using site = await Site.open(PAGE);
      await site.hub.publish("log/a", 1);
      await load(page, site);
      await page.evaluate(`follow("log/a", { mode: "every" })`);
      assertEquals(await values(page, 1), [1]);
      await site.restart();
      await site.hub.publish("log/a", 2);
      assertEquals(await values(page, 3), [1, "reset", 2]);
    }),
);
