// How a drop-in WebSocket ends, next to Deno's own.

import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import {
  accepting,
  CLASSES,
  leave,
  logEvents,
  next,
  rawServer,
  SERVERS,
  type Socket,
} from "./_websocket_test_util.ts";
import { WebSocket } from "./websocket.ts";

/** A way to close, and what the other side then sees. */
type Ending = [close: (socket: Socket) => void, seen: string];

/** Not all of them numbers. */
const WRONG_CODES: number[] = [0, 1, 999, 1001, 1005, 1006, 2999, 5000, -1]
  .concat([NaN, 66536, null, "Bye", "1001", {}] as number[]);

const LONG = "ä".repeat(61);

const BY_CLIENT: Ending[] = [
  [(socket) => socket.close(), "1005 "],
  [(socket) => socket.close(1000), "1000 "],
  [(socket) => socket.close(3000), "3000 "],
  [(socket) => socket.close(3000.4), "3000 "],
  [(socket) => socket.close(2999.9), "3000 "],
  [(socket) => socket.close(4999, "Bye"), "4999 Bye"],
  [(socket) => socket.close(1000, LONG), `1000 ${LONG}`],
  [(socket) => socket.close(1000, "\ud800"), "1000 \ufffd"],
];

const BY_SERVER: Ending[] = [
  [(socket) => socket.send("close"), "close 1005"],
  [(socket) => socket.send("close 1001"), "close 1001"],
  [(socket) => socket.send("close 3001 Bye"), "close 3001 Bye"],
];

for (const [name, Class] of Object.entries(CLASSES)) {
  for (const [close, seen] of BY_CLIENT) {
    Deno.test(`${name}'s WebSocket can close as in ${close}`, async () => {
      await using server = SERVERS.Meerkat!();
      const socket = new Class(server.url);
      await next(socket, "open");
      const closed = next<CloseEvent>(socket, "close");
      close(socket);
      assertEquals(await server.nextEnd(), seen);
      const { code, wasClean } = await closed;
      // Whether the reason is echoed is the server's affair.
      assertEquals([`${code}`, wasClean], [seen.split(" ")[0], true]);
      assertEquals(socket.readyState, 3);
    });
  }

  for (const [close, seen] of BY_SERVER) {
    Deno.test(`${name}'s WebSocket is told: ${seen}`, async () => {
      await using server = SERVERS.Meerkat!();
      const socket = new Class(server.url);
      await next(socket, "open");
      const log = logEvents(socket);
      close(socket);
      await next(socket, "close");
      assertEquals(log, [seen]);
      assertEquals(socket.readyState, 3);
    });
  }

  Deno.test(`${name}'s WebSocket closes in order with Deno's server`, async () => {
    await using server = SERVERS.Deno!();
    for (const code of [undefined, 1000, 3001]) {
      const socket = new Class(server.url);
      await next(socket, "open");
      const log = logEvents(socket);
      socket.close(code);
      await next(socket, "close");
      assertEquals(log, [`close ${code ?? 1005}`]);
    }
  });

  Deno.test(`${name}'s WebSocket refuses wrong codes and long reasons`, async () => {
    await using server = SERVERS.Meerkat!();
    const socket = new Class(server.url);
    for (const state of [0, 1, 3]) {
      if (state === 1) await next(socket, "open");
      if (state === 3) await leave(socket);
      assertEquals(socket.readyState, state);
      for (
        const code of WRONG_CODES
      ) {
        const error = assertThrows(() => socket.close(code), DOMException);
        assertEquals(error.name, "InvalidAccessError", `${code}`);
      }
      for (const reason of ["x".repeat(124), "ä".repeat(62)]) {
        for (const code of [undefined, 1000]) {
          const error = assertThrows(
            () => socket.close(code, reason),
            DOMException,
          );
          assertEquals(error.name, "SyntaxError");
        }
      }
      assertEquals(socket.readyState, state);
    }
  });

  Deno.test(`${name}'s WebSocket closes only once`, async () => {
    await using server = SERVERS.Meerkat!();
    const socket = new Class(server.url);
    await next(socket, "open");
    const log = logEvents(socket);
    socket.onclose = () => {
      assertEquals(socket.readyState, 3);
      socket.close();
      assertEquals(socket.readyState, 3);
    };
    socket.close(3001);
    assertEquals(socket.readyState, 2);
    socket.close(3002);
    await next(socket, "close");
    await new Promise((resolve) => setImmediate(resolve));
    assertEquals(log, ["close 3001"]);
    assertEquals(await server.nextEnd(), "3001 ");
  });
}

/** What our class does as the standard has it, and Deno's does not. */
const { Meerkat } = CLASSES as { Meerkat: typeof globalThis.WebSocket };

Deno.test("WebSocket closes with 1000 if there is but a reason", async () => {
  await using server = SERVERS.Meerkat!();
  const socket = new Meerkat(server.url);
  await next(socket, "open");
  const closed = next(socket, "close");
  socket.close(undefined, "Bye");
  assertEquals(await server.nextEnd(), "1000 Bye");
  await closed;
});

Deno.test("WebSocket fails when it is closed while it connects", async () => {
  await using server = SERVERS.Meerkat!();
  for (const turns of [0, 1, 2, 5, 10, 20, 40]) {
    const socket = new Meerkat(server.url);
    const log = logEvents(socket);
    for (let i = 0; i < turns && socket.readyState === 0; i++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const ending = socket.readyState === 0
      ? ["error", "close 1006 dirty"]
      : ["open", "close 1005"];
    socket.close();
    assertEquals(socket.readyState, 2);
    socket.close();
    await next(socket, "close");
    assertEquals(log, ending);
  }
});

Deno.test("WebSocket sends all that it was given before it closes", async () => {
  await using server = SERVERS.Meerkat!();
  const socket = new Meerkat(server.url);
  await next(socket, "open");
  let size = 0;
  socket.onmessage = ({ data }) => size += data.size;
  socket.send(new Blob(["x".repeat(100_000)]));
  socket.send(new Blob(["close 3003 Last"]));
  socket.send("close 3003 Last");
  socket.close(3004);
  assertEquals(socket.readyState, 2);
  const { code } = await next<CloseEvent>(socket, "close");
  // The server saw the text behind the blobs before it saw 3004.
  assertEquals(code, 3003);
  assertEquals(size, 0);
});

Deno.test("WebSocket gives no message after it was told to close", async () => {
  await using server = SERVERS.Meerkat!();
  const socket = new Meerkat(server.url);
  await next(socket, "open");
  const seen: string[] = [];
  socket.onmessage = ({ data }) => {
    seen.push(data);
    if (seen.length === 3) socket.close();
  };
  socket.send("burst 10");
  await next(socket, "close");
  assertEquals(seen, ["0", "1", "2"]);
});

/** What a server can do wrong: the bytes that follow its 101, then the end. */
const RUDE: Record<string, number[] | "404" | "nothing"> = {
  "drops the connection": [],
  "sends a reserved opcode": [0x83, 3, 0x4c, 0x4f, 0x4c],
  "masks its frames": [0x81, 0x81, 0, 0, 0, 0, 0x61],
  "sends text that is none": [0x81, 1, 0xff],
  "closes with a code that is none": [0x88, 2, 0, 1],
  "refuses": "404",
  "says nothing": "nothing",
};

for (const [what, how] of Object.entries(RUDE)) {
  Deno.test(`WebSocket fails with 1006 when the server ${what}`, async () => {
    await using server = rawServer(async (conn, head) => {
      if (how === "nothing") return;
      const bytes = how === "404"
        ? new TextEncoder().encode(
          "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        )
        : accepting(head, "", how);
      await conn.write(bytes);
    });
    const socket = new Meerkat(server.url);
    const log = logEvents(socket);
    const error = next<Event & { error: unknown; message: string }>(
      socket,
      "error",
    );
    await next(socket, "close");
    const opened = Array.isArray(how) ? ["open"] : [];
    assertEquals(log, [...opened, "error", "close 1006 dirty"]);
    const event = await error;
    assertEquals(`${event}`, "[object Event]");
    assertInstanceOf(event.error, ConnError);
    assertEquals(event.message, event.error.message);
  });
}

Deno.test("WebSocket is closed when it says that it failed", async () => {
  const socket = new Meerkat("ws://127.0.0.1:1/");
  await next(socket, "error");
  assertEquals(socket.readyState, 3);
  await next(socket, "close");
});

Deno.test("WebSocket says nothing of an error to who wanted to leave", async () => {
  await using server = rawServer(async (conn, head) => {
    await conn.write(accepting(head));
    await conn.read(new Uint8Array(100));
  });
  const socket = new Meerkat(server.url);
  await next(socket, "open");
  const log = logEvents(socket);
  socket.close();
  await next(socket, "close");
  assertEquals(log, ["close 1006 dirty"]);
});

Deno.test("WebSocket fails when a Blob cannot be read", async () => {
  await using server = SERVERS.Meerkat!();
  const socket = new Meerkat(server.url);
  await next(socket, "open");
  const log = logEvents(socket);
  class Unreadable extends Blob {
    override arrayBuffer(): Promise<ArrayBuffer> {
      return Promise.reject(new Error("Gone"));
    }
  }
  socket.send(new Unreadable(["abc"]));
  socket.send("behind");
  assertEquals(socket.bufferedAmount, 9);
  await next(socket, "close");
  assertEquals(log, ["error", "close 1006 dirty"]);
  assertEquals(socket.bufferedAmount, 9);
});

Deno.test("WebSocket can be aborted, before and after it is open", async () => {
  await using server = SERVERS.Meerkat!();
  for (const open of [false, true]) {
    const controller = new AbortController();
    const { signal } = controller;
    const socket = new WebSocket(server.url, { signal });
    if (open) await next(socket, "open");
    const log = logEvents(socket as Socket);
    controller.abort();
    await next(socket, "close");
    assertEquals(log, ["error", "close 1006 dirty"]);
  }
});
