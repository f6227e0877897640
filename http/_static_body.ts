/**
 * Telling a body that is at hand from one that is made while it is read.
 *
 * @module
 */

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

/** The beginning of a stream. */
export interface Beginning {
  /** The first piece, or `undefined` if the stream is empty. */
  first: Uint8Array | undefined;
  /** What the second read gives; `undefined` if it is known to be the end. */
  next: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;
}

/**
 * Reads the first piece of a stream, and finds out whether it is the only one: a
 * `Response` made of bytes, a `Blob` or a form has one piece and ends at once,
 * without waiting for anything but promises. Its length is known then.
 */
export async function beginning(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Beginning> {
  const { done, value } = await reader.read();
  if (done) return { first: undefined, next: undefined };
  let ended: boolean | undefined;
  const next = reader.read();
  next.then(({ done }) => ended = done, () => ended = false);
  for (let i = 0; i < PATIENCE && ended === undefined; i++) {
    await Promise.resolve();
  }
  return { first: value, next: ended ? undefined : next };
}
