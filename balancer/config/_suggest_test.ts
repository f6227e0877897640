import { assertEquals } from "@std/assert";
import { suggest } from "./_suggest.ts";

const KNOWN = ["maxIdle", "maxAge", "idleTimeout", "by", "constructor"];

for (
  const [word, meant] of [
    ["maxidle", "maxIdle"],
    ["max_idle", "maxIdle"],
    ["max-idle", "maxIdle"],
    ["MaxIdel", "maxIdle"],
    ["maxAges", "maxAge"],
    ["idleTimout", "idleTimeout"],
    ["timeout", undefined],
    ["bi", "by"],
    ["x", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`who writes "${word}" ${meant ? `means "${meant}"` : "is asked nothing"}`, () => {
    assertEquals(suggest(word, KNOWN), meant);
  });
}
