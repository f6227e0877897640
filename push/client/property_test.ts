import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HubBench } from "./_hub_test_util.ts";
import type { PushClient } from "./connect.ts";

const TOPICS = ["t/0", "t/1", "t/2"];

/** What happens, in any order. */
type Step = "cut" | "wait" | { topic: number };

const STEPS = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ topic: fc.nat(TOPICS.length - 1) }), weight: 8 },
    { arbitrary: fc.constant<Step>("cut"), weight: 1 },
    { arbitrary: fc.constant<Step>("wait"), weight: 2 },
  ),
  { minLength: 1, maxLength: 60 },
);

/** Lets what is under way come a little nearer. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((r) => setImmediate(r));
}

/** The last value of each topic. */
const LAST = -1;

/** Takes the values of a mode until the last ones, with breaks. */
async function read(
  client: PushClient,
  options: {
    mode: "latest" | "every";
    delta: boolean;
    breaks: number;
    begun: () => void;
  },
): Promise<{ topic: string; n: number }[]> {
  const { breaks, begun, ...rest } = options;
  const seen: { topic: string; n: number }[] = [];
  let ended = 0;
  for await (const update of client.subscribe<{ n: number }>("t/+", rest)) {
    assert(update.type === "value", update.type);
    const { topic, value } = update;
    seen.push({ topic, n: value.n });
    if (seen.length === TOPICS.length) begun();
    if (value.n === LAST && ++ended === TOPICS.length) break;
    await turns(breaks);
  }
  return seen;
}

Deno.test("any cuts and any pace leave each version once, in order, and the newest last", async () => {
  const property = fc.asyncProperty(
    STEPS,
    fc.nat(3),
    fc.boolean(),
    async (steps, breaks, delta) => {
      await using bench = await HubBench.open({
        topics: { "t/#": { history: { count: 1000 }, delta: true } },
      });
      const { hub } = bench;
      const published: { topic: string; n: number }[] = [];
      const publish = async (topic: string, n: number) => {
        published.push({ topic, n });
        await hub.publish(topic, {
          n,
          text: "so long that a patch is shorter",
        });
      };
      for (const [n, topic] of TOPICS.entries()) await publish(topic, n);
      const begun = [0, 1].map(() => Promise.withResolvers<void>());
      const [every, latest] = (["every", "latest"] as const).map((mode, i) =>
        read(bench.connect({ queueCount: 3 }), {
          mode,
          delta,
          breaks,
          begun: begun[i]!.resolve,
        })
      );
      await Promise.all(begun.map(({ promise }) => promise));
      for (const step of steps) {
        if (step === "cut") bench.cut();
        else if (step === "wait") await turns(10);
        else await publish(TOPICS[step.topic]!, published.length);
      }
      for (const topic of TOPICS) await publish(topic, LAST);
      assertEquals(await every, published);
      const seen = (await latest)!;
      for (const topic of TOPICS) {
        const last = published.findLast((version) => version.topic === topic);
        assertEquals(seen.findLast((v) => v.topic === topic), last);
      }
      // In the order of their versions, each at most once.
      const places = seen.map(({ topic, n }) =>
        published.findIndex((v) => v.topic === topic && v.n === n)
      );
      for (const topic of TOPICS) {
        const own = places.filter((_, i) => seen[i]!.topic === topic);
        assertEquals(own, [...new Set(own)].sort((a, b) => a - b));
      }
    },
  );
  await fc.assert(property, { numRuns: 40 });
});
