/**
 * Telling a body that is at hand from one that is made while it is read.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";

/**
 * Where Deno keeps a string body until somebody asks for the stream around it.
 * Making that stream and reading it takes longer than the rest of a small
 * exchange. The property is not public; where it is missing, nothing is lost but
 * time.
 */
const LAZY_BODY = Object.getOwnPropertySymbols(new Response("x"))
  .find((symbol) => symbol.description === "lazy static body");

/** A response's body, if it is a string that nobody has asked a stream of. */
export function stringBody(response: Response): string | undefined {
  if (LAZY_BODY === undefined) return undefined;
  const body = (response as unknown as Record<symbol, unknown>)[LAZY_BODY];
  return typeof body === "string" ? body : undefined;
}

/** How often a stream may defer before it counts as one that takes time. */
const PATIENCE = 8;

/** How long the head waits for a body that may turn out to be whole, in ms. */
const HOLD = 10;

/** The beginning of a stream. */
export interface Beginning {
  /** The first piece, or `undefined` if the stream is empty or takes time. */
  first: Uint8Array | undefined;
  /** What the next read gives; `undefined` if it is known to be the end. */
  next: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;
}

/**
 * Reads the first piece of a stream, and finds out whether it is the only one: a
 * `Response` made of bytes, a `Blob` or a form has one piece and ends soon. Its
 * length is known then. A stream that takes its time is not waited for, so that
 * its client gets the head.
 */
export async function beginning(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  clock: Clock,
): Promise<Beginning> {
  const reading = reader.read();
  const settled = await settlesSoon(reading) || await settlesIn(reading, clock);
  if (!settled) return { first: undefined, next: reading };
  const { done, value } = await reading;
  if (done) return { first: undefined, next: undefined };
  const next = reader.read();
  const ended = await settlesSoon(next) &&
    await next.then(({ done }) => done, () => false);
  return { first: value, next: ended ? undefined : next };
}

/** Whether a promise settles without waiting for anything but promises. */
async function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => settled = true;
  promise.then(note, note);
  for (let i = 0; i < PATIENCE && !settled; i++) await Promise.resolve();
  return settled;
}

/** Whether a promise settles before the head has been held back for long. */
async function settlesIn(
  promise: Promise<unknown>,
  clock: Clock,
): Promise<boolean> {
  const settled = Promise.withResolvers<boolean>();
  const timer = clock.setTimeout(() => settled.resolve(false), HOLD);
  const note = () => settled.resolve(true);
  promise.then(note, note);
  try {
    return await settled.promise;
  } finally {
    clock.clearTimeout(timer);
  }
}
