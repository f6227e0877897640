// `ws` on Node, told what to do by lines of JSON and by the messages that it
// gets. Started with the path of the package's main module.

import { createInterface } from "node:readline";
import process from "node:process";

const { WebSocket, WebSocketServer } = await import(process.argv[2]);

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

/** Echoes, but for messages that begin with "!", which are commands. */
function obey(socket, token) {
  let size = 0;
  const commands = {
    fragments: (bytes) => size = Number(bytes),
    ping: (payload) => {
      socket.once("pong", (answer) => socket.send(`pong ${answer}`));
      socket.ping(payload);
    },
    close: (code, ...reason) =>
      code ? socket.close(Number(code), reason.join(" ")) : socket.close(),
    abort: () => socket.terminate(),
  };
  socket.on("message", (data, binary) => {
    const text = binary ? "" : data.toString();
    if (text.startsWith("!")) {
      const [name, ...values] = text.slice(1).split(" ");
      commands[name](...values);
    } else echo(socket, data, { binary, size });
  });
  socket.on("close", (code, reason) => {
    tell({ closed: token, code, reason: reason.toString() });
  });
  // `close` says it too.
  socket.on("error", () => {});
}

/** Cuts text between bytes, not between characters. */
function echo(socket, data, { binary, size }) {
  if (size === 0) return socket.send(data, { binary });
  for (let at = 0; at < data.length; at += size) {
    socket.send(data.subarray(at, at + size), { binary, fin: false });
  }
  socket.send(Buffer.alloc(0), { binary, fin: true });
}

/** Parameters are tried on short messages too. */
function thorough(deflate) {
  return typeof deflate === "object" ? { threshold: 0, ...deflate } : deflate;
}

function listen({ id, deflate, protocols }) {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    perMessageDeflate: thorough(deflate),
    handleProtocols: (offered) =>
      protocols.find((name) => offered.has(name)) ?? false,
    verifyClient: ({ req }, answer) =>
      req.url === "/refuse" ? answer(false, 401, "Who are you?") : answer(true),
  });
  server.on("connection", (socket, request) => obey(socket, request.url));
  server.on("listening", () => tell({ id, port: server.address().port }));
}

function connect({ id, url, deflate, protocols }) {
  const socket = new WebSocket(url, protocols, {
    perMessageDeflate: thorough(deflate),
  });
  socket.on("open", () => {
    tell({ id, protocol: socket.protocol, extensions: socket.extensions });
  });
  socket.on("unexpected-response", async (_request, response) => {
    let body = "";
    for await (const piece of response) body += piece;
    tell({ id, refused: { status: response.statusCode, body } });
  });
  obey(socket, new URL(url).pathname);
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  ({ listen, connect })[question.do](question);
}
process.exit();
