// The live page, in a browser.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import { type Clock, systemClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { launch, look } from "../../tools/browser_test_util.ts";
import { testWith } from "../../tools/need.ts";
import { fakeBackend, FakeTarget, TOKEN } from "./_fake_target_test_util.ts";
import { serveAdmin } from "./serve_admin.ts";

/** Asks for a snapshot twenty times a second, so that no test waits for one. */
const hastyClock: Clock = {
  ...systemClock,
  setTimeout: (callback, delay) =>
    systemClock.setTimeout(callback, delay === 1_000 ? 50 : delay),
};

/** Counts on: 100 requests a second, one of them failed, all within 2 ms. */
class BusyTarget extends FakeTarget {
  override snapshot() {
    this.now.time += 1_000;
    this.now.connections = 7;
    for (const backend of this.backends.api ?? []) {
      if (backend.state !== "up") continue;
      backend.requests += 100;
      backend.errors = { reset: (backend.errors.reset ?? 0) + 1 };
      const counts = [...backend.latency.counts];
      counts[2] = (counts[2] ?? 0) + 100;
      backend.latency = { counts, sum: 0 };
    }
    return super.snapshot();
  }
}

function serveTarget(target: FakeTarget, port = 0, token = TOKEN) {
  return serveAdmin(target, { token, port, clock: hastyClock });
}

const portOf = (server: { addr: Deno.Addr }) =>
  (server.addr as Deno.NetAddr).port;

async function signIn(page: Page, port: number, token = TOKEN): Promise<void> {
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.getByLabel("Admin token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** The card of a backend. */
const card = (page: Page, id: string): Locator =>
  page.locator(".backends > li").filter({
    has: page.getByRole("heading", { name: id, exact: true }),
  });

/** Waits for a text, and fails if another one stays. */
async function shows(place: Locator, text: RegExp | string): Promise<void> {
  await place.filter({ hasText: text }).first().waitFor({ timeout: 10_000 });
}

testWith(
  "chromium",
  "the page shows figures, drains and weighs",
  async (chromium) => {
    const target = new BusyTarget();
    await using server = serveTarget(target);
    const browser = await launch(chromium);
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      await signIn(page, portOf(server));
      await shows(page.locator("#link"), "Live");
      const one = card(page, "one");
      await shows(one.locator("[data-is=requests]"), /^100$/);
      assertEquals(await one.locator("[data-is=errors]").textContent(), "1");
      assertEquals(await one.locator("[data-is=p50]").textContent(), "1.8 ms");
      assertMatch(
        await one.locator("path.requests").last().getAttribute("d") ?? "",
        /^M\d+ [\d.]+L/,
      );
      const connections = page.locator(".totals [data-is=connections]");
      assertEquals(await connections.textContent(), "7");

      await one.getByRole("button", { name: "Drain one", exact: true }).click();
      await shows(one.locator(".state"), "Draining");
      await shows(page.locator(".totals [data-is=available]"), /^1$/);
      await one.getByLabel("Weight of one").first().fill("2.5");
      await one.getByRole("button", { name: "Set the weight of one" }).click();
      await one.getByRole("button", { name: "Undrain one" }).click();
      await shows(one.locator(".state"), "Up");
      assertEquals(target.calls, [
        ["setDraining", "api", "one", true],
        ["setWeight", "api", "one", 2.5],
        ["setDraining", "api", "one", false],
      ]);
      assertEquals(complaints, []);
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "the page asks before it drains the last backend, and says what was refused",
  async (chromium) => {
    const target = new FakeTarget({ api: [fakeBackend("only")] });
    await using server = serveTarget(target);
    const browser = await launch(chromium);
    try {
      const page = await browser.newPage();
      await signIn(page, portOf(server));
      const only = card(page, "only");
      const drain = only.getByRole("button", { name: "Drain only" });
      await drain.click();
      await page.getByRole("button", { name: "Cancel" }).click();
      assertEquals(target.calls, []);
      await drain.click();
      await page.getByRole("button", { name: "Drain it" }).click();
      await shows(only.locator(".state"), "Draining");

      const { api = [] } = target.backends;
      const message = "Cannot weigh: the <i>file</i> says otherwise";
      target.setWeight = () => {
        throw new ConnError(message, {
          code: "not_now",
          side: "local",
          reply: 409,
        });
      };
      await only.getByRole("button", { name: "Set" }).click();
      await shows(only.getByRole("alert"), message);
      api.splice(0, 1, fakeBackend("<b>new</b>", { state: "down" }));
      await shows(card(page, "<b>new</b>").locator(".state"), "Down");
      assertEquals(await only.count(), 0);
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "the page keeps the token in its tab, and out of URLs",
  async (chromium) => {
    const target = new FakeTarget();
    await using server = serveTarget(target);
    const browser = await launch(chromium);
    try {
      const page = await browser.newPage();
      const urls: string[] = [];
      page.on("request", (request) => urls.push(request.url()));
      await signIn(page, portOf(server), "not-the-token-012345");
      await shows(page.locator("#refused"), "This is not the token");
      assertEquals(await page.getByLabel("Admin token").inputValue(), "");
      await page.getByLabel("Admin token").fill(TOKEN);
      await page.keyboard.press("Enter");
      await shows(page.locator("#link"), "Live");
      await page.reload();
      await shows(page.locator("#link"), "Live");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.reload();
      await page.getByLabel("Admin token").waitFor();
      assertEquals(await page.evaluate("sessionStorage.length"), 0);
      assertEquals(await page.evaluate("document.cookie"), "");
      assert(urls.length > 0 && !urls.some((url) => url.includes(TOKEN)));
    } finally {
      await browser.close();
    }
  },
);

testWith(
  "chromium",
  "the page says when its figures are old, and goes on with a new server",
  async (chromium) => {
    const first = serveTarget(new FakeTarget());
    const port = portOf(first);
    const browser = await launch(chromium);
    try {
      const page = await browser.newPage();
      await signIn(page, port);
      await shows(page.locator("#link"), "Live");
      await first.shutdown();
      await shows(page.locator("#link"), "Stale");
      assertMatch(
        await page.locator("#notice").textContent() ?? "",
        /^No data since .*: these figures are old/,
      );
      const target = new FakeTarget({ web: [fakeBackend("three")] });
      target.now.startedAt += 1_000;
      await using _second = serveTarget(target, port);
      await shows(card(page, "three").locator(".state"), "Up");
      await shows(page.locator("#link"), "Live");
      assertEquals(await card(page, "one").count(), 0);
      assert(await page.locator("#notice").isHidden());
    } finally {
      await browser.close();
      first.close();
    }
  },
);

testWith(
  "chromium",
  "the page fits a phone and a desk, by day and by night",
  async (chromium, t) => {
    const long = "a-backend-with-a-name-that-does-not-end".repeat(3);
    const target = new BusyTarget({
      api: [fakeBackend("one"), fakeBackend(long, { address: "unix:/run/x" })],
      [long]: [fakeBackend("two", { state: "ejected", requests: 1e15 })],
    });
    target.now.draining = true;
    await using server = serveTarget(target);
    const browser = await launch(chromium);
    try {
      await look(t, browser, [320, 390, 1280], async (page) => {
        await signIn(page, portOf(server));
        await shows(page.locator("#notice"), "shutting down");
        await shows(card(page, "two").locator(".state"), "Ejected");
      });
    } finally {
      await browser.close();
    }
  },
);
