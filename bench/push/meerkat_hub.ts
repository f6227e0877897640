// Our hub. What comes at /publisher is published, as peers do it. Its argument is
// the engine: "memory", or the URL of a Redis server.

import { serve, type ServeHandler } from "@meerkat/net/http";
import { memoryEngine, openHub, redisEngine } from "@meerkat/net/push";
import { upgrade } from "@meerkat/net/ws";
import { obey } from "../_program.mjs";

const [engine = "memory"] = Deno.args;
const hub = await openHub({
  engine: engine === "memory" ? memoryEngine() : redisEngine(engine),
});

const publisher: ServeHandler = (request, info) =>
  upgrade(request, info, {}, (event) => {
    if (event.type !== "message") return;
    hub.publish("default", event.data).catch(console.error);
  });

const server = serve(
  { hostname: "127.0.0.1", port: 0 },
  hub.handler({ fallback: publisher }),
);
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
