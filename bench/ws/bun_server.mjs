// Bun's server. Its argument is "echo", "broadcast" or "deflate".

import process from "node:process";
import { obey } from "../_program.mjs";

const mode = process.argv[2];
const ROOM = "room";

const uses = {
  echo: {
    message: (socket, data) => {
      socket.send(data);
    },
  },
  broadcast: {
    open: (socket) => socket.subscribe(ROOM),
    message: (_socket, data) => {
      server.publish(ROOM, data);
    },
  },
  deflate: {
    perMessageDeflate: true,
    message: (socket, data) => {
      socket.send(data, true);
    },
  },
};

const server = globalThis.Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) =>
    server.upgrade(request)
      ? undefined
      : new Response("Expected a WebSocket\n", { status: 426 }),
  websocket: uses[mode],
});
await obey(`listening ${server.port}`, {
  gc: () => {
    for (let i = 0; i < 3; i++) globalThis.Bun.gc(true);
    return "done";
  },
});
