// http.listen: a handler of events.

import { listen } from "@meerkat/net/http";
import { obey } from "../_program.mjs";

const server = listen(
  { hostname: "127.0.0.1", port: 0 },
  (event, conn) => {
    if (event.type !== "request") return;
    conn.send({
      type: "response",
      status: 200,
      fields: { "Content-Type": "text/plain;charset=UTF-8" },
      body: "Hello world\n",
    });
  },
);
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
