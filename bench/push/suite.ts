/**
 * `deno task bench push`.
 *
 * @module
 */

import type { Suite } from "../_suite.ts";
import { fanout10k, fanout1k, pair, windows } from "./_fanout.ts";
import { idle } from "./_idle.ts";
import { latency } from "./_latency.ts";
import { stalled } from "./_stalled.ts";

/** The figures of the push hub. */
export const suite: Suite = {
  fanout1k,
  fanout10k,
  windows,
  latency,
  idle,
  stalled,
  pair,
};
