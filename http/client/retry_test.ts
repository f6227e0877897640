import { assertEquals } from "@std/assert";
import {
  type FailedAttempt,
  isIdempotent,
  parseRetryAfter,
  RetryPolicy,
} from "./retry.ts";

const RESET: FailedAttempt = {
  attempts: 1,
  idempotent: true,
  neverSent: false,
  reused: false,
  replayable: true,
  code: "reset",
};
const BUSY: FailedAttempt = {
  attempts: 1,
  idempotent: true,
  neverSent: false,
  reused: false,
  replayable: true,
  status: 503,
};
const half = () => 0.5;

Deno.test("isIdempotent follows RFC 9110 §9.2.2", () => {
  for (const method of ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]) {
    assertEquals(isIdempotent(method), true, method);
  }
  for (const method of ["POST", "PATCH", "CONNECT", "get", "LOCK"]) {
    assertEquals(isIdempotent(method), false, method);
  }
});

Deno.test("parseRetryAfter reads seconds and dates, and nothing else", () => {
  assertEquals(parseRetryAfter("0", 0), 0);
  assertEquals(parseRetryAfter("120", 0), 120_000);
  assertEquals(
    parseRetryAfter("Fri, 31 Dec 1999 23:59:59 GMT", 946684789000),
    10_000,
  );
  assertEquals(
    parseRetryAfter("Fri, 31 Dec 1999 23:59:59 GMT", 946684899000),
    0,
  );
  for (
    const bad of ["", "-1", "1.5", "soon", "1e3", "99999999999", "2024-01-01"]
  ) {
    assertEquals(parseRetryAfter(bad, 0), undefined, bad);
  }
});

Deno.test("RetryPolicy never repeats a POST that may have been seen", () => {
  const policy = new RetryPolicy();
  for (const reused of [true, false]) {
    const failed = { ...RESET, idempotent: false, reused };
    assertEquals(policy.delay(failed, 0), undefined);
  }
  assertEquals(policy.delay({ ...BUSY, idempotent: false }, 0), undefined);
});

Deno.test("RetryPolicy repeats a POST that never left", () => {
  const policy = new RetryPolicy({}, half);
  const failed = { ...RESET, idempotent: false, neverSent: true };
  assertEquals(policy.delay(failed, 0), 50);
});

Deno.test("RetryPolicy repeats nothing whose body is gone", () => {
  const policy = new RetryPolicy();
  const failed = { ...RESET, neverSent: true, reused: true, replayable: false };
  assertEquals(policy.delay(failed, 0), undefined);
});

Deno.test("RetryPolicy repeats at once after a stale connection, whatever the budget", () => {
  const policy = new RetryPolicy({ attempts: 1, budget: 0, minimumRetries: 0 });
  for (let i = 0; i < 100; i++) {
    assertEquals(
      policy.delay({ ...RESET, reused: true, code: "no_response" }, 0),
      0,
    );
  }
});

Deno.test("RetryPolicy leaves final failures alone", () => {
  const policy = new RetryPolicy();
  for (
    const code of [
      "dns_failed",
      "tls_failed",
      "head_timeout",
      "aborted",
      "body_cut",
      "bad_chunk",
    ]
  ) {
    assertEquals(
      policy.delay({ ...RESET, code, neverSent: true }, 0),
      undefined,
      code,
    );
  }
});

Deno.test("RetryPolicy repeats the statuses that say so, and no others", () => {
  const policy = new RetryPolicy({}, half);
  assertEquals(policy.delay(BUSY, 0), 50);
  assertEquals(policy.delay({ ...BUSY, status: 429 }, 0), 50);
  assertEquals(policy.delay({ ...BUSY, status: 500 }, 0), undefined);
  assertEquals(policy.delay({ ...BUSY, status: 404 }, 0), undefined);
  const own = new RetryPolicy({ statuses: [500] }, half);
  assertEquals(own.delay({ ...BUSY, status: 500 }, 0), 50);
  assertEquals(own.delay(BUSY, 0), undefined);
});

Deno.test("RetryPolicy does as Retry-After says, up to its limit", () => {
  const policy = new RetryPolicy({ maxRetryAfter: 5000 });
  assertEquals(policy.delay({ ...BUSY, retryAfter: "2" }, 0), 2000);
  assertEquals(policy.delay({ ...BUSY, retryAfter: "6" }, 0), undefined);
  const date = "Fri, 31 Dec 1999 23:59:59 GMT";
  assertEquals(
    policy.delay({ ...BUSY, retryAfter: date }, 0, 946684798000),
    1000,
  );
});

Deno.test("RetryPolicy doubles the back-off up to its limit and spreads it fully", () => {
  let random = 0;
  const policy = new RetryPolicy(
    { attempts: 99, baseDelay: 100, maxDelay: 1000 },
    () => random,
  );
  const waits = (value: number) =>
    [1, 2, 3, 4, 5].map((attempts) => {
      random = value;
      return policy.delay({ ...RESET, attempts }, 0);
    });
  assertEquals(waits(0), [0, 0, 0, 0, 0]);
  assertEquals(waits(0.5), [50, 100, 200, 400, 500]);
});

Deno.test("RetryPolicy keeps retries to a fifth of the requests", () => {
  const policy = new RetryPolicy({ minimumRetries: 0 }, half);
  for (let i = 0; i < 100; i++) policy.countRequest(0);
  let granted = 0;
  while (granted < 100 && policy.delay(RESET, 0) !== undefined) granted++;
  assertEquals(granted, 20);
});

Deno.test("RetryPolicy grants a few retries where there is little traffic", () => {
  const policy = new RetryPolicy({ minimumRetries: 3 }, half);
  policy.countRequest(0);
  let granted = 0;
  while (granted < 100 && policy.delay(RESET, 0) !== undefined) granted++;
  assertEquals(granted, 3);
});

Deno.test("RetryPolicy forgets what is ten seconds old", () => {
  const policy = new RetryPolicy({ minimumRetries: 1 }, half);
  assertEquals(policy.delay(RESET, 0), 50);
  assertEquals(policy.delay(RESET, 9_900), undefined);
  assertEquals(policy.delay(RESET, 10_000), 50);
  for (let i = 0; i < 100; i++) policy.countRequest(12_000);
  assertEquals(policy.delay(RESET, 12_000), 50);
  assertEquals(policy.delay(RESET, 1e9), 50);
  assertEquals(policy.delay(RESET, 1e9), undefined);
});
