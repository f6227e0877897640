// Messages in pieces, both ways.

import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import {
  close,
  encode,
  frame,
  ping,
  text,
} from "../conformance/_frames_test_util.ts";
import { DeflateContexts } from "../deflate/contexts.ts";
import { resolveDeflate } from "../deflate/params.ts";
import { machineBench, settle } from "../_ws_test_util.ts";
import type { FragmentCommand, WsEvent } from "./message.ts";

/** A command, in short. */
function piece(data: string | Uint8Array, final = false): FragmentCommand {
  const kind = typeof data === "string" ? "text" : "binary";
  return { type: "fragment", kind, data, final };
}

Deno.test("Fragments are told as they come, in place of messages", async () => {
  const { conn, peer, log } = machineBench({ fragments: true });
  await peer.send(
    text("whole"),
    frame(1, "a", { fin: false }),
    ping("p"),
    frame(0, "b", { fin: false }),
    frame(0, ""),
    frame(2, new Uint8Array([1])),
    frame(2, ""),
  );
  assertEquals(log, [
    "open",
    "fragment:text:whole:final",
    "fragment:text:a",
    "ping:p",
    "fragment:text:b",
    "fragment:text::final",
    "fragment:binary:[1]:final",
    "fragment:binary:[]:final",
  ]);
  conn.abort();
});

Deno.test("A frame is told piece by piece, cut between characters", async () => {
  const { conn, peer, log } = machineBench({
    fragments: true,
    pair: { chunk: 1 },
  });
  await peer.send(text("a€b"), frame(2, new Uint8Array([1, 2])));
  assertEquals(log, [
    "open",
    "fragment:text:a",
    "fragment:text:€",
    "fragment:text:b:final",
    "fragment:binary:[1]",
    "fragment:binary:[2]:final",
  ]);
  conn.abort();
});

Deno.test("Empty pieces in the middle of a message are not told", async () => {
  const { conn, peer, log } = machineBench({ fragments: true });
  await peer.send(
    frame(1, "", { fin: false }),
    frame(0, "", { fin: false }),
    frame(0, ""),
  );
  assertEquals(log, ["open", "fragment:text::final"]);
  conn.abort();
});

Deno.test("Pieces of a compressed message are told as they come", async () => {
  const deflate = resolveDeflate();
  const { conn, peer, log } = machineBench({ fragments: true, deflate });
  const contexts = new DeflateContexts("client", deflate);
  await peer.send(
    frame(1, contexts.compressPart(new Uint8Array(50).fill(97), false), {
      rsv: 4,
      fin: false,
    }),
    frame(0, contexts.compressPart(new Uint8Array(60).fill(98), true)),
  );
  contexts.close();
  assertEquals(log, ["open", "fragment:text:50", "fragment:text:60:final"]);
  conn.abort();
});

Deno.test("Without a maxMessage, fragments may go on for ever", async () => {
  let size = 0;
  const { conn, peer } = machineBench({
    fragments: true,
    handler: (event) => {
      if (event.type === "fragment") size += event.data.length;
    },
  });
  const total = 20 * 1024 * 1024;
  peer.write(encode([frame(2, new Uint8Array(total))], true));
  for (let i = 0; size < total && i < 1000; i++) await settle();
  assertEquals(size, total);
  conn.abort();
});

Deno.test("maxMessage limits a message that is told in fragments, too", async () => {
  const { conn, peer } = machineBench({ fragments: true, maxMessage: 3 });
  await peer.send(frame(1, "ab", { fin: false }), frame(0, "cd"));
  await peer.end();
  assertEquals((await conn.closed)?.code, "message_too_large");
});

Deno.test("A handler's pause holds the next fragment back", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, log } = machineBench({
    fragments: true,
    handler: (event) => event.type === "fragment" ? gate.promise : undefined,
  });
  await peer.send(frame(1, "a", { fin: false }), frame(0, "b"));
  assertEquals(log, ["open", "fragment:text:a"]);
  gate.resolve();
  await settle();
  assertEquals(log.at(-1), "fragment:text:b:final");
  conn.abort();
});

Deno.test("Bytes of an event belong to the handler", async () => {
  for (const fragments of [true, false]) {
    const kept: Uint8Array[] = [];
    const { conn, peer } = machineBench({
      fragments,
      handler: (event: WsEvent) => {
        if (event.type === "message" || event.type === "fragment") {
          kept.push(event.data as Uint8Array);
        } else if (event.type === "ping") kept.push(event.payload);
      },
    });
    await peer.send(frame(2, new Uint8Array([1, 2, 3])), ping("abc"));
    for (let i = 0; i < 10; i++) await peer.send(frame(2, new Uint8Array(900)));
    assertEquals(kept[0], new Uint8Array([1, 2, 3]));
    assertEquals(kept[1], new TextEncoder().encode("abc"));
    kept[0]!.fill(9);
    assertEquals(kept[2], new Uint8Array(900));
    conn.abort();
  }
});

Deno.test("Fragment commands make one message of their pieces", async () => {
  const { conn, peer } = machineBench({ role: "client" });
  conn.send(piece("one"));
  conn.send({ type: "ping", payload: new Uint8Array(0) });
  conn.send(piece("two"));
  conn.send(piece("", true));
  conn.send(piece(new Uint8Array(3), true));
  conn.send("next");
  const replies = await peer.replies();
  assertEquals(replies.filter((reply) => reply !== "ping:"), [
    "text+:one",
    "more+:two",
    "more:",
    "binary:3",
    "text:next",
  ]);
  conn.abort();
});

Deno.test("A whole message between fragments is refused, and harms nothing", async () => {
  const { conn, peer } = machineBench();
  conn.send(piece("a"));
  for (
    const command of ["x", new Uint8Array(1), piece(new Uint8Array(1), true)]
  ) {
    const error = assertThrows(() => conn.send(command), ConnError);
    assertEquals([error.code, error.side], ["message_open", "local"]);
  }
  conn.send(piece("b", true));
  assertEquals(await peer.replies(), ["text+:a", "more:b"]);
  conn.abort();
});

Deno.test("A fragment whose data is not of its kind is refused", async () => {
  const { conn, peer } = machineBench();
  for (
    const wrong of [
      { ...piece("x"), kind: "binary" as const },
      { ...piece(new Uint8Array(1)), kind: "text" as const },
    ]
  ) {
    const error = assertThrows(() => conn.send(wrong), ConnError);
    assertEquals(error.code, "fragment_invalid");
  }
  conn.send("still in order");
  assertEquals(await peer.replies(), ["text:still in order"]);
  conn.abort();
});

Deno.test("Fragments that are compressed are one message for the peer", async () => {
  const deflate = resolveDeflate({ threshold: 10 });
  const { conn, peer } = machineBench({ deflate });
  const there = machineBench({ role: "client", deflate });
  const all = ["a".repeat(30), "b".repeat(10), "", "c"];
  all.forEach((text, i) => conn.send(piece(text, i === all.length - 1)));
  conn.send("d".repeat(30));
  const frames = await peer.frames();
  assertEquals(frames.map(({ rsv }) => rsv), [4, 0, 0, 0, 4]);
  await there.peer.send(...frames);
  assertEquals(there.log, ["open", "message:41", `message:${"d".repeat(30)}`]);
  conn.abort();
  there.conn.abort();
});

Deno.test("After a close, fragments that come are dropped", async () => {
  const { conn, peer, log } = machineBench({ fragments: true });
  await peer.send(frame(1, "a", { fin: false }));
  conn.close();
  await peer.send(frame(0, "b", { fin: false }), frame(0, "c"), close(1000));
  await peer.end();
  assertEquals(await conn.closed, undefined);
  assertEquals(log.filter((event) => event.startsWith("fragment")), [
    "fragment:text:a",
  ]);
});
