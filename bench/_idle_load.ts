// Opens connections, asks once on each, and keeps them.
//
// open PORT COUNT -> COUNT

import { obey } from "./_program.mjs";

const open: Deno.Conn[] = [];
const AT_A_TIME = 50;

async function openOne(port: number): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  open.push(conn);
  const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  await conn.write(new TextEncoder().encode(request));
  const count = await conn.read(new Uint8Array(1024));
  if (count === null) throw new Error("The server closed the connection");
}

await obey("ready", {
  open: async (port, count) => {
    let left = Number(count);
    const worker = async () => {
      while (left-- > 0) await openOne(Number(port));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    return open.length;
  },
});
