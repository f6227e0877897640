// `ws` on Node: where it is, and then "echo", "broadcast" or "deflate".

import process from "node:process";
import { obey } from "../_program.mjs";

const [path, mode] = process.argv.slice(2);
const { WebSocketServer } = await import(path);
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: mode === "deflate",
});
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => {
    if (mode !== "broadcast") return socket.send(data, { binary });
    // Text comes as a Buffer too: it is sent as it is, without encoding it anew.
    for (const each of server.clients) each.send(data, { binary });
  });
});
server.on(
  "listening",
  () => obey(`listening ${server.address().port}`),
);
