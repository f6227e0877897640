// Deno.serve. With the argument "look" the handler looks at the request.

import { obey } from "../_program.mjs";

function hello(): Response {
  return new Response("Hello world\n");
}

function look(request: Request): Response {
  const found = new URL(request.url).pathname === "/" &&
    request.headers.has("host");
  return found ? hello() : new Response("Not Found\n", { status: 404 });
}

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  Deno.args[0] === "look" ? look : hello,
);
await obey(`listening ${server.addr.port}`);
