// One thread of meerkat_workers.ts.

import { balance } from "@meerkat/net/balancer";
import { workerMain } from "@meerkat/net/conn";

workerMain(({ listen, data }) => {
  const backends = (data as string[]).map((port) => `127.0.0.1:${port}`);
  return balance({ routes: [{ upstream: { backends } }] }, listen);
});
