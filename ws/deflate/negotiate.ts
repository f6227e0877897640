/**
 * Agreeing on permessage-deflate, RFC 7692 §5 and §7.1, in both roles.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { type ContextBudget, contextsSize, threadBudget } from "./budget.ts";
import { type Extension, parseExtensions } from "./extensions.ts";
import {
  DEFLATE_NAME,
  type DeflateAgreement,
  type DeflateOptions,
  MAX_WINDOW_BITS,
  type ParamMap,
  readParams,
  resolveDeflate,
  writeParams,
} from "./params.ts";

/** What a server agrees to. */
export interface AcceptedOffer {
  /** What {@linkcode DeflateContexts} are made from. */
  agreement: DeflateAgreement;
  /** The value of `Sec-WebSocket-Extensions` in the 101. */
  response: string;
}

/** What a client offers. */
export interface DeflateOffer {
  /** The value of `Sec-WebSocket-Extensions` in the request. */
  readonly header: string;
  /** The parameters in it. */
  readonly params: Readonly<ParamMap>;
  /** What this client does if the response leaves it free. */
  readonly settings: DeflateAgreement;
}

/**
 * Takes the first of a client's offers that can be taken. Other extensions, and
 * offers with a parameter that is unknown, invalid or there twice, are passed
 * over, RFC 7692 §5.1 and §7.
 *
 * When the budget is used up, the answer is that both sides compress each message
 * by itself, which both may be told unasked, RFC 7692 §7.1.1.
 *
 * @param header The request's `Sec-WebSocket-Extensions`, if it has one.
 * @param options What the server wants.
 * @param budget The memory for contexts, by default that of the thread.
 * @returns The agreement, or `undefined` if there is none: messages go
 * uncompressed.
 * @throws {ConnError} With code `"extension_invalid"` and reply 400 if the header
 * breaks the grammar of RFC 6455 §9.1.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example What a browser offers
 * ```ts
 * import { acceptOffers } from "./negotiate.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const accepted = acceptOffers(
 *   "permessage-deflate; client_max_window_bits",
 *   { clientMaxWindowBits: 12 },
 * );
 * assertEquals(
 *   accepted?.response,
 *   "permessage-deflate; client_max_window_bits=12",
 * );
 * assertEquals(accepted?.agreement.serverMaxWindowBits, 15);
 * ```
 */
export function acceptOffers(
  header: string | undefined,
  options: DeflateOptions = {},
  budget: ContextBudget = threadBudget,
): AcceptedOffer | undefined {
  const settings = resolveDeflate(options);
  if (header === undefined) return undefined;
  for (const extension of readList(header, "offer")) {
    if (extension.name !== DEFLATE_NAME) continue;
    const params = readParams(extension, "offer");
    if (typeof params !== "string") return answer(params, settings, budget);
  }
  return undefined;
}

function answer(
  offered: ParamMap,
  settings: DeflateAgreement,
  budget: ContextBudget,
): AcceptedOffer {
  const agreement = {
    ...settings,
    serverNoContextTakeover: settings.serverNoContextTakeover ||
      offered.serverNoContextTakeover === true,
    clientNoContextTakeover: settings.clientNoContextTakeover ||
      offered.clientNoContextTakeover === true,
    serverMaxWindowBits: Math.min(
      settings.serverMaxWindowBits,
      offered.serverMaxWindowBits ?? MAX_WINDOW_BITS,
    ),
    clientMaxWindowBits: clientBits(offered, settings),
  };
  if (!budget.fits(contextsSize("server", agreement))) {
    agreement.serverNoContextTakeover = true;
    agreement.clientNoContextTakeover = true;
  }
  return { agreement, response: writeParams(answered(offered, agreement)) };
}

/** A client that did not say that it can limit its window cannot be asked to. */
function clientBits(offered: ParamMap, settings: DeflateAgreement): number {
  const { clientMaxWindowBits } = offered;
  if (clientMaxWindowBits === undefined) return MAX_WINDOW_BITS;
  return clientMaxWindowBits === true
    ? settings.clientMaxWindowBits
    : Math.min(settings.clientMaxWindowBits, clientMaxWindowBits);
}

/** What of an agreement the response says: what the offer said, and all limits. */
function answered(offered: ParamMap, agreement: DeflateAgreement): ParamMap {
  const { serverMaxWindowBits, clientMaxWindowBits } = agreement;
  const params: ParamMap = {};
  if (agreement.serverNoContextTakeover) params.serverNoContextTakeover = true;
  if (agreement.clientNoContextTakeover) params.clientNoContextTakeover = true;
  if (
    offered.serverMaxWindowBits !== undefined ||
    serverMaxWindowBits < MAX_WINDOW_BITS
  ) {
    params.serverMaxWindowBits = serverMaxWindowBits;
  }
  if (
    typeof offered.clientMaxWindowBits === "number" ||
    clientMaxWindowBits < MAX_WINDOW_BITS
  ) {
    params.clientMaxWindowBits = clientMaxWindowBits;
  }
  return params;
}

/**
 * Makes a client's offer. It always says that this client can limit its window.
 *
 * When the budget is used up, it asks that both sides compress each message by
 * itself.
 *
 * @param options What the client wants.
 * @param budget The memory for contexts, by default that of the thread.
 * @returns The offer, which {@linkcode acceptResponse} needs.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example What goes into the request
 * ```ts
 * import { offer } from "./negotiate.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   offer({ serverMaxWindowBits: 10 }).header,
 *   "permessage-deflate; server_max_window_bits=10; client_max_window_bits",
 * );
 * ```
 */
export function offer(
  options: DeflateOptions = {},
  budget: ContextBudget = threadBudget,
): DeflateOffer {
  let settings = resolveDeflate(options);
  if (!budget.fits(contextsSize("client", settings))) {
    settings = {
      ...settings,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    };
  }
  const { serverMaxWindowBits, clientMaxWindowBits } = settings;
  const params: ParamMap = {
    clientMaxWindowBits: clientMaxWindowBits < MAX_WINDOW_BITS
      ? clientMaxWindowBits
      : true,
  };
  if (settings.serverNoContextTakeover) params.serverNoContextTakeover = true;
  if (settings.clientNoContextTakeover) params.clientNoContextTakeover = true;
  if (serverMaxWindowBits < MAX_WINDOW_BITS) {
    params.serverMaxWindowBits = serverMaxWindowBits;
  }
  return { header: writeParams(params), params, settings };
}

/**
 * Checks what a server has made of an offer, RFC 6455 §9.1 and RFC 7692 §7.1.
 *
 * @param header The response's `Sec-WebSocket-Extensions`, if it has one.
 * @param offered What was offered; `undefined` if nothing was.
 * @returns The agreement, or `undefined` if the server takes no offer.
 * @throws {ConnError} With code `"extension_invalid"` if the response breaks the
 * grammar, agrees on what was not offered, or to more than was: the handshake has
 * failed.
 *
 * @example What the server has chosen
 * ```ts
 * import { acceptResponse, offer } from "./negotiate.ts";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const offered = offer();
 * assertEquals(acceptResponse(undefined, offered), undefined);
 * const agreement = acceptResponse(
 *   "permessage-deflate; client_max_window_bits=9",
 *   offered,
 * );
 * assertEquals(agreement?.clientMaxWindowBits, 9);
 * assertThrows(() => acceptResponse("x-webkit-deflate-frame", offered));
 * ```
 */
export function acceptResponse(
  header: string | undefined,
  offered: DeflateOffer | undefined,
): DeflateAgreement | undefined {
  if (header === undefined) return undefined;
  const [extension, second] = readList(header, "response") as [
    Extension,
    Extension?,
  ];
  if (offered === undefined || extension.name !== DEFLATE_NAME) {
    throw invalid(header, "response", `"${extension.name}" was not offered`);
  }
  if (second !== undefined) {
    throw invalid(header, "response", "expected one extension");
  }
  const params = readParams(extension, "response");
  const wrong = typeof params === "string" ? params : excess(params, offered);
  if (typeof params === "string" || wrong !== undefined) {
    throw invalid(header, "response", wrong!);
  }
  return agreed(params, offered.settings);
}

/** How a response says more, or less, than the offer lets it. */
function excess(params: ParamMap, offered: DeflateOffer): string | undefined {
  const asked = offered.params;
  if (asked.serverNoContextTakeover && !params.serverNoContextTakeover) {
    return 'expected "server_no_context_takeover", which was asked for';
  }
  const serverMost = asked.serverMaxWindowBits;
  if (serverMost !== undefined) {
    const bits = params.serverMaxWindowBits ?? Infinity;
    if (bits > serverMost) {
      return `expected "server_max_window_bits" of at most ${serverMost}`;
    }
  }
  const bits = params.clientMaxWindowBits;
  const clientMost = asked.clientMaxWindowBits;
  if (typeof bits !== "number") return undefined;
  if (clientMost === undefined) {
    return '"client_max_window_bits" was not offered';
  }
  return clientMost !== true && bits > clientMost
    ? `expected "client_max_window_bits" of at most ${clientMost}`
    : undefined;
}

/** What a server leaves open, it leaves to its client. */
function agreed(
  params: ParamMap,
  settings: DeflateAgreement,
): DeflateAgreement {
  const { serverMaxWindowBits, clientMaxWindowBits } = params;
  return {
    ...settings,
    serverNoContextTakeover: params.serverNoContextTakeover === true,
    clientNoContextTakeover: settings.clientNoContextTakeover ||
      params.clientNoContextTakeover === true,
    serverMaxWindowBits: serverMaxWindowBits ?? MAX_WINDOW_BITS,
    clientMaxWindowBits: Math.min(
      settings.clientMaxWindowBits,
      typeof clientMaxWindowBits === "number"
        ? clientMaxWindowBits
        : MAX_WINDOW_BITS,
    ),
  };
}

function readList(header: string, kind: "offer" | "response"): Extension[] {
  const extensions = parseExtensions(header);
  if (extensions !== undefined) return extensions;
  throw invalid(header, kind, "expected a list of extensions");
}

function invalid(
  header: string,
  kind: "offer" | "response",
  what: string,
): ConnError {
  return new ConnError(
    `Cannot agree on the extensions "${header}": ${what}`,
    {
      code: "extension_invalid",
      side: "remote",
      ...(kind === "offer" ? { reply: 400 } : {}),
    },
  );
}
