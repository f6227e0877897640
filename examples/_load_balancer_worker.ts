// One thread of the load balancer.

import { balancerMain } from "@meerkat/net/balancer";
import { startThread, type ThreadOptions } from "./_load_balancer_thread.ts";

balancerMain<ThreadOptions>(
  async ({ config, listen, data, onFinished }) => {
    const { server, finish } = await startThread(config, listen, data);
    onFinished(finish);
    return server;
  },
);
