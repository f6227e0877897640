import { DatabaseSync } from "node:sqlite";
import { Recorder } from "./_recorder_test_util.ts";
import { sqliteEngine } from "./sqlite.ts";

/** A test with a folder of its own. */
export function test(
  name: string,
  fn: (folder: string) => Promise<void>,
): void {
  Deno.test(`sqlite engine: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Makes a file of the engine. */
export async function openAndClose(path: string): Promise<void> {
  const engine = sqliteEngine(path);
  await engine.open(new Recorder());
  await engine.close();
}

/** Does something to a file that no engine has open. */
export function change(path: string, sql: string): void {
  const file = new DatabaseSync(path);
  file.exec(sql);
  file.close();
}
