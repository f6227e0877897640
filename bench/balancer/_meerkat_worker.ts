// One thread of meerkat_workers.ts.

import { balance, balancerMain } from "@meerkat/net/balancer";

balancerMain(({ config, listen }) => balance(config, listen));
