// The head of a request: the fields that the program gave, and those that come
// by themselves.

import { Fields } from "../codec/fields.ts";
import type { OutgoingBody } from "./_request_body.ts";

/** What a route adds to every request. */
export interface RouteFields {
  /** The value of `Host`. */
  readonly host: string;
  /** The value of `Proxy-Authorization`, for a proxy that forwards. */
  readonly proxyAuthorization: string | undefined;
}

/** What the client adds to every request. */
export interface DefaultFields {
  /** The fields of its options. */
  readonly fields: Fields | undefined;
  /** The value of `Accept-Encoding`. */
  readonly acceptEncoding: string | undefined;
}

/** What one request adds. */
export interface OwnFields {
  readonly fields: Fields | undefined;
  readonly body: OutgoingBody | undefined;
  /** Whether to write the length of a body that is not sent with the head. */
  readonly length: number | undefined;
  readonly expectContinue: boolean;
}

/** The fields of a request that has none of its own; the same for each. */
export function plainFields(
  route: RouteFields,
  defaults: DefaultFields,
): Fields {
  return requestFields(route, defaults, {
    fields: undefined,
    body: undefined,
    length: undefined,
    expectContinue: false,
  });
}

/**
 * All fields of a request. `Host` comes first (RFC 9110 §7.2); what the program
 * gave for the request wins over what it gave for the client, and that over what
 * comes by itself.
 */
export function requestFields(
  route: RouteFields,
  defaults: DefaultFields,
  own: OwnFields,
): Fields {
  const fields = new Fields();
  fields.append("Host", own.fields?.get("host") ?? route.host);
  copy(fields, own.fields);
  if (defaults.fields !== undefined) copyMissing(fields, defaults.fields);
  add(fields, "User-Agent", "meerkat");
  add(fields, "Accept", "*/*");
  // A range of a compressed reply is of no use to who wants the content.
  if (!fields.has("range")) {
    add(fields, "Accept-Encoding", defaults.acceptEncoding);
  }
  add(fields, "Proxy-Authorization", route.proxyAuthorization);
  add(fields, "Content-Type", own.body?.type);
  if (!fields.has("transfer-encoding")) {
    add(fields, "Content-Length", own.length?.toString());
  }
  if (own.expectContinue) add(fields, "Expect", "100-continue");
  return fields;
}

function copy(to: Fields, from: Fields | undefined): void {
  if (from === undefined) return;
  for (const [name, value] of from) {
    if (name.length !== 4 || name.toLowerCase() !== "host") {
      to.append(name, value);
    }
  }
}

function copyMissing(to: Fields, from: Fields): void {
  const missing = [...from].filter(([name]) => !to.has(name));
  for (const [name, value] of missing) to.append(name, value);
}

function add(fields: Fields, name: string, value: string | undefined): void {
  if (value !== undefined && !fields.has(name)) fields.append(name, value);
}
