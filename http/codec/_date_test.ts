import { assert, assertEquals } from "@std/assert";
import { dateLines } from "./_date.ts";

/** Runs a test at a time of the system's clock that it can move. */
function withTime(run: (set: (time: number) => void) => void): void {
  const { now } = Date;
  let time = 0;
  Date.now = () => time;
  try {
    run((to) => time = to);
  } finally {
    Date.now = now;
  }
}

function at(seconds: number): string {
  return `Date: Thu, 01 Jan 1970 00:00:0${seconds} GMT\r\n`;
}

Deno.test("dateLines keeps a line until the clock has reached the next second", () => {
  withTime((set) => {
    set(2_400);
    const line = dateLines();
    const first = line(10);
    assertEquals(first, at(2));
    set(3_000);
    assert(line(609) === first);
    assertEquals(line(610), at(3));
  });
});

Deno.test("dateLines makes a line anew for a clock that was set back", () => {
  withTime((set) => {
    const line = dateLines();
    assertEquals(line(10), at(0));
    set(7_000);
    assertEquals(line(9), at(7));
  });
});

Deno.test("dateLines keeps two clocks apart", () => {
  withTime((set) => {
    const one = dateLines();
    const two = dateLines();
    assertEquals(one(100), at(0));
    set(5_000);
    assertEquals(two(200), at(5));
    set(1_000);
    assertEquals(one(1_100), at(1));
    assertEquals(two(300), at(5));
  });
});

Deno.test("dateLines takes the value from a function that is given", () => {
  let count = 0;
  const line = dateLines(() => `${++count}`);
  assertEquals([line(0), line(0)], ["Date: 1\r\n", "Date: 2\r\n"]);
});
