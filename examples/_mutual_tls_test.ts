import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type { Transport } from "@meerkat/net/conn";
import { listenMutualTls } from "./_mutual_tls.ts";
import { pem } from "./_websocket_test_util.ts";

const hostname = "127.0.0.1";
const read = (name: string) => Deno.readTextFileSync(pem(name));
const ca = read("ca");
const server = { cert: read("server"), key: read("server.key"), ca };
const client = { cert: read("client"), key: read("client.key") };
/** What neither side keeps while nobody reads it. */
const MUCH = 64 * 1024 * 1024;

interface Pair {
  readonly here: Deno.TlsConn;
  readonly there: Transport;
}

/** Gives a test connections whose handshake is done, and closes them. */
async function withPairs(
  test: (pair: () => Promise<Pair>) => Promise<void>,
): Promise<void> {
  const listener = listenMutualTls({ hostname, port: 0, ...server });
  const { port } = listener.addr as Deno.NetAddr;
  const open: { close(): void }[] = [listener];
  try {
    await test(async () => {
      const options = { hostname, port, caCerts: [ca], ...client };
      const here = await Deno.connectTls(options);
      const there = await listener.accept();
      open.push(here, there);
      await Promise.all([here.handshake(), there.handshake!()]);
      return { here, there };
    });
  } finally {
    for (const each of open) closeQuietly(each);
  }
}

/** Closes what a test may have closed. */
function closeQuietly(what: { close(): void }): void {
  try {
    what.close();
  } catch (error) {
    assertInstanceOf(error, Deno.errors.BadResource);
  }
}

type Reader = Pick<Transport, "read">;
type Writer = Pick<Transport, "write">;

async function send(to: Writer, size: number): Promise<void> {
  while (size > 0) size -= await to.write(new Uint8Array(Math.min(size, 1e5)));
}

/** How many bytes come until the end. */
async function receive(from: Reader): Promise<number> {
  const buffer = new Uint8Array(10_000);
  let size = 0;
  let count;
  while ((count = await from.read(buffer)) !== null) size += count;
  return size;
}

/** Whether a writer is stopped, as long as nobody reads. */
async function stalls(to: Writer, other: Pair): Promise<boolean> {
  let sent = 0;
  const write = async () => {
    while (sent < MUCH) sent += await to.write(new Uint8Array(65_536));
  };
  write().catch(() => {});
  let before = -1;
  for (let turns = 0; turns < 100; turns++) {
    // What goes back and forth elsewhere gives the writer its turns.
    await other.here.write(new Uint8Array(1));
    await other.there.read(new Uint8Array(1));
    if (sent > before) turns = 0;
    before = sent;
  }
  return sent < MUCH;
}

Deno.test("TlsTransport takes no more from the network than is read", async () => {
  await withPairs(async (pair) => {
    const { here } = await pair();
    assertEquals(await stalls(here, await pair()), true);
  });
});

Deno.test("TlsTransport's writes wait for a client that does not read", async () => {
  await withPairs(async (pair) => {
    const { there } = await pair();
    assertEquals(await stalls(there, await pair()), true);
  });
});

Deno.test("TlsTransport goes on reading after closeWrite", async () => {
  await withPairs(async (pair) => {
    const { here, there } = await pair();
    await send(there, 200_000);
    await there.closeWrite();
    assertEquals(await receive(here), 200_000);
    await Promise.all([
      send(here, 300_000).then(() => here.closeWrite()),
      receive(there).then((size) => assertEquals(size, 300_000)),
    ]);
  });
});

Deno.test("TlsTransport goes on writing after the client's end", async () => {
  await withPairs(async (pair) => {
    const { here, there } = await pair();
    await here.write(new Uint8Array(5));
    await here.closeWrite();
    assertEquals(await receive(there), 5);
    await send(there, 100_000);
    await there.closeWrite();
    // An end without TLS's own would be an error here.
    assertEquals(await receive(here), 100_000);
  });
});

Deno.test("TlsTransport's close ends a read and a write that wait", async () => {
  await withPairs(async (pair) => {
    const { there } = await pair();
    const reading = there.read(new Uint8Array(1));
    const writing = send(there, MUCH);
    const both = Promise.all([
      assertRejects(() => reading, Deno.errors.Interrupted),
      assertRejects(() => writing, Deno.errors.Interrupted),
    ]);
    there.close();
    await both;
  });
});

Deno.test("listenMutualTls tells what is wrong before it listens", () => {
  const cases: [Partial<typeof server>, string][] = [
    [{ ca: "" }, "the authority is not valid PEM"],
    [{ cert: server.key }, "the certificate is not valid PEM"],
    [{ key: "x" }, "the private key is not valid PEM"],
    [{ key: client.key }, "the private key is not that of the certificate"],
  ];
  for (const [part, message] of cases) {
    assertThrows(
      () => listenMutualTls({ hostname, port: 0, ...server, ...part }),
      Error,
      `Cannot listen on "127.0.0.1:0": ${message}`,
    );
  }
});

Deno.test("TlsTransport's handshake fails for who shows no good certificate", async (t) => {
  const listener = listenMutualTls({ hostname, port: 0, ...server });
  const { port } = listener.addr as Deno.NetAddr;
  const refuse = async (name: string, visit: () => Promise<void>) => {
    await t.step(name, async () => {
      const visiting = visit();
      const there = await listener.accept();
      await assertRejects(() => there.handshake!());
      there.close();
      await visiting;
    });
  };
  const tls = { hostname, port, caCerts: [ca] };
  const talk = async (options: typeof tls, message?: string) => {
    using here = await Deno.connectTls(options);
    await assertRejects(() => receive(here), Error, message);
  };
  const stranger = { cert: read("stranger"), key: read("stranger.key") };
  await refuse("none", () => talk(tls, "CertificateRequired"));
  await refuse("a stranger's", () => talk({ ...tls, ...stranger }));
  await refuse("who leaves", async () => {
    (await Deno.connect({ hostname, port })).close();
  });
  await refuse("who speaks no TLS", async () => {
    using here = await Deno.connect({ hostname, port });
    await here.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    await receive(here);
  });
  listener.close();
});
