import { assertEquals } from "@std/assert";
import { LoginGuard } from "./_login_guard.ts";

function fail(guard: LoginGuard, address: string, times: number, now = 0) {
  for (let i = 0; i < times; i++) guard.failed(address, now);
}

Deno.test("LoginGuard lets an address wait longer with each wrong token", () => {
  const guard = new LoginGuard();
  fail(guard, "a", 4);
  assertEquals(guard.wait("a", 0), 0);
  for (const wait of [1, 2, 4, 8, 16, 32, 60, 60]) {
    guard.failed("a", 0);
    assertEquals(guard.wait("a", 0), wait * 1000);
    assertEquals(guard.wait("a", wait * 1000 - 1), 1);
    assertEquals(guard.wait("a", wait * 1000), 0);
  }
  assertEquals(guard.wait("b", 0), 0);
});

Deno.test("LoginGuard forgets after a right token, and after a long time", () => {
  const guard = new LoginGuard();
  fail(guard, "a", 5);
  guard.passed("a");
  fail(guard, "a", 4);
  assertEquals(guard.wait("a", 0), 0);
  guard.failed("a", 120_001);
  assertEquals(guard.wait("a", 120_001), 0);
});

Deno.test("LoginGuard remembers so many addresses, those that failed last", () => {
  const guard = new LoginGuard();
  fail(guard, "first", 5);
  fail(guard, "second", 5);
  fail(guard, "first", 1);
  for (let i = 0; i < 999; i++) guard.failed(`${i}`, 0);
  assertEquals(guard.wait("second", 0), 0);
  assertEquals(guard.wait("first", 0), 2000);
});
