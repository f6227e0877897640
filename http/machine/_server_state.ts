/**
 * What the two halves of the server role share.
 *
 * Receiving and answering are two sequences that meet in a queue: the requests
 * that were received and are not completely answered. The newest of them may
 * still be under way; the oldest is the one that commands answer.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import { AnswerWriter } from "./_answer.ts";
import { BodyRate } from "../codec/body_rate.ts";
import { BodyReader } from "../codec/body_reader.ts";
import { BodyWriter } from "../codec/body_writer.ts";
import type { Out } from "../codec/encode.ts";
import { HeadScanner } from "../codec/head.ts";
import type { HttpSettings } from "../codec/limits.ts";
import type { RequestHead } from "../codec/message.ts";

/**
 * What is received now:
 *
 * | phase | what is received | what ends it |
 * | --- | --- | --- |
 * | `head` | a request's head, if the queue has room | its empty line |
 * | `body` | its body | its last byte |
 * | `end` | nothing: its `end` event is due | that event |
 * | `held` | nothing: it asked for another protocol | its answer |
 * | `deaf` | anything, and it is thrown away: no request may follow | the last answer |
 * | `tunnel` | nothing any more: another machine takes over | |
 * | `closed` | anything, and it is thrown away | |
 */
export type ServerPhase =
  | "head"
  | "body"
  | "end"
  | "held"
  | "deaf"
  | "tunnel"
  | "closed";

/** How long a request may take to come whose answer will be the last one. */
const DRAIN_WAIT = 100;

/** One connection's server role, as data. */
export class ServerState {
  readonly settings: HttpSettings;
  readonly scan: HeadScanner;
  readonly body: BodyReader;
  readonly rate: BodyRate;
  readonly answer: AnswerWriter;
  readonly writer: BodyWriter = new BodyWriter();
  /** Requests that are not completely answered, oldest first. */
  readonly queue: RequestHead[] = [];

  phase: ServerPhase = "head";
  /** How many requests there have been. */
  requests = 0;
  /** The newest request may turn the connection into something else. */
  asksTunnel = false;
  /** Its client waits for 100, and has sent nothing of the body. */
  expecting = false;
  /** It is to get that when the handler is back, or when its turn comes. */
  continueDue = false;
  /** No request follows those in the queue. */
  last = false;
  /** The head that is under way, if any, is the last one. */
  draining = false;
  /** The connection ends with the response in progress. */
  closeAfter = false;
  /** What ends it when the queue has come down to `failureAt`. */
  failure: ConnError | undefined = undefined;
  failureAt = 0;
  /** 0 at first: the time is not known before the first call. */
  deadline = 0;
  /** The handler wants nothing more for now: it has paused. */
  paused = false;
  /** The time of the present call, 0 if nobody has asked for it. */
  now = 0;
  /** When the head that is under way began, 0 if none is. */
  headAt = 0;

  constructor(settings: HttpSettings) {
    this.settings = settings;
    this.scan = new HeadScanner("request", settings);
    this.body = new BodyReader(settings);
    this.rate = new BodyRate(settings);
    this.answer = new AnswerWriter(settings);
  }

  /** The time. A clock is dear enough to be asked only once a call. */
  time(out: Out): number {
    return this.now === 0 ? this.now = out.now : this.now;
  }

  /** While the handler pauses, nothing that the peer does can be late. */
  pause(out: Out): void {
    this.paused = true;
    this.deadline = Infinity;
    if (this.phase === "body") this.rate.pause(this.time(out));
  }

  /** The pause is over. A body sees to its own deadline. */
  resume(out: Out): void {
    this.paused = false;
    if (this.phase === "head" && this.queue.length === 0) this.waitForHead(out);
  }

  /** Nothing that the client does is late before it is told to go on. */
  waitForContinue(out: Out): void {
    this.rate.pause(this.time(out));
    this.deadline = Infinity;
  }

  /** The client was told to go on. */
  continued(out: Out): void {
    this.expecting = false;
    if (this.phase !== "body" || this.paused) return;
    this.rate.resume(this.time(out));
    this.deadline = this.rate.due;
  }

  /** Whether the newest request is complete, and its `end` event still due. */
  get endDue(): boolean {
    return this.phase === "end" || (this.phase === "body" && this.body.done);
  }

  /** Sets the deadline for a connection that owes no answer. */
  waitForHead(out: Out): void {
    if (this.paused) return;
    const { headTimeout, keepAliveTimeout } = this.settings;
    const now = this.time(out);
    if (this.scan.begun) {
      if (this.headAt === 0) this.headAt = now;
      this.deadline = this.headAt + headTimeout;
    } else {
      this.deadline = now + (this.draining ? DRAIN_WAIT : keepAliveTimeout);
    }
  }

  /** Closes the connection in order. */
  close(out: Out, error?: ConnError): void {
    this.phase = "closed";
    this.deadline = Infinity;
    this.queue.length = 0;
    out.close(error);
  }
}
