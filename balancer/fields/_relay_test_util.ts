// The fields of a request as a backend gets them.

import { readTarget } from "../routing/target.ts";
import { peerAt, requestHead, rules, sentRequest } from "./_head_test_util.ts";
import type { Peer } from "./peer.ts";
import { RequestRelay, type RequestRelaySettings } from "./request_relay.ts";
import { AddressSet } from "./trust.ts";

const TRUSTED = new AddressSet(["10.0.0.0/8", "fd00::/8", "unix:"]);

/** A peer that is not trusted. */
export const CLIENT: Peer = peerAt("192.0.2.1");
/** A peer that is trusted. */
export const PROXY: Peer = peerAt("10.0.0.1");

/** A relay of which most settings are left out. */
export function makeRelay(
  settings: Partial<RequestRelaySettings> = {},
): RequestRelay {
  return new RequestRelay({
    forwarded: "x-forwarded",
    via: "meerkat",
    trusted: TRUSTED,
    rules: rules(),
    host: "keep",
    websocket: true,
    ...settings,
  });
}

/** A request, and what is done to it. */
export interface Case extends Partial<RequestRelaySettings> {
  line?: string;
  fields?: string[];
  peer?: Peer;
}

/** The lines that a backend gets. */
export function relayed(
  { line = "GET / HTTP/1.1", fields = [], peer = CLIENT, ...settings }: Case,
): string[] {
  const hosts = fields.some((field) => /^host:/i.test(field));
  const head = requestHead(
    line,
    ...(hosts || line.endsWith("1.0") ? [] : ["Host: a.example"]),
    ...fields,
  );
  const relay = makeRelay(settings);
  return sentRequest(
    relay.relay(head, readTarget(head)!, peer, "id-1", "backend:81"),
  );
}
