// node:http, on Node or on Deno.

import { createServer } from "node:http";
import { obey } from "../_program.mjs";

const server = createServer((_request, response) => {
  response.setHeader("Content-Type", "text/plain;charset=UTF-8");
  response.end("Hello world\n");
});
// As long as ours, so that idle connections stay while they are counted.
server.keepAliveTimeout = 75_000;
server.listen(0, "127.0.0.1", () => obey(`listening ${server.address().port}`));
