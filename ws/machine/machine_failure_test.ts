// Connections that end in another way than by a closing handshake.

import { assert, assertEquals } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { close, text } from "../conformance/_frames_test_util.ts";
import { machineBench } from "../_ws_test_util.ts";

Deno.test("A peer that ends the connection without a close frame is 1006", async () => {
  for (const role of ["server", "client"] as const) {
    const { conn, peer, log } = machineBench({ role });
    await peer.end();
    const error = await conn.closed;
    assertEquals([error?.code, error?.side], ["no_close_frame", "remote"]);
    assertEquals(log, ["open", "close:1006:no_close_frame"]);
    assert(peer.ended);
    assertEquals(await peer.replies(), []);
  }
});

Deno.test("A peer that ends the connection in place of an answer is 1006", async () => {
  const { conn, peer, log } = machineBench();
  conn.close();
  await peer.end();
  assertEquals((await conn.closed)?.code, "no_close_frame");
  assertEquals(log, ["open", "close:1006:no_close_frame"]);
});

Deno.test("A reset is 1006 with a transport error", async () => {
  const { conn, peer, log } = machineBench();
  peer.transport.reset();
  assertEquals((await conn.closed)?.code, "reset");
  assertEquals(log, ["open", "close:1006:reset"]);
});

Deno.test("A reset after both close frames is a clean close without an error", async () => {
  for (const role of ["server", "client"] as const) {
    const { conn, peer, log } = machineBench({ role });
    conn.close();
    await peer.send(close(1000));
    peer.transport.reset();
    assertEquals(await conn.closed, undefined, role);
    assertEquals(log, ["open", "closing:1000", "close:1000:clean"]);
  }
});

Deno.test("A local abort is 1006, and the peer sees no close frame", async () => {
  const { conn, peer, log } = machineBench();
  conn.abort();
  await conn.closed;
  assertEquals(log, ["open", "close:1006"]);
  assertEquals(await peer.replies(), []);
  assert(peer.ended);
});

Deno.test("An error is told by its reply, 1011 if the fault is here, 1001 otherwise", async () => {
  const cases: [ConnectionFault, string][] = [
    [{ side: "local", reply: 1013 }, "close:1013:Test"],
    [{ side: "remote", reply: 1008 }, "close:1008:Test"],
    [{ side: "remote", reply: 4321 }, "close:4321:Test"],
    [{ side: "local" }, "close:1011"],
    [{ side: "local", reply: 500 }, "close:1011"],
    [{ side: "local", reply: 1006 }, "close:1011"],
    [{ side: "remote" }, "close:1001"],
    [{ side: "transport", reply: 408 }, "close:1001"],
  ];
  for (const [fault, reply] of cases) {
    const { conn, peer, log } = machineBench();
    const error = new ConnError("Test", { code: "test", ...fault });
    conn.close(error);
    assertEquals(await peer.replies(), [reply]);
    assert(peer.ended);
    await peer.end();
    assertEquals(await conn.closed, error);
    assertEquals(log, ["open", "close:1006:test"]);
  }
});

interface ConnectionFault {
  side: "local" | "remote" | "transport";
  reply?: number;
}

Deno.test("A long error message is cut between characters to fit the reason", async () => {
  const { conn, peer } = machineBench();
  const options = { code: "test", side: "local", reply: 1011 } as const;
  conn.close(new ConnError("x" + "€".repeat(100), options));
  const [frame] = await peer.frames();
  const reason = new TextDecoder("utf-8", { fatal: true })
    .decode(frame!.payload.subarray(2));
  assertEquals(reason, "x" + "€".repeat(40));
  await peer.end();
});

Deno.test("A handler that throws closes with 1011 and tells the peer nothing", async () => {
  for (const later of [false, true]) {
    const { conn, peer, log, reported } = machineBench({
      handler: (event) => {
        if (event.type !== "message") return;
        if (later) return Promise.reject(new Error("secret"));
        throw new Error("secret");
      },
    });
    await peer.send(text("a"), text("b"));
    assertEquals(await peer.replies(), ["close:1011"]);
    await peer.end();
    assertEquals((await conn.closed)?.code, "handler_failed");
    assertEquals(log, ["open", "message:a", "close:1006:handler_failed"]);
    assertEquals(reported.length, 1);
  }
});

Deno.test("A handler that throws in its closing event still gives an answer", async () => {
  const { conn, peer, log } = machineBench({
    handler: (event) => {
      if (event.type === "closing") throw new Error("bug");
    },
  });
  await peer.send(close(1000));
  assertEquals(await peer.replies(), ["close:1011"]);
  await peer.end();
  assertEquals((await conn.closed)?.code, "handler_failed");
  assertEquals(log.at(-1), "close:1000:clean:handler_failed");
});
