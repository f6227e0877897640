import { assertEquals } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import { readResponse, request } from "./proxy_test_util.ts";

Deno.test("round robin alternates exactly", async () => {
  await using t = new Bench();
  const bodies: string[] = [];
  for (let i = 0; i < 4; i++) {
    bodies.push(readResponse(await t.ask(request())).body);
  }
  assertEquals(bodies, ["a", "b", "a", "b"]);
});
