// The worker of workers_test.ts: says in a field which thread it is, and crashes on
// demand.

import { balance } from "../balance.ts";
import { balancerMain } from "../worker_main.ts";

balancerMain(({ config, listen, index }) =>
  balance({
    ...config,
    routes: config.routes.map((route) => ({
      ...route,
      responseFields: { set: { "X-Thread": String(index) } },
    })),
  }, {
    ...listen,
    onRequest: ({ head }) => {
      if (head.target !== "/crash") return;
      // Thrown outside the handler, it ends the thread.
      setTimeout(() => {
        throw new Error("As asked");
      }, 0);
    },
  })
);
