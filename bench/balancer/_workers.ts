/**
 * More threads than one.
 *
 * @module
 */

import { need } from "../../tools/need.ts";
import { Program } from "../_process.ts";
import { type Claim, compare, seriesTable } from "../_report.ts";
import { sideBySide } from "../_rounds.ts";
import type { Figure } from "../_suite.ts";
import { underWrk } from "./_http.ts";
import { PATHS, startBackends } from "./_nginx.ts";

const CONNECTIONS = 64;

/** Two threads against one. */
export const workers: Figure = {
  title: `two threads against one, 12 B, ${CONNECTIONS} connections`,
  async run(context): Promise<Claim[]> {
    const program = need("nginx", "bench balancer: backends");
    const path = context.wrk;
    if (program === undefined || path === undefined) {
      context.skip("workers: there is no nginx or no wrk");
      return [];
    }
    await using all = new AsyncDisposableStack();
    const backends = all.use(await startBackends(program));
    const subjects = [];
    for (const threads of ["2", "1"]) {
      const proxy = all.use(
        await Program.start({
          file: "balancer/meerkat_workers.ts",
          args: [threads, ...backends.ports.map(String)],
        }),
      );
      const load = { path: PATHS.small, connections: CONNECTIONS };
      const label = `balance, ${threads} thread${threads === "1" ? "" : "s"}`;
      subjects.push(underWrk(label, proxy, backends, path, load));
    }
    const series = await sideBySide(subjects, context.plan);
    context.print(`${seriesTable(series)}\n`);
    return [compare(series[0]!, series[1]!)];
  },
};
