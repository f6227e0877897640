import { assertEquals } from "@std/assert";
import { cpuTime, ticks } from "./_proc.ts";

Deno.test("ticks skips a program's name with spaces and parentheses", () => {
  const fields = Array.from({ length: 50 }, (_, i) => i + 3).join(" ");
  // Field 3 is the first after the name; 14 and 15 are wanted.
  assertEquals(ticks(`1 (a (b) c) ${fields}`), 14 + 15);
});

Deno.test("cpuTime of a process that does not exist is NaN", () => {
  assertEquals(cpuTime(2 ** 30), NaN);
});
