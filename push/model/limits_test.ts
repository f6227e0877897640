import { assertEquals, assertThrows } from "@std/assert";
import type { HubLimits } from "../options.ts";
import { resolveHubLimits } from "./limits.ts";

const DEFAULTS = {
  clients: Infinity,
  topics: 100_000,
  subscriptions: 100,
  commandRate: 100,
  matches: 5_000_000,
  publishRate: 20,
  message: 65_536,
  queueCount: 1_000,
  queueBytes: 1_048_576,
  highMark: 16_384,
  heartbeat: 15_000,
  wait: 60_000,
};

Deno.test("resolveHubLimits fills the defaults in", () => {
  assertEquals(resolveHubLimits(), DEFAULTS);
  assertEquals(resolveHubLimits({ topics: 7 }), { ...DEFAULTS, topics: 7 });
});

Deno.test("resolveHubLimits takes the least and the greatest value of each limit", () => {
  const least: Required<HubLimits> = {
    clients: 1,
    topics: 1,
    subscriptions: 1,
    commandRate: 1,
    matches: 1,
    publishRate: 1,
    message: 1,
    queueCount: 1,
    queueBytes: 1,
    highMark: 0,
    heartbeat: 1,
    wait: 0,
  };
  assertEquals(resolveHubLimits(least), least);
  for (const [name, value] of Object.entries(least)) {
    const greatest = name === "heartbeat" ? 20_000 : Infinity;
    assertEquals(resolveHubLimits({ [name]: greatest }), {
      ...DEFAULTS,
      [name]: greatest,
    });
    for (const wrong of [value - 0.5, -Infinity, NaN, "10", null]) {
      assertThrows(
        () => resolveHubLimits({ [name]: wrong as number }),
        RangeError,
        `Cannot set "${name}" to ${wrong}: expected a number that is at least ${value}`,
      );
    }
  }
  assertThrows(
    () => resolveHubLimits({ heartbeat: 20_001 }),
    RangeError,
    'Cannot set "heartbeat" to 20001: expected at most 20000',
  );
});
