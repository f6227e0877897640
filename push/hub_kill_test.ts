// What becomes of the clients of a hub over a file that is killed.

import { Crowd } from "./crowd_test_util.ts";
import { HubProgram } from "./hub_program_test_util.ts";
import { assertKept, assertSeen } from "./witness_test_util.ts";

/** A folder for a hub's file. */
class Folder implements Disposable {
  readonly #path = Deno.makeTempDirSync({ prefix: "hub-" });

  get file(): string {
    return `${this.#path}/hub.db`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#path, { recursive: true });
  }
}

Deno.test("the clients of a hub over a file miss nothing, however often it is killed", async () => {
  using folder = new Folder();
  await using hub = await HubProgram.start({ engine: { sqlite: folder.file } });
  await using crowd = new Crowd();
  const { url } = hub;
  const every = { mode: "every", since: "oldest" } as const;
  for (const name of ["a", "b"]) crowd.publish(crowd.client(url), name, 600);
  crowd.post(url, "c", 200);
  const first = crowd.watch(crowd.client(url), "t/#", every);
  crowd.watch(crowd.client(url), "t/+/+", { mode: "every", delta: true });
  crowd.watch(crowd.client(url), "t/#");
  crowd.watch(crowd.client(url), "t/#", { delta: true });
  crowd.watchStream(url, "t/#");
  crowd.watchStream(url, "t/#", "latest");
  crowd.watchPolls(url, "t/#");
  crowd.watchPolls(url, "t/#", "latest");
  for (const count of [100, 400, 900]) {
    await crowd.untilAcknowledged(count);
    await hub.kill();
    await hub.start();
  }
  await crowd.untilAllSeen();
  for (const witness of crowd.witnesses) assertSeen(witness, crowd.counts);
  assertKept(first, crowd.acknowledged);
});
