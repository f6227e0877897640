// Deno's own WebSockets, told what to do by lines of JSON and by the messages
// that they get. Started with the name of the client: `WebSocket`, or
// `WebSocketStream`, which needs `--unstable-net`.

import { connect, obey } from "./web_peer.js";

const host = {
  tell: (what) => console.log(JSON.stringify(what)),
  abort: () => Deno.exit(),
};

function listen({ id, protocols }) {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => host.tell({ id, port }),
  }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/refuse") {
      return new Response("Who are you?", { status: 401 });
    }
    const offered = request.headers.get("sec-websocket-protocol") ?? "";
    const protocol = protocols.find((name) =>
      offered.split(", ").includes(name)
    );
    const { socket, response } = Deno.upgradeWebSocket(
      request,
      protocol ? { protocol } : {},
    );
    obey(socket, pathname, host);
    return response;
  });
}

async function connectStream({ id, url, protocols }) {
  const stream = new WebSocketStream(url, { protocols });
  // Without a close frame there is nothing but an error.
  const closed = stream.closed.catch(() => ({ closeCode: 1006, reason: "" }));
  try {
    const { readable, writable, protocol, extensions } = await stream.opened;
    host.tell({ id, protocol, extensions });
    obeyStream(stream, readable, writable.getWriter()).catch(() => {});
  } catch {
    return host.tell({ id, refused: {} });
  }
  const { closeCode, reason } = await closed;
  host.tell({ closed: new URL(url).pathname, code: closeCode, reason });
}

async function obeyStream(stream, readable, writer) {
  for await (const data of readable) {
    if (typeof data !== "string" || !data.startsWith("!")) {
      await writer.write(data);
      continue;
    }
    const [name, code, ...reason] = data.slice(1).split(" ");
    if (name === "abort") host.abort();
    const closeCode = Number(code);
    stream.close(code ? { closeCode, reason: reason.join(" ") } : {});
  }
}

const ways = {
  listen,
  connect: Deno.args[0] === "WebSocketStream"
    ? connectStream
    : (question) => connect(question, host),
};
let text = "";
for await (
  const piece of Deno.stdin.readable.pipeThrough(new TextDecoderStream())
) {
  const lines = (text + piece).split("\n");
  text = lines.pop() ?? "";
  for (const line of lines) {
    const question = JSON.parse(line);
    ways[question.do](question);
  }
}
Deno.exit();
