// A tunnel in memory, and peers that know frames and no rules.

import { TestClock } from "../../conn/clock.ts";
import { attach } from "../../conn/loop.ts";
import {
  memoryPair,
  type MemoryPairOptions,
  type MemoryTransport,
} from "../../conn/pair.ts";
import { RawMachine } from "../../conn/raw.ts";
import {
  emptyHead,
  headSize,
  readHead,
  writeHead,
} from "../../ws/codec/frame.ts";
import { applyMask } from "../../ws/codec/mask.ts";
import type { WebSocketSettings } from "../config/settings.ts";
import { tunnelWebSocket, type WebSocketTunnel } from "./tunnel.ts";

/** Lets all that can happen without time passing happen. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const KEY = 0x04030281 | 0;

/** Joins arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A frame; `first` is its first byte, so that forbidden ones can be made, too. */
export function frame(
  first: number,
  data: string | Uint8Array,
  masked: boolean,
): Uint8Array {
  const payload = typeof data === "string" ? encoder.encode(data) : data;
  const size = headSize(payload.length, masked);
  const bytes = new Uint8Array(size + payload.length);
  writeHead(bytes, first, payload.length, masked);
  bytes.set(payload, size);
  if (!masked) return bytes;
  new DataView(bytes.buffer).setInt32(size - 4, KEY, true);
  applyMask(bytes, size, bytes.length, KEY);
  return bytes;
}

/** A close frame's payload. */
export function status(code: number, reason = ""): Uint8Array {
  return concat([Uint8Array.of(code >> 8, code), encoder.encode(reason)]);
}

const NAMES = ["more", "text", "binary"];
NAMES[8] = "close";
NAMES[9] = "ping";
NAMES[10] = "pong";

/** Frames in short, `text:abc`, `close:1000`, `+` if not final; `cut` at last. */
export function shortFrames(bytes: Uint8Array, masked: boolean): string[] {
  const found: string[] = [];
  const head = emptyHead();
  for (let at = 0; at < bytes.length;) {
    const end = readHead(bytes, at, head) ? at + head.size + head.length : NaN;
    if (!(end <= bytes.length)) return [...found, "cut"];
    if (head.masked !== masked) throw new Error("The mask is wrong");
    const payload = bytes.slice(at + head.size, end);
    if (masked) applyMask(payload, 0, payload.length, head.key);
    const name = `${NAMES[head.opcode]}${head.final ? "" : "+"}`;
    const said = head.opcode === 8
      ? payload.length === 0 ? "" : payload[0]! << 8 | payload[1]!
      : payload.length > 40
      ? payload.length
      : decoder.decode(payload);
    found.push(`${name}:${said}`);
    at = end;
  }
  return found;
}

/** One of the two who talk through the tunnel. */
export class Peer {
  readonly transport: MemoryTransport;
  /** How what came ended: in order, or by a reset. */
  ended: "no" | "eof" | "reset" = "no";
  readonly #client: boolean;
  #parts: Uint8Array[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(transport: MemoryTransport, client: boolean) {
    this.transport = transport;
    // Only what the tunnel reads comes in pieces.
    transport.chunk = Infinity;
    this.#client = client;
    this.#collect();
  }

  /** All bytes that came since the last call. */
  async bytes(): Promise<Uint8Array> {
    await settle();
    return concat(this.#parts.splice(0));
  }

  /** The frames that came since the last call, in short. */
  async frames(): Promise<string[]> {
    return shortFrames(await this.bytes(), !this.#client);
  }

  /** Sends frames: first byte and payload. */
  async send(...frames: [first: number, data: string | Uint8Array][]) {
    for (const [first, data] of frames) {
      this.write(frame(first, data, this.#client));
    }
    await settle();
  }

  /** Sends a close frame. */
  close(code: number): Promise<void> {
    return this.send([0x88, status(code)]);
  }

  /** Sends bytes; what is not taken any more is lost. */
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
    try {
      for (;;) {
        const count = await this.transport.read(buffer);
        if (count === null) break;
        this.#parts.push(buffer.slice(0, count));
      }
      this.ended = "eof";
    } catch {
      this.ended = "reset";
    }
  }
}

/** Settings that look at nothing. */
export const PASS: WebSocketSettings = {
  inspect: false,
  maxFrame: Infinity,
  maxMessage: Infinity,
  messageRate: Infinity,
  failureCodes: [1011, 1012, 1013, 1014],
};

/** Settings that look into frames. */
export const INSPECT: WebSocketSettings = { ...PASS, inspect: true };

/** A tunnel, who talks through it, and their clock. */
export interface TunnelBench {
  client: Peer;
  backend: Peer;
  clock: TestClock;
  tunnel: WebSocketTunnel;
  /** The codes that `onFailure` got. */
  failures: number[];
}

/** A tunnel in memory. */
export function tunnelBench(
  settings: WebSocketSettings = PASS,
  pair: MemoryPairOptions = {},
): TunnelBench {
  const [client, left] = memoryPair(pair);
  const [right, backend] = memoryPair(pair);
  const clock = new TestClock();
  const failures: number[] = [];
  const attached = (end: MemoryTransport) =>
    attach(end, new RawMachine(), () => {}, { clock });
  const tunnel = tunnelWebSocket(attached(left), attached(right), {
    settings,
    onFailure: (code) => failures.push(code),
  });
  return {
    client: new Peer(client, true),
    backend: new Peer(backend, false),
    clock,
    tunnel,
    failures,
  };
}
