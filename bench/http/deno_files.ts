// Deno.serve with the plain way to send a file: no validators, no ranges, no
// content type by extension, no safety beyond what URL does.

import { obey } from "../_program.mjs";

const root = Deno.args[0]!;
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    const file = await Deno.open(root + new URL(request.url).pathname);
    const { size } = await file.stat();
    return new Response(file.readable, {
      headers: {
        "content-type": "application/octet-stream",
        "content-length": `${size}`,
      },
    });
  },
);
await obey(`listening ${server.addr.port}`);
