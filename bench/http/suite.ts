/**
 * `deno task bench http`.
 *
 * @module
 */

import type { Suite } from "../_suite.ts";
import { client } from "./_client.ts";
import { files } from "./_files.ts";
import { idle } from "./_idle.ts";
import { events, pipelined, serve } from "./_servers.ts";

/** The figures of the HTTP module. */
export const suite: Suite = { events, pipelined, serve, files, client, idle };
