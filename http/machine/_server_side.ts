/**
 * The server role: requests in, responses out. This is its receiving half.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import { PLAIN_END } from "../codec/body_reader.ts";
import { misuse } from "../codec/body_writer.ts";
import { readRequestHead } from "../codec/read_head.ts";
import { Refusal, type RefusalCode } from "../codec/refusals.ts";
import {
  endResponse,
  refuse,
  respond,
  sendContinue,
  writeFailure,
} from "./_server_answer.ts";
import { ServerState } from "./_server_state.ts";
import type { Out } from "../codec/encode.ts";
import { CHUNKED } from "../codec/framing.ts";
import type { HttpSettings } from "../codec/limits.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";

const LF = 0x0a, CR = 0x0d;

/** With more bytes of answers that the client has not taken, it gets no more. */
const UNTAKEN_MAX = 64 * 1024;

/** One connection's server role. */
export class ServerSide {
  readonly #state: ServerState;
  /** An empty line was forgiven before the head that is to come. */
  #emptyLine = false;
  #receiving = false;

  constructor(settings: HttpSettings) {
    this.#state = new ServerState(settings);
  }

  receive(bytes: Uint8Array, out: Out): number {
    const state = this.#state;
    state.now = 0;
    this.#receiving = true;
    if (state.paused) state.resume(out);
    try {
      return this.#receive(bytes, out);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(state, error.code, out);
      return bytes.length;
    } finally {
      this.#receiving = false;
    }
  }

  #receive(bytes: Uint8Array, out: Out): number {
    const state = this.#state;
    let at = 0;
    if (state.continueDue) sendContinue(state, out);
    for (;;) {
      switch (state.phase) {
        case "head": {
          if (at >= bytes.length) return at;
          if (this.#blocked(out)) return at;
          if (bytes[at] === CR && !state.scan.begun) {
            if (at + 1 === bytes.length) return at;
            this.#skipEmptyLine(bytes[at + 1]!);
            at += 2;
            continue;
          }
          const end = state.scan.scan(bytes, at);
          if (end < 0) {
            if (state.queue.length === 0) state.waitForHead(out);
            return at;
          }
          if (!this.#takeHead(bytes, at, end, out)) return end;
          at = end;
          break;
        }
        case "body": {
          const next = this.#readBody(bytes, at, out);
          if (state.body.stopped) return next;
          if (!state.body.done && !this.#left()) return next;
          at = next;
          break;
        }
        case "end":
          if (!this.#takeEnd(out)) return at;
          break;
        case "held":
        case "tunnel":
          return at;
        default:
          return bytes.length;
      }
    }
  }

  /** Whether the body was left by a command: the connection is closed. */
  #left(): boolean {
    return this.#state.phase !== "body";
  }

  /** RFC 9112 §2.2: one empty line before a request is forgiven. */
  #skipEmptyLine(second: number): void {
    if (second !== LF) throw new Refusal("bad_line_end");
    if (this.#emptyLine) throw new Refusal("bad_method");
    this.#emptyLine = true;
  }

  #takeHead(bytes: Uint8Array, at: number, end: number, out: Out): boolean {
    const state = this.#state;
    const head = readRequestHead(
      state.scan,
      state.scan.decode(bytes, at, end),
    );
    const length = head.contentLength ?? CHUNKED;
    if (length !== 0) {
      state.body.begin(length);
      state.rate.begin(state.time(out));
    }
    const requests = ++state.requests;
    state.queue.push(head);
    this.#emptyLine = false;
    state.headAt = 0;
    if (
      !head.keepAlive || state.draining ||
      requests >= state.settings.maxRequests
    ) state.last = true;
    state.asksTunnel = head.upgrade !== undefined || head.method === "CONNECT";
    state.phase = length === 0 ? "end" : "body";
    state.deadline = length === 0 ? Infinity : state.rate.due;
    state.expecting = head.expectContinue;
    const goOn = this.#emit({ type: "request", head }, out);
    if (state.expecting && state.settings.autoContinue && !this.#left()) {
      if (goOn) sendContinue(state, out);
      else state.continueDue = true;
    }
    if (state.expecting && !this.#left()) state.waitForContinue(out);
    return goOn;
  }

  #emit(event: HttpEvent, out: Out): boolean {
    const goOn = out.emit(event);
    if (!goOn) this.#state.pause(out);
    return goOn;
  }

  #readBody(bytes: Uint8Array, at: number, out: Out): number {
    const { body, rate, settings } = this.#state;
    const state = this.#state;
    const now = state.time(out);
    if (at < bytes.length) state.expecting = false;
    if (!state.expecting) rate.resume(now);
    const next = body.read(bytes, at, out);
    if (this.#left()) return next;
    rate.progress(next - at, now);
    if (body.done) {
      state.phase = "end";
    } else if (body.dropped > settings.maxDropped) {
      state.close(out);
    }
    state.deadline = this.#left() ? Infinity : rate.due;
    if (body.stopped) state.pause(out);
    return next;
  }

  #takeEnd(out: Out): boolean {
    const state = this.#state;
    const event = state.body.end;
    state.body.end = PLAIN_END;
    // A request that has its answer already is not for another protocol.
    if (state.asksTunnel) state.phase = "held";
    else state.phase = state.last ? "deaf" : "head";
    const answered = state.queue.length === 0;
    const closes = answered && state.last;
    if (answered && !closes) state.waitForHead(out);
    const goOn = this.#emit(event, out);
    if (closes) state.close(out);
    return goOn;
  }

  receiveEnd(rest: Uint8Array, out: Out): boolean {
    this.#state.now = 0;
    if (rest.length > 0 && this.#blocked(out)) return false;
    this.#ended(rest, out);
    return true;
  }

  /** Whether requests have to wait for answers, to be made or to be taken. */
  #blocked(out: Out): boolean {
    const { phase, queue, settings } = this.#state;
    if (phase !== "head") return phase === "held";
    return queue.length >= settings.maxPipelined || out.buffered > UNTAKEN_MAX;
  }

  #ended(rest: Uint8Array, out: Out): void {
    const state = this.#state;
    switch (state.phase) {
      case "closed":
        return;
      case "tunnel":
        return state.close(out);
      case "head":
        if (state.scan.begun) return refuse(state, this.#cutHead(rest), out);
        break;
      case "body":
        return refuse(state, "body_cut", out);
    }
    state.last = true;
    if (state.queue.length === 0) return state.close(out);
    if (state.phase === "head") state.phase = "deaf";
  }

  /** What is wrong with a head that will not be completed. */
  #cutHead(rest: Uint8Array): RefusalCode {
    try {
      this.#state.scan.scanRest(rest);
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
    return "head_cut";
  }

  send(command: HttpCommand, out: Out): void {
    const state = this.#state;
    if (!this.#receiving) state.now = 0;
    if (state.phase === "closed") return;
    if (state.phase === "tunnel") {
      throw misuse(
        "switched_protocols",
        `Cannot send "${command.type}": the connection does not speak HTTP any more`,
      );
    }
    switch (command.type) {
      case "response":
        respond(state, command, out);
        break;
      case "body":
        state.writer.write(command.bytes, out);
        break;
      case "end":
        endResponse(state, command.trailers, out);
        break;
      default:
        throw misuse(
          "wrong_role",
          `Cannot send "${command.type}": this is the server of the connection`,
        );
    }
  }

  fail(error: ConnError, out: Out): void {
    const state = this.#state;
    const waits = state.queue.length > 0 || state.scan.begun;
    if (waits && state.phase !== "closed") writeFailure(state, error, out);
    state.phase = "closed";
    state.deadline = Infinity;
  }

  drain(out: Out): void {
    const state = this.#state;
    if (state.phase === "closed") return;
    // A head that is under way may come to its end; it is the last one then.
    state.draining = true;
    if (state.phase === "head" && state.scan.begun) return;
    // The answer under way did not say that it is the last one, so the client may
    // have sent a request behind it.
    if (state.writer.mode !== "idle" && !state.closeAfter) return;
    state.last = true;
    if (state.phase === "head" || state.phase === "tunnel") {
      if (state.queue.length === 0) return state.close(out);
      state.phase = "deaf";
    }
  }

  deadline(): number {
    return this.#state.deadline;
  }

  tick(out: Out): void {
    const state = this.#state;
    const { now } = out;
    state.now = 0;
    if (state.deadline === 0) return state.waitForHead(out);
    if (now < state.deadline) return;
    if (state.phase === "body") return refuse(state, "body_timeout", out);
    if (state.scan.begun) return refuse(state, "head_timeout", out);
    // The peer may still be taking the last answer.
    if (out.buffered > 0) return state.waitForHead(out);
    state.close(out);
  }
}
