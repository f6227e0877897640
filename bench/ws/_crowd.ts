/**
 * Clients in great number that cost little: they send what was prepared, and look
 * at nothing but the lengths of what comes back.
 *
 * @module
 */

import {
  AnswerReader,
  CLOSE_FRAME,
  isCompressed,
  type Kind,
  prepare,
  type Prepared,
  readAnswer,
} from "./_frames.ts";
import {
  close,
  dropSome,
  Poll,
  receive,
  receiveSome,
  sendAll,
  sendSome,
} from "./_libc.ts";
import { openWebSocket } from "./_websockets.ts";

/** What clients send, and when. */
export interface Task {
  /** What the messages are. */
  kind: Kind;
  /** How long they are, in bytes. */
  size: number;
  /** After how many messages from the server a client sends its next one. */
  answers: number;
  /** How long to go on, in milliseconds. */
  milliseconds: number;
}

/** How long the system may say nothing before the time is looked at. */
const WAIT = 10;
/** How long all closing handshakes together may take, in milliseconds. */
const CLOSE_TIMEOUT = 10_000;
/** From how many bytes on it pays to drop them in a call of its own. */
const DROP_FROM = 4096;

/** Where input goes; most of it is never looked at. */
const buffer = new Uint8Array(256 * 1024);

/** Clients of one server. */
export class Crowd implements Disposable {
  readonly #fds: number[] = [];
  readonly #poll = new Poll();
  readonly #readers: AnswerReader[] = [];
  /** For each client, how many messages have to come before it sends again. */
  readonly #waiting: Int32Array;
  /** For each client, how much of a frame went out; -1 if nothing waits. */
  readonly #sent: Int32Array;
  /** For each client, which message is next. */
  readonly #next: Int32Array;
  #messages: Prepared[] = [];
  #answers = 1;
  #count = 0;
  /** What the server agreed to. */
  readonly extensions: string = "";

  /**
   * Opens connections, one after the other.
   *
   * @param port The server's port.
   * @param size How many.
   * @param offer The extensions to offer.
   */
  constructor(port: number, size: number, offer = "") {
    for (let i = 0; i < size; i++) {
      const fields = offer === ""
        ? ""
        : `Sec-WebSocket-Extensions: ${offer}\r\n`;
      const { fd, head } = openWebSocket(port, "/", { fields });
      this.extensions =
        /^sec-websocket-extensions: *(.*)\r$/im.exec(head)?.[1] ?? "";
      this.#fds.push(fd);
      this.#poll.add(fd, i);
      this.#readers.push(new AnswerReader());
    }
    this.#waiting = new Int32Array(size);
    this.#sent = new Int32Array(size).fill(-1);
    this.#next = new Int32Array(size);
  }

  /**
   * Sends and receives until the time is over. Blocks the thread: nothing that
   * this program could do meanwhile would not disturb the measurement.
   *
   * @param task What to send, and how long.
   * @returns How many messages came, and in how many milliseconds.
   */
  run(task: Task): [messages: number, milliseconds: number] {
    this.#messages = this.#prepare(task.kind, task.size);
    this.#answers = task.answers;
    this.#count = 0;
    const begin = performance.now();
    const end = begin + task.milliseconds;
    this.#fds.forEach((_, i) => this.#send(i));
    let now = begin;
    while (now < end) {
      const count = this.#poll.wait(WAIT);
      for (let i = 0; i < count; i++) {
        if (this.#poll.broke(i)) throw new Error("A connection broke");
        this.#serve(this.#poll.tag(i));
      }
      now = performance.now();
    }
    return [this.#count, now - begin];
  }

  /**
   * Sends one message on each connection, and waits for each answer.
   *
   * @param kind What to send.
   * @param size How long, in bytes.
   * @throws {Error} If an answer is not what was sent, or is not compressed where
   * that was.
   */
  check(kind: Kind, size: number): void {
    const [message] = this.#prepare(kind, size) as [Prepared];
    const into = new Uint8Array(size + 16);
    for (const [i, fd] of this.#fds.entries()) {
      sendAll(fd, message.frame);
      let end = 0;
      for (let came = 0; came === 0;) {
        const count = receive(fd, into.subarray(end));
        came = this.#readers[i]!.take(into.subarray(end), count);
        if (count === 0) throw new Error("The server closed the connection");
        end += count;
      }
      const answer = readAnswer(into.subarray(0, end));
      if (isCompressed(into) !== isCompressed(message.frame)) {
        throw new Error("An answer is not compressed as the message was");
      }
      const same = answer.length === message.payload.length &&
        answer.every((byte, at) => byte === message.payload[at]);
      if (!same) throw new Error("An answer is not what was sent");
    }
  }

  #prepare(kind: Kind, size: number): Prepared[] {
    const bits = /client_max_window_bits="?(\d+)/.exec(this.extensions)?.[1];
    return prepare(kind, size, Number(bits ?? 15));
  }

  /** How many connections the server has not ended. */
  get alive(): number {
    // What is lost here are pings: nothing else comes when nothing is asked.
    return this.#fds.filter((fd) => receiveSome(fd, buffer) !== 0).length;
  }

  /** Says goodbye on all connections, and waits until the server is done. */
  [Symbol.dispose](): void {
    const fds = this.#fds;
    const open = new Set(fds.keys());
    fds.forEach((fd, i) => {
      // A frame that is half sent has nothing after it.
      if (this.#sent[i]! < 0) sendSome(fd, CLOSE_FRAME);
    });
    const done = (i: number) => {
      close(fds[i]!);
      open.delete(i);
    };
    const end = performance.now() + CLOSE_TIMEOUT;
    for (const i of open) {
      if (this.#sent[i]! >= 0 || this.#ended(i)) done(i);
    }
    while (open.size > 0 && performance.now() < end) {
      const count = this.#poll.wait(WAIT);
      for (let at = 0; at < count; at++) {
        const i = this.#poll.tag(at);
        if (open.has(i) && this.#ended(i)) done(i);
      }
    }
    open.forEach(done);
    this.#poll[Symbol.dispose]();
  }

  /** Reads all that is there; whether that was the end. */
  #ended(client: number): boolean {
    for (;;) {
      const count = receiveSome(this.#fds[client]!, buffer);
      if (count <= 0) return count === 0;
    }
  }

  #serve(client: number): void {
    if (this.#sent[client]! >= 0) this.#push(client);
    const fd = this.#fds[client]!;
    const reader = this.#readers[client]!;
    for (;;) {
      const left = reader.left;
      const drops = left >= DROP_FROM;
      const most = drops ? left : buffer.length;
      const count = drops
        ? dropSome(fd, left, buffer)
        : receiveSome(fd, buffer);
      if (count < 0) return;
      if (count === 0) throw new Error("The server closed the connection");
      const came = drops ? reader.skip(count) : reader.take(buffer, count);
      this.#count += came;
      this.#waiting[client]! -= came;
      if (this.#waiting[client]! <= 0) this.#send(client);
      // Less than there was room for: that was all.
      if (count < most) return;
    }
  }

  #send(client: number): void {
    this.#waiting[client]! += this.#answers;
    this.#sent[client] = 0;
    this.#push(client);
  }

  /** Sends what is left of a frame. */
  #push(client: number): void {
    const { frame } = this.#messages[this.#next[client]!]!;
    const sent = this.#sent[client]!;
    const rest = sent === 0 ? frame : frame.subarray(sent);
    const count = sendSome(this.#fds[client]!, rest);
    if (count < 0) return;
    if (count < rest.length) {
      this.#sent[client] = sent + count;
      return;
    }
    this.#sent[client] = -1;
    this.#next[client] = (this.#next[client]! + 1) % this.#messages.length;
  }
}
