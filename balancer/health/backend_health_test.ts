import { assert, assertEquals } from "@std/assert";
import { BackendHealth, type BackendHealthSettings } from "./backend_health.ts";

const EJECTION = {
  failures: 3,
  count5xx: false,
  maxLatency: Infinity,
  baseTime: 1000,
  maxTime: 5000,
};

const SETTINGS: BackendHealthSettings = {
  health: { unhealthyAfter: 3, healthyAfter: 2 },
  ejection: EJECTION,
  slowStart: 0,
};

function create(settings: Partial<BackendHealthSettings> = {}): BackendHealth {
  return new BackendHealth({ ...SETTINGS, ...settings });
}

/** Requests that fail one after the other; what the last one returned. */
function fail(health: BackendHealth, now: number, count: number): boolean {
  let changed = false;
  for (let i = 0; i < count; i++) {
    changed = health.failed(now, "reset", health.begin());
  }
  return changed;
}

/** Ejects it, and waits until the ejection is over. */
function ejectUntilTrial(health: BackendHealth, now: number): number {
  fail(health, now, 3);
  const end = health.deadline();
  assert(health.tick(end));
  return end;
}

Deno.test("a new backend is up, with all of its share and nothing due", () => {
  const health = create({ slowStart: 1000 });
  assertEquals(health.state(0), "up");
  assertEquals(health.share(0), 1);
  assertEquals(health.circuit, "closed");
  assertEquals(health.check, null);
  assertEquals(health.isAvailable, true);
  assertEquals(health.deadline(), Infinity);
  assertEquals(health.explain(0), "");
  assertEquals(health.dropped(health.begin()), false);
});

Deno.test("the first check takes a backend down if it fails", () => {
  const health = create();
  assertEquals(health.checkFailed(0, "status 500, expected 200"), true);
  assertEquals(health.state(0), "down");
  assertEquals(health.isAvailable, false);
  assertEquals(health.check, {
    passed: false,
    reason: "status 500, expected 200",
  });
  assertEquals(
    health.explain(0),
    "its checks fail: status 500, expected 200",
  );
});

Deno.test("checks take a backend down and up after so many in a row", () => {
  const health = create();
  const seen = [..."pffpfffpfppp"].map((check, now) => {
    const changed = check === "p"
      ? health.checkPassed(now)
      : health.checkFailed(now, "");
    return `${changed ? "!" : ""}${health.state(now)}`;
  });
  assertEquals(seen, [
    "up", // p
    "up", // f
    "up", // f
    "up", // p: in a row no more
    "up", // f
    "up", // f
    "!down", // f: the third
    "down", // p
    "down", // f
    "down", // p
    "!up", // p: the second
    "up", // p
  ]);
});

Deno.test("so many failures in a row eject, and a success between starts anew", () => {
  const health = create();
  assertEquals(fail(health, 0, 2), false);
  assertEquals(health.succeeded(0, 1, health.begin()), false);
  assertEquals(fail(health, 0, 2), false);
  assertEquals(health.state(0), "up");
  assertEquals(fail(health, 0, 1), true);
  assertEquals(health.state(0), "ejected");
  assertEquals(health.circuit, "open");
  assertEquals(health.isAvailable, false);
  assertEquals(health.ejections, 1);
  assertEquals(
    health.explain(400),
    'ejected for 600 ms more: 3 failures in a row, the last "reset"',
  );
});

Deno.test("checks do not count as failures of requests", () => {
  const health = create();
  health.checkPassed(0);
  fail(health, 0, 2);
  health.checkFailed(0, "");
  assertEquals(health.state(0), "up");
  health.checkPassed(0);
  fail(health, 0, 1);
  assertEquals(health.state(0), "ejected");
});

Deno.test("without ejection no number of failures takes a backend out", () => {
  const health = create({ ejection: false });
  assertEquals(fail(health, 0, 1000), false);
  assertEquals(health.succeeded(0, 1e9, health.begin()), false);
  assertEquals(health.state(0), "up");
});

Deno.test("an ejection ends in a trial, and that closes the circuit", () => {
  const health = create();
  fail(health, 0, 3);
  assertEquals(health.deadline(), 1000);
  assertEquals(health.tick(999), false);
  assertEquals(health.tick(1000), true);
  assertEquals(health.state(1000), "trial");
  assertEquals(health.circuit, "half_open");
  assertEquals(health.isAvailable, true);
  assertEquals(health.deadline(), Infinity);
  const ticket = health.begin();
  assertEquals(health.isAvailable, false);
  assertEquals(health.succeeded(1010, 5, ticket), true);
  assertEquals(health.state(1010), "up");
  assertEquals(health.isAvailable, true);
});

Deno.test("each failed trial doubles the ejection, up to the longest", () => {
  const health = create();
  let now = 0;
  const times: number[] = [];
  fail(health, now, 3);
  for (let i = 0; i < 5; i++) {
    times.push(health.deadline() - now);
    now = health.deadline();
    health.tick(now);
    assertEquals(health.failed(now, "reset", health.begin()), true);
  }
  assertEquals(times, [1000, 2000, 4000, 5000, 5000]);
  assertEquals(health.ejections, 6);
});

Deno.test("a backend that soon fails again is ejected for longer", () => {
  const health = create();
  let now = ejectUntilTrial(health, 0);
  health.succeeded(now, 1, health.begin());
  fail(health, now + 999, 3);
  assertEquals(health.deadline() - (now + 999), 2000);
  now = health.deadline();
  health.tick(now);
  health.succeeded(now, 1, health.begin());
  fail(health, now + 2000, 3);
  assertEquals(health.deadline() - (now + 2000), 1000);
});

Deno.test("only one request is the trial", () => {
  const health = create();
  const now = ejectUntilTrial(health, 0);
  const trial = health.begin();
  const other = health.begin();
  assertEquals(health.failed(now, "reset", other), false);
  assertEquals(health.succeeded(now, 1, other), false);
  assertEquals(health.dropped(other), false);
  assertEquals(health.state(now), "trial");
  assertEquals(health.isAvailable, false);
  assertEquals(health.failed(now, "head_timeout", trial), true);
  assertEquals(
    health.explain(now),
    'ejected for 2000 ms more: the trial failed with "head_timeout"',
  );
});

Deno.test("a trial that says nothing makes room for another one", () => {
  const health = create();
  const now = ejectUntilTrial(health, 0);
  assertEquals(health.dropped(health.begin()), true);
  assertEquals(health.isAvailable, true);
  assertEquals(health.state(now), "trial");
  assertEquals(health.succeeded(now, 1, health.begin()), true);
  assertEquals(health.state(now), "up");
});

Deno.test("requests from before an ejection are not taken for its trial", () => {
  const health = create();
  const old = [health.begin(), health.begin(), health.begin()] as const;
  const now = ejectUntilTrial(health, 0);
  const trial = health.begin();
  assertEquals(health.succeeded(now, 1, old[0]), false);
  assertEquals(health.failed(now, "reset", old[1]), false);
  assertEquals(health.dropped(old[2]), false);
  assertEquals([health.state(now), health.isAvailable], ["trial", false]);
  assertEquals(health.succeeded(now, 1, trial), true);
});

Deno.test("requests that are tried during an ejection change nothing", () => {
  const health = create();
  fail(health, 0, 3);
  assertEquals(fail(health, 500, 10), false);
  assertEquals(health.succeeded(500, 1, health.begin()), false);
  assertEquals([health.deadline(), health.ejections], [1000, 1]);
});

Deno.test("checks that passed all along leave an ejection alone", () => {
  const health = create();
  health.checkPassed(0);
  fail(health, 0, 3);
  for (let now = 1; now < 10; now++) {
    assertEquals(health.checkPassed(now), false);
  }
  assertEquals(health.state(10), "ejected");
});

Deno.test("checks that pass again bring the trial forward", () => {
  const health = create();
  health.checkPassed(0);
  fail(health, 0, 3);
  assertEquals(health.checkFailed(10, "Connection refused"), false);
  assertEquals(health.checkPassed(20), false);
  assertEquals(health.checkPassed(30), true);
  assertEquals(health.state(30), "trial");
  assertEquals(health.deadline(), Infinity);
  health.failed(40, "reset", health.begin());
  assertEquals(health.deadline(), 2040);
});

Deno.test("a backend that is down and ejected needs both to be over", () => {
  const health = create();
  fail(health, 0, 3);
  health.checkFailed(0, "");
  assertEquals(health.state(0), "down");
  assertEquals(health.tick(1000), true);
  assertEquals([health.state(1000), health.isAvailable], ["down", false]);
  health.checkPassed(2000);
  assertEquals(health.checkPassed(2001), true);
  assertEquals([health.state(2001), health.isAvailable], ["trial", true]);
});

Deno.test("what failed before a backend went down does not count after", () => {
  const health = create();
  fail(health, 0, 2);
  const old = health.begin();
  health.checkFailed(0, "");
  health.checkPassed(1);
  health.checkPassed(2);
  assertEquals(health.failed(3, "reset", old), false);
  assertEquals(fail(health, 3, 2), false);
  assertEquals(health.state(3), "up");
});

Deno.test("slow start grows the share after a trial and after being down", () => {
  const health = create({ slowStart: 1000 });
  const back = ejectUntilTrial(health, 0);
  assertEquals(health.share(back), 1);
  health.succeeded(back, 1, health.begin());
  const shares = [0, 50, 500, 999, 1000].map((age) => [
    health.state(back + age),
    health.share(back + age),
  ]);
  assertEquals(shares, [
    ["starting", 0.1],
    ["starting", 0.1],
    ["starting", 0.5],
    ["starting", 0.999],
    ["up", 1],
  ]);
  assertEquals(health.explain(back + 500), "slow start: 50 % of its weight");
  for (const now of [5000, 5001, 5002]) health.checkFailed(now, "");
  health.checkPassed(6000);
  health.checkPassed(7000);
  assertEquals([health.state(7250), health.share(7250)], ["starting", 0.25]);
});

Deno.test("a mean latency over the limit ejects, a single slow response does not", () => {
  const health = create({ ejection: { ...EJECTION, maxLatency: 100 } });
  const observe = (latency: number, count: number) => {
    let changed = false;
    for (let i = 0; i < count; i++) {
      changed ||= health.succeeded(0, latency, health.begin());
    }
    return changed;
  };
  assertEquals(observe(10, 100), false);
  assertEquals(observe(1500, 1), false);
  assertEquals(observe(10, 100), false);
  assertEquals(observe(150, 100), true);
  assertEquals(health.state(0), "ejected");
  const reason = "ejected for 1000 ms more: mean latency of 10";
  assertEquals(health.explain(0).startsWith(reason), true);
});

Deno.test("the mean latency is not judged by a few", () => {
  const health = create({ ejection: { ...EJECTION, maxLatency: 100 } });
  for (let i = 1; i < 20; i++) {
    assertEquals(health.succeeded(0, 1000, health.begin()), false);
  }
  assertEquals(health.succeeded(0, 1000, health.begin()), true);
});

Deno.test("a trial that is too slow fails", () => {
  const health = create({ ejection: { ...EJECTION, maxLatency: 100 } });
  const now = ejectUntilTrial(health, 0);
  assertEquals(health.succeeded(now, 101, health.begin()), true);
  assertEquals(health.state(now), "ejected");
  assertEquals(
    health.explain(now),
    "ejected for 2000 ms more: the trial took 101 ms",
  );
});
