// One thread of meerkat_workers.ts.

import { balance } from "../../balancer/balance.ts";
import { balancerMain } from "../../balancer/worker_main.ts";

balancerMain(({ config, listen }) => balance(config, listen));
