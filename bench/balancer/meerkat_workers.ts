// The same as meerkat.ts in several threads: how many, and then the ports.

import { serveWorkers } from "@meerkat/net/conn";
import { obey } from "../_program.mjs";

const [workers = "1", ...ports] = Deno.args;
const server = await serveWorkers({
  module: new URL("_meerkat_worker.ts", import.meta.url),
  workers: Number(workers),
  hostname: "127.0.0.1",
  data: ports,
});
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
