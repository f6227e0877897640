// How the data of a message end, for all engines that decompress.

import type { ConnError } from "../../conn/error.ts";
import { notDeflate } from "./_errors.ts";

/** What every message was stripped of, RFC 7692 §7.2.2. */
export const TAIL: Uint8Array = new Uint8Array([0x00, 0x00, 0xff, 0xff]);

/**
 * How many final blocks, RFC 7692 §7.2.3.4, are read in one go. A peer needs one a
 * flush; with two bytes each, their sole purpose is to keep this side busy.
 */
export const MAX_FINAL_BLOCKS = 1000;

/** There were more than {@linkcode MAX_FINAL_BLOCKS}. */
export function tooManyFinalBlocks(): ConnError {
  return notDeflate("too many final blocks");
}
