// The same as meerkat.ts in several threads: how many, and then the ports.

import { balanceWorkers } from "@meerkat/net/balancer";
import { obey } from "../_program.mjs";

const [workers = "1", ...ports] = Deno.args;
const backends = ports.map((port) => `127.0.0.1:${port}`);
const server = await balanceWorkers({ routes: [{ upstream: { backends } }] }, {
  module: new URL("_meerkat_worker.ts", import.meta.url),
  workers: Number(workers),
  hostname: "127.0.0.1",
});
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
