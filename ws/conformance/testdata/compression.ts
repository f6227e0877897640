/**
 * Autobahn's categories 12 and 13: sizes of messages, and what is negotiated.
 *
 * @module
 */

import type { DeflateOptions, DeflateParams } from "../../deflate/params.ts";

/** Length of a message, and of the fragments in which it is sent. */
export type SizeRow = readonly [length: number, fragment?: number];

/** The sizes of both categories, in Autobahn's order. */
export const sizes: readonly SizeRow[] = [
  [16],
  [64],
  [256],
  [1024],
  [4096],
  [8192],
  [16384],
  [32768],
  [65536],
  [131072],
  [8192, 256],
  [16384, 256],
  [32768, 256],
  [65536, 256],
  [131072, 256],
  [131072, 1024],
  [131072, 4096],
  [131072, 32768],
];

/**
 * How many messages of a length are sent: Autobahn's thousand take too long, and
 * two show whether the second may refer to the first.
 */
export function countFor(length: number): number {
  return length <= 4096 ? 8 : length <= 32768 ? 4 : 2;
}

/** What is negotiated: the peer's words literally, and the result. */
export interface ParamRow {
  /** Autobahn's sub-category of 13. */
  readonly category: string;
  readonly what: string;
  /** What the machine's peer offers if it is the client. */
  readonly offers: string;
  /** What our client wants, and what its peer answers to the offer. */
  readonly wants: DeflateOptions;
  readonly response: string;
  readonly agreed: DeflateParams;
}

function params(noContextTakeover: boolean, bits: number): DeflateParams {
  return {
    serverNoContextTakeover: noContextTakeover,
    clientNoContextTakeover: noContextTakeover,
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
  };
}

const NAME = "permessage-deflate";
const ALONE = "server_no_context_takeover; client_no_context_takeover";
const NINE = "server_max_window_bits=9; client_max_window_bits=9";
const FIFTEEN = "server_max_window_bits=15; client_max_window_bits=15";

/** A row in which the same words are the only offer, and the response. */
function row(
  category: string,
  what: string,
  words: string,
  agreed: DeflateParams,
): ParamRow {
  const all = [NAME, words].filter((part) => part !== "").join("; ");
  return { category, what, offers: all, wants: agreed, response: all, agreed };
}

/** What Autobahn negotiates, in both directions alike. */
export const parameters: readonly ParamRow[] = [
  row("13.1", "the defaults", "", params(false, 15)),
  row("13.2", "no context takeover", ALONE, params(true, 15)),
  row("13.3", "windows of 9 bits", NINE, params(false, 9)),
  row("13.4", "windows of 15 bits", FIFTEEN, params(false, 15)),
  row(
    "13.5",
    "no context takeover and windows of 9 bits",
    `${ALONE}; ${NINE}`,
    params(true, 9),
  ),
  row(
    "13.6",
    "no context takeover and windows of 15 bits",
    `${ALONE}; ${FIFTEEN}`,
    params(true, 15),
  ),
  {
    ...row(
      "13.7",
      "the first of three offers",
      `${ALONE}; ${NINE}`,
      params(true, 9),
    ),
    offers: `${NAME}; ${ALONE}; ${NINE}, ${NAME}; ${ALONE}, ${NAME}`,
  },
];
