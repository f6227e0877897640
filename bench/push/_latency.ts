/**
 * How long a message is under way while no hub is near what it can do.
 *
 * @module
 */

import { type Claim, claimTable } from "../_report.ts";
import { ratio, type Spread, spread } from "../_rounds.ts";
import type { Figure } from "../_suite.ts";
import { findHubs } from "./_hubs.ts";
import { startGenerator, startTrial, subscribers, type Trial } from "./_run.ts";

const SUBSCRIBERS = 1_000;
const QUICK_SUBSCRIBERS = 200;
/** Messages a second. */
const RATE = 20;
/** So that p99 is of more than a few messages. */
const LONGER = 2;

/** What came out for one hub: a value each round, in milliseconds. */
interface Times {
  trial: Trial;
  p50: number[];
  p99: number[];
  busy: number[];
  load: number[];
}

/** From publishing to the receipt by each subscriber. */
export const latency: Figure = {
  title:
    `latency, ${RATE} messages/s of 100 B to ${SUBSCRIBERS} subscribers, in ms`,
  async run(context) {
    const count = subscribers(
      context,
      "latency",
      SUBSCRIBERS,
      QUICK_SUBSCRIBERS,
    );
    const { ours, envelopes, redis, bun, ws, nchan } = findHubs(context);
    await using stack = new AsyncDisposableStack();
    const generator = stack.use(await startGenerator());
    const all: Times[] = [];
    for (const hub of [ours, bun, ws, nchan, envelopes, redis]) {
      if (hub === undefined) continue;
      const trial = await startTrial(hub, generator, stack);
      all.push({ trial, p50: [], p99: [], busy: [], load: [] });
      await measure(all.at(-1)!, count, context.plan.seconds, false);
    }
    const { rounds, seconds } = context.plan;
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < all.length; turn++) {
        const each = all[(round + turn) % all.length]!;
        await measure(each, count, seconds * LONGER, true);
      }
    }
    context.print(`${claimTable(all.flatMap(rows))}\n`);
    return compareAll(all, bun?.label);
  },
};

async function measure(
  { trial, p50, p99, busy, load }: Times,
  count: number,
  seconds: number,
  counts: boolean,
): Promise<void> {
  await trial.open(count);
  const measured = await trial.measure(`pace ${RATE} ${seconds * 1000} every`);
  await trial.ask("close");
  if (!counts) return;
  const [, milliseconds = NaN, half = NaN, most = NaN] = measured.answer;
  p50.push(half);
  p99.push(most);
  busy.push(measured.cpu / milliseconds / 10);
  load.push(measured.load / milliseconds / 10);
}

function rows({ trial: { label }, p50, p99, busy, load }: Times): Claim[] {
  const row = (what: string, values: number[]): Claim => ({
    what: `${label}: ${what}`,
    value: spread(values),
  });
  return [
    row("p50 in ms", p50),
    row("p99 in ms", p99),
    row("busy in %", busy),
    row("load busy in %", load),
  ];
}

function compareAll(all: readonly Times[], bun: string | undefined): Claim[] {
  const [ours, ...peers] = all;
  return peers.flatMap((peer) =>
    (["p50", "p99"] as const).map((key): Claim => {
      const value: Spread = ratio(ours![key], peer[key]);
      const what = `${ours!.trial.label} / ${peer.trial.label} (${key})`;
      const wanted = key === "p99" && peer.trial.label === bun;
      return { what, value, ...(wanted ? { atMost: 2 } : {}) };
    })
  );
}
