// `http-proxy` on Node: where it is, and the backends' ports.

import { Agent, createServer } from "node:http";
import { createRequire } from "node:module";
import process from "node:process";
import { obey } from "../_program.mjs";

const [path, ...ports] = process.argv.slice(2);
// It is CommonJS, and finds what it needs by the links around it.
const { createProxyServer } = createRequire(import.meta.url)(path);
const proxy = createProxyServer({
  agent: new Agent({ keepAlive: true }),
  xfwd: true,
});
const targets = ports.map((port) => `http://127.0.0.1:${port}`);
let turn = 0;
const next = () => targets[turn++ % targets.length];

proxy.on("error", (_error, _request, to) => to.destroy());
const server = createServer((request, response) => {
  proxy.web(request, response, { target: next() });
});
server.on("upgrade", (request, socket, head) => {
  // An agent keeps connections, and these are gone for good.
  proxy.ws(request, socket, head, { target: next(), agent: false });
});
server.listen(0, "127.0.0.1", () => {
  obey(`listening ${server.address().port}`);
});
