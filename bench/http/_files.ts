/**
 * Servers that answer with a file.
 *
 * @module
 */

import { rawLoad, underLoad, wrkLoad } from "../_load.ts";
import { Program } from "../_process.ts";
import { claimTable, compare, seriesTable } from "../_report.ts";
import { sideBySide } from "../_rounds.ts";
import type { Figure } from "../_suite.ts";

const SIZE = 64 * 1024;
const CONNECTIONS = 64;
const NAME = "sample.bin";

/** `serveDir` against the plain way to send a file. */
export const files: Figure = {
  title: `a file of ${SIZE / 1024} KiB, ${CONNECTIONS} connections`,
  async run(context) {
    const root = await Deno.makeTempDir({ prefix: "meerkat_bench_" });
    await using all = new AsyncDisposableStack();
    all.defer(() => Deno.remove(root, { recursive: true }));
    await Deno.writeFile(`${root}/${NAME}`, new Uint8Array(SIZE).fill(46));
    const start = async (file: string, ...args: string[]) =>
      all.use(await Program.start({ file, args }));
    const options = { connections: CONNECTIONS, path: `/${NAME}` };
    const load = context.wrk === undefined
      ? rawLoad(await start("_raw_load.ts"), options)
      : wrkLoad(context.wrk, options);
    const [ours, underDeno, plain] = await sideBySide([
      underLoad(
        "http.serve, serveDir",
        await start("http/meerkat_files.ts", root),
        load,
      ),
      underLoad(
        "Deno.serve, our serveDir",
        await start("http/deno_files_meerkat.ts", root),
        load,
      ),
      underLoad(
        "Deno.serve, plain",
        await start("http/deno_files.ts", root),
        load,
      ),
    ], context.plan);
    const claims = [
      compare(ours!, plain!, 1),
      compare(underDeno!, plain!),
    ];
    context.print(`${seriesTable([ours!, underDeno!, plain!])}\n`);
    context.print(claimTable(claims));
    return claims;
  },
};
