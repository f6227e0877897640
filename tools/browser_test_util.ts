/**
 * Pages in a browser, for tests of how they look.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Browser, Page } from "playwright-core";

/**
 * Starts a browser that talks to nobody by itself.
 *
 * @param executablePath Chromium's.
 */
export async function launch(executablePath: string): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath,
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
      ...["--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync"],
    ],
  });
}

/**
 * Looks at a page on narrow and wide screens, light and dark: it must fit, and be
 * as dark as it was asked to be.
 *
 * @param t Gets a step for each look.
 * @param browser Opens the page.
 * @param widths In pixels.
 * @param show Shows the page with what is to be looked at.
 */
export async function look(
  t: Deno.TestContext,
  browser: Browser,
  widths: readonly number[],
  show: (page: Page) => Promise<void>,
): Promise<void> {
  for (const width of widths) {
    for (const colorScheme of ["light", "dark"] as const) {
      await t.step(`${width} px, ${colorScheme}`, async () => {
        const viewport = { width, height: 900 };
        const page = await browser.newPage({ colorScheme, viewport });
        await show(page);
        assertEquals(await overflow(page), 0);
        const background = await page.evaluate(
          "getComputedStyle(document.body).backgroundColor",
        );
        const [red = 0] = /\d+/.exec(String(background))?.map(Number) ?? [];
        assertEquals(red < 128, colorScheme === "dark");
        await page.close();
      });
    }
  }
}

/** By how many pixels a page is too wide. */
async function overflow(page: Page): Promise<number> {
  return Number(
    await page.evaluate("document.documentElement.scrollWidth - innerWidth"),
  );
}
