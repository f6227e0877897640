import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
} from "@std/assert";
import type { Alarm } from "./_hvac_alarms.ts";
import { isSetPoint, Plant, type UnitState } from "./_hvac_plant.ts";
import { Random } from "./_hvac_random.ts";

const START = Date.UTC(2026, 0, 1);
const INTERVAL = 250;

/** Lets a plant run, and gives what each of its units did. */
function run(plant: Plant, seconds: number, from = START): UnitState[][] {
  const states = plant.units.map((): UnitState[] => []);
  for (let now = from; now < from + seconds * 1000; now += INTERVAL) {
    plant.advance(now);
    plant.units.forEach((id, i) => states[i]!.push(plant.state(id)!));
  }
  return states;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

Deno.test("a plant with the same seed does the same", () => {
  const [a, b, c] = [5, 5, 6].map((seed) => run(new Plant(seed, START), 60));
  assertEquals(a, b);
  assertNotEquals(a, c);
});

Deno.test("each unit keeps its room near the set point on the whole", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    for (const states of run(new Plant(seed, START), 1_200)) {
      const off = mean(states.map((s) => Math.abs(s.return - s.setPoint)));
      assertLess(off, 0.9, `${states[0]!.area}, seed ${seed}`);
    }
  }
});

Deno.test("what a unit measures stays within what a unit can do", () => {
  for (const state of run(new Plant(11, START), 3_600).flat()) {
    assert(state.supply > 8 && state.supply < 40, JSON.stringify(state));
    assert(state.return > 10 && state.return < 35, JSON.stringify(state));
    assert(state.fan >= 10 && state.fan <= 100, JSON.stringify(state));
    assert(state.power > 0 && state.power < 100, JSON.stringify(state));
    assert(state.filter >= 0 && state.filter < 400, JSON.stringify(state));
    assert(state.outside > 8 && state.outside < 26, JSON.stringify(state));
  }
});

Deno.test("a unit that cools takes colder air in than it gets out, and one that heats warmer", () => {
  const states = run(new Plant(3, START), 3_600).flat();
  const cooling = states.filter(({ mode }) => mode === "cooling");
  const heating = states.filter(({ mode }) => mode === "heating");
  assertGreater(cooling.length, 1_000);
  assertLess(mean(cooling.map((s) => s.supply - s.return)), -2);
  if (heating.length > 0) {
    assertGreater(mean(heating.map((s) => s.supply - s.return)), -1);
  }
});

Deno.test("a room goes to its new set point within a few minutes", () => {
  const plant = new Plant(4, START);
  run(plant, 60);
  for (const [to, from] of [[24, 60], [20.5, 360]] as const) {
    assert(plant.setPoint("ahu-1", to));
    const [offices] = run(plant, 300, START + from * 1000);
    assertEquals(offices!.at(-1)!.setPoint, to);
    assertAlmostEquals(mean(offices!.slice(-400).map((s) => s.return)), to, 1);
  }
});

Deno.test("only a temperature that a room can have is a set point, of a unit that is there", () => {
  const plant = new Plant(1, START);
  for (const value of [15.9, 28.1, NaN, Infinity, "20", null, [20]]) {
    assertEquals(isSetPoint(value), false);
    assertEquals(plant.setPoint("ahu-1", value), false);
  }
  assertEquals(plant.setPoint("ahu-9", 20), false);
  assertEquals(plant.state("ahu-9"), undefined);
  assert(plant.setPoint("ahu-1", 20.04));
  assertEquals(plant.state("ahu-1")!.setPoint, 20);
});

Deno.test("samples are numbered, and have the time", () => {
  const [first] = run(new Plant(1, START), 10);
  assertEquals(
    first!.map(({ sample, at }) => [sample, at]),
    Array.from({ length: 40 }, (_, i) => [i + 1, START + i * INTERVAL]),
  );
});

Deno.test("after a pause of the machine the plant does not race", () => {
  const [a, b] = [new Plant(8, START), new Plant(8, START)];
  a.advance(START + 2_000);
  b.advance(START + 3_600_000);
  const { at: _a, ...of } = a.state("ahu-1")!;
  const { at, ...rest } = b.state("ahu-1")!;
  assertEquals(rest, of);
  assertEquals(at, START + 3_600_000);
});

Deno.test("alarms of each kind appear, and clear again", () => {
  const appeared = new Map<string, number>();
  const cleared = new Map<string, number>();
  for (const seed of [1, 2, 3, 4]) {
    const plant = new Plant(seed, START);
    let last: readonly Alarm[] = [];
    for (let now = START; now < START + 3_600_000; now += INTERVAL) {
      plant.advance(now);
      const { active } = plant.alarms;
      if (active === last) continue;
      for (const alarm of active) {
        if (last.includes(alarm)) continue;
        assertEquals(alarm.since, now);
        add(appeared, alarm.kind);
      }
      for (const alarm of last) {
        if (active.includes(alarm)) continue;
        add(cleared, alarm.kind);
        assertGreater(now - alarm.since, 500, "It flickers");
      }
      last = active;
    }
  }
  const kinds = ["compressor", "fan", "filter", "temperature-high", "valve"];
  for (const kind of kinds) {
    assertGreater(appeared.get(kind) ?? 0, 1, kind);
    assertGreater(cleared.get(kind) ?? 0, 1, kind);
  }
});

Deno.test("an alarm says when it appeared, and its list changes only with it", () => {
  const plant = new Plant(1, START);
  plant.advance(START);
  const before = plant.alarms.active;
  plant.setPoint("ahu-2", 28);
  plant.advance(START + 250);
  const { active } = plant.alarms;
  assertNotEquals(active, before);
  const alarm = active.find(({ kind }) => kind === "temperature-low");
  assertEquals(alarm, {
    unit: "ahu-2",
    kind: "temperature-low",
    severity: "critical",
    text: "Return air far below the set point",
    since: START + 250,
  });
  plant.advance(START + 500);
  assert(plant.alarms.active === active);
  plant.setPoint("ahu-2", 19);
  plant.advance(START + 750);
  assertEquals(plant.alarms.active, before);
});

Deno.test("chance is as likely everywhere, and scatters as measurements do", () => {
  const random = new Random(42);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[Math.floor(random.next() * 10)]!++;
  for (const count of counts) assertAlmostEquals(count, 1_000, 120);
  const normal = Array.from({ length: 10_000 }, () => random.normal());
  assertAlmostEquals(mean(normal), 0, 0.05);
  assertAlmostEquals(mean(normal.map((value) => value ** 2)), 1, 0.06);
  let happened = 0;
  for (let i = 0; i < 10_000; i++) if (random.happens(1, 100)) happened++;
  assertAlmostEquals(happened, 100, 40);
});

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
