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
  if (subscribe !== undefined && !isCovered(subscribe, filter)) {
    throw forbidden(filter);
  }
  const { onSubscribe } = options;
  if (onSubscribe) return verdict(onSubscribe(filter, client), filter);
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
  const { onPublish } = options;
  if (onPublish) return verdict(onPublish(topic, value, client), topic);
}

function isCovered(grants: readonly string[], filter: string): boolean {
  // What comes from elsewhere may be no list, whatever its type says.
  return Array.isArray(grants) && grants.some((grant) => covers(grant, filter));
}

/** Anything but `true` refuses, so that a hook that forgets to answer does, too. */
function verdict(
  allowed: boolean | PromiseLike<boolean>,
  what: string,
): void | Promise<void> {
  if (allowed === true) return;
  if (typeof allowed !== "object" || allowed === null) throw forbidden(what);
  return Promise.resolve(allowed).then((allowed) => {
    if (allowed !== true) throw forbidden(what);
  });
}

function forbidden(what: string): ConnError {
  return new ConnError(`Access to "${what}" is refused`, {
    code: "forbidden",
    side: "remote",
    reply: 403,
  });
}
