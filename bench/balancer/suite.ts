/**
 * `deno task bench balancer`.
 *
 * @module
 */

import type { Suite } from "../_suite.ts";
import { large, many, medium, small } from "./_http.ts";
import { latency } from "./_latency.ts";
import { websocket } from "./_websocket.ts";
import { workers } from "./_workers.ts";

/** The figures of the balancer. */
export const suite: Suite = {
  small,
  many,
  medium,
  large,
  latency,
  websocket,
  workers,
};
