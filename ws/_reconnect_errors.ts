/**
 * What goes wrong with a connection that reconnects, and what an error says.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import { parseRetryAfter } from "../http/client/retry.ts";
import { PREPARE_FAILED, type Refusal } from "./_reconnect_policy.ts";
import { WsRefusedError } from "./refused.ts";

/** What the `prepare` hook threw. */
export function prepareFailed(cause: unknown): ConnError {
  if (cause instanceof ConnError) return cause;
  return new ConnError("Cannot prepare to connect: the hook failed", {
    code: PREPARE_FAILED,
    side: "local",
    cause,
  });
}

/** There is no connection for what needs one. */
export function notConnected(action: string): ConnError {
  return new ConnError(`Cannot ${action}: there is no connection`, {
    code: "not_connected",
    side: "local",
  });
}

/** What an attempt failed with. */
export function asConnError(cause: unknown): ConnError {
  if (cause instanceof ConnError) return cause;
  return new ConnError(`Cannot connect: ${cause}`, {
    code: "connect_failed",
    side: "local",
    cause,
  });
}

/** The program threw. */
export function handlerFailed(what: string, cause: unknown): ConnError {
  return new ConnError(`The handler of ${what} failed`, {
    code: "handler_failed",
    side: "local",
    cause,
  });
}

/** There is nothing to iterate over. */
export function hasHandler(): ConnError {
  return new ConnError(
    "Cannot iterate over the messages: they go to the handler",
    { code: "has_handler", side: "local" },
  );
}

/** What the server's answer says about another attempt. */
export function refusalOf(error: ConnError | undefined): Refusal | undefined {
  if (!(error instanceof WsRefusedError)) return undefined;
  const { status, fields } = error.head;
  const value = fields.get("retry-after");
  return {
    status,
    retryAfter: value === undefined
      ? undefined
      : parseRetryAfter(value, Date.now()),
  };
}
