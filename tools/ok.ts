/**
 * `deno task ok`: every check that a change must pass. With `--skip-tests`, all
 * but the tests, for who has just run them.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { deno, finish, runTests, step, type Tally } from "./_steps.ts";

const tally: Tally = { passed: 0, failed: 0 };
const entryPoints = Object.values(config.exports);

await step(tally, "format", () => deno(["fmt", "--check"]));
await step(tally, "lint", () => deno(["lint"]));
await step(
  tally,
  "types and lock file",
  () => deno(["check", "--quiet", "--frozen"]),
);
await step(
  tally,
  "documentation of exports",
  () => deno(["doc", "--lint", "--quiet", ...entryPoints]),
);
if (!Deno.args.includes("--skip-tests")) {
  console.log("\n── tests");
  await runTests(tally, []);
}
console.log("\n── examples in the documentation");
await runTests(tally, ["--doc", "--ignore=**/*_test.ts"]);
await step(
  tally,
  "publish, dry run",
  () => deno(["publish", "--dry-run", "--allow-dirty", "--quiet"]),
);
finish(tally);
