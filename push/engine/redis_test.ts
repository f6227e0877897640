import { need } from "../../tools/need.ts";
import { engineContract } from "./engine_contract_test_util.ts";
import { redisEngine } from "./redis.ts";
import { RedisServer } from "./redis_server_test_util.ts";

const program = need("redis-server", "the contract of the redis engine");

engineContract("redis", async () => {
  const server = await RedisServer.start(program!);
  return {
    engine: (options) => redisEngine(server.url, options),
    dispose: () => server[Symbol.asyncDispose](),
  };
}, {
  shared: true,
  durable: true,
  keysByClock: false,
  ignore: program === undefined,
});
