// http.serve: a handler from Request to Response. With the argument "look" it
// looks at the request; without, it does not, and the request is never made.

import { serve } from "@meerkat/net/http";
import { obey } from "../_program.mjs";

function hello(): Response {
  return new Response("Hello world\n");
}

function look(request: Request): Response {
  const found = new URL(request.url).pathname === "/" &&
    request.headers.has("host");
  return found ? hello() : new Response("Not Found\n", { status: 404 });
}

const server = serve(
  { hostname: "127.0.0.1", port: 0 },
  Deno.args[0] === "look" ? look : hello,
);
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
