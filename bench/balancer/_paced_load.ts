// Load at a fixed rate: a request is due at its time whether the others have been
// answered or not, and waits for a connection if none is free. Its latency counts
// from when it was due.
//
// run PORT PATH CONNECTIONS RATE MILLISECONDS -> REQUESTS MILLISECONDS P50 P99

import { obey } from "../_program.mjs";
import {
  close,
  connect,
  Poll,
  receive,
  receiveSome,
  sendAll,
  sendSome,
} from "../ws/_libc.ts";

/** The timer of `epoll_wait` is too coarse for a rate of thousands a second. */
const { usleep } = Deno.dlopen("libc.so.6", {
  usleep: { parameters: ["u32"], result: "i32" },
}).symbols;
/** How long to sleep where nothing is to do, in microseconds. */
const NAP = 50;

const buffer = new Uint8Array(64 * 1024);
/** How long what is still under way at the end may take, in milliseconds. */
const GRACE = 2_000;

/** Asks once, to learn how long an answer is: they are all alike. */
function answerLength(fd: number, request: Uint8Array): number {
  sendAll(fd, request);
  let text = "";
  for (;;) {
    const count = receive(fd, buffer);
    if (count === 0) throw new Error(`No answer, but "${text}"`);
    text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    const length = /^content-length: *(\d+)/im.exec(text)?.[1];
    const end = text.indexOf("\r\n\r\n") + 4;
    if (end < 4) continue;
    if (!text.startsWith("HTTP/1.1 200 ") || length === undefined) {
      throw new Error(`Not an answer of known length: "${text}"`);
    }
    if (text.length === end + Number(length)) return text.length;
  }
}

/** Connections that ask at their times. */
class Pace implements Disposable {
  readonly #fds: number[];
  readonly #poll = new Poll();
  readonly #free: number[] = [];
  readonly #request: Uint8Array;
  readonly #length: number;
  /** For each connection, when its request was due, and what is to come. */
  readonly #due: Float64Array;
  readonly #left: Int32Array;
  readonly #times: number[] = [];

  constructor(port: number, path: string, connections: number) {
    this.#request = new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    );
    this.#fds = Array.from({ length: connections }, () => connect(port));
    const lengths = this.#fds.map((fd) => answerLength(fd, this.#request));
    // A field such as a date or an id may be new, but not longer or shorter.
    this.#length = lengths[0]!;
    if (lengths.some((length) => length !== this.#length)) {
      throw new Error(`Answers differ in length: "${lengths}"`);
    }
    this.#fds.forEach((fd, i) => {
      this.#poll.add(fd, i);
      this.#free.push(i);
    });
    this.#due = new Float64Array(connections);
    this.#left = new Int32Array(connections);
  }

  run(rate: number, milliseconds: number): string {
    const begin = performance.now();
    const step = 1000 / rate;
    const total = Math.floor(milliseconds / step);
    let asked = 0;
    let now = begin;
    while (this.#times.length < total && now < begin + milliseconds + GRACE) {
      now = performance.now();
      while (asked < total && this.#free.length > 0) {
        const due = begin + asked * step;
        if (due > now) break;
        this.#ask(this.#free.pop()!, due);
        asked++;
      }
      const count = this.#poll.wait(0);
      for (let at = 0; at < count; at++) this.#read(this.#poll.tag(at));
      if (count === 0) usleep(NAP);
    }
    const times = this.#times.sort((a, b) => a - b);
    const answered = times.length;
    // What has no answer yet must not make the others look good.
    while (times.length < total) times.push(Infinity);
    const quantile = (q: number) => times[Math.floor(q * times.length)] ?? NaN;
    const took = performance.now() - begin;
    return [answered, took, quantile(0.5), quantile(0.99)].join(" ");
  }

  #ask(i: number, due: number): void {
    this.#due[i] = due;
    this.#left[i] = this.#length;
    if (sendSome(this.#fds[i]!, this.#request) !== this.#request.length) {
      throw new Error("Cannot send a request at once");
    }
  }

  #read(i: number): void {
    while (this.#left[i]! > 0) {
      const count = receiveSome(this.#fds[i]!, buffer);
      if (count < 0) return;
      if (count === 0) throw new Error("The server closed the connection");
      this.#left[i]! -= count;
      if (this.#left[i]! < 0) throw new Error("An answer is too long");
      if (this.#left[i] === 0) {
        this.#times.push(performance.now() - this.#due[i]!);
        this.#free.push(i);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#poll[Symbol.dispose]();
    this.#fds.forEach(close);
  }
}

await obey("ready", {
  run: (port, path, ...numbers) => {
    const [connections = 1, rate = 1, milliseconds = 0] = numbers.map(Number);
    using pace = new Pace(Number(port), path!, connections);
    return pace.run(rate, milliseconds);
  },
});
