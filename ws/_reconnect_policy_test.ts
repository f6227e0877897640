import { assertEquals } from "@std/assert";
import { ConnError, type ConnErrorSide } from "../conn/error.ts";
import { backoff, isFinal, ReconnectPolicy } from "./_reconnect_policy.ts";

const DELAYS = { baseDelay: 500, maxDelay: 30_000, maxRetryAfter: 600_000 };
const LOST = { code: 1006, reason: "", wasClean: false };

function failed(code: string, side: ConnErrorSide) {
  return { ...LOST, error: new ConnError("It failed", { code, side }) };
}

Deno.test("backoff doubles up to its cap", () => {
  const longest = [1, 2, 3, 6, 7, 8, 2000].map((attempt) =>
    backoff(attempt, undefined, DELAYS, 1)
  );
  assertEquals(longest, [500, 1000, 2000, 16000, 30000, 30000, 30000]);
});

Deno.test("backoff draws from nothing to all of the delay", () => {
  assertEquals(backoff(3, undefined, DELAYS, 0), 0);
  assertEquals(backoff(3, undefined, DELAYS, 0.25), 500);
});

Deno.test("backoff begins after the time that a busy server asks for", () => {
  for (const status of [429, 503]) {
    const refusal = { status, retryAfter: 60_000 };
    assertEquals(backoff(1, refusal, DELAYS, 0.5), 60_250);
  }
  assertEquals(
    backoff(1, { status: 500, retryAfter: 60_000 }, DELAYS, 0.5),
    250,
  );
  assertEquals(
    backoff(1, { status: 503, retryAfter: undefined }, DELAYS, 0.5),
    250,
  );
});

Deno.test("backoff cuts what a busy server asks for to its most", () => {
  for (const asked of [600_001, 999_999_999_000, Infinity]) {
    const refusal = { status: 503, retryAfter: asked };
    assertEquals(backoff(1, refusal, DELAYS, 0.5), 600_250, `${asked}`);
  }
  const none = { ...DELAYS, maxRetryAfter: 0 };
  assertEquals(backoff(1, { status: 503, retryAfter: 60_000 }, none, 0.5), 250);
});

Deno.test("backoff is a number however many attempts there were", () => {
  for (const attempt of [1, 1024, 1025, 1026, 1e9]) {
    const none = { ...DELAYS, baseDelay: 0 };
    assertEquals(backoff(attempt, undefined, none, 0.5), 0, `${attempt}`);
    const endless = { ...DELAYS, maxDelay: Infinity };
    assertEquals(backoff(attempt, undefined, endless, 0), 0, `${attempt}`);
  }
});

Deno.test("isFinal takes the server's codes from the list, without an error", () => {
  for (const [code, final] of [[1000, true], [1008, true], [1001, false]]) {
    const cause = { code: code as number, reason: "", wasClean: true };
    assertEquals(isFinal(cause, undefined, [1000, 1008]), final, `${code}`);
  }
  const own = { ...failed("too_many_messages", "remote"), code: 1008 };
  assertEquals(isFinal(own, undefined, [1000, 1008]), false);
});

Deno.test("isFinal tells refusals that pass from those that do not", () => {
  const cause = failed("handshake_refused", "remote");
  const final = [101, 200, 204, 301, 400, 401, 403, 404, 410, 426, 451];
  const passing = [408, 425, 429, 500, 502, 503, 504, 520];
  for (const status of [...final, ...passing]) {
    assertEquals(
      isFinal(cause, { status, retryAfter: undefined }, []),
      final.includes(status),
      `${status}`,
    );
  }
});

Deno.test("isFinal takes the program's own faults for final", () => {
  for (
    const [code, side, final] of [
      ["connect_refused", "transport", false],
      ["reset", "transport", false],
      ["no_close_frame", "remote", false],
      ["pong_timeout", "remote", false],
      ["connect_timeout", "local", false],
      ["prepare_failed", "local", false],
      ["send_queue_full", "local", false],
      ["url_invalid", "local", true],
      ["handler_failed", "local", true],
      ["aborted", "local", true],
    ] as const
  ) assertEquals(isFinal(failed(code, side), undefined, []), final, code);
});

Deno.test("ReconnectPolicy counts on while attempts fail, however long that takes", () => {
  const policy = new ReconnectPolicy({ random: () => 0, stableAfter: 1000 });
  policy.opened(0);
  policy.lost(failed("reset", "transport"), undefined, 5000);
  assertEquals(policy.attempt, 1);
  for (let attempt = 2; attempt < 5; attempt++) {
    policy.lost(failed("connect_refused", "transport"), undefined, 1e6);
    assertEquals(policy.attempt, attempt);
  }
});
