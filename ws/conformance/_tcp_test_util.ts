/**
 * Plays a conformance case against the machine over TCP.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Handler } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { dial } from "../../conn/dial.ts";
import { listen } from "../../conn/listen.ts";
import type { WsCommand, WsEvent } from "../machine/message.ts";
import {
  type Case,
  checkReplies,
  closesItself,
  expectedEvents,
  failureOf,
  machineOf,
  nameOf,
  type Role,
} from "./_cases_test_util.ts";
import { inflateReplies } from "./_deflate_test_util.ts";
import { close, encode, type Frame, parse } from "./_frames_test_util.ts";
import { brief } from "./_memory_test_util.ts";

/** A case that hangs is cut off after so many milliseconds. */
const PATIENCE = 10_000;
const HOST = { hostname: "127.0.0.1", port: 0 };

/** The peer's end of a TCP connection. */
class TcpPeer {
  readonly #conn: Deno.TcpConn;
  readonly #masked: boolean;
  #buffer = new Uint8Array(64 * 1024);
  #size = 0;
  /** Whether the machine's end of the stream came. */
  ended = false;

  constructor(conn: Deno.TcpConn, masked: boolean) {
    this.#conn = conn;
    this.#masked = masked;
  }

  /** Sends bytes; what the machine's end does not take any more is lost. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        at += await this.#conn.write(bytes.subarray(at));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  }

  /** Reads so many frames, or those up to the end of the stream. */
  async frames(count: number): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (;;) {
      const bytes = this.#buffer.subarray(0, this.#size);
      const { frames: more, end } = parse(bytes, this.#masked);
      frames.push(...more);
      this.#buffer.copyWithin(0, end, this.#size);
      this.#size -= end;
      if (frames.length >= count || this.ended) return frames;
      await this.#read();
    }
  }

  /** Ends this side of the stream. */
  end(): Promise<void> {
    return this.#conn.closeWrite();
  }

  async #read(): Promise<void> {
    if (this.#size === this.#buffer.length) {
      const grown = new Uint8Array(this.#size * 2);
      grown.set(this.#buffer);
      this.#buffer = grown;
    }
    const room = this.#buffer.subarray(this.#size);
    const count = await this.#conn.read(room).catch((error) => {
      // It was cut off: what came by then shows what is missing.
      if (error instanceof Deno.errors.Interrupted) return null;
      throw error;
    });
    if (count === null) this.ended = true;
    else this.#size += count;
  }
}

/** What the machine's handler saw. */
class Ear {
  readonly log: string[] = [];
  readonly closed = Promise.withResolvers<ConnError | undefined>();
  readonly handler: Handler<WsEvent, WsCommand> = (event, conn) => {
    this.log.push(...brief(event));
    if (event.type === "message") conn.send(event.data);
    if (event.type === "close") this.closed.resolve(event.error);
  };
}

/** Plays a case. */
export async function playOverTcp(one: Case, role: Role): Promise<void> {
  const ear = new Ear();
  const { conn, stop } = role === "server"
    ? await machineListens(one, ear)
    : await machineDials(one, ear);
  const cutOff = setTimeout(() => conn.close(), PATIENCE);
  try {
    await converse(one, role, new TcpPeer(conn, role === "client"), ear);
  } finally {
    clearTimeout(cutOff);
    try {
      conn.close();
    } catch {
      // It took too long, and was cut off.
    }
    await stop();
  }
}

async function machineListens(one: Case, ear: Ear) {
  const machine = () => machineOf(one, "server");
  const server = listen({ ...HOST, machine }, ear.handler);
  const { port } = server.addr as Deno.NetAddr;
  const conn = await Deno.connect({ ...HOST, port });
  return { conn, stop: () => server.shutdown() };
}

async function machineDials(one: Case, ear: Ear) {
  const listener = Deno.listen(HOST);
  const { port } = listener.addr as Deno.NetAddr;
  const machine = () => machineOf(one, "client");
  const [conn, dialed] = await Promise.all([
    listener.accept(),
    dial({ ...HOST, port, machine }, ear.handler),
  ]);
  listener.close();
  return { conn, stop: () => dialed.closed };
}

async function converse(
  one: Case,
  role: Role,
  peer: TcpPeer,
  ear: Ear,
): Promise<void> {
  const inflate = inflateReplies(one, role);
  const name = nameOf(one, role);
  for (const [i, stage] of one.stages.entries()) {
    const { sends, replies = [], fails } = stage;
    const count = replies.length + (fails === undefined ? 0 : 1);
    // A long message comes back while it is still being sent.
    const [frames] = await Promise.all([
      peer.frames(count),
      peer.write(encode(sends, role === "server")),
    ]);
    checkReplies(stage, inflate(frames), `${name}, stage ${i + 1}`);
  }
  const failure = failureOf(one);
  if (failure === undefined && !closesItself(one)) {
    await peer.write(encode([close(1000)], role === "server"));
    const stage = { sends: [], replies: [close(1000)] };
    checkReplies(stage, await peer.frames(1), name);
  }
  if (role === "client" && failure === undefined) await peer.end();
  assertEquals(await peer.frames(Infinity), [], `${name}: more came`);
  if (!(role === "client" && failure === undefined)) await peer.end();
  const error = await ear.closed.promise;
  assertEquals(ear.log, expectedEvents(one), name);
  if (failure === undefined) return assertEquals(error, undefined, name);
  assert(error instanceof ConnError, name);
  assertEquals(error.reply, failure, name);
}
