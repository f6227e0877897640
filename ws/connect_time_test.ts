import { assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import { TestNet } from "./_connect_test_util.ts";
import type { WsConn } from "./ws_conn.ts";

/** How far an attempt gets before it stands still. */
interface Phase {
  readonly options?: ConnectOptions;
  readonly url?: string;
  /** Takes it there. */
  reach(net: TestNet): Promise<void> | void;
}

const PHASES: Record<string, Phase> = {
  connecting: {
    reach: (net) => {
      net.gate = new Promise(() => {});
    },
  },
  "opening a tunnel": {
    options: { proxy: "http://proxy.test" },
    reach: async (net) => void await (await net.next()).head(),
  },
  "talking to a SOCKS proxy": {
    options: { proxy: "socks5://proxy.test" },
    reach: async (net) => void await net.next(),
  },
  "waiting for the head": {
    reach: async (net) => void await (await net.next()).head(),
  },
  "reading the head": {
    reach: async (net) => {
      const peer = await net.next();
      await peer.head();
      await peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: webso");
    },
  },
  "waiting after a redirect": {
    reach: async (net) => {
      const peer = await net.next();
      await peer.head();
      await peer.refuse("302 F", "Location: /2\r\n");
      await peer.head();
    },
  },
};

function begin(
  net: TestNet,
  phase: Phase,
  options: ConnectOptions = {},
): Promise<WsConn> {
  const { url = "ws://a.test/" } = phase;
  const all = { ...net.options, ...phase.options, ...options };
  const promise = connect(url, all);
  promise.catch(() => {});
  return promise;
}

for (const [name, phase] of Object.entries(PHASES)) {
  Deno.test(`connect gives up after 10 s of ${name}`, async () => {
    const net = new TestNet();
    if (name === "connecting") await phase.reach(net);
    const promise = begin(net, phase);
    let error: unknown;
    promise.catch((reason) => error = reason);
    if (name !== "connecting") await phase.reach(net);
    await net.clock.advance(9_900);
    assertEquals(error, undefined);
    await net.clock.advance(400);
    const thrown = await assertRejects(() => promise, ConnError);
    assertEquals([thrown.code, thrown.side], ["handshake_timeout", "remote"]);
    assertEquals(net.clock.pending, 0);
  });

  Deno.test(`connect can be aborted while ${name}`, async () => {
    const net = new TestNet();
    const controller = new AbortController();
    if (name === "connecting") await phase.reach(net);
    const promise = begin(net, phase, { signal: controller.signal });
    if (name !== "connecting") await phase.reach(net);
    controller.abort("enough");
    const error = await assertRejects(() => promise, ConnError);
    assertEquals([error.code, error.cause], ["aborted", "enough"]);
    await net.clock.advance(0);
    assertEquals(net.clock.pending, 0);
  });
}

Deno.test("connect waits as long as it is told to", async () => {
  const net = new TestNet();
  const phase = PHASES["waiting for the head"]!;
  const short = begin(net, phase, { handshakeTimeout: 500 });
  await phase.reach(net);
  await net.clock.advance(800);
  const error = await assertRejects(() => short, ConnError);
  assertEquals(error.code, "handshake_timeout");
  assertEquals(
    error.message,
    'Cannot open the WebSocket "ws://a.test/": the handshake took longer than 500 ms',
  );
  const long = begin(net, phase, { handshakeTimeout: Infinity });
  const peer = await net.next();
  const head = peer.head();
  await net.clock.advance(3_600_000);
  await head;
  await peer.refuse("404 Not Found");
  await assertRejects(() => long, ConnError, "404");
});

Deno.test("connect does not begin to count anew at a redirect", async () => {
  const net = new TestNet();
  const promise = begin(net, { reach() {} });
  const peer = await net.next();
  for (const location of ["/2", "/3"]) {
    await peer.head();
    await net.clock.advance(4000);
    await peer.refuse("302 F", `Location: ${location}\r\n`);
  }
  await peer.head();
  await net.clock.advance(2500);
  const error = await assertRejects(() => promise, ConnError);
  assertEquals(error.code, "handshake_timeout");
});

Deno.test("connect can give a part of the handshake less time than all of it", async () => {
  const net = new TestNet();
  const promise = begin(net, PHASES["opening a tunnel"]!, {
    connectTimeout: 500,
  });
  await (await net.next()).head();
  await net.clock.advance(600);
  const error = await assertRejects(() => promise, ConnError);
  assertEquals(error.code, "connect_timeout");
});

Deno.test("connect does not begin with a signal that has aborted", async () => {
  const net = new TestNet();
  const promise = begin(net, { reach() {} }, {
    signal: AbortSignal.abort("no"),
  });
  const error = await assertRejects(() => promise, ConnError);
  assertEquals([error.code, error.cause], ["aborted", "no"]);
  assertEquals(net.requests.length, 0);
});

Deno.test("connect can be aborted while it reads a refusal's body", async () => {
  const net = new TestNet();
  const controller = new AbortController();
  const promise = begin(net, { reach() {} }, { signal: controller.signal });
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 403 F\r\nContent-Length: 9\r\n\r\nwait");
  await net.clock.advance(100);
  controller.abort();
  const error = await assertRejects(() => promise, ConnError);
  assertEquals(error.code, "aborted");
  assertEquals(net.clock.pending, 0);
});

Deno.test("connect's signal aborts the connection later on", async () => {
  const net = new TestNet();
  const controller = new AbortController();
  const promise = begin(net, { reach() {} }, { signal: controller.signal });
  const peer = await net.next();
  await peer.accept();
  const conn = await promise;
  await net.clock.advance(15_000);
  assertEquals(conn.state, "open");
  controller.abort("enough");
  const error = await conn.closed;
  assertEquals([error?.code, error?.cause], ["aborted", "enough"]);
  assertEquals(await peer.rest(), "");
});

Deno.test("connect hears an abort from the connection's first event", async () => {
  const net = new TestNet();
  const controller = new AbortController();
  const { signal } = controller;
  const codes: (string | undefined)[] = [];
  const promise = connect(
    "ws://a.test/",
    { ...net.options, signal },
    (event) => {
      if (event.type === "open") controller.abort();
      if (event.type === "close") codes.push(event.error?.code);
    },
  );
  await (await net.next()).accept();
  const conn = await promise;
  await conn.closed;
  assertEquals(codes, ["aborted"]);
});

Deno.test("connect leaves a signal alone once the connection is closed", async () => {
  const net = new TestNet();
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  const promise = begin(net, { reach() {} }, { signal });
  await (await net.next()).accept();
  const conn = await promise;
  assertEquals(listeners, 1);
  conn.abort();
  await conn.closed;
  await net.clock.advance(0);
  assertEquals(listeners, 0);
});
