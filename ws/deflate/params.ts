/**
 * What two peers can agree on about permessage-deflate, RFC 7692 §7.1.
 *
 * @module
 */

import type { Extension } from "./extensions.ts";

/** The extension's name, RFC 7692 §7. */
export const DEFLATE_NAME = "permessage-deflate";

/** The largest window, 32 KiB, as a power of two: what DEFLATE has at most. */
export const MAX_WINDOW_BITS = 15;

/** How messages are compressed, and what is asked of the peer for that. */
export interface DeflateOptions {
  /**
   * How hard to look for repetitions, 1 to 9. On 800 bytes of JSON, level 1 takes
   * a seventh of the time of level 4, and leaves 25 % in place of 19 %.
   *
   * @default {1}
   */
  level?: number;
  /**
   * How much is compressed as one block, 1 to 9; each step doubles memory, level 8
   * has 64 KiB for it.
   *
   * @default {8}
   */
  memLevel?: number;
  /**
   * Messages of fewer bytes are sent as they are.
   *
   * @default {1024}
   */
  threshold?: number;
  /**
   * The server compresses each message by itself. That needs no memory for the
   * connection, but small messages get larger: 800 bytes of JSON leave 42 % in
   * place of 25 %.
   *
   * @default {false}
   */
  serverNoContextTakeover?: boolean;
  /**
   * The same for what the client sends.
   *
   * @default {false}
   */
  clientNoContextTakeover?: boolean;
  /**
   * How far back the server refers at most, as a power of two, 8 to 15.
   *
   * @default {15}
   */
  serverMaxWindowBits?: number;
  /**
   * How far back the client refers at most, as a power of two, 8 to 15. A server
   * can ask for it only if the client says that it can limit itself, RFC 7692
   * §7.1.2.2; browsers do. Where one does not, it is 15.
   *
   * @default {15}
   */
  clientMaxWindowBits?: number;
}

/** What was agreed on. */
export interface DeflateParams {
  /** Whether the server compresses each message by itself. */
  readonly serverNoContextTakeover: boolean;
  /** Whether the client does. */
  readonly clientNoContextTakeover: boolean;
  /** How far back the server refers at most, as a power of two. */
  readonly serverMaxWindowBits: number;
  /** How far back the client does. */
  readonly clientMaxWindowBits: number;
}

/** What was agreed on, and how this side makes use of it. */
export interface DeflateAgreement extends DeflateParams {
  /** How hard to look for repetitions, 1 to 9. */
  readonly level: number;
  /** How much is compressed as one block, 1 to 9. */
  readonly memLevel: number;
  /** Messages of fewer bytes are sent as they are. */
  readonly threshold: number;
}

const NUMBERS = {
  level: [1, 9],
  memLevel: [1, 9],
  threshold: [0, Infinity],
  serverMaxWindowBits: [8, 15],
  clientMaxWindowBits: [8, 15],
} as const;

/**
 * Fills the defaults in.
 *
 * @param options What the program has set.
 * @returns All of it, as if it had been agreed on.
 * @throws {RangeError} If a number is out of its range.
 */
export function resolveDeflate(options: DeflateOptions = {}): DeflateAgreement {
  const settings = {
    level: options.level ?? 1,
    memLevel: options.memLevel ?? 8,
    threshold: options.threshold ?? 1024,
    serverNoContextTakeover: options.serverNoContextTakeover ?? false,
    clientNoContextTakeover: options.clientNoContextTakeover ?? false,
    serverMaxWindowBits: options.serverMaxWindowBits ?? MAX_WINDOW_BITS,
    clientMaxWindowBits: options.clientMaxWindowBits ?? MAX_WINDOW_BITS,
  };
  for (const name of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
    const [least, most] = NUMBERS[name];
    const value = settings[name];
    const whole = name === "threshold" || Number.isInteger(value);
    if (whole && value >= least && value <= most) continue;
    throw new RangeError(
      `Cannot set "${name}" to ${value}: expected ${
        name === "threshold" ? "a number" : "an integer"
      } from ${least} to ${most}`,
    );
  }
  return settings;
}

/** Whether a parameter is there, and the number that it has. */
export interface ParamMap {
  /** `server_no_context_takeover`, RFC 7692 §7.1.1.1. */
  serverNoContextTakeover?: true;
  /** `client_no_context_takeover`, RFC 7692 §7.1.1.2. */
  clientNoContextTakeover?: true;
  /** `server_max_window_bits`, RFC 7692 §7.1.2.1. */
  serverMaxWindowBits?: number;
  /** `client_max_window_bits`, RFC 7692 §7.1.2.2; `true` without a number. */
  clientMaxWindowBits?: number | true;
}

const NAMES: ReadonlyMap<string, keyof ParamMap> = new Map([
  ["server_no_context_takeover", "serverNoContextTakeover"],
  ["client_no_context_takeover", "clientNoContextTakeover"],
  ["server_max_window_bits", "serverMaxWindowBits"],
  ["client_max_window_bits", "clientMaxWindowBits"],
]);

/** A decimal integer without leading zeros, RFC 7692 §7.1.2. */
const BITS = /^(?:[89]|1[0-5])$/;

/**
 * Reads the parameters of an offer or of a response, RFC 7692 §7.1.
 *
 * @param extension The extension, whose name is `permessage-deflate`.
 * @param kind Which of both it is: only an offer may have
 * `client_max_window_bits` without a number.
 * @returns The parameters, or what is wrong with them.
 */
export function readParams(
  extension: Extension,
  kind: "offer" | "response",
): ParamMap | string {
  const params: Record<string, number | true> = {};
  for (const [name, value] of extension.parameters) {
    const key = NAMES.get(name);
    if (key === undefined) return `it has the unknown parameter "${name}"`;
    if (Object.hasOwn(params, key)) return `it has "${name}" twice`;
    if (key.endsWith("Takeover")) {
      if (value !== undefined) return `"${name}" has the value "${value}"`;
      params[key] = true;
    } else if (value !== undefined) {
      if (!BITS.test(value)) return `"${name}" has the value "${value}"`;
      params[key] = Number(value);
    } else if (kind === "offer" && key === "clientMaxWindowBits") {
      params[key] = true;
    } else {
      return `"${name}" has no value`;
    }
  }
  return params;
}

/** Writes the extension with its parameters. */
export function writeParams(params: ParamMap): string {
  let text = DEFLATE_NAME;
  for (const [name, key] of NAMES) {
    const value = params[key];
    if (value !== undefined) {
      text += value === true ? `; ${name}` : `; ${name}=${value}`;
    }
  }
  return text;
}
