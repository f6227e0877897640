// A client of one served connection, for the tests of this folder.

import { TestClock } from "../../conn/clock.ts";
import type { ConnError } from "../../conn/error.ts";
import { attach } from "../../conn/loop.ts";
import { memoryPair, type MemoryTransport } from "../../conn/pair.ts";
import { HttpMachine } from "../machine/machine.ts";
import { ServedConn } from "./_served_conn.ts";
import type { ServeHandler } from "./serve.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a client of a served connection does. */
export interface Client {
  peer: MemoryTransport;
  clock: TestClock;
  closed: Promise<ConnError | undefined>;
  send(text: string): Promise<void>;
  /** Reads until the text so far ends with `end`, or to the end of stream. */
  read(end?: string): Promise<string>;
}

/** A client of one served connection, in memory. */
export function client(
  handler: ServeHandler,
  onError: (error: unknown) => Response | Promise<Response> = () =>
    new Response("failed", { status: 500 }),
  bufferSize = 64 * 1024,
): Client {
  const [here, peer] = memoryPair({ bufferSize });
  const clock = new TestClock();
  let served: ServedConn;
  const conn = attach(
    here,
    new HttpMachine("server", { date: () => "today" }),
    (event, conn) => {
      served ??= new ServedConn(conn, {
        handler,
        onError,
        clock,
        conns: new WeakMap(),
      });
      return served.handle(event);
    },
    { clock },
  );
  const buffer = new Uint8Array(64 * 1024);
  return {
    peer,
    clock,
    closed: conn.closed,
    async send(text) {
      const bytes = encoder.encode(text);
      let at = 0;
      while (at < bytes.length) at += await peer.write(bytes.subarray(at));
    },
    async read(end) {
      let all = "";
      while (end === undefined || !all.endsWith(end)) {
        const count = await peer.read(buffer);
        if (count === null) break;
        all += decoder.decode(buffer.subarray(0, count));
      }
      return all;
    },
  };
}
