import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TestClock } from "../../conn/clock.ts";
import { attach } from "../../conn/loop.ts";
import { memoryPair } from "../../conn/pair.ts";
import { inflateReplies } from "../conformance/_deflate_test_util.ts";
import {
  close,
  concat,
  encode,
  type Frame,
  frame,
} from "../conformance/_frames_test_util.ts";
import { MemoryBench, settle } from "../conformance/_memory_test_util.ts";
import {
  agreements,
  bytesOfAll,
  type Drawn,
  messages,
  modeOf,
  modes,
  roles,
} from "./_arbitrary_test_util.ts";
import {
  checkOver,
  exactly,
  messagesIn,
  shown,
} from "./_property_test_util.ts";
import { WsMachine } from "./machine.ts";
import type { WsCommand, WsEvent } from "./message.ts";

function payloadsIn(frames: readonly Frame[], opcode: number): string[] {
  return frames.filter((each) => each.opcode === opcode)
    .map(({ payload }) => payload.toHex());
}

/** A pong may stand for pings before it, RFC 6455 §5.5.3, but not for none. */
function assertPongs(pongs: string[], pings: string[]): void {
  let at = 0;
  for (const pong of pongs) {
    at = pings.indexOf(pong, at) + 1;
    assert(at > 0, `pong ${pong} for ${pings}`);
  }
  assertEquals(pongs.at(-1), pings.at(-1));
}

Deno.test("WsMachine delivers and echoes any messages, however they are cut", async () => {
  const drawn = fc.record({
    role: roles,
    deflate: agreements,
    all: messages,
    mode: modes,
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ role, deflate, all, mode }) => {
      const one = { id: "", fact: "", stages: [], ...(deflate && { deflate }) };
      const bench = new MemoryBench(one, role, modeOf(mode));
      bench.peer.write(concat(await bytesOfAll(all, deflate, role)));
      const replies = inflateReplies(one, role)(await bench.replies());
      const sent = all.map(({ data }) => shown(data));
      assertEquals(messagesIn(bench.events), sent);
      const back = replies.filter(({ opcode }) => opcode <= 2);
      const expected = all.map(({ data }) =>
        frame(typeof data === "string" ? 1 : 2, data)
      );
      assertEquals(back.map(exactly), expected.map(exactly));
      const pings = bench.events.filter(({ type }) => type === "ping");
      assertEquals(
        pings.length,
        all.flatMap((each) => each.controls).filter(({ opcode }) =>
          opcode === 9
        ).length,
      );
      assertPongs(
        payloadsIn(replies, 10),
        pings.map((each) => each.type === "ping" ? each.payload.toHex() : ""),
      );
      await end(bench);
      assertEquals(bench.error, undefined);
    }),
    { numRuns: 300, seed: 6455 },
  );
});

/** Closes from the peer's side, and checks that all is over. */
async function end(bench: MemoryBench): Promise<void> {
  bench.peer.write(encode([close(1000)], bench.role === "server"));
  await settle();
  await bench.peer.transport.closeWrite();
  await settle();
  checkOver(bench);
}

/** Commands that send a message, whole or in the pieces as it is cut. */
function commandsOf({ data, cuts, controls, compressed }: Drawn): WsCommand[] {
  const pings = controls.map(({ payload }): WsCommand => ({
    type: "ping",
    payload,
  }));
  if (compressed) {
    return [...pings, typeof data === "string" ? data : data.slice()];
  }
  const kind = typeof data === "string" ? "text" : "binary";
  const units = typeof data === "string" ? [...data] : data;
  const ends = cuts.map((cut) => Math.floor(cut * units.length));
  ends.sort((a, b) => a - b).push(units.length);
  const pieces = ends.map((end, i): WsCommand => {
    const piece = units.slice(ends[i - 1] ?? 0, end);
    return {
      type: "fragment",
      kind,
      data: piece instanceof Uint8Array ? piece : piece.join(""),
      final: i === ends.length - 1,
    };
  });
  return [pieces[0]!, ...pings, ...pieces.slice(1)];
}

Deno.test("WsMachine understands what WsMachine sends", async () => {
  const drawn = fc.record({
    role: roles,
    deflate: agreements,
    all: messages,
    mode: modes,
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ role, deflate, all, mode }) => {
      const [here, there] = memoryPair({ bufferSize: 1024 * 1024 });
      there.chunk = modeOf(mode).chunk;
      const clock = new TestClock();
      const events: WsEvent[] = [];
      const other = role === "server" ? "client" : "server";
      const receiver = attach<WsEvent, WsCommand>(
        there,
        new WsMachine(other, {}, deflate),
        (event) => {
          events.push(event);
          return mode.pausing ? Promise.resolve() : undefined;
        },
        { clock },
      );
      const sender = attach<WsEvent, WsCommand>(
        here,
        new WsMachine(role, {}, deflate),
        () => {},
        { clock },
      );
      for (const command of all.flatMap(commandsOf)) sender.send(command);
      sender.close();
      await settle();
      assertEquals(
        messagesIn(events),
        all.map(({ data }) => shown(data)),
      );
      assertEquals([sender.state, receiver.state], ["closed", "closed"]);
      const last = events.at(-1);
      assert(last?.type === "close" && last.wasClean, JSON.stringify(last));
      assertEquals(last.code, 1000);
    }),
    { numRuns: 300, seed: 7692 },
  );
});
