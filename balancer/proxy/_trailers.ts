// Passing trailers on.

import { PLAIN_END } from "../../http/codec/body_reader.ts";
import { isTrailer } from "../../http/codec/body_writer.ts";
import { Fields } from "../../http/codec/fields.ts";
import type { EndCommand, HttpEvent } from "../../http/codec/message.ts";

/** The end of a message. */
export type EndEvent = HttpEvent & { type: "end" };

/**
 * The trailers that can be passed on: without those that belong into the header
 * section, RFC 9110 §6.5.1, which a peer should not have sent.
 *
 * @returns `undefined` if there are none.
 */
export function passableTrailers(event: EndEvent): Fields | undefined {
  if (event === PLAIN_END) return undefined;
  const passed = new Fields();
  for (const [name, value] of event.trailers) {
    if (isTrailer(name)) passed.append(name, value);
  }
  return passed.size === 0 ? undefined : passed;
}

/** Ends a message, with trailers if there are any. */
export function endCommand(trailers: Fields | undefined): EndCommand {
  return trailers === undefined ? { type: "end" } : { type: "end", trailers };
}
