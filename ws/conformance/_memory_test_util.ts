/**
 * Plays a conformance case against the machine over a pair in memory.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { attach } from "../../conn/loop.ts";
import { memoryPair, type MemoryTransport } from "../../conn/pair.ts";
import type { WsCommand, WsEvent } from "../machine/message.ts";
import {
  type Case,
  checkReplies,
  closesItself,
  expectedEvents,
  failureOf,
  machineOf,
  type Role,
} from "./_cases_test_util.ts";
import { inflateReplies } from "./_deflate_test_util.ts";
import {
  close,
  concat,
  encode,
  type Frame,
  parse,
  ping,
  text,
} from "./_frames_test_util.ts";

/** How the bytes of a case reach the machine. */
export interface Mode {
  readonly name: string;
  /** The most bytes of one read. */
  readonly chunk: number | (() => number);
  /** The handler pauses at each event. */
  readonly pausing?: boolean;
  /** What is sent first comes with the handshake, in one piece. */
  readonly early?: boolean;
  /** Good frames follow in the same bite what fails or closes the connection. */
  readonly trailing?: boolean;
}

/** Lets all that can happen without time passing happen. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The peer's end: collects what comes, writes what it is told. */
export class MemoryPeer {
  readonly transport: MemoryTransport;
  /** Whether the machine's end of the stream came. */
  ended = false;
  /** The writes under way are all done when this settles. */
  #writing: Promise<void> = Promise.resolve();
  #parts: Uint8Array[] = [];

  constructor(transport: MemoryTransport) {
    this.transport = transport;
    this.#collect();
  }

  /** Sends bytes; what the other end does not take any more is lost. */
  write(bytes: Uint8Array): void {
    this.#writing = this.#writing.then(async () => {
      for (let at = 0; at < bytes.length;) {
        at += await this.transport.write(bytes.subarray(at));
      }
    }).catch(() => {});
  }

  /** What came since the last call, and was not given back. */
  take(): Uint8Array {
    const all = concat(this.#parts);
    this.#parts = [];
    return all;
  }

  /** Puts back what is not a whole frame. */
  giveBack(rest: Uint8Array): void {
    if (rest.length > 0) this.#parts.unshift(rest);
  }

  async #collect(): Promise<void> {
    const buffer = new Uint8Array(256 * 1024);
    for (;;) {
      const count = await this.transport.read(buffer).catch(() => null);
      if (count === null) break;
      this.#parts.push(buffer.slice(0, count));
    }
    this.ended = true;
  }
}

/** A connection under test, its handler's log, and its peer. */
export class MemoryBench {
  readonly role: Role;
  readonly conn: Conn<WsEvent, WsCommand>;
  readonly peer: MemoryPeer;
  readonly clock = new TestClock();
  readonly log: string[] = [];
  /** All that the handler was told. */
  readonly events: WsEvent[] = [];
  readonly pongs: string[] = [];
  /** What got out of the machine or the handler, which nothing must. */
  readonly thrown: unknown[] = [];
  /** Why the connection closed, as the handler heard it. */
  error: ConnError | undefined;

  constructor(
    one: Case,
    role: Role,
    mode: Mode,
    early: Uint8Array = new Uint8Array(0),
  ) {
    this.role = role;
    const [here, there] = memoryPair({ bufferSize: 1024 * 1024 });
    here.chunk = mode.chunk;
    this.peer = new MemoryPeer(there);
    const pausing = mode.pausing ?? false;
    this.conn = attach<WsEvent, WsCommand>(
      here,
      machineOf(one, role),
      (event, conn) => {
        this.#note(event);
        if (event.type === "message") conn.send(event.data);
        return pausing ? Promise.resolve() : undefined;
      },
      {
        clock: this.clock,
        unread: early,
        onError: (error) => this.thrown.push(error),
      },
    );
  }

  #note(event: WsEvent): void {
    this.events.push(event);
    this.log.push(...brief(event));
    if (event.type === "pong") {
      this.pongs.push(new TextDecoder().decode(event.payload));
      assertEquals(event.latency, undefined);
    }
    if (event.type === "close") this.error = event.error;
  }

  /** The whole frames that came since the last call. */
  async replies(): Promise<Frame[]> {
    await settle();
    const bytes = this.peer.take();
    const { frames, end } = parse(bytes, this.role === "client");
    this.peer.giveBack(bytes.subarray(end));
    return frames;
  }
}

/** An event in short; what {@linkcode expectedEvents} says. */
export function brief(event: WsEvent): string[] {
  switch (event.type) {
    case "message": {
      const { data } = event;
      if (typeof data !== "string") return [`binary ${data.length}`];
      return [`text ${new TextEncoder().encode(data).length}`];
    }
    case "ping":
      return [`ping ${event.payload.length}`];
    case "closing":
      return [`closing ${event.code}`];
    // How full a queue becomes is not what the cases are about.
    case "pong":
    case "drain":
      return [];
    default:
      return [event.type];
  }
}

/** What must be ignored after a failure or a close frame. */
const TRAILING = [text("after"), ping("after")];

function bytesOfStage(
  one: Case,
  index: number,
  role: Role,
  mode: Mode,
): Uint8Array {
  const { sends, fails, replies } = one.stages[index]!;
  const ends = fails !== undefined || replies?.at(-1)?.opcode === 8;
  const whole = sends.every((item) => !("frame" in item));
  const more = mode.trailing && ends && whole ? TRAILING : [];
  return encode([...sends, ...more], role === "server");
}

/** Plays a case, and checks all that it expects. */
export async function play(one: Case, role: Role, mode: Mode): Promise<void> {
  const bytes = one.stages.map((_, i) => bytesOfStage(one, i, role, mode));
  const early = mode.early ? bytes[0]! : new Uint8Array(0);
  const bench = new MemoryBench(one, role, mode, early);
  const inflate = inflateReplies(one, role);
  for (const [i, stage] of one.stages.entries()) {
    if (i > 0 || !mode.early) bench.peer.write(bytes[i]!);
    const where = `${mode.name}, stage ${i + 1}`;
    checkReplies(stage, inflate(await bench.replies()), where);
  }
  await finish(bench, one, mode);
  assertEquals(bench.log, expectedEvents(one), mode.name);
  assertEquals(bench.pongs, one.pongs ?? [], mode.name);
  assertEquals(bench.thrown, [], mode.name);
}

/** Closes if the case did not, and checks who ends the stream first, and why. */
async function finish(
  bench: MemoryBench,
  one: Case,
  mode: Mode,
): Promise<void> {
  const { peer, conn, role } = bench;
  const failure = failureOf(one);
  if (failure === undefined && !closesItself(one)) {
    assertEquals(peer.ended, false, `${mode.name}: ended too early`);
    peer.write(encode([close(1000)], role === "server"));
    const stage = { sends: [], replies: [close(1000)] };
    checkReplies(stage, await bench.replies(), `${mode.name}, closing`);
  }
  // RFC 6455 §7.1.1: the server ends the stream first; §7.1.7 for failures.
  const first = role === "server" || failure !== undefined;
  assertEquals(peer.ended, first, `${mode.name}: who ends the stream first`);
  await peer.transport.closeWrite();
  await settle();
  assertEquals(peer.ended, true, mode.name);
  assertEquals(peer.take().length, 0, mode.name);
  peer.transport.close();
  assertEquals(conn.state, "closed", mode.name);
  assertEquals(bench.clock.pending, 0, `${mode.name}: timers are left`);
  if (failure === undefined) return assertEquals(bench.error, undefined);
  assert(bench.error instanceof ConnError, mode.name);
  assertEquals(bench.error.reply, failure, mode.name);
  assertEquals(bench.error.side, "remote", mode.name);
}
