import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { resolveLimits, type WsOptions } from "./limits.ts";

Deno.test("resolveLimits fills the defaults in", () => {
  assertEquals(resolveLimits(), {
    maxMessage: 16 * 1024 * 1024,
    maxFrame: Infinity,
    maxFragments: 256 * 1024,
    messageTimeout: 30_000,
    maxMessageRate: Infinity,
    highMark: undefined,
    pingInterval: 30_000,
    pongTimeout: 20_000,
    idleTimeout: Infinity,
    closeTimeout: 5_000,
    fragments: false,
  });
});

Deno.test("resolveLimits caps no message that is told in fragments, unless asked", () => {
  const given = resolveLimits({ fragments: true });
  assertEquals([given.maxMessage, given.maxFragments], [Infinity, Infinity]);
  const both = resolveLimits({ fragments: true, maxMessage: 5 });
  assertEquals([both.maxMessage, both.fragments], [5, true]);
});

Deno.test("resolveLimits takes the least and the greatest value of each limit", () => {
  const least = {
    maxMessage: 0,
    maxFrame: 125,
    maxFragments: 1,
    messageTimeout: 1,
    maxMessageRate: 1,
    highMark: 0,
    pingInterval: 1,
    pongTimeout: 1,
    idleTimeout: 1,
    closeTimeout: 0,
  };
  assertEquals(resolveLimits(least), { ...least, fragments: false });
  for (const [name, value] of Object.entries(least)) {
    const settings: Record<string, unknown> = {
      ...resolveLimits({ [name]: Infinity }),
    };
    assertEquals(settings[name], Infinity);
    for (const wrong of [value - 0.5, -Infinity, NaN]) {
      assertThrows(
        () => resolveLimits({ [name]: wrong }),
        RangeError,
        `Cannot set "${name}" to ${wrong}: expected a number that is at least ${value}`,
      );
    }
  }
});

Deno.test("resolveLimits refuses what is not a number", () => {
  for (const wrong of ["10", null, [], true, {}]) {
    assertThrows(
      () => resolveLimits({ maxFrame: 1000, maxMessage: wrong } as WsOptions),
      RangeError,
      'Cannot set "maxMessage"',
    );
  }
});

Deno.test("resolveLimits leaves out what is undefined, and ignores what it does not know", () => {
  const options = { maxMessage: undefined, protocols: [] };
  assertEquals(resolveLimits(options as unknown as WsOptions), resolveLimits());
});

Deno.test("resolveLimits gives back what it has resolved", () => {
  const settings = resolveLimits({ maxMessage: 1 });
  assertStrictEquals(resolveLimits(settings as WsOptions), settings);
});
