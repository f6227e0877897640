/**
 * `deno task bench ws`.
 *
 * @module
 */

import type { Suite } from "../_suite.ts";
import { broadcast } from "./_broadcast.ts";
import { deflate, echo20, echo500, large, medium } from "./_echo.ts";
import { idle } from "./_idle.ts";

/** The figures of the WebSocket module. */
export const suite: Suite = {
  echo20,
  echo500,
  medium,
  large,
  broadcast,
  deflate,
  idle,
};
