import { assertEquals } from "@std/assert";
import { BodyRate } from "./body_rate.ts";
import { resolveOptions } from "./limits.ts";

function rate(minBodyRate: number): BodyRate {
  return new BodyRate(
    resolveOptions("server", { minBodyRate, bodyGrace: 1000 }),
  );
}

Deno.test("BodyRate gives each byte its time, and no more than the grace", () => {
  const body = rate(10);
  body.begin(0);
  assertEquals(body.due, 1000);
  body.progress(5, 900);
  assertEquals(body.due, 1500);
  body.progress(1000, 1000);
  assertEquals(body.due, 2000);
});

Deno.test("BodyRate is never due without a minimum, whatever comes", () => {
  const body = rate(0);
  body.begin(0);
  for (const bytes of [0, 1, 0]) {
    body.progress(bytes, 10);
    assertEquals(body.due, Infinity);
  }
});
