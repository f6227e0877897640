// A server that answers whatever it reads with the same bytes, unparsed: right for
// one request at a time only. Clients are measured with it, since it costs less
// than any of them; and servers, since nothing over Deno.Conn can be faster.

import { obey } from "./_program.mjs";

const answer = new TextEncoder().encode(
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=UTF-8\r\n" +
    "Content-Length: 12\r\n\r\nHello world\n",
);

async function serve(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(2048);
  try {
    while (await conn.read(buffer) !== null) await conn.write(answer);
    conn.close();
  } catch {
    // The client left while it was being answered.
  }
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
obey(`listening ${listener.addr.port}`);
for await (const conn of listener) serve(conn);
