// What the drop-in class does while all goes well, next to Deno's own.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  CLASSES,
  leave,
  logEvents,
  next,
  nextData,
  SERVERS,
  type Socket,
  type SocketClass,
  type TestServer,
} from "./_websocket_test_util.ts";

/** A behaviour of an open connection. */
interface Behaviour {
  name: string;
  /** Deno's class does something else than the standard says. */
  notDeno?: true;
  run(socket: Socket, server: TestServer): Promise<void> | void;
}

const encoder = new TextEncoder();

async function echoed(socket: Socket, data: unknown): Promise<unknown> {
  const reply = nextData(socket);
  socket.send(data as string);
  return await reply;
}

const BEHAVIOURS: Behaviour[] = [
  {
    name: "opens with nothing agreed",
    run: (socket) => {
      assertEquals(socket.readyState, 1);
      assertEquals(socket.protocol, "");
    },
  },
  {
    name: "sends and receives text",
    run: async (socket) => {
      for (const text of ["", "hello", "grüß 🦦", "x".repeat(100_000)]) {
        assertEquals(await echoed(socket, text), text);
      }
    },
  },
  {
    name: "sends what is no text as text",
    run: async (socket) => {
      for (const value of [null, undefined, 1.5, true, ["a", "b"]]) {
        assertEquals(await echoed(socket, value), `${value}`);
      }
      assertThrows(() => socket.send(Symbol() as unknown as string), TypeError);
      assertThrows(() => (socket.send as () => void)(), TypeError);
    },
  },
  {
    name: "replaces unpaired surrogates",
    run: async (socket) => {
      assertEquals(await echoed(socket, "a\ud83eb\udda6"), "a\ufffdb\ufffd");
    },
  },
  {
    name: "gives binary messages as Blob by default",
    run: async (socket) => {
      const data = await echoed(socket, new Uint8Array([1, 2, 3]));
      assertInstanceOf(data, Blob);
      assertEquals(data.type, "");
      assertEquals(await data.bytes(), new Uint8Array([1, 2, 3]));
    },
  },
  {
    name: "sends every kind of bytes",
    run: async (socket) => {
      socket.binaryType = "arraybuffer";
      const { buffer } = new Uint8Array([0, 1, 2, 3, 4, 5]);
      for (
        const [data, expected] of [
          [buffer, [0, 1, 2, 3, 4, 5]],
          [new Uint8Array(buffer, 1, 2), [1, 2]],
          [new DataView(buffer, 3), [3, 4, 5]],
          [new Uint16Array(buffer, 2, 1), [2, 3]],
          [new Blob([new Uint8Array([7]), "8"]), [7, 56]],
          [new ArrayBuffer(0), []],
          [new Blob([]), []],
        ]
      ) {
        const reply = await echoed(socket, data);
        assertInstanceOf(reply, ArrayBuffer);
        assertEquals([...new Uint8Array(reply)], expected);
      }
    },
  },
  {
    name: "ignores a binaryType that there is not",
    run: (socket) => {
      socket.binaryType = "arraybuffer";
      socket.binaryType = "blobs" as BinaryType;
      assertEquals(socket.binaryType, "arraybuffer");
      socket.binaryType = "blob";
      assertEquals(socket.binaryType, "blob");
    },
  },
  {
    name: "keeps the order of messages when a Blob must be read",
    run: async (socket) => {
      socket.binaryType = "arraybuffer";
      const seen: unknown[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.onmessage = ({ data }) => {
        seen.push(typeof data === "string" ? data : data.byteLength);
        if (data === "end") resolve();
      };
      socket.send("one");
      socket.send(new Blob(["x".repeat(100_000)]));
      socket.send("two");
      socket.send(new Blob(["abc"]));
      socket.send("end");
      await promise;
      assertEquals(seen, ["one", 100_000, "two", 3, "end"]);
    },
  },
  {
    name: "sends bytes as they were, whatever happens to them later",
    notDeno: true,
    run: async (socket) => {
      socket.binaryType = "arraybuffer";
      for (const ahead of ["text", new Blob(["blob"])]) {
        const bytes = new Uint8Array(10_000).fill(1);
        socket.send(ahead);
        socket.send(bytes);
        bytes.fill(2);
        await nextData(socket);
        const reply = new Uint8Array(await nextData(socket) as ArrayBuffer);
        assert(reply.every((byte) => byte === 1));
      }
    },
  },
  {
    name: "does not send shared memory",
    run: (socket) => {
      const shared = new SharedArrayBuffer(1);
      assertThrows(() => socket.send(shared), TypeError);
      assertThrows(() => socket.send(new Uint8Array(shared)), TypeError);
    },
  },
  {
    name: "gives each event a task of its own",
    notDeno: true,
    run: async (socket) => {
      const seen: unknown[] = [];
      socket.send("burst 20");
      while (seen.length < 20) {
        seen.push(await nextData(socket));
        for (let i = 0; i < seen.length; i++) await null;
      }
      assertEquals(seen, Array.from({ length: 20 }, (_, i) => `${i}`));
    },
  },
  {
    name: "makes events as the standard says",
    notDeno: true,
    run: async (socket, { url }) => {
      const message = next<MessageEvent>(socket, "message");
      socket.send("hi");
      const event = await message;
      assertEquals(event.origin, url);
      assertEquals(event.lastEventId, "");
      assertEquals([event.bubbles, event.cancelable], [false, false]);
      assertEquals(`${event}`, "[object MessageEvent]");
      assertStrictEquals(event.target, socket);
      const close = next<CloseEvent>(socket, "close");
      socket.close();
      assertInstanceOf(await close, CloseEvent);
    },
  },
  {
    name: "counts what is sent in bufferedAmount until it has left",
    notDeno: true,
    run: async (socket) => {
      const blob = new Blob(["blob"]);
      for (
        const [data, size] of [["abc", 3], ["äöü🦦", 10], [
          "\ud800",
          3,
        ]] as const
      ) {
        const before = socket.bufferedAmount;
        socket.send(data);
        assertEquals(socket.bufferedAmount, before + size);
      }
      const before = socket.bufferedAmount;
      socket.send(new Uint8Array(1000));
      socket.send(blob);
      socket.send(new DataView(new ArrayBuffer(10), 4));
      assertEquals(socket.bufferedAmount, before + 1000 + 4 + 6);
      for (let i = 0; i < 6; i++) await next(socket, "message");
      assertEquals(socket.bufferedAmount, 0);
    },
  },
  {
    name: "counts what is sent too late for ever",
    notDeno: true,
    run: async (socket) => {
      const closed = next(socket, "close");
      const log = logEvents(socket);
      socket.close();
      assertEquals(socket.send("late"), undefined);
      assertEquals(socket.bufferedAmount, 4);
      socket.send(new Uint8Array(3));
      assertEquals(socket.bufferedAmount, 7);
      await closed;
      assertEquals(socket.bufferedAmount, 7);
      socket.send(new Blob(["very late"]));
      assertEquals(socket.bufferedAmount, 16);
      assertEquals(log, ["close 1005"]);
    },
  },
  {
    name: "calls handlers in their place, and replaces them there",
    run: async (socket) => {
      const calls: string[] = [];
      const call = (name: string) => () => void calls.push(name);
      socket.addEventListener("message", call("first"));
      socket.onmessage = call("old");
      socket.addEventListener("message", call("last"));
      socket.onmessage = call("new");
      await echoed(socket, "hi");
      assertEquals(calls.splice(0), ["first", "new", "last"]);
      socket.onmessage = null;
      await echoed(socket, "hi");
      assertEquals(calls.splice(0), ["first", "last"]);
    },
  },
  {
    name: "gives a handler that was taken away its place at the end",
    notDeno: true,
    run: async (socket) => {
      const calls: string[] = [];
      socket.onmessage = () => calls.push("old");
      socket.addEventListener("message", () => calls.push("listener"));
      socket.onmessage = null;
      socket.onmessage = () => calls.push("new");
      await echoed(socket, "hi");
      assertEquals(calls, ["listener", "new"]);
    },
  },
  {
    name: "calls handlers with itself as this, and listeners that are objects",
    run: async (socket) => {
      const seen: unknown[] = [];
      socket.onmessage = function () {
        seen.push(this);
      };
      const listener = {
        handleEvent(event: Event) {
          seen.push(event.currentTarget);
        },
      };
      socket.addEventListener("message", listener);
      await echoed(socket, "hi");
      assertEquals(seen.length, 2);
      for (const value of seen) assertStrictEquals(value, socket);
    },
  },
  {
    name: "takes what is no object for null, as a handler",
    run: (socket) => {
      for (const type of ["open", "message", "error", "close"] as const) {
        const handler = () => {};
        socket[`on${type}`] = handler;
        assertStrictEquals(socket[`on${type}`], handler);
        (socket as unknown as Record<string, unknown>)[`on${type}`] = 2;
        assertEquals(socket[`on${type}`], null);
      }
    },
  },
  {
    name: "takes false from a handler for a veto",
    notDeno: true,
    run: (socket) => {
      const dispatch = () =>
        socket.dispatchEvent(new Event("message", { cancelable: true }));
      socket.onmessage = () => false;
      assertEquals(dispatch(), false);
      socket.onmessage = () => 0;
      assertEquals(dispatch(), true);
      // It can be kept, but not called.
      socket.onmessage = {} as () => void;
      assertEquals(dispatch(), true);
    },
  },
  {
    name: "goes on after a listener that throws",
    run: async (socket) => {
      const oops = new Error("Oops");
      const reported: unknown[] = [];
      const report = (event: ErrorEvent) => {
        event.preventDefault();
        reported.push(event.error);
      };
      globalThis.addEventListener("error", report);
      try {
        socket.addEventListener("message", () => {
          throw oops;
        }, { once: true });
        assertEquals(await echoed(socket, "one"), "one");
        assertEquals(await echoed(socket, "two"), "two");
      } finally {
        globalThis.removeEventListener("error", report);
      }
      assertEquals(reported, [oops]);
    },
  },
];

async function open(
  Class: SocketClass,
  server: TestServer,
): Promise<Socket> {
  const socket = new Class(server.url);
  await next(socket, "open");
  return socket;
}

for (const [className, Class] of Object.entries(CLASSES)) {
  for (const [serverName, start] of Object.entries(SERVERS)) {
    for (const { name, notDeno, run } of BEHAVIOURS) {
      if (notDeno && className === "Deno") continue;
      const title = `${className}'s WebSocket ${name}, to ${serverName}`;
      Deno.test(title, async () => {
        await using server = start();
        const socket = await open(Class, server);
        await run(socket, server);
        await leave(socket);
      });
    }
  }
}

Deno.test("WebSocket offers compression, and says so", async () => {
  await using server = SERVERS.Meerkat!();
  const socket = await open(CLASSES.Meerkat!, server);
  assert(socket.extensions.startsWith("permessage-deflate"));
  const text = "compress me ".repeat(1000);
  assertEquals(await echoed(socket, text), text);
  await leave(socket);
  const plain = new CLASSES.Meerkat!(server.url, { deflate: false } as object);
  await next(plain, "open");
  assertEquals(plain.extensions, "");
  await leave(plain);
});

Deno.test("WebSocket counts payload in bufferedAmount, not what compression makes of it", async () => {
  await using server = SERVERS.Meerkat!();
  const socket = await open(CLASSES.Meerkat!, server);
  const size = encoder.encode("a".repeat(50_000)).length;
  for (let i = 1; i <= 3; i++) {
    socket.send("a".repeat(50_000));
    assertEquals(socket.bufferedAmount, i * size);
  }
  for (let i = 1; i <= 3; i++) await next(socket, "message");
  assertEquals(socket.bufferedAmount, 0);
  await leave(socket);
});
