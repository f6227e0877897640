// http.serve with serveDir: files of the directory that is named.

import { serve, serveDir } from "@meerkat/net/http";
import { obey } from "../_program.mjs";

const fsRoot = Deno.args[0]!;
const server = serve(
  { hostname: "127.0.0.1", port: 0 },
  (request) => serveDir(request, { fsRoot }),
);
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
