// A program for the test that kills it: publishes over the Redis that it is given,
// as many values as it is told, and says which were acknowledged.

import { redisEngine } from "./redis.ts";
import { valueOf } from "./_sqlite_publisher_test_util.ts";

if (import.meta.main) {
  const [url, count] = Deno.args;
  const engine = redisEngine(url!, { timeout: 30_000 });
  await engine.open({
    versions() {},
    reload() {},
    removed() {},
    signal() {},
    reachable() {},
  });
  const publish = async (n: number) => {
    const { offset } = await engine.publish(valueOf(n));
    // At once: what a stream holds back would die with the program.
    const line = `${n} ${offset}\n`;
    Deno.stdout.writeSync(new TextEncoder().encode(line));
  };
  // Turns of one to hundreds of values: it may be killed anywhere in a batch.
  for (let n = 0; n < Number(count);) {
    const group = [];
    for (const end = n + n % 401 + 1; n < end && n < Number(count); n++) {
      group.push(publish(n));
    }
    await Promise.all(group);
  }
  await engine.close();
}
