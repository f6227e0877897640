import { assertEquals } from "@std/assert";
import { CommandRate } from "./command_rate.ts";

Deno.test("a second's worth of commands may come at once", () => {
  const rate = new CommandRate(10, 0);
  for (let i = 0; i < 10; i++) assertEquals(rate.spend(1, 0), 0);
  assertEquals(rate.spend(1, 0), 100);
});

Deno.test("what costs more has to be waited for longer, and not twice", () => {
  const rate = new CommandRate(10, 0);
  assertEquals(rate.spend(30, 0), 2000);
  assertEquals(rate.spend(1, 2000), 100);
  assertEquals(rate.spend(1, 60_000), 0);
});
