/**
 * One publisher, many subscribers: how much a hub delivers.
 *
 * @module
 */

import { type Claim, claimTable, compare, seriesTable } from "../_report.ts";
import { type Sample, sideBySide, type Subject } from "../_rounds.ts";
import type { Context, Figure } from "../_suite.ts";
import { findHubs, type Hub, overRedis } from "./_hubs.ts";
import { startGenerator, startTrial, subscribers, type Trial } from "./_run.ts";

/** How many messages are under way at a time, at most. */
const WINDOW = 64;
/** The same where it is varied. */
const WINDOWS = [1, 16, 32, 128];
/** From more subscribers than this on there are fewer rounds. */
const MANY = 5_000;
const MANY_ROUNDS = 3;

/** A hub, and how much of its deliveries is wanted at least. */
interface Peer {
  hub: Hub | undefined;
  atLeast?: number | undefined;
}

/** How many get how much at a time. */
interface Load {
  count: number;
  window: number;
}

/** A thousand subscribers. */
export const fanout1k: Figure = fanout("fanout1k", 1_000);

/** Ten thousand subscribers. */
export const fanout10k: Figure = fanout("fanout10k", 10_000);

/** How the ratios depend on how much may be put into one write. */
export const windows: Figure = {
  title: `the same to 1000 subscribers, up to ${WINDOWS.join(", ")} at a time`,
  async run(context) {
    const count = subscribers(context, "windows", 1_000, 200);
    const { ours, bun, ws } = findHubs(context);
    const claims: Claim[] = [];
    for (const window of WINDOWS) {
      const peers = [{ hub: bun }, { hub: ws }];
      claims.push(...await against(context, ours, peers, { count, window }));
    }
    return claims;
  },
};

/** Two hubs over Redis against one. */
export const pair: Figure = {
  title: "two hubs over Redis against one, 100 B to 1000 subscribers",
  async run(context) {
    const count = subscribers(context, "pair", 1_000, 200);
    const [two, one] = [overRedis(context, 2), overRedis(context, 1)];
    if (two === undefined || one === undefined) return [];
    return await against(context, two, [{ hub: one }], {
      count,
      window: WINDOW,
    });
  },
};

function fanout(name: string, wanted: number): Figure {
  return {
    title: `100 B from one publisher to ${wanted} subscribers, each counted, ` +
      `up to ${WINDOW} at a time`,
    run(context) {
      const count = subscribers(context, name, wanted, wanted / 5);
      const { ours, envelopes, redis, bun, ws, nchan } = findHubs(context);
      // Connecting takes longer than measuring, and Redis adds nothing new.
      const plan = { ...context.plan };
      const many = count > MANY;
      if (many) plan.rounds = Math.min(plan.rounds, MANY_ROUNDS);
      return against(
        context,
        ours,
        [
          { hub: bun, atLeast: 1 },
          { hub: ws, atLeast: 3 },
          { hub: nchan },
          { hub: envelopes },
          { hub: many ? undefined : redis },
        ],
        { count, window: WINDOW },
        plan,
      );
    },
  };
}

async function against(
  context: Context,
  ours: Hub,
  peers: readonly Peer[],
  load: Load,
  plan = context.plan,
): Promise<Claim[]> {
  await using all = new AsyncDisposableStack();
  const generator = all.use(await startGenerator());
  const there = peers.filter(({ hub }) => hub !== undefined);
  const subjects: Subject[] = [];
  for (const hub of [ours, ...there.map(({ hub }) => hub!)]) {
    subjects.push(flooded(await startTrial(hub, generator, all), load));
  }
  const [first, ...others] = await sideBySide(subjects, plan);
  const claims = others.map((peer, i) =>
    compare(first!, peer, there[i]!.atLeast)
  );
  context.print(`${seriesTable([first!, ...others], "message")}\n`);
  context.print(`${claimTable(claims)}\n`);
  return claims;
}

/** A hub that gets as much as it takes. Connecting does not count. */
function flooded(trial: Trial, { count, window }: Load): Subject {
  const atATime = window === WINDOW ? "" : `, ${window} at a time`;
  return {
    label: `${trial.label} (to ${count}${atATime})`,
    async measure(seconds): Promise<Sample> {
      await trial.open(count);
      const { answer, cpu, load } = await trial.measure(
        `flood ${window} ${seconds * 1000}`,
      );
      await trial.ask("close");
      const [deliveries = 0, milliseconds = 0] = answer;
      return {
        rate: deliveries / milliseconds * 1000,
        cpu: cpu / deliveries,
        busy: cpu / milliseconds / 1000,
        load: load / milliseconds / 1000,
      };
    },
  };
}
