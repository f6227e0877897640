// What the tests of connections and machines need: one end that is tested, over
// a memory pair, and a peer that reads and writes frames by itself.

import { TestClock } from "../conn/clock.ts";
import type { Conn } from "../conn/conn.ts";
import { attach, type AttachOptions } from "../conn/loop.ts";
import {
  memoryPair,
  type MemoryPairOptions,
  type MemoryTransport,
} from "../conn/pair.ts";
import { Fields } from "../http/codec/fields.ts";
import {
  concat,
  encode,
  type Frame,
  type Item,
  parse,
} from "./conformance/_frames_test_util.ts";
import type { DeflateAgreement } from "./deflate/params.ts";
import type { WsOptions } from "./machine/limits.ts";
import { WsMachine, type WsRole } from "./machine/machine.ts";
import type { WsCommand, WsEvent } from "./machine/message.ts";
import { type WsConn, wsConn, type WsHandler } from "./ws_conn.ts";

/** Lets all that can happen without time passing happen. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What became of a promise so far. */
export async function stateOf(
  promise: Promise<unknown>,
): Promise<"pending" | "fulfilled" | "rejected"> {
  let state: "pending" | "fulfilled" | "rejected" = "pending";
  promise.then(() => state = "fulfilled", () => state = "rejected");
  await settle();
  return state;
}

/** The other end: knows frames, and no rules. */
export class FramePeer {
  readonly transport: MemoryTransport;
  /** Whether the end of the stream came. */
  ended = false;
  readonly #client: boolean;
  #parts: Uint8Array[] = [];
  #writing: Promise<void> = Promise.resolve();

  /** @param client Whether it is the client, who masks. */
  constructor(transport: MemoryTransport, client: boolean) {
    this.transport = transport;
    this.#client = client;
    this.#collect();
  }

  /** The whole frames that came since the last call. */
  async frames(): Promise<Frame[]> {
    await settle();
    const bytes = concat(this.#parts);
    const { frames, end } = parse(bytes, !this.#client);
    this.#parts = end < bytes.length ? [bytes.slice(end)] : [];
    return frames;
  }

  /** The same, in short. */
  async replies(): Promise<string[]> {
    return (await this.frames()).map(short);
  }

  /** Sends frames. What the other end does not take any more is lost. */
  async send(...items: Item[]): Promise<void> {
    this.write(encode(items, this.#client));
    await settle();
  }

  /** Sends bytes. */
  write(bytes: Uint8Array): void {
    this.#writing = this.#writing.then(async () => {
      for (let at = 0; at < bytes.length;) {
        at += await this.transport.write(bytes.subarray(at));
      }
    }).catch(() => {});
  }

  /** Ends its side of the stream. */
  async end(): Promise<void> {
    await this.#writing;
    await this.transport.closeWrite();
    await settle();
  }

  async #collect(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const count = await this.transport.read(buffer).catch(() => null);
      if (count === null) break;
      this.#parts.push(buffer.slice(0, count));
    }
    this.ended = true;
  }
}

const NAMES = new Map([
  [0, "more"],
  [1, "text"],
  [2, "binary"],
  [8, "close"],
  [9, "ping"],
  [10, "pong"],
]);
const decoder = new TextDecoder();

/** A frame in short: `text:abc`, `binary:3`, `close:1000:bye`, `+` if not final. */
export function short({ opcode, fin, rsv, payload }: Frame): string {
  const name = `${NAMES.get(opcode)}${fin ? "" : "+"}${rsv ? `/${rsv}` : ""}`;
  if (opcode === 2) return `${name}:${payload.length}`;
  if (opcode !== 8) return `${name}:${shown(decoder.decode(payload))}`;
  if (payload.length === 0) return name;
  const code = payload[0]! << 8 | payload[1]!;
  return [name, code, shown(decoder.decode(payload.subarray(2)))].join(":")
    .replace(/:$/, "");
}

/** An event in short: `message:abc`, `closing:1000`, `close:1006:close_timeout`. */
export function brief(event: WsEvent): string {
  switch (event.type) {
    case "message":
      return `message:${shown(event.data)}`;
    case "fragment":
      return `fragment:${event.kind}:${shown(event.data)}${
        event.final ? ":final" : ""
      }`;
    case "ping":
      return `ping:${decoder.decode(event.payload)}`;
    case "pong":
      return `pong:${event.latency ?? ""}`;
    case "closing":
      return `closing:${event.code}${event.reason && `:${event.reason}`}`;
    case "close": {
      const { code, reason, wasClean, error } = event;
      return [
        "close",
        code,
        ...(reason ? [reason] : []),
        ...(wasClean ? ["clean"] : []),
        ...(error ? [error.code] : []),
      ].join(":");
    }
    default:
      return event.type;
  }
}

function shown(data: string | Uint8Array): string | number {
  if (typeof data === "string") return data.length > 40 ? data.length : data;
  return `[${data.length > 10 ? data.length : data}]`;
}

/** How a bench is made. */
export interface BenchOptions<C> extends WsOptions {
  /** Which end is tested; the server by default. */
  role?: WsRole;
  deflate?: DeflateAgreement;
  pair?: MemoryPairOptions;
  attach?: AttachOptions;
  handler?: (event: WsEvent, conn: C) => void | Promise<void>;
}

/** What is tested, and what is around it. */
export interface Bench<C> {
  conn: C;
  machine: WsMachine;
  peer: FramePeer;
  here: MemoryTransport;
  clock: TestClock;
  /** The events so far, in short. */
  log: string[];
  /** What went to `onError`. */
  reported: unknown[];
}

/** A machine's connection. */
export function machineBench(
  options: BenchOptions<Conn<WsEvent, WsCommand>> = {},
): Bench<Conn<WsEvent, WsCommand>> {
  const { handler, ...base } = prepare(options);
  const log: string[] = [];
  const conn = attach<WsEvent, WsCommand>(
    base.here,
    base.machine,
    (event, conn) => {
      log.push(brief(event));
      return handler?.(event, conn);
    },
    base.attach,
  );
  return { ...base, conn, log };
}

/** What the opening handshake would have said. */
export const handshake = {
  head: {
    method: "GET",
    target: "/",
    version: "1.1",
    fields: new Fields(),
  },
  subprotocol: "",
  deflate: undefined,
} as unknown as Parameters<typeof wsConn>[1];

/** A {@linkcode WsConn} whose handler's events are logged. */
export function connBench(options: BenchOptions<WsConn> = {}): Bench<WsConn> {
  const { handler, ...base } = prepare(options);
  const log: string[] = [];
  const conn = open(base, (event, conn) => {
    log.push(brief(event));
    return handler?.(event, conn);
  });
  return { ...base, conn, log };
}

/** A {@linkcode WsConn} without a handler. */
export function iteratedBench(
  options: BenchOptions<WsConn> = {},
): Bench<WsConn> {
  const base = prepare(options);
  return { ...base, conn: open(base, undefined), log: [] };
}

function open(
  base: { machine: WsMachine; here: MemoryTransport; attach: AttachOptions },
  handler: WsHandler | undefined,
): WsConn {
  const made = wsConn(base.machine, handshake, handler);
  attach<WsEvent, WsCommand>(
    base.here,
    base.machine,
    made.handler,
    base.attach,
  );
  return made.ws;
}

function prepare<C>(options: BenchOptions<C>) {
  const { role = "server", deflate, pair, handler, attach, ...limits } =
    options;
  const [here, there] = memoryPair(pair);
  const clock = new TestClock();
  const reported: unknown[] = [];
  const onError = (error: unknown) => void reported.push(error);
  return {
    handler,
    machine: new WsMachine(role, limits, deflate),
    here,
    peer: new FramePeer(there, role === "server"),
    clock,
    reported,
    attach: { clock, onError, ...attach },
  };
}
