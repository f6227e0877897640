// A machine that does with its sink what the test says.

import { text } from "./_test_util.ts";
import { TestClock } from "./clock.ts";
import type { Conn } from "./conn.ts";
import { ConnError } from "./error.ts";
import { attach, type AttachOptions } from "./loop.ts";
import type { Machine, Sink } from "./machine.ts";
import { memoryPair, type MemoryPairOptions } from "./pair.ts";

/** What it tells. */
export type ProbeEvent = { type: string; text?: string; error?: ConnError };
/** What the program tells the machine to do with its sink. */
export type Probe = (sink: Sink<ProbeEvent>) => void;

/** Tells its input as events, and does what it is told. */
export class ProbeMachine implements Machine<ProbeEvent, Probe> {
  readonly protocol = "probe";
  readonly highMark?: number;
  readonly closeTimeout?: number;
  released = 0;
  /** What `receive` saw of `paused`. */
  paused: boolean[] = [];

  constructor(marks: { highMark?: number; closeTimeout?: number } = {}) {
    Object.assign(this, marks);
  }

  receive(input: Uint8Array, sink: Sink<ProbeEvent>): number {
    this.paused.push(sink.paused);
    sink.emit({ type: "bytes", text: text(input) });
    return input.length;
  }
  receiveEnd(_: Uint8Array, sink: Sink<ProbeEvent>): void {
    sink.close();
  }
  send(command: Probe, sink: Sink<ProbeEvent>): void {
    command(sink);
  }
  fail(_: ConnError, sink: Sink<ProbeEvent>): void {
    sink.write("FAIL");
  }
  drain(sink: Sink<ProbeEvent>): void {
    sink.close();
  }
  closeEvent(error: ConnError | undefined): ProbeEvent {
    const event = { type: "close", text: "made here" };
    return error === undefined ? event : { ...event, error };
  }
  release(): void {
    this.released++;
  }
}

/** How a {@linkcode probe} is made. */
export interface ProbeOptions extends AttachOptions {
  pair?: MemoryPairOptions;
  machine?: ProbeMachine;
  handler?: (
    event: ProbeEvent,
    conn: Conn<ProbeEvent, Probe>,
  ) => void | Promise<void>;
}

/** A connection with such a machine, whose events are logged. */
export function probe(options: ProbeOptions = {}) {
  const { pair, machine = new ProbeMachine(), handler, ...rest } = options;
  const [here, peer] = memoryPair(pair);
  const clock = new TestClock();
  const log: ProbeEvent[] = [];
  const conn = attach<ProbeEvent, Probe>(
    here,
    machine,
    (event, conn) => {
      log.push(event);
      return handler?.(event, conn);
    },
    { clock, ...rest },
  );
  const types = () => log.map(({ type, text }) => text ?? type);
  return { conn, machine, peer, here, clock, log, types };
}

/** An error to close with. */
export const failure = new ConnError("Test", { code: "test", side: "local" });
