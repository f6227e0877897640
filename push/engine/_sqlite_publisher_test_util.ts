// A program for the test that kills it: publishes to the engine over the file that
// it is given, as many values as it is told, and says which were acknowledged.

import { sqliteEngine } from "./sqlite.ts";

/** How the program's lines begin, and what follows. */
export type Line =
  | [what: "open", epoch: string, offset: string]
  | [what: "ack", n: string, offset: string, duplicate: string];

/** The topic of a value. */
export function topicOf(n: number): string {
  return `t/${n % 3}`;
}

/** The n-th value, with its key. */
export function valueOf(n: number) {
  const data = JSON.stringify({ n, fill: "x".repeat(n % 300) });
  return { topic: topicOf(n), data, key: `key ${n}` };
}

if (import.meta.main) {
  const [path, count] = Deno.args;
  const engine = sqliteEngine(path!);
  const { epoch, offset } = await engine.open({
    versions() {},
    reload() {},
    removed() {},
    signal() {},
    reachable() {},
  });
  print(["open", epoch, `${offset}`]);
  const publish = async (n: number) => {
    const { offset, duplicate } = await engine.publish(valueOf(n));
    print(["ack", `${n}`, `${offset}`, `${duplicate}`]);
  };
  // Turns of one to hundreds of values: it may be killed anywhere in a transaction.
  for (let n = 0; n < Number(count);) {
    const group = [];
    for (const end = n + n % 401 + 1; n < end && n < Number(count); n++) {
      group.push(publish(n));
    }
    await Promise.all(group);
  }
  await engine.close();
}

function print(line: Line): void {
  // At once: what a stream holds back would die with the program.
  Deno.stdout.writeSync(new TextEncoder().encode(line.join(" ") + "\n"));
}
