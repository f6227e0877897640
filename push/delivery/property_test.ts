import fc from "fast-check";
import type { HubOptions } from "../options.ts";
import type { Ask } from "./_subscription_model_test_util.ts";
import { World } from "./_world_test_util.ts";

const TOPICS = ["a", "b", "t/x", "t/y"];
const FILTERS = [["a"], ["b"], ["t/#"], ["a", "t/#"], ["#"], ["t/+", "t/x"]];

interface Harm {
  /** What another hub publishes meanwhile. */
  unseen: string[];
  /** Whether only newest versions are left. */
  forget: boolean;
  /** Whether all is lost. */
  renew: boolean;
}

type Op =
  | { do: "publish"; hub: number; topics: string[] }
  | { do: "tell"; hub: number; most: number }
  | { do: "turn" }
  | { do: "subscribe"; client: number; ask: Ask; since: "newest" | "oldest" }
  | { do: "unsubscribe"; client: number }
  | { do: "disconnect"; client: number; received: number }
  | { do: "connect"; client: number; room: number; hub: number }
  | { do: "drain"; client: number; room: number }
  | { do: "block"; client: number }
  | Harm & { do: "restart" | "reload"; hub: number }
  | { do: "remove"; topic: string };

const topic = fc.constantFrom(...TOPICS);
const client = fc.nat({ max: 2 });
const hub = fc.nat({ max: 1 });
const room = fc.constantFrom(0, 1, 2, Infinity);
const unseen = fc.array(topic, { maxLength: 4 });
const just = <T extends string>(value: T) => fc.constant(value);

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: just("publish"),
      hub,
      topics: fc.array(topic, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: just("turn") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: just("subscribe"),
      client,
      ask: fc.record({
        filters: fc.constantFrom(...FILTERS),
        mode: fc.constantFrom("every" as const, "latest" as const),
        delta: fc.boolean(),
      }),
      since: fc.constantFrom("newest" as const, "oldest" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: just("unsubscribe"), client }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: just("disconnect"),
      client,
      received: fc.nat({ max: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: just("connect"), client, room, hub }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: just("tell"), hub, most: fc.nat({ max: 5 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: just("drain"), client, room }) },
  { weight: 4, arbitrary: fc.record({ do: just("block"), client }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("restart" as const, "reload" as const),
      hub,
      unseen: unseen,
      forget: fc.boolean(),
      renew: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: just("remove"), topic }) },
);

const options: fc.Arbitrary<HubOptions> = fc.record({
  whenBehind: fc.constantFrom(
    "drop" as const,
    "latest" as const,
    "close" as const,
  ),
  limits: fc.record({
    queueCount: fc.integer({ min: 1, max: 5 }),
    queueBytes: fc.constantFrom(1, 200, 100_000),
  }),
  topics: fc.constantFrom(
    {},
    { "#": { delta: true } },
    { "#": { delta: true, history: { count: 3 } } },
    { a: { history: { count: 2 } }, "t/#": { delta: true, history: true } },
    { "#": { delta: true, history: { count: 9, bytes: 150 } } },
  ),
});

/** Does it; a turn ends only where it has to. */
function apply(world: World, op: Op): void | Promise<void> {
  const client = "client" in op ? world.clients[op.client]! : undefined;
  const hub = "hub" in op ? world.hubs[op.hub] : undefined;
  switch (op.do) {
    case "publish":
      return op.topics.forEach((topic) => hub!.publish(topic));
    case "tell":
      return hub!.engine.tell(op.most);
    case "turn":
      return world.turn();
    case "subscribe":
      return client!.subscribe(op.ask, op.since);
    case "unsubscribe":
      return client!.unsubscribe();
    case "disconnect":
      return client!.disconnect(op.received);
    case "connect":
      return client!.connect(op.room, op.hub);
    case "drain":
      return client!.drain(op.room);
    case "block":
      client!.outlet.room = 1;
      return;
    case "remove":
      return world.remove(op.topic);
    case "restart":
      return world.turn().then(() => {
        harm(world, op);
        const isHarmed = op.renew || op.unseen.length > 0;
        for (const each of world.hubs) {
          if (each !== hub && isHarmed) each.reload();
        }
        return hub!.restart();
      });
    case "reload":
      harm(world, op);
      return world.hubs.forEach((hub) => hub.reload());
  }
}

/** What happens to the store while the hub does not look. */
function harm(world: World, op: Harm): void {
  if (op.renew) world.renew();
  for (const topic of op.unseen) world.publishUnseen(topic);
  if (op.forget) world.store.forget();
}

/** Whether some versions are lost by it. */
function isHarmful(op: Op): boolean {
  return op.do === "remove" || ("unseen" in op && op.unseen.length > 0);
}

Deno.test("whatever happens, each client gets what it must, once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.boolean(),
      fc.array(op, { minLength: 1, maxLength: 60, size: "max" }),
      async (options, isKind, ops) => {
        const world = await World.open(options, { hubs: 2, clients: 3 });
        for (const op of ops) {
          if (isKind && isHarmful(op)) continue;
          const done = apply(world, op);
          if (done !== undefined) await done;
          world.check();
        }
        await world.finish();
      },
    ),
    { numRuns: Number(Deno.env.get("RUNS") ?? 300) },
  );
});
