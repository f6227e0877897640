import { assertEquals } from "@std/assert";
import { ratio, sideBySide, spread, type Subject } from "./_rounds.ts";

Deno.test("spread gives the middle value, and the mean of the middle two", () => {
  assertEquals(spread([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assertEquals(spread([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
});

Deno.test("ratio compares round by round", () => {
  assertEquals(ratio([10, 2, 9], [5, 2, 3]), { median: 2, min: 1, max: 3 });
});

Deno.test("sideBySide warms up and then takes turns in changing order", async () => {
  const order: string[] = [];
  const subject = (label: string): Subject => ({
    label,
    measure() {
      order.push(label);
      return Promise.resolve({ rate: order.length, cpu: 1, busy: 1 });
    },
  });
  const [a, b] = await sideBySide(
    [subject("a"), subject("b")],
    { rounds: 3, seconds: 1 },
  );
  assertEquals(order.join(""), "ab" + "ab" + "ba" + "ab");
  assertEquals(a!.samples.map(({ rate }) => rate), [3, 6, 7]);
  assertEquals(b!.samples.map(({ rate }) => rate), [4, 5, 8]);
});
