// A backend that can be told to misbehave. Node, and nothing of ours, so that a
// mistake of ours cannot hide.
//
//   node _chaos_backend.mjs WS_PATH PORT NAME
//
// Standard output is the log that its parent keeps. It is a pipe that is written to
// synchronously: what was written survives a SIGKILL, and comes before the reply.
//
//   ready            it listens
//   head ID          the head of a POST has come
//   post ID          all of it has come, is right, and counts as done
//   wrong ID         all of it has come, and is not what its checksum says
//
// Standard input tells it what to do:
//
//   slow MS          answer so much later, until "slow 0"
//   reset COUNT      break the next COUNT connections, in the middle of a response
//   leave            stop listening, close WebSockets, end when all is done

import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { createServer } from "node:http";
import process from "node:process";

const [wsPath, port, name] = process.argv.slice(2);
const { WebSocketServer } = await import(wsPath);

const CHUNK = 10_000;
let slow = 0;
let resets = 0;

const note = (line) => writeSync(1, `${line}\n`);
const digest = (bytes) => createHash("sha1").update(bytes).digest("hex");

/** The same bytes for the same id, and others for another. */
function bodyOf(id, length) {
  const seed = createHash("sha1").update(id).digest();
  return Buffer.alloc(length, seed);
}

function answer(response, id, body, chunked) {
  response.setHeader("X-Id", id);
  response.setHeader("X-Backend", name);
  response.setHeader("X-Checksum", digest(body));
  if (!chunked) response.setHeader("Content-Length", body.length);
  const reset = resets > 0;
  if (reset) resets--;
  if (reset && resets % 4 === 0) return response.socket.resetAndDestroy();
  if (reset) {
    // Half of it, so that the head is out, and then no end.
    response.write(body.subarray(0, body.length >> 1), () => {
      if (resets % 4 === 1) response.socket.destroy();
      else response.socket.resetAndDestroy();
    });
    return;
  }
  if (!chunked) return response.end(body);
  for (let at = 0; at < body.length; at += CHUNK) {
    response.write(body.subarray(at, at + CHUNK));
  }
  response.end();
}

function post(request, response) {
  const id = request.headers["x-id"];
  const pieces = [];
  note(`head ${id}`);
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const right =
      digest(Buffer.concat(pieces)) === request.headers["x-checksum"];
    note(`${right ? "post" : "wrong"} ${id}`);
    later(() => answer(response, id, Buffer.from(`done ${id}`), false));
  });
}

function get(request, response) {
  const { searchParams } = new URL(request.url, "http://localhost");
  const body = bodyOf(
    request.headers["x-id"],
    Number(searchParams.get("length")),
  );
  const chunked = searchParams.has("chunked");
  later(() => answer(response, request.headers["x-id"], body, chunked));
}

function later(what) {
  if (slow > 0) setTimeout(what, slow);
  else what();
}

const server = createServer((request, response) => {
  request.on("error", () => {});
  response.on("error", () => {});
  if (request.url === "/healthz") return response.end("well");
  if (request.method === "POST") post(request, response);
  else get(request, response);
});

const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => socket.send(data, { binary }));
  socket.send(`hello from ${name}`);
});

function leave() {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  for (const socket of sockets.clients) socket.close(1001);
}

const orders = {
  slow: (ms) => slow = Number(ms),
  reset: (count) => resets = Number(count),
  leave,
};

server.listen(Number(port), "127.0.0.1", () => note("ready"));
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  for (const line of text.split("\n")) {
    const [order, argument] = line.split(" ");
    orders[order]?.(argument);
  }
});
// Nothing outlives the program that started it.
process.stdin.on("end", () => process.exit(0));
