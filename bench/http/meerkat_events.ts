// http.listen: a handler of events. Fields that are made once are checked and
// encoded once.

import { Fields, listen } from "@meerkat/net/http";
import { obey } from "../_program.mjs";

const fields = new Fields({ "Content-Type": "text/plain;charset=UTF-8" });
const server = listen(
  { hostname: "127.0.0.1", port: 0 },
  (event, conn) => {
    if (event.type !== "request") return;
    conn.send({ type: "response", status: 200, fields, body: "Hello world\n" });
  },
);
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
