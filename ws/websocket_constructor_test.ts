// How a drop-in WebSocket begins, next to Deno's own.

import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  accepting,
  CLASSES,
  leave,
  logEvents,
  next,
  nextData,
  rawServer,
  SERVERS,
  type Socket,
  type SocketClass,
} from "./_websocket_test_util.ts";
import { WebSocket } from "./websocket.ts";

const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };

/** A URL at which nobody listens. */
const NOWHERE = "ws://127.0.0.1:1/";

/** Gives up, and waits for the end. */
async function giveUp(socket: Socket): Promise<void> {
  const closed = next(socket, "close");
  socket.close();
  await closed;
}

function syntaxError(fn: () => unknown, message: string): void {
  const error = assertThrows(fn, DOMException, undefined, message);
  assertEquals(error.name, "SyntaxError", message);
}

for (const [name, Class] of Object.entries(CLASSES)) {
  Deno.test(`${name}'s WebSocket refuses URLs that are none for it`, () => {
    for (
      const url of [
        "",
        "/echo",
        "?x",
        "#x",
        "ws://foo bar.com/",
        "ftp://a.test/",
        "mailto:a@a.test",
        "about:blank",
        "ws://a.test/#",
        "ws://a.test/#x",
        "http://a.test/#",
      ]
    ) syntaxError(() => new Class(url), url);
    assertThrows(() => Reflect.construct(Class, []));
  });

  Deno.test(`${name}'s WebSocket refuses subprotocols that are none`, () => {
    for (
      const protocols of [
        "",
        "a b",
        "a,b",
        "a/b",
        '"a"',
        "a\u0080",
        [""],
        ["a", "b", "a"],
        ["a", "A"],
      ]
    ) {
      syntaxError(() => new Class(NOWHERE, protocols), `${protocols}`);
    }
  });

  Deno.test(`${name}'s WebSocket shows its URL in full`, async () => {
    for (
      const [url, shown] of [
        ["ws://127.0.0.1:1", NOWHERE],
        ["http://127.0.0.1:1/a?b", "ws://127.0.0.1:1/a?b"],
        ["https://127.0.0.1:1/ä", "wss://127.0.0.1:1/%C3%A4"],
        ["WS://LOCALHOST:1/../x", "ws://localhost:1/x"],
        [new URL("ws://127.0.0.1:1/u"), "ws://127.0.0.1:1/u"],
      ] as const
    ) {
      const socket = new Class(url);
      assertEquals(socket.url, shown);
      await giveUp(socket);
    }
  });

  Deno.test(`${name}'s WebSocket begins with nothing`, async () => {
    const socket = new Class(NOWHERE, "chat");
    assertEquals(socket.readyState, 0);
    assertEquals(socket.bufferedAmount, 0);
    assertEquals(socket.protocol, "");
    assertEquals(socket.extensions, "");
    assertEquals(socket.binaryType, "blob");
    for (const type of ["open", "message", "error", "close"] as const) {
      assertEquals(socket[`on${type}`], null);
    }
    const error = assertThrows(() => socket.send("early"), DOMException);
    assertEquals(error.name, "InvalidStateError");
    assertEquals(socket.bufferedAmount, 0);
    await giveUp(socket);
  });

  Deno.test(`${name}'s WebSocket has the states as constants`, async () => {
    const socket = new Class(NOWHERE);
    for (const [name, value] of Object.entries(STATES)) {
      for (const holder of [Class, socket]) {
        assertEquals(holder[name as keyof typeof STATES], value);
        assertEquals(Reflect.set(holder, name, 9), false);
      }
    }
    assertEquals(`${socket}`, "[object WebSocket]");
    assertInstanceOf(socket, EventTarget);
    await giveUp(socket);
  });

  Deno.test(`${name}'s WebSocket misses nothing that comes at once`, async () => {
    const text = [0x81, 2, 0x68, 0x69];
    await using server = rawServer(async (conn, head) => {
      await conn.write(accepting(head, "", [...text, ...text, 0x88, 0]));
      await conn.read(new Uint8Array(100));
    });
    const socket = new Class(server.url);
    const log = logEvents(socket);
    assertEquals(await nextData(socket), "hi");
    await next(socket, "close");
    assertEquals(log, ["open", "message", "message", "close 1005"]);
  });

  for (const [serverName, start] of Object.entries(SERVERS)) {
    Deno.test(`${name}'s WebSocket agrees on a subprotocol, with ${serverName}`, async () => {
      await using server = start();
      for (const protocols of ["chat", ["superchat", "chat"]]) {
        const socket = new Class(`${server.url}/?protocol=chat`, protocols);
        await next(socket, "open");
        assertEquals(socket.protocol, "chat");
        await leave(socket);
      }
    });
  }

  Deno.test(`${name}'s WebSocket takes header fields`, async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    await using server = rawServer((_, head) => {
      resolve(head);
      return Promise.resolve();
    });
    const headers = { "x-user": "meerkat" };
    const init = { headers, protocols: ["a", "b"] };
    const socket = new Class(server.url, init as unknown as string[]);
    const head = await promise;
    assertEquals(/^x-user: (.*)\r$/im.exec(head)?.[1], "meerkat");
    assertEquals(/^sec-websocket-protocol: (.*)\r$/im.exec(head)?.[1], "a, b");
    await next(socket, "close");
  });
}

Deno.test("WebSocket fails if the server takes none of the subprotocols", async () => {
  await using server = SERVERS.Meerkat!();
  const socket = new WebSocket(server.url, ["chat"]);
  const log = logEvents(socket);
  await next(socket, "close");
  assertEquals(log, ["error", "close 1006 dirty"]);
});

Deno.test("WebSocket takes the options of connect, and null for none", async () => {
  await using server = SERVERS.Meerkat!();
  const options = {
    maxMessage: 10,
    fragments: true, // has no meaning here
  };
  const socket = new WebSocket(server.url, options);
  await next(socket, "open");
  socket.send("echo");
  assertEquals(await nextData(socket as Socket), "echo");
  socket.send("longer than ten");
  assertEquals((await next<CloseEvent>(socket, "close")).code, 1006);
  const bare = new WebSocket(server.url, null as unknown as string);
  await next(bare, "open");
  await leave(bare as Socket);
});

Deno.test("WebSocket reports what the options get wrong", async () => {
  assertThrows(() => new WebSocket(NOWHERE, { headers: { "a b": "1" } }));
  const socket = new WebSocket(NOWHERE, { maxMessage: -1 });
  const error = next<Event & { error: Error }>(socket, "error");
  await next(socket, "close");
  assertInstanceOf((await error).error, RangeError);
});

Deno.test("WebSocket follows redirects only if it is told to", async () => {
  await using server = SERVERS.Meerkat!();
  await using redirector = rawServer(async (conn) => {
    await conn.write(new TextEncoder().encode(
      `HTTP/1.1 302 Found\r\nLocation: ${server.url}/\r\n` +
        "Content-Length: 0\r\n\r\n",
    ));
  });
  const still = new WebSocket(redirector.url);
  const log = logEvents(still as Socket);
  await next(still, "close");
  assertEquals(log, ["error", "close 1006 dirty"]);
  const socket = new WebSocket(redirector.url, { redirects: 1 });
  await next(socket, "open");
  assertEquals(socket.url, `${redirector.url}/`);
  await leave(socket as Socket);
});

Deno.test("WebSocket is what code for the standard's class expects", () => {
  // Checked by the compiler.
  const Class: SocketClass = WebSocket;
  const use = (socket: globalThis.WebSocket) => {
    socket.onmessage = (event) => void event.data;
    socket.onclose = ({ code, reason, wasClean }) => [code, reason, wasClean];
    socket.addEventListener("close", ({ code }) => code);
    socket.removeEventListener("open", () => {});
  };
  const own = (socket: WebSocket) => {
    use(socket);
    socket.onclose = function ({ code }) {
      this.close(code);
    };
    socket.addEventListener("message", ({ data }) => data);
    socket.addEventListener("anything", (event: Event) => event.type);
  };
  assertStrictEquals(Class, WebSocket as unknown);
  assertEquals(typeof own, "function");
});
