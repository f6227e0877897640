// The page of the data push server, in a browser.

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { launch, look } from "../tools/browser_test_util.ts";
import { testWith } from "../tools/need.ts";
import { startPushServer } from "./_server_data_push_test_util.ts";

/** Makes a page believe that no WebSocket gets through. */
const NO_WEBSOCKET = `globalThis.WebSocket = class {
  constructor() {
    throw new DOMException("Blocked", "SecurityError");
  }
};`;

/** Waits for a text, and fails if another one stays. */
async function shows(page: Page, place: string, text: RegExp): Promise<void> {
  await page.locator(place).filter({ hasText: text }).first()
    .waitFor({ timeout: 20_000 });
}

/** A number that the page shows. */
async function figure(page: Page, place: string): Promise<number> {
  return parseFloat(await page.textContent(place) ?? "");
}

/** Opens a page, and collects what it complains of. */
async function open(
  browser: Browser,
  url: string,
  script?: string,
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  if (script !== undefined) await page.addInitScript(script);
  await page.goto(url);
  return { page, complaints };
}

/** What every transport must show. */
async function showsThePlant(page: Page): Promise<void> {
  await shows(page, "#link", /^Live$/);
  await shows(page, "#lucky", /^The lucky number is \d+\.$/);
  await page.locator(".units > li").nth(3).waitFor();
  assertEquals(await page.locator(".units h3").allTextContents(), [
    "Offices ahu-1",
    "Production hall ahu-2",
    "Laboratory ahu-3",
    "Server room crac-1",
  ]);
  await shows(page, "[data-unit=ahu-1] [data-is=supply]", /^\d+\.\d$/);
  await shows(page, "#power", /^\d+\.\d$/);
  await shows(page, "#alarm-count", /^\d+$/);
  await shows(page, "#rate", /^(1\d|[89])$/);
  assertLess(await figure(page, "#behind"), 1);
  const label = await page.getAttribute(".temperatures", "aria-label");
  assertEquals(
    label,
    "Offices: supply, return and set point, over the last minute",
  );
}

testWith(
  "chromium",
  "server_data_push's page shows the plant over a WebSocket, and sets a set point",
  async (chromium) => {
    const { server, url } = await startPushServer();
    await using _ = server;
    const browser = await launch(chromium);
    try {
      const { page, complaints } = await open(browser, url);
      await showsThePlant(page);
      await shows(page, "#transport", /^over WebSocket$/);
      const unit = page.locator("[data-unit=ahu-3]");
      await unit.getByLabel("Set point of Laboratory").fill("23.5");
      await unit.getByRole("button", { name: "Set" }).click();
      await shows(page, "[data-unit=ahu-3] [data-is=setPoint]", /^23\.5$/);
      assertEquals(await unit.locator(".problem").textContent(), "");
      assertEquals(complaints, []);
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "server_data_push's page shows the plant with WebSockets blocked, too",
  async (chromium) => {
    const { server, url } = await startPushServer();
    await using _ = server;
    const browser = await launch(chromium);
    try {
      const { page, complaints } = await open(browser, url, NO_WEBSOCKET);
      await showsThePlant(page);
      await shows(page, "#transport", /^over an event stream$/);
      const unit = page.locator("[data-unit=ahu-3]");
      await unit.getByLabel("Set point of Laboratory").fill("23.5");
      await unit.getByRole("button", { name: "Set" }).click();
      await shows(
        page,
        "[data-unit=ahu-3] .problem",
        /^This needs a WebSocket$/,
      );
      assertEquals(complaints, []);
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "server_data_push's page skips what it is too slow for, fairly, and is not late",
  async (chromium) => {
    const { server, url } = await startPushServer();
    await using _ = server;
    const browser = await launch(chromium);
    try {
      const { page } = await open(browser, url);
      await showsThePlant(page);
      const before = await figure(page, "#skipped");
      await page.locator("#work").fill("300");
      await shows(page, "#work-shown", /^300 ms$/);
      await shows(page, "#rate", /^[34]$/);
      await shows(page, "#skip-rate", /^1\d\/s$/);
      assertGreater(await figure(page, "#skipped"), before + 10);
      // Four units take turns: none is older than a turn and a half of all.
      assertLess(await figure(page, "#behind"), 2);
      for (const id of ["ahu-1", "ahu-2", "ahu-3", "crac-1"]) {
        const place = `[data-unit=${id}] [data-is=supply]`;
        const old = await page.textContent(place) ?? "";
        await page.locator(place).filter({ hasNotText: old })
          .waitFor({ timeout: 20_000 });
      }
      await page.locator("#work").fill("0");
      await shows(page, "#rate", /^1\d$/);
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "server_data_push's page comes back when the server does",
  async (chromium) => {
    const first = await startPushServer();
    await using _first = first.server;
    const browser = await launch(chromium);
    try {
      const { page } = await open(browser, first.url);
      await showsThePlant(page);
      first.server.kill("SIGTERM");
      assertEquals(await first.server.ended(), 0);
      await shows(page, "#link", /^Connecting$/);
      await shows(page, "#notice", /^The hub is out of reach/);
      const second = await startPushServer([], [], first.port);
      await using _second = second.server;
      await showsThePlant(page);
      assert(await page.locator("#notice").isHidden());
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "server_data_push's page fits a phone and a desk, by day and by night",
  async (chromium, t) => {
    const { server, url } = await startPushServer();
    await using _ = server;
    const browser = await launch(chromium);
    try {
      await look(t, browser, [320, 390, 1280], async (page) => {
        await page.goto(url);
        await showsThePlant(page);
      });
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "an EventSource of a browser gets what server_data_push has",
  async (chromium) => {
    const { server, url } = await startPushServer();
    await using _ = server;
    const browser = await launch(chromium);
    try {
      const { page } = await open(browser, url);
      const got = await page.evaluate(
        "new Promise((resolve) => new EventSource('push')" +
          ".onmessage = ({ data, lastEventId }) => resolve([data, lastEventId]))",
      );
      assert(Array.isArray(got));
      const [data, id] = got as [string, string];
      assert(/^The lucky number is \d+\.$|^"The/.test(data), data);
      assert(/^[a-z0-9]+\.\d+$/.test(id), id);
    } finally {
      await browser.close();
    }
  },
);
