import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import type {
  ContractStore,
  ContractTraits,
} from "./engine_contract_test_util.ts";
import type { Engine } from "./engine.ts";
import { Recorder } from "./_recorder_test_util.ts";

/** What is done to an engine. */
type Step =
  | { do: "publish"; topic: string; key: string | undefined }
  | { do: "remove"; topic: string }
  | { do: "trim"; topic: string; keep: number }
  /** Wait for all that was begun. */
  | { do: "settle" }
  /** Close the engine and open the next one, if the store outlives it. */
  | { do: "restart" };

const topic = fc.constantFrom("a", "b", "c/d");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      topic,
      key: fc.constantFrom(undefined, undefined, "k", "l", "m"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("remove" as const), topic }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("trim" as const),
      topic,
      keep: fc.nat(4),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("settle" as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("restart" as const) }),
  },
);

/** Any steps in any order, against the plainest model. */
export function propertyContract(
  name: string,
  make: () => ContractStore | Promise<ContractStore>,
  traits: ContractTraits,
): void {
  Deno.test({
    name: `${name} engine: any steps leave what the plainest model has`,
    ignore: traits.ignore ?? false,
    fn: () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 40 }),
          (steps) => run(make, traits, steps),
        ),
        { numRuns: 40 },
      ),
  });
}

async function run(
  make: () => ContractStore | Promise<ContractStore>,
  traits: ContractTraits,
  steps: readonly Step[],
): Promise<void> {
  const store = await make();
  const replay = new Replay(store);
  try {
    await replay.start();
    for (const step of steps) {
      if (step.do !== "restart") await replay.step(step);
      else if (traits.durable) await replay.restart();
    }
    await replay.settle();
    if (traits.durable) await replay.restart();
  } finally {
    await replay.end();
    await store.dispose();
  }
}

/** Does the steps, and what the model says to them. */
class Replay {
  readonly #store: ContractStore;
  #engine: Engine | undefined;
  #hub = new Recorder();
  #count = 0;
  #begun: Promise<unknown>[] = [];
  /** By topic, the values that must have been told since it began. */
  readonly #model = new Map<string, string[]>();
  /** By topic, how many of them may have been dropped. */
  readonly #droppable = new Map<string, number>();
  readonly #keys = new Set<string>();

  constructor(store: ContractStore) {
    this.#store = store;
  }

  async start(): Promise<void> {
    this.#engine = this.#store.engine();
    this.#hub = await Recorder.open(this.#engine);
  }

  async step(step: Exclude<Step, { do: "restart" }>): Promise<void> {
    switch (step.do) {
      case "publish":
        return this.#publish(step.topic, step.key);
      case "remove":
        this.#model.delete(step.topic);
        this.#droppable.delete(step.topic);
        this.#begun.push(this.#engine!.remove(step.topic));
        return;
      case "trim":
        await this.settle();
        return this.#trim(step.topic, step.keep);
      case "settle":
        return await this.settle();
    }
  }

  async settle(): Promise<void> {
    await Promise.all(this.#begun.splice(0));
    assertEquals([...this.#hub.topics.keys()].sort(), this.#topics());
    for (const [topic, values] of this.#model) {
      this.#assertKept(topic, values);
    }
  }

  async restart(): Promise<void> {
    await this.settle();
    const { epoch, offset } = this.#hub;
    await this.end();
    await this.start();
    assertEquals(this.#hub.epoch, epoch);
    assert(this.#hub.offset >= offset);
    await this.settle();
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#begun.splice(0));
    await this.#engine?.close();
    this.#engine = undefined;
  }

  #publish(topic: string, key: string | undefined): void {
    const data = `${++this.#count}`;
    const use = `${topic} ${key}`;
    const duplicate = key !== undefined && this.#keys.has(use);
    if (key !== undefined) this.#keys.add(use);
    if (!duplicate) {
      const values = this.#model.get(topic) ?? [];
      this.#model.set(topic, [...values, data]);
    }
    const published = this.#engine!.publish({
      topic,
      data,
      ...(key === undefined ? {} : { key }),
    });
    this.#begun.push(
      published.then((result) => assertEquals(result.duplicate, duplicate)),
    );
  }

  #trim(topic: string, keep: number): void {
    const versions = this.#hub.topics.get(topic);
    const last = versions?.at(-1 - keep);
    if (last === undefined) return;
    this.#engine!.trim(topic, last.offset);
    const total = this.#model.get(topic)!.length;
    const before = this.#droppable.get(topic) ?? 0;
    const droppable = Math.min(total - keep, total - 1);
    this.#droppable.set(topic, Math.max(before, droppable));
  }

  /** What the hub has is the model's end, and as long as it must be. */
  #assertKept(topic: string, values: readonly string[]): void {
    const kept = this.#hub.data(topic);
    const least = values.length - (this.#droppable.get(topic) ?? 0);
    assert(kept.length >= least, `${topic}: ${kept} of ${values}`);
    assertEquals(kept, values.slice(values.length - kept.length));
  }

  #topics(): string[] {
    return [...this.#model.keys()].sort();
  }
}
