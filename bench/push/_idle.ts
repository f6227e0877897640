/**
 * Subscribers to which nothing comes.
 *
 * @module
 */

import { type Claim, claimTable } from "../_report.ts";
import { spread } from "../_rounds.ts";
import type { Context, Figure } from "../_suite.ts";
import { findHubs, type Hub, memoryOf } from "./_hubs.ts";
import { startGenerator, startTrial, subscribers } from "./_run.ts";

const SUBSCRIBERS = 15_000;
const QUICK_SUBSCRIBERS = 1_000;
const MOST = 14;

/** What an idle subscriber adds to a hub's memory. */
export const idle: Figure = {
  title: `memory of ${SUBSCRIBERS} idle subscribers, in KB (1000 B)`,
  async run(context) {
    const count = subscribers(
      context,
      "idle",
      SUBSCRIBERS,
      QUICK_SUBSCRIBERS,
    );
    const { ours, envelopes, bun, ws, nchan } = findHubs(context);
    // How much of its heap a runtime uses differs from process to process.
    const rounds = Math.ceil(context.plan.rounds / 2);
    const claims: Claim[] = [];
    for (const hub of [ours, envelopes, bun, ws, nchan]) {
      if (hub === undefined) continue;
      const before: number[] = [];
      const after: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const [atOnce, collected] = await perSubscriber(context, hub, count);
        before.push(atOnce);
        after.push(collected);
      }
      const wanted = hub === ours || hub === envelopes;
      const limit = wanted ? { atMost: MOST } : {};
      claims.push(
        { what: `${hub.label} (KB, at once)`, value: spread(before), ...limit },
        { what: `${hub.label} (KB, after GC)`, value: spread(after), ...limit },
      );
    }
    context.print(claimTable(claims));
    return claims;
  },
};

/** What a subscriber adds in KB: as the system sees it, and after a GC. */
async function perSubscriber(
  context: Context,
  hub: Hub,
  count: number,
): Promise<[before: number, after: number]> {
  await using all = new AsyncDisposableStack();
  const generator = all.use(await startGenerator());
  const trial = await startTrial(hub, generator, all);
  // What the first messages allocate for good is not the subscribers' memory.
  await trial.open(64);
  await trial.ask("flood 16 1000");
  await trial.ask("close");
  await trial.hub.gc();
  const base = memoryOf(trial.hub);
  await trial.open(count);
  const opened = memoryOf(trial.hub);
  await trial.hub.gc();
  const collected = memoryOf(trial.hub);
  const [alive = 0] = await trial.ask("alive");
  if (alive < count) {
    context.skip(`idle: ${count - alive} connections that ${hub.label} closed`);
  }
  await trial.ask("close");
  return [(opened - base) / count / 1000, (collected - base) / count / 1000];
}
