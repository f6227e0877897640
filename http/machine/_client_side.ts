/**
 * The client role: requests out, responses in. This is its receiving half.
 *
 * | phase | what is received |
 * | --- | --- |
 * | `head` | a response's head, if a request waits for one |
 * | `body` | its body |
 * | `end` | nothing: its `end` event is due |
 * | `tunnel` | nothing any more: another machine takes over |
 * | `closed` | anything, and it is thrown away |
 *
 * As in the server role, an event that is due comes before more is received, and
 * while the handler pauses nothing is late.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import { BodyRate } from "../codec/body_rate.ts";
import { BodyReader, PLAIN_END } from "../codec/body_reader.ts";
import { misuse } from "../codec/body_writer.ts";
import { readResponseHead } from "../codec/read_head.ts";
import { Refusal, refusal, type RefusalCode } from "../codec/refusals.ts";
import { RequestWriter, type SentRequest } from "./_request_writer.ts";
import type { Out } from "../codec/encode.ts";
import {
  CHUNKED,
  isBodiless,
  isTunnel,
  UNTIL_CLOSE,
} from "../codec/framing.ts";
import { HeadScanner } from "../codec/head.ts";
import type { HttpSettings } from "../codec/limits.ts";
import type { HttpCommand, HttpEvent, ResponseHead } from "../codec/message.ts";

type Phase = "head" | "body" | "end" | "tunnel" | "closed";

/** One connection's client role. */
export class ClientSide {
  readonly #settings: HttpSettings;
  readonly #scan: HeadScanner;
  readonly #body: BodyReader;
  readonly #rate: BodyRate;
  readonly #requests: RequestWriter;
  #phase: Phase = "head";
  /** The body ends with the connection. */
  #untilClose = false;
  /** The connection ends with the present response. */
  #closeAfter = false;
  #draining = false;
  /** The handler wants nothing more for now. */
  #paused = false;
  #deadline: number;
  #headAt = 0;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    this.#scan = new HeadScanner("status", settings);
    this.#body = new BodyReader(settings);
    this.#rate = new BodyRate(settings);
    this.#requests = new RequestWriter(settings.maxPipelined);
    this.#deadline = settings.keepAliveTimeout === Infinity ? Infinity : 0;
  }

  receive(bytes: Uint8Array, out: Out): number {
    if (this.#paused) {
      this.#paused = false;
      this.#rest(out);
    }
    try {
      return this.#receive(bytes, out);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error.code, out);
      return bytes.length;
    }
  }

  #receive(bytes: Uint8Array, out: Out): number {
    let at = 0;
    for (;;) {
      switch (this.#phase) {
        case "head": {
          if (at >= bytes.length) return at;
          const request = this.#requests.waiting[0];
          if (request === undefined) throw new Refusal("unexpected_data");
          const end = this.#scan.scan(bytes, at);
          if (end < 0) {
            this.#headBegun(out);
            return at;
          }
          if (!this.#takeHead(bytes, at, end, request, out)) return end;
          at = end;
          break;
        }
        case "body": {
          const next = this.#readBody(bytes, at, out);
          if (this.#body.stopped) return next;
          if (!this.#body.done && this.#receiving("body")) return next;
          at = next;
          break;
        }
        case "end":
          if (!this.#takeEnd(out, at < bytes.length)) return at;
          break;
        case "tunnel":
          return at;
        case "closed":
          return bytes.length;
      }
    }
  }

  #headBegun(out: Out): void {
    if (this.#settings.headTimeout === Infinity) return;
    if (this.#headAt === 0) this.#headAt = out.now;
    this.#deadline = this.#headAt + this.#settings.headTimeout;
  }

  /** The phase, asked again after an event in which a command may change it. */
  #receiving(phase: Phase): boolean {
    return this.#phase === phase;
  }

  #takeHead(
    bytes: Uint8Array,
    at: number,
    end: number,
    request: SentRequest,
    out: Out,
  ): boolean {
    const head = readResponseHead(
      this.#scan,
      this.#scan.decode(bytes, at, end),
      request.method,
    );
    this.#headAt = 0;
    this.#deadline = Infinity;
    const { status } = head;
    if (isTunnel(request.method, status)) {
      this.#tunnel(request, status);
    } else if (status >= 200) {
      this.#beginBody(head, request, out);
    }
    return this.#emit({ type: "response", head }, out);
  }

  #emit(event: HttpEvent, out: Out): boolean {
    const goOn = out.emit(event);
    if (!goOn) this.#pause(out);
    return goOn;
  }

  #pause(out: Out): void {
    this.#paused = true;
    this.#deadline = Infinity;
    if (this.#phase !== "body" || this.#settings.minBodyRate === 0) return;
    this.#rate.pause(out.now);
  }

  #tunnel(request: SentRequest, status: number): void {
    if (status === 101 && !request.upgrade) {
      throw new Refusal("unexpected_upgrade");
    }
    this.#phase = "tunnel";
    this.#requests.waiting.length = 0;
  }

  #beginBody(head: ResponseHead, request: SentRequest, out: Out): void {
    const length = head.contentLength ??
      (this.#scan.transferEncodings > 0 ? CHUNKED : UNTIL_CLOSE);
    const none = length === 0 || isBodiless(request.method, head.status);
    this.#closeAfter = !head.keepAlive || request.close;
    this.#untilClose = !none && length === UNTIL_CLOSE;
    this.#phase = none ? "end" : "body";
    if (none) return;
    this.#body.begin(length);
    if (this.#settings.minBodyRate === 0) return;
    this.#rate.begin(out.now);
    this.#deadline = this.#rate.due;
  }

  #readBody(bytes: Uint8Array, at: number, out: Out): number {
    const timed = this.#settings.minBodyRate > 0;
    const now = timed ? out.now : 0;
    if (timed) this.#rate.resume(now);
    const next = this.#body.read(bytes, at, out);
    if (!this.#receiving("body")) return next;
    if (this.#body.done) this.#phase = "end";
    if (timed) {
      this.#rate.progress(next - at, now);
      this.#deadline = this.#body.done ? Infinity : this.#rate.due;
    }
    if (this.#body.stopped) this.#pause(out);
    return next;
  }

  /**
   * Tells of the end of a response.
   *
   * @param more Whether bytes are there that come after it.
   */
  #takeEnd(out: Out, more: boolean): boolean {
    const event = this.#body.end;
    this.#body.end = PLAIN_END;
    const { waiting } = this.#requests;
    waiting.shift();
    // They came before the next request was sent, so they do not answer it.
    const junk = more && waiting.length === 0 && !this.#closeAfter;
    const close = this.#closeAfter || (this.#draining && this.#idle) || junk;
    this.#phase = close ? "closed" : "head";
    if (!close) this.#rest(out);
    const goOn = this.#emit(event, out);
    if (!close) return goOn;
    if (junk) {
      this.#refuse("unexpected_data", out);
      return goOn;
    }
    // RFC 9112 §9.6: those that follow will not be answered.
    if (waiting.length > 0) this.#refuse("no_response", out);
    else this.#close(out);
    return goOn;
  }

  /** Whether no request is under way, and no response. */
  get #idle(): boolean {
    return this.#requests.waiting.length === 0 &&
      this.#requests.body.mode === "idle";
  }

  /** Sets the deadline of a connection that may have become idle. */
  #rest(out: Out): void {
    const { keepAliveTimeout } = this.#settings;
    if (keepAliveTimeout === Infinity || this.#paused || !this.#idle) return;
    if (this.#phase === "head") this.#deadline = out.now + keepAliveTimeout;
  }

  #refuse(code: RefusalCode, out: Out): void {
    this.#cut(out, refusal(code, false));
  }

  /**
   * Ends the connection at once. In order, the server would have time to go on
   * sending what nobody reads, and the program would hear of the error after it.
   */
  #cut(out: Out, error: ConnError): void {
    this.#stop();
    out.abort(error);
  }

  #close(out: Out): void {
    this.#stop();
    out.close();
  }

  #stop(): void {
    this.#phase = "closed";
    this.#deadline = Infinity;
  }

  receiveEnd(rest: Uint8Array, out: Out): void {
    switch (this.#phase) {
      case "closed":
        return;
      case "tunnel":
        return this.#close(out);
      case "head":
        if (this.#scan.begun) return this.#refuse(this.#cutHead(rest), out);
        if (this.#requests.waiting.length > 0) {
          return this.#refuse("no_response", out);
        }
        return this.#close(out);
      case "body":
        if (!this.#untilClose) return this.#refuse("body_cut", out);
        this.#takeEnd(out, false);
        return;
      case "end":
        this.#closeAfter = true;
        this.#takeEnd(out, false);
    }
  }

  #cutHead(rest: Uint8Array): RefusalCode {
    try {
      this.#scan.scanRest(rest);
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
    return "head_cut";
  }

  send(command: HttpCommand, out: Out): void {
    if (this.#phase === "closed") return;
    if (this.#phase === "tunnel") {
      throw misuse(
        "switched_protocols",
        `Cannot send "${command.type}": the connection does not speak HTTP any more`,
      );
    }
    switch (command.type) {
      case "request":
        this.#requests.send(command, out);
        if (this.#phase === "head" && !this.#scan.begun) {
          this.#deadline = Infinity;
        }
        return;
      case "body":
        return this.#requests.body.write(command.bytes, out);
      case "end":
        this.#requests.body.end(command.trailers, out);
        if (this.#draining && this.#idle) this.#close(out);
        else this.#rest(out);
        return;
      default:
        throw misuse(
          "wrong_role",
          `Cannot send "${command.type}": this is the client of the connection`,
        );
    }
  }

  /**
   * A client has no last words: a request that is cut says enough. What the
   * program ends itself still goes out, as `Conn.close` promises.
   */
  fail(error: ConnError, out: Out): void {
    if (error.side === "local") this.#stop();
    else this.#cut(out, error);
  }

  drain(out: Out): void {
    if (this.#phase === "closed") return;
    this.#draining = true;
    if (this.#idle || this.#phase === "tunnel") this.#close(out);
  }

  deadline(): number {
    return this.#deadline;
  }

  tick(out: Out): void {
    const { now } = out;
    if (this.#deadline === 0) {
      this.#deadline = now + this.#settings.keepAliveTimeout;
      return;
    }
    if (now < this.#deadline) return;
    if (this.#phase === "body") return this.#refuse("body_timeout", out);
    if (this.#scan.begun) return this.#refuse("head_timeout", out);
    // The peer may still be taking the last request.
    if (out.buffered > 0) return this.#rest(out);
    this.#close(out);
  }
}
