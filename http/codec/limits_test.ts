import { assert, assertEquals, assertThrows } from "@std/assert";
import { type HttpLimits, resolveOptions } from "./limits.ts";
import { HttpMachine } from "../machine/machine.ts";

const NAMES = Object.keys(resolveOptions("server")).filter((name) =>
  !["autoContinue", "dateLine", "lendBodies"].includes(name)
) as (keyof HttpLimits)[];

Deno.test("resolveOptions fills in the defaults of the role", () => {
  const server = resolveOptions("server", { maxFields: 7 });
  assertEquals([server.maxFields, server.headTimeout], [7, 10_000]);
  const client = resolveOptions("client", { autoContinue: false });
  assertEquals([client.headTimeout, client.autoContinue], [Infinity, false]);
  assertEquals(NAMES.length, 13);
});

Deno.test("resolveOptions takes the options that it knows, and no others", () => {
  const options = { cert: "x", key: "y", signal: null, maxFields: 7 };
  assertEquals(
    Object.keys(resolveOptions("server", options)),
    Object.keys(resolveOptions("server")),
  );
});

Deno.test("resolveOptions gives back what it has resolved", () => {
  const settings = resolveOptions("server", { maxFields: 7 });
  assert(resolveOptions("server", settings) === settings);
  assert(resolveOptions("server", { ...settings }) !== settings);
});

Deno.test("resolveOptions refuses limits that make no sense", () => {
  for (const name of NAMES) {
    for (const value of [-1, NaN, -Infinity, "1" as unknown as number]) {
      assertThrows(
        () => resolveOptions("server", { [name]: value }),
        RangeError,
        `Cannot set "${name}" to ${value}: expected a number that is at least `,
      );
    }
  }
  for (const name of ["maxStartLine", "maxPipelined", "maxRequests"] as const) {
    assertThrows(
      () => new HttpMachine("client", { [name]: 0 }),
      RangeError,
      `Cannot set "${name}" to 0: expected a number that is at least 1`,
    );
  }
  assertThrows(
    () => resolveOptions("client", { minBodyRate: Infinity }),
    RangeError,
    "finite",
  );
});

Deno.test("resolveOptions takes every limit away but the least rate", () => {
  for (const name of NAMES) {
    const value = name === "minBodyRate" ? 0 : Infinity;
    assertEquals(resolveOptions("server", { [name]: value })[name], value);
  }
});
