/**
 * `deno task test`: all tests. What comes after it goes to `deno test`:
 * `deno task test conn/ --filter become`.
 *
 * @module
 */

import { finish, runTests, type Tally } from "./_steps.ts";

const tally: Tally = { passed: 0, failed: 0 };
await runTests(tally, Deno.args);
finish(tally);
