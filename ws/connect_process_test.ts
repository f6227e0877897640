// How long a connection keeps a program running: only a process can show it.

import { assertEquals } from "@std/assert";

const module = new URL("connect.ts", import.meta.url).href;

/** Runs a program that is given `connect`, and the URL; gives what it prints. */
async function run(url: string, program: string): Promise<string> {
  const code = `import { connect } from ${JSON.stringify(module)};
const url = ${JSON.stringify(url)};
${program}`;
  const { code: status, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    stderr: "inherit",
  }).output();
  assertEquals(status, 0);
  return new TextDecoder().decode(stdout);
}

/** A server whose sockets do as told. */
function serve(
  act: (socket: WebSocket) => void,
): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  return Deno.serve(options, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    act(socket);
    return response;
  });
}

Deno.test("a program runs as long as its WebSocket is open, and ends by itself then", async () => {
  await using server = serve((socket) => {
    // When it says that its own code has come to its end, it lives by the
    // connection alone.
    socket.onmessage = ({ data }) => {
      socket.send(`${data} seen`);
      socket.close(1000);
    };
  });
  const printed = await run(
    `ws://127.0.0.1:${server.addr.port}/`,
    `const conn = await connect(url, {}, (event) => {
      if (event.type === "message") console.log(event.data);
      if (event.type === "close") console.log(event.code);
    });
    setTimeout(() => conn.send("end"), 0);`,
  );
  assertEquals(printed, "end seen\n1000\n");
});

Deno.test("a program ends by itself when it could not connect", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("members only", { status: 403 }),
  );
  const printed = await run(
    `ws://127.0.0.1:${server.addr.port}/`,
    `await connect(url).catch((error) => console.log(error.head.status));`,
  );
  assertEquals(printed, "403\n");
});
