// Deno.upgradeWebSocket. With the argument "broadcast" each message goes to all.

import { obey } from "../_program.mjs";

const all = new Set<WebSocket>();

function echo(socket: WebSocket): void {
  socket.onmessage = ({ data }) => socket.send(data);
}

function broadcast(socket: WebSocket): void {
  socket.onopen = () => all.add(socket);
  socket.onclose = () => all.delete(socket);
  socket.onmessage = ({ data }) => {
    for (const each of all) {
      if (each.readyState === WebSocket.OPEN) each.send(data);
    }
  };
}

const use = Deno.args[0] === "broadcast" ? broadcast : echo;
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    use(socket);
    return response;
  },
);
await obey(`listening ${server.addr.port}`);
