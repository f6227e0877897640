// balance, with its defaults, in front of backends on the ports that it is given.

import { balance } from "@meerkat/net/balancer";
import { obey } from "../_program.mjs";

const backends = Deno.args.map((port) => `127.0.0.1:${port}`);
const server = balance(
  { routes: [{ upstream: { backends } }] },
  { hostname: "127.0.0.1", port: 0 },
);
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
