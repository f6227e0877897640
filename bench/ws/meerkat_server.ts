// ws.serve. Its argument is "echo", "broadcast" or "deflate".

import { broadcast, serve, type WsConn, type WsEvent } from "@meerkat/net/ws";
import { obey } from "../_program.mjs";

const all = new Set<WsConn>();

function echo(event: WsEvent, conn: WsConn): void {
  if (event.type === "message") conn.send(event.data);
}

function toAll(event: WsEvent, conn: WsConn): void {
  if (event.type === "message") broadcast(all, event.data);
  else if (event.type === "open") all.add(conn);
  else if (event.type === "close") all.delete(conn);
}

const mode = Deno.args[0];
const server = serve(
  { hostname: "127.0.0.1", port: 0, deflate: mode === "deflate" },
  mode === "broadcast" ? toAll : echo,
);
await obey(`listening ${(server.addr as Deno.NetAddr).port}`);
