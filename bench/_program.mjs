// The child's side of a program that the bench starts, for Deno and Node alike.
// It prints one line when it is ready, then answers each line that it reads with
// one line, and ends with its standard input: nothing outlives the bench.

import process from "node:process";

/**
 * Says that the program is ready and obeys until standard input ends.
 *
 * @param {string} ready The first line, `listening PORT` for a server.
 * @param {Record<string, (...args: string[]) => unknown>} [commands] What each
 * line's first word does with the others; what it gives is the answer.
 * @returns {Promise<void>}
 */
export async function obey(ready, commands = {}) {
  console.log(ready);
  const known = { gc, ...commands };
  process.stdin.setEncoding("utf8");
  let rest = "";
  for await (const chunk of process.stdin) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [name, ...args] = line.split(" ");
      console.log(await known[name](...args));
    }
  }
  process.exit(0);
}

/**
 * Obeys `run URL IN_FLIGHT MILLISECONDS`: makes requests, so many at a time, and
 * answers how many came to their end in how many milliseconds.
 *
 * @param {(url: string) => Promise<unknown>} once Makes one request.
 * @returns {Promise<void>}
 */
export function drive(once) {
  return obey("ready", {
    run: async (url, inFlight, milliseconds) => {
      let going = true;
      let count = 0;
      const one = async () => {
        while (going) {
          await once(url);
          count++;
        }
      };
      const begin = performance.now();
      setTimeout(() => going = false, Number(milliseconds));
      await Promise.all(Array.from({ length: Number(inFlight) }, one));
      return `${count} ${performance.now() - begin}`;
    },
  });
}

/** Collects garbage, where the runtime was started with `--expose-gc`. */
function gc() {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return "done";
}
