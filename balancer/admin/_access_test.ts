import { assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { Access } from "./_access.ts";
import { TOKEN } from "./_fake_target_test_util.ts";

function setUp() {
  const clock = new TestClock();
  const access = new Access({ token: TOKEN, hosts: [], clock });
  /** The status of a refusal, and after how many seconds to come again. */
  const ask = (authorization?: string, address = "10.0.0.1") => {
    const headers = authorization === undefined ? {} : { authorization };
    const request = new Request("http://localhost/", { headers });
    const refused = access.checkToken(request, address);
    return [refused?.status, refused?.headers.get("retry-after") ?? undefined];
  };
  return { clock, ask };
}

const RIGHT = `Bearer ${TOKEN}`;
const WRONG = "Bearer guessed-0123456789";
const PASSED = [undefined, undefined];

Deno.test("Access lets who guesses wait, even for the right token", async () => {
  const { clock, ask } = setUp();
  for (let i = 0; i < 5; i++) assertEquals(ask(WRONG), [401, undefined]);
  assertEquals(ask(WRONG), [429, "1"]);
  assertEquals(ask(RIGHT), [429, "1"]);
  assertEquals(ask(RIGHT, "10.0.0.2"), PASSED);
  await clock.advance(999);
  assertEquals(ask(RIGHT), [429, "1"]);
  await clock.advance(1);
  assertEquals(ask(WRONG), [401, undefined]);
  assertEquals(ask(RIGHT), [429, "2"]);
  await clock.advance(2_000);
  assertEquals(ask(RIGHT), PASSED);
  assertEquals(ask(WRONG), [401, undefined]);
  assertEquals(ask(RIGHT), PASSED);
});

Deno.test("Access locks nobody out for requests without a token", () => {
  // Pages of other origins can send these from an admin's own browser.
  const { ask } = setUp();
  for (let i = 0; i < 9; i++) assertEquals(ask(), [401, undefined]);
  assertEquals(ask(RIGHT), PASSED);
});

Deno.test("Access counts other schemes and malformed tokens as guesses", () => {
  for (
    const wrong of [`Basic ${btoa(`a:${TOKEN}`)}`, TOKEN, `${RIGHT} ${TOKEN}`]
  ) {
    const { ask } = setUp();
    for (let i = 0; i < 5; i++) assertEquals(ask(wrong), [401, undefined]);
    assertEquals(ask(RIGHT), [429, "1"]);
  }
});
