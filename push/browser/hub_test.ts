// The browser's module with a hub, in Deno.

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Path, Site } from "./_site_test_util.ts";
import { connect, type PushClient } from "./push.js";

/** What happens, one after the other; `caughtUp` waits until all was got. */
const steps = fc.array(
  fc.constantFrom(
    ...["publish", "publish", "pass", "caughtUp", "caughtUp", "cut"] as const,
    ...["websocket", "event-stream", "clear", "subscribe"] as const,
  ),
  { maxLength: 40 },
);

const blocked = fc.subarray(["websocket", "event-stream"] as const);

/** Nobody waits for the next attempt. */
class Haste implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #random = Math.random;

  constructor() {
    Math.random = () => 0;
    const hasten = (callback: () => void, delay = 0) =>
      this.#setTimeout(callback, delay < 5_000 ? Math.min(delay, 2) : delay);
    globalThis.setTimeout = hasten as typeof setTimeout;
  }
  [Symbol.dispose](): void {
    Math.random = this.#random;
    globalThis.setTimeout = this.#setTimeout;
  }
}

/** What a subscription has got until the value `"last"`. */
class Collector {
  readonly all: unknown[] = [];
  readonly done: Promise<void>;

  constructor(client: PushClient, filter: string) {
    this.done = this.#collect(client, filter);
  }
  async #collect(client: PushClient, filter: string): Promise<void> {
    const options = { mode: "every", since: "oldest" } as const;
    for await (const update of client.subscribe(filter, options)) {
      if (update.type !== "value") this.all.push(update.type);
      else if (update.value === "last") break;
      else this.all.push(update.value);
    }
  }
}

Deno.test("however it is cut and blocked, mode every gets all, once, in order", async () => {
  using _ = new Haste();
  await fc.assert(
    fc.asyncProperty(blocked, steps, async (blocked, steps) => {
      await using site = await Site.open("");
      for (const each of blocked) site.blocked.add(each);
      await using path = new Path(site.port);
      const client = connect(`http://127.0.0.1:${path.port}/push`, {
        upgradeAfter: 50,
      });
      const published: number[] = [];
      const got = [new Collector(client, "log/#")];
      const publish = async (value: unknown) => {
        await site.hub.publish(`log/${published.length % 3}`, value);
      };
      for (const each of steps) {
        if (each === "publish") {
          published.push(published.length);
          await publish(published.length - 1);
        } else if (each === "pass") await site.pass();
        else if (each === "caughtUp") {
          while (got.some(({ all }) => all.length < published.length)) {
            await site.pass();
          }
        } else if (each === "cut") path.cut();
        else if (each === "clear") site.blocked.clear();
        else if (each !== "subscribe") site.blocked.add(each);
        else if (got.length === 1) got.push(new Collector(client, "log/+"));
      }
      await publish("last");
      for (const { all, done } of got) {
        await done;
        assertEquals(all, published);
      }
      client.close();
    }),
    { numRuns: 40 },
  );
});

Deno.test("mode latest ends with the newest value, whatever was cut", async () => {
  using _ = new Haste();
  await using site = await Site.open("");
  await using path = new Path(site.port);
  const client = connect(`http://127.0.0.1:${path.port}/push`);
  const values = client.subscribe("state", { delta: true }).values();
  const text = "long enough to be left out of a difference";
  for (let n = 0; n < 20; n++) {
    await site.hub.publish("state", { n, text });
    if (n % 3 === 0) path.cut();
    let value;
    do ({ value } = await values.next()); while (value.n < n);
    assertEquals(value, { n, text });
  }
  client.close();
});
