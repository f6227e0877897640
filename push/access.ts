/**
 * Who may do what.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import { covers } from "./model/topic_name.ts";
import type { ClientInfo, HubOptions } from "./options.ts";

/**
 * Checks that a client may subscribe to a filter.
 *
 * @throws {ConnError} With code `"forbidden"`; where a hook has to be waited for,
 * by rejecting.
 */
export function checkSubscribe(
  options: HubOptions,
  client: ClientInfo,
  filter: string,
): void | Promise<void> {
  const { subscribe } = client.grant;
  if (subscribe && !isCovered(subscribe, filter)) throw forbidden(filter);
  return verdict(options.onSubscribe?.(filter, client), filter);
}

/**
 * Checks that a client may publish a value to a topic; as
 * {@linkcode checkSubscribe}.
 */
export function checkPublish(
  options: HubOptions,
  client: ClientInfo,
  topic: string,
  value: unknown,
): void | Promise<void> {
  const { publish = [] } = client.grant;
  if (!isCovered(publish, topic)) throw forbidden(topic);
  return verdict(options.onPublish?.(topic, value, client), topic);
}

function isCovered(grants: readonly string[], filter: string): boolean {
  return grants.some((grant) => covers(grant, filter));
}

function verdict(
  allowed: boolean | undefined | Promise<boolean>,
  what: string,
): void | Promise<void> {
  if (allowed instanceof Promise) {
    return allowed.then((allowed) => verdict(allowed, what));
  }
  if (allowed === false) throw forbidden(what);
}

function forbidden(what: string): ConnError {
  return new ConnError(`Access to "${what}" is refused`, {
    code: "forbidden",
    side: "remote",
    reply: 403,
  });
}
