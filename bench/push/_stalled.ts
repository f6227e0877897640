/**
 * Mode `latest` with subscribers that stop reading.
 *
 * @module
 */

import { type Claim, claimTable } from "../_report.ts";
import { ratio, spread } from "../_rounds.ts";
import type { Figure } from "../_suite.ts";
import { findHubs, type Hub, memoryOf } from "./_hubs.ts";
import { startGenerator, startTrial, subscribers } from "./_run.ts";

const SUBSCRIBERS = 1_000;
const QUICK_SUBSCRIBERS = 200;
/** What part of them stops reading. */
const STALLED = 0.1;
/** Messages a second. */
const RATE = 1_000;
/** Longer than the system takes to hold all that it will for who does not read. */
const SECONDS = 10;
const QUICK_SECONDS = 4;
const LATEST = "/push?mode=latest";
/** Resident memory of one program differs by so much from run to run. */
const NO_MORE = 1.05;

/** Who does not read gets fewer than this part of the messages, or has not stalled. */
const NOTICED = 0.9;

/** What one run gave. */
interface Run {
  /** Resident memory at the end, in MB: at once, and after a GC. */
  before: number;
  after: number;
  /** How long what came was under way, in milliseconds. */
  p50: number;
  p99: number;
  /** Deliveries a second to those who read. */
  rate: number;
  /** Processor time by the clock, in percent: of the hub, and of the generator. */
  busy: number;
  load: number;
  /** How many messages one who reads got, and one who does not, in the end. */
  read: number;
  got: number;
}

/** Memory and latency, with and without. */
export const stalled: Figure = {
  title: `latest: ${RATE} messages/s of 100 B to ${SUBSCRIBERS} subscribers, ` +
    "a tenth of which stop reading",
  async run(context) {
    const count = subscribers(
      context,
      "stalled",
      SUBSCRIBERS,
      QUICK_SUBSCRIBERS,
    );
    const seconds = context.quick ? QUICK_SECONDS : SECONDS;
    const { ours } = findHubs(context);
    const none: Run[] = [];
    const some: Run[] = [];
    const rounds = Math.ceil(context.plan.rounds / 2);
    for (let round = 0; round < rounds; round++) {
      none.push(await run(ours, count, 0, seconds));
      some.push(await run(ours, count, Math.floor(count * STALLED), seconds));
    }
    if (some.some(({ got, read }) => got > NOTICED * read)) {
      context.skip("stalled: the system took nearly all for who did not read");
    }
    const rows = [...describe("all read", none), ...describe("stalled", some)];
    context.print(`${claimTable(rows)}\n`);
    return compareRuns(some, none);
  },
};

async function run(
  hub: Hub,
  count: number,
  stalled: number,
  seconds: number,
): Promise<Run> {
  await using all = new AsyncDisposableStack();
  const generator = all.use(await startGenerator());
  const trial = await startTrial(hub, generator, all);
  await trial.open(count, { path: LATEST, stalled });
  const { answer, cpu, load } = await trial.measure(
    `pace ${RATE} ${seconds * 1000} latest`,
  );
  const before = memoryOf(trial.hub) / 1e6;
  await trial.hub.gc();
  const after = memoryOf(trial.hub) / 1e6;
  const [late = 0] = stalled === 0 ? [] : await trial.ask("resume");
  await trial.ask("close");
  const [deliveries = NaN, milliseconds = NaN, p50 = NaN, p99 = NaN] = answer;
  return {
    before,
    after,
    p50,
    p99,
    rate: deliveries / milliseconds * 1000,
    busy: cpu / milliseconds / 10,
    load: load / milliseconds / 10,
    read: deliveries / (count - stalled),
    got: late / stalled,
  };
}

function describe(what: string, runs: readonly Run[]): Claim[] {
  const units: Record<keyof Run, string> = {
    before: "memory in MB, at once",
    after: "memory in MB, after GC",
    p50: "p50 in ms",
    p99: "p99 in ms",
    rate: "deliveries/s",
    busy: "busy in %",
    load: "load busy in %",
    read: "messages to one who reads",
    got: "messages to one who stopped, in the end",
  };
  return Object.entries(units)
    .filter(([key]) => !Number.isNaN(runs[0]![key as keyof Run]))
    .map(([key, unit]) => ({
      what: `${what}: ${unit}`,
      value: spread(runs.map((run) => run[key as keyof Run])),
    }));
}

function compareRuns(some: readonly Run[], none: readonly Run[]): Claim[] {
  const claim = (key: keyof Run, what: string, atMost?: number): Claim => ({
    what: `push hub, a tenth stalled / all read (${what})`,
    value: ratio(some.map((run) => run[key]), none.map((run) => run[key])),
    ...(atMost === undefined ? {} : { atMost }),
  });
  return [
    claim("before", "memory, at once", NO_MORE),
    claim("after", "memory, after GC", NO_MORE),
    claim("p50", "p50"),
    claim("p99", "p99"),
  ];
}
