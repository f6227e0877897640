import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BackendHealth, type BackendHealthSettings } from "./backend_health.ts";

const EJECTION = {
  failures: 3,
  count5xx: false,
  maxLatency: Infinity,
  baseTime: 1000,
  maxTime: 5000,
};

type Input =
  | { type: "begin" | "checkPassed" | "checkFailed" | "tick" }
  | { type: "wait"; ms: number }
  | { type: "settle"; which: number; how: "ok" | "slow" | "fail" | "drop" };

const inputs: fc.Arbitrary<Input[]> = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constantFrom("begin", "checkPassed", "checkFailed", "tick"),
    }) as fc.Arbitrary<Input>,
    fc.record({ type: fc.constant("wait"), ms: fc.nat(3000) }),
    fc.record({
      type: fc.constant("settle"),
      which: fc.nat(),
      how: fc.constantFrom("ok", "slow", "fail", "fail", "drop"),
    }),
  ),
  { maxLength: 200, size: "max" },
);

/** Feeds inputs to a backend, and checks what must hold after each. */
class Bench {
  readonly settings: BackendHealthSettings;
  readonly health: BackendHealth;
  now = 0;
  underWay: { ticket: number; isTrial: boolean }[] = [];

  constructor(settings: BackendHealthSettings) {
    this.settings = settings;
    this.health = new BackendHealth(settings);
  }

  feed(input: Input): void {
    const { health } = this;
    const wasAvailable = health.isAvailable;
    const before = { circuit: health.circuit, ejections: health.ejections };
    const changed = this.#feed(input);
    if (input.type !== "begin" && health.isAvailable !== wasAvailable) {
      assert(changed, `${input.type} did not tell of the change`);
    }
    this.#checkCircuit(before);
    this.#checkState();
  }

  #feed(input: Input): boolean {
    const { health, now } = this;
    switch (input.type) {
      case "begin": {
        const isTrial = health.circuit === "half_open" &&
          !this.underWay.some((other) => other.isTrial);
        this.underWay.push({ ticket: health.begin(), isTrial });
        return false;
      }
      case "checkPassed":
        return health.checkPassed(now);
      case "checkFailed":
        return health.checkFailed(now, "");
      case "tick":
        return health.tick(now);
      case "wait":
        this.now += input.ms;
        return false;
      case "settle":
        return this.#settle(input.which, input.how);
    }
  }

  #settle(which: number, how: "ok" | "slow" | "fail" | "drop"): boolean {
    const { health, now, underWay } = this;
    if (underWay.length === 0) return false;
    const [request] = underWay.splice(which % underWay.length, 1);
    const { ticket, isTrial } = request!;
    const state = health.circuit;
    const changed = how === "fail"
      ? health.failed(now, "reset", ticket)
      : how === "drop"
      ? health.dropped(ticket)
      : health.succeeded(now, how === "ok" ? 1 : 1000, ticket);
    // While half open, only the trial has a say, and it always has.
    if (state === "half_open") assertEquals(changed, isTrial);
    return changed;
  }

  #checkCircuit(before: { circuit: string; ejections: number }): void {
    const { health, now, settings } = this;
    const { circuit, ejections } = health;
    const move = `${before.circuit} ${circuit}`;
    const opened = circuit === "open" && before.circuit !== "open";
    assertEquals(ejections - before.ejections, opened ? 1 : 0);
    assert(!["closed half_open", "open closed"].includes(move), move);
    assertEquals(health.deadline() === Infinity, circuit !== "open");
    if (!opened) return;
    assert(settings.ejection !== false);
    const { baseTime, maxTime } = settings.ejection;
    const time = health.deadline() - now;
    assert(time >= Math.min(baseTime, maxTime) && time <= maxTime, `${time}`);
  }

  #checkState(): void {
    const { health, now } = this;
    const state = health.state(now);
    const trials = this.underWay.filter(({ isTrial }) => isTrial).length;
    assert(trials <= 1);
    assertEquals(
      health.isAvailable,
      state === "up" || state === "starting" ||
        (state === "trial" && trials === 0),
    );
    const share = health.share(now);
    assert(share > 0 && share <= 1);
    assert(state === "starting" || share === 1);
    assertEquals(health.explain(now) === "", state === "up");
  }
}

Deno.test("no inputs break what holds of state, trial, circuit and share", () => {
  const settings = fc.record({
    health: fc.constantFrom(
      undefined,
      { unhealthyAfter: 1, healthyAfter: 1 },
      { unhealthyAfter: 3, healthyAfter: 2 },
    ),
    ejection: fc.constantFrom(
      false as const,
      EJECTION,
      { ...EJECTION, failures: 1, maxLatency: 100 },
      { ...EJECTION, failures: 2, baseTime: 3000, maxTime: 2000 },
    ),
    slowStart: fc.constantFrom(0, 2000),
  });
  const states = new Set<string>();
  fc.assert(
    fc.property(settings, inputs, (settings, inputs) => {
      const bench = new Bench(settings);
      for (const input of inputs) {
        bench.feed(input);
        states.add(bench.health.state(bench.now));
      }
    }),
    { numRuns: 1000, seed: 4 },
  );
  // The inputs reach all of it.
  assertEquals([...states].sort(), [
    "down",
    "ejected",
    "starting",
    "trial",
    "up",
  ]);
});
