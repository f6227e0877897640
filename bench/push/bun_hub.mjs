// Bun's hub: what comes at /publisher goes to all others by `publish`.

import { obey } from "../_program.mjs";

const ROOM = "room";

const server = globalThis.Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) => {
    const publishes = new URL(request.url).pathname === "/publisher";
    return server.upgrade(request, { data: { publishes } })
      ? undefined
      : new Response("Expected a WebSocket\n", { status: 426 });
  },
  websocket: {
    open: (socket) => {
      if (!socket.data.publishes) socket.subscribe(ROOM);
    },
    message: (_socket, data) => {
      server.publish(ROOM, data);
    },
  },
});
await obey(`listening ${server.port}`, {
  gc: () => {
    for (let i = 0; i < 3; i++) globalThis.Bun.gc(true);
    return "done";
  },
});
