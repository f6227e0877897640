/**
 * What the tasks share: steps that are run, counted and reported.
 *
 * @module
 */

import { LEFT_OUT_FILE, type LeftOut, summary } from "./need.ts";

/** How many tests and checks went right, and how many wrong. */
export interface Tally {
  passed: number;
  failed: number;
}

/** The repository's folder; every step runs in it. */
export const ROOT: URL = new URL("..", import.meta.url);

/**
 * Runs Deno, the same that runs this, with its output shown.
 *
 * @param args The command line.
 * @param env Variables to add to the environment.
 * @returns Whether it ended with status 0.
 */
export async function deno(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env,
    stdin: "null",
  });
  return (await command.spawn().status).success;
}

/**
 * Runs one check and counts it.
 *
 * @param tally Where it counts.
 * @param name What is checked.
 * @param check Tells whether it went right.
 */
export async function step(
  tally: Tally,
  name: string,
  check: () => Promise<boolean>,
): Promise<void> {
  console.log(`\n── ${name}`);
  const start = performance.now();
  const passed = await check();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`── ${name}: ${passed ? "ok" : "FAILED"} (${seconds} s)`);
  tally[passed ? "passed" : "failed"]++;
}

/**
 * Runs tests, counts each, and says which were left out.
 *
 * @param tally Where they count.
 * @param args What `deno test` takes further.
 */
export async function runTests(
  tally: Tally,
  args: readonly string[],
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "meerkat-tests-" });
  try {
    const report = `${folder}/report.xml`;
    const leftOut = `${folder}/left_out.jsonl`;
    const passed = await deno(
      ["test", "-A", `--junit-path=${report}`, ...args],
      { [LEFT_OUT_FILE]: leftOut },
    );
    const counted = count(await textOf(report));
    // Status and report differ if a module does not load or type-check.
    if (!passed && counted.failed === 0) counted.failed = 1;
    tally.passed += counted.passed;
    tally.failed += counted.failed;
    const notes = (await textOf(leftOut)).split("\n").filter(Boolean)
      .map((line): LeftOut => JSON.parse(line));
    if (notes.length > 0) console.warn(summary(notes));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Prints the sum as the last line, and ends the program: status 0 only if
 * nothing failed and something ran.
 *
 * @param tally What was counted.
 */
export function finish(tally: Tally): never {
  console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
  Deno.exit(tally.failed === 0 && tally.passed > 0 ? 0 : 1);
}

/**
 * Counts the tests in a JUnit report.
 *
 * @param report The report, as XML.
 * @returns Passed and failed; what was left out is in neither.
 */
export function count(report: string): Tally {
  const cases = report.match(/<testcase\b/g)?.length ?? 0;
  const failed = report.match(/<(failure|error)\b/g)?.length ?? 0;
  const skipped = report.match(/<skipped\b/g)?.length ?? 0;
  return { passed: cases - failed - skipped, failed };
}

async function textOf(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
