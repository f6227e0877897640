// A hub by `ws` on Node, as one writes it: where `ws` is comes first.

import process from "node:process";
import { obey } from "../_program.mjs";

const { WebSocketServer } = await import(process.argv[2]);
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
const subscribers = new Set();
server.on("connection", (socket, request) => {
  socket.on("error", () => {});
  if (request.url === "/publisher") {
    socket.on("message", (data, binary) => {
      // Text comes as a Buffer too: it is sent as it is, without encoding it anew.
      for (const each of subscribers) each.send(data, { binary });
    });
  } else {
    subscribers.add(socket);
    socket.on("close", () => subscribers.delete(socket));
  }
});
server.on(
  "listening",
  () => obey(`listening ${server.address().port}`),
);
