// Load over raw sockets: sends the same bytes again and again, and counts what
// comes back by its length alone, so that it costs far less than a server.
//
// run PORT PATH CONNECTIONS DEPTH MILLISECONDS -> REQUESTS MILLISECONDS

import { obey } from "./_program.mjs";

const encoder = new TextEncoder();

/** Asks once, to learn how long an answer is: they are all alike. */
async function answerLength(port: number, request: string): Promise<number> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(encoder.encode(request));
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error(`No answer, but "${text}"`);
    text += new TextDecoder().decode(buffer.subarray(0, count));
    const head = text.indexOf("\r\n\r\n") + 4;
    const length = /^content-length: *(\d+)/im.exec(text)?.[1];
    if (head < 4) continue;
    if (!text.startsWith("HTTP/1.1 200 ") || length === undefined) {
      throw new Error(`Not an answer of known length: "${text}"`);
    }
    return head + Number(length);
  }
}

async function run(
  port: number,
  path: string,
  connections: number,
  depth: number,
  milliseconds: number,
): Promise<string> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const batch = encoder.encode(request.repeat(depth));
  const answers = await answerLength(port, request) * depth;
  let going = true;
  let count = 0;
  const one = async () => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const buffer = new Uint8Array(64 * 1024);
    while (going) {
      // A batch is small: a socket that takes anything takes all of it.
      await conn.write(batch);
      let left = answers;
      while (left > 0) {
        const read = await conn.read(buffer);
        if (read === null) throw new Error("The server closed the connection");
        left -= read;
      }
      if (left < 0) throw new Error("Answers are longer than the first one");
      count += depth;
    }
  };
  const begin = performance.now();
  setTimeout(() => going = false, milliseconds);
  await Promise.all(Array.from({ length: connections }, one));
  return `${count} ${performance.now() - begin}`;
}

await obey("ready", {
  run: (port, path, ...numbers) => {
    const [connections = 1, depth = 1, milliseconds = 0] = numbers.map(Number);
    return run(Number(port), path!, connections, depth, milliseconds);
  },
});
