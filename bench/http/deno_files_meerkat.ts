// Deno.serve with our serveDir.

import { serveDir } from "@meerkat/net/http";
import { obey } from "../_program.mjs";

const fsRoot = Deno.args[0]!;
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request) => serveDir(request, { fsRoot }),
);
await obey(`listening ${server.addr.port}`);
