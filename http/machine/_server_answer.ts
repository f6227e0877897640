/**
 * The answering half of the server role.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import { type Answer, checkStatus, makeAnswer, statusLine } from "./_answer.ts";
import { misuse } from "../codec/body_writer.ts";
import { refusal, type RefusalCode } from "../codec/refusals.ts";
import type { ServerState } from "./_server_state.ts";
import { type WireFields, wireFields } from "../codec/wire_fields.ts";
import { isAscii, type Out, writeMessage } from "../codec/encode.ts";
import type { FieldsInit } from "../codec/fields.ts";
import { isTunnel } from "../codec/framing.ts";
import type { RequestHead, ResponseCommand } from "../codec/message.ts";

/** Sends a response, or what there is of it. */
export function respond(
  state: ServerState,
  command: ResponseCommand,
  out: Out,
): void {
  const request = state.queue[0];
  if (request === undefined) {
    throw misuse(
      "response_without_request",
      "Cannot send a response: no request waits for one",
    );
  }
  if (state.writer.mode !== "idle") {
    throw misuse(
      "response_in_progress",
      'Cannot send a response: the one before has no "end" yet',
    );
  }
  const { status } = command;
  checkStatus(status);
  const wire = wireFields(command.fields);
  if (isTunnel(request.method, status)) {
    return switchProtocols(state, request, command, wire, out);
  }
  if (status < 200) return respondInterim(state, request, command, wire, out);
  const answer = makeAnswer(request, command, wire);
  answer.close = closes(state, answer);
  // What throws does so before it writes, and nothing is begun then.
  state.answer.write(answer, state.requests, state.time(out), out);
  state.closeAfter = answer.close;
  if (state.queue.length === 1) state.continueDue = false;
  if (answer.body !== undefined) return answered(state, out);
  state.writer.begin(answer.mode, answer.length);
}

/** Ends the response in progress. */
export function endResponse(
  state: ServerState,
  trailers: FieldsInit | undefined,
  out: Out,
): void {
  state.writer.end(trailers, out);
  answered(state, out);
}

/** Whether the connection ends with the response to the oldest request. */
function closes(state: ServerState, answer: Answer): boolean {
  const { request, wire, mode, body } = answer;
  if (wire.close || mode === "close" || !request.keepAlive) return true;
  if (state.queue.length > 1) return false;
  if (state.last || state.draining) return true;
  if (state.phase !== "body") return false;
  // A client that was not told to go on may send the body or not, so that what
  // it sends next could be read as either. RFC 9110 §10.1.1.
  return state.expecting ||
    (body !== undefined && state.body.left > state.settings.maxDropped);
}

function respondInterim(
  state: ServerState,
  request: RequestHead,
  command: ResponseCommand,
  wire: WireFields,
  out: Out,
): void {
  if (command.body !== undefined && command.body.length > 0) {
    throw misuse(
      "bad_framing",
      `Cannot send a body with the interim response ${command.status}`,
    );
  }
  const head = statusLine(command.status, command.reason) + wire.text + "\r\n";
  // It is for the oldest request; the newest is the one that may wait for it.
  if (command.status === 100 && state.queue.length === 1) {
    state.continueDue = false;
    state.continued(out);
  }
  // HTTP/1.0 knows none, RFC 9110 §15.2.
  if (request.version === "1.0") return;
  writeMessage(head, !isAscii(head), undefined, out);
}

/** Sends 100 to a client that waits for it, if it is its turn. */
export function sendContinue(state: ServerState, out: Out): void {
  state.continueDue = state.queue.length > 1;
  if (state.queue.length !== 1 || state.writer.mode !== "idle") return;
  state.continued(out);
  out.write("HTTP/1.1 100 Continue\r\n\r\n");
}

/** Sends the last HTTP response of the connection, RFC 9110 §7.8 and §9.3.6. */
function switchProtocols(
  state: ServerState,
  request: RequestHead,
  command: ResponseCommand,
  wire: WireFields,
  out: Out,
): void {
  const { status, reason, body } = command;
  const received = state.phase === "held" || state.endDue;
  if (
    !state.asksTunnel || !received || state.queue.length !== 1 ||
    (status === 101 && request.upgrade === undefined)
  ) {
    throw misuse(
      "unexpected_upgrade",
      `Cannot answer ${status}: the request does not ask for it, or is not received completely`,
    );
  }
  if ((status === 101 && !wire.upgrade) || (body ?? "").length > 0) {
    throw misuse(
      "bad_framing",
      `Cannot answer ${status}: expected no body, and "Upgrade" in a 101`,
    );
  }
  const extra = status === 101 && !wire.connectionUpgrade
    ? "Connection: Upgrade\r\n"
    : "";
  const head = statusLine(status, reason) + wire.text + extra + "\r\n";
  state.phase = "tunnel";
  state.deadline = Infinity;
  state.queue.length = 0;
  writeMessage(head, !isAscii(head), undefined, out);
}

/** The oldest request's response is complete. */
function answered(state: ServerState, out: Out): void {
  const { queue } = state;
  queue.shift();
  if (state.closeAfter) return finish(state, out);
  if (state.failure !== undefined) {
    if (queue.length <= state.failureAt) giveUp(state, state.failure, out);
    return;
  }
  if (queue.length > 0) {
    if (state.continueDue) sendContinue(state, out);
    return;
  }
  state.asksTunnel = state.expecting = state.continueDue = false;
  if (state.phase === "body" && !state.body.done) return dropBody(state, out);
  if (state.last) return finish(state, out);
  if (state.phase === "held") state.phase = "head";
  state.waitForHead(out);
}

/** Closes, but not before a complete request has had its `end` event. */
function finish(state: ServerState, out: Out): void {
  if (state.queue.length > 0 || !state.endDue) return state.close(out);
  state.last = true;
  state.asksTunnel = false;
}

/** What is still to come of the answered request goes nowhere. */
function dropBody(state: ServerState, out: Out): void {
  const tooMuch = state.body.left > state.settings.maxDropped;
  if (state.last || tooMuch) return state.close(out);
  state.body.dropping = true;
}

/**
 * Ends the connection because of what the peer sent, once all is answered that
 * it sent before.
 */
export function refuse(state: ServerState, code: RefusalCode, out: Out): void {
  const error = refusal(code);
  const inBody = state.phase === "body";
  // The request that is wrong has its answer already.
  if (inBody && state.body.dropping) return state.close(out, error);
  state.phase = "deaf";
  state.deadline = Infinity;
  state.continueDue = false;
  state.failureAt = inBody ? 1 : 0;
  if (state.queue.length > state.failureAt) state.failure = error;
  else giveUp(state, error, out);
}

function giveUp(state: ServerState, error: ConnError, out: Out): void {
  writeFailure(state, error, out);
  state.close(out, error);
}

/** Answers the oldest request with an error, if it has no answer at all. */
export function writeFailure(
  state: ServerState,
  error: ConnError,
  out: Out,
): void {
  if (state.writer.mode !== "idle") return;
  const reply = error.reply ?? 500;
  const status = reply >= 400 && reply <= 599 ? reply : 500;
  state.answer.writeError(status, state.queue[0]?.method === "HEAD", out);
}
