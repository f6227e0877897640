/**
 * Clients that ask, and look at what they get.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type Fate, RawClient } from "./_chaos_client.ts";
import type { Ledger } from "./_chaos_ledger.ts";
import type { Random } from "./_chaos_random.ts";
import type { Reply } from "./_chaos_reply.ts";

/** What the clients share. */
export interface LoadSetup {
  /** The balancer's port. */
  port: number;
  /** Where it is written down. */
  ledger: Ledger;
  /** Where chance comes from. */
  random: Random;
  /** Ends the load. */
  signal: AbortSignal;
}

/** A body that is asked for. */
interface Kind {
  name: string;
  length: number;
  chunked?: boolean;
  /** How often, relative to the others. */
  weight: number;
}

const KINDS: readonly Kind[] = [
  { name: "small", length: 12, weight: 50 },
  { name: "16 KiB", length: 16 * 1024, weight: 25 },
  { name: "256 KiB", length: 256 * 1024, weight: 10 },
  { name: "chunked", length: 100_000, chunked: true, weight: 15 },
];

/** What the balancer keeps until it is complete: a cut of more cannot be hidden. */
const HOLD_BACK = 64 * 1024;
/** The longest pause of a client between two requests, in milliseconds. */
const PAUSE = 30;
/** Of so many POSTs one is left in the middle. */
const LEFT_OF = 30;

const encoder = new TextEncoder();

/** Asks for bodies, one after the other. */
export async function getAgain(setup: LoadSetup): Promise<void> {
  const { port, ledger, random, signal } = setup;
  using client = new RawClient(port);
  const weighted = KINDS.flatMap((kind) => Array(kind.weight).fill(kind));
  while (!signal.aborted) {
    const kind: Kind = random.pick(weighted);
    const id = crypto.randomUUID();
    const path = `/get?length=${kind.length}${kind.chunked ? "&chunked" : ""}`;
    const head = `GET ${path} HTTP/1.1\r\nHost: chaos\r\nX-Id: ${id}\r\n\r\n`;
    const fate = await client.ask(encoder.encode(head));
    judgeGet(ledger, kind, id, fate);
    await random.pause(0, PAUSE);
  }
}

function judgeGet(ledger: Ledger, kind: Kind, id: string, fate: Fate): void {
  const what = `GETs (${kind.name})`;
  const isHeld = kind.length <= HOLD_BACK && !kind.chunked;
  if (fate.type === "cut" && fate.status === 200 && !isHeld) {
    return ledger.count(`${what}: cut, and seen to be`);
  }
  if (fate.type !== "reply") {
    return ledger.violated("failedGet", `${what} ${id}: ${fate.why}`);
  }
  const { reply } = fate;
  if (reply.status !== 200) {
    const details = `${what} ${id}: ${reply.status}, ${textOf(reply)}`;
    return ledger.violated("failedGet", details);
  }
  if (!isRight(reply, id) || reply.body.length !== kind.length) {
    return ledger.violated("corrupt", `${what} ${id}`);
  }
  ledger.count(`${what}: answered`);
}

/** Sends bodies, one after the other. */
export async function postAgain(setup: LoadSetup): Promise<void> {
  const { port, ledger, random, signal } = setup;
  using client = new RawClient(port);
  while (!signal.aborted) {
    const id = crypto.randomUUID();
    const body = randomBody(random);
    const request = postRequest(id, body, random.next() < 0.5);
    if (random.between(0, LEFT_OF) === 0) {
      ledger.left(id);
      // The head has gone, the end has not.
      const end = request.length - (body.length >> 1) - 10;
      await client.leave(request.subarray(0, end));
      ledger.count("POSTs: left in the middle");
    } else {
      judgePost(ledger, id, await client.ask(request));
    }
    await random.pause(0, PAUSE);
  }
}

function judgePost(ledger: Ledger, id: string, fate: Fate): void {
  if (fate.type !== "reply") {
    return ledger.count(`POSTs: ${fate.type === "cut" ? "cut" : "no answer"}`);
  }
  const { reply } = fate;
  if (reply.status !== 200) return ledger.count(`POSTs: ${reply.status}`);
  const expected = `done ${id}`;
  if (!isRight(reply, id) || textOf(reply) !== expected) {
    return ledger.violated("corrupt", `POST ${id}`);
  }
  ledger.acknowledged(id);
  ledger.count("POSTs: acknowledged");
}

/** Most are short, some are as long as 1 MiB. */
function randomBody(random: Random): Uint8Array {
  const most = random.pick([1024, 1024, 1024, 64 * 1024, 1024 * 1024]);
  const body = new Uint8Array(random.between(64, most));
  const salt = random.between(0, 256);
  for (let i = 0; i < body.length; i++) body[i] = i * 31 + (i >> 8) + salt;
  return body;
}

function postRequest(
  id: string,
  body: Uint8Array,
  chunked: boolean,
): Uint8Array {
  const framing = chunked
    ? "Transfer-Encoding: chunked"
    : `Content-Length: ${body.length}`;
  const head = `POST /post HTTP/1.1\r\nHost: chaos\r\nX-Id: ${id}\r\n` +
    `X-Checksum: ${digest(body)}\r\n${framing}\r\n\r\n`;
  const begin = chunked ? `${body.length.toString(16)}\r\n` : "";
  const end = chunked ? "\r\n0\r\n\r\n" : "";
  const parts = [encoder.encode(head + begin), body, encoder.encode(end)];
  const whole = new Uint8Array(
    parts.reduce((sum, each) => sum + each.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether a backend made it, for this request, and all of it is here. */
function isRight({ fields, body }: Reply, id: string): boolean {
  return fields.get("x-id") === id &&
    fields.get("x-checksum") === digest(body);
}

function textOf({ body }: Reply): string {
  return new TextDecoder().decode(body.subarray(0, 200)).trim();
}

function digest(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("hex");
}
