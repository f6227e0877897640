import { assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { Pings } from "./_pings.ts";
import { stateOf } from "./_ws_test_util.ts";

Deno.test("Pings resolves each ping with the latency of its pong", async () => {
  const pings = new Pings();
  const [one, two] = [pings.add(), pings.add()];
  two.onPong(5);
  assertEquals(await two.promise, 5);
  assertEquals(await stateOf(one.promise), "pending");
  one.onPong(7);
  assertEquals(await one.promise, 7);
});

Deno.test("Pings.fail rejects all that wait, and no other", async () => {
  const pings = new Pings();
  const answered = pings.add();
  answered.onPong(1);
  const waiting = [pings.add(), pings.add()];
  pings.fail();
  pings.fail();
  assertEquals(await answered.promise, 1);
  for (const { promise, onPong } of waiting) {
    onPong(1);
    const error = await assertRejects(() => promise, ConnError);
    assertEquals(error.code, "closed");
  }
});
