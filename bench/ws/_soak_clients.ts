// The clients that soak a server.
//
// run PORT AT_A_TIME MILLISECONDS -> how often each behaviour was, and what failed,
//                                    as JSON
// sample -> what this process holds, as JSON

import { obey } from "../_program.mjs";
import { polite } from "./_soak_polite.ts";
import { rude } from "./_soak_rude.ts";
import { hold } from "./_soak_sample.ts";

const behaviours = Object.entries({ ...polite, ...rude });
/** How long a behaviour may take, in milliseconds, before it counts as stuck. */
const TIMEOUT = 15_000;

let open = 0;

/** Waits for a promise, but not for ever. */
async function inTime(promise: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("Stuck")), TIMEOUT);
  try {
    await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function run(
  port: number,
  atATime: number,
  milliseconds: number,
): Promise<string> {
  const counts: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const end = performance.now() + milliseconds;
  const worker = async () => {
    while (performance.now() < end) {
      const index = Math.floor(Math.random() * behaviours.length);
      const [name, behave] = behaviours[index]!;
      counts[name] = (counts[name] ?? 0) + 1;
      open++;
      try {
        await inTime(behave(port));
      } catch (error) {
        const what = `${name}: ${error}`;
        failures[what] = (failures[what] ?? 0) + 1;
      }
      open--;
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return JSON.stringify({ counts, failures });
}

await obey("ready", {
  run: (port, atATime, milliseconds) =>
    run(Number(port), Number(atATime), Number(milliseconds)),
  sample: () => JSON.stringify(hold(open)),
});
