// The client's options with every default filled in.

import { type Clock, systemClock } from "../../conn/clock.ts";
import { acceptEncoding } from "./content_decoding.ts";
import type {
  ClientOptions,
  ClientTimeouts,
  RequestTimeouts,
} from "./client_options.ts";
import { Fields } from "../codec/fields.ts";
import { parseProxy, type Proxy } from "./proxy.ts";
import type { RedirectMode } from "./redirect.ts";
import type { DefaultFields } from "./_request_head.ts";

/** What is the same for all requests, unless they say otherwise. */
export interface Settings {
  readonly timeouts: Required<ClientTimeouts>;
  readonly redirect: RedirectMode;
  readonly maxRedirects: number;
  readonly decode: boolean;
  readonly maxResponseSize: number;
  readonly maxBufferedSize: number;
  readonly unix: string | undefined;
  readonly proxy: Proxy | undefined;
  readonly noProxy: readonly string[];
  readonly clock: Clock;
  /** The fields that come by themselves. */
  readonly defaults: DefaultFields;
  /** The same for who does not want compressed replies. */
  readonly plainDefaults: DefaultFields;
}

const TIMEOUTS: Required<ClientTimeouts> = {
  queue: 30_000,
  connect: 10_000,
  tls: 10_000,
  head: 60_000,
  bodyIdle: 60_000,
  total: Infinity,
};

/** Fills the defaults in. */
export function resolveSettings(options: ClientOptions): Settings {
  const { proxy } = options;
  const fields = options.fields && new Fields(options.fields);
  return {
    timeouts: mergeTimeouts(TIMEOUTS, options.timeouts),
    redirect: options.redirect ?? "follow",
    maxRedirects: options.maxRedirects ?? 20,
    decode: options.decode ?? true,
    maxResponseSize: options.maxResponseSize ?? Infinity,
    maxBufferedSize: options.maxBufferedSize ?? 64 * 1024 * 1024,
    unix: options.unix,
    proxy: typeof proxy === "string" ? parseProxy(proxy) : proxy,
    noProxy: options.noProxy ?? [],
    clock: options.clock ?? systemClock,
    defaults: { fields, acceptEncoding },
    plainDefaults: { fields, acceptEncoding: undefined },
  };
}

/** Puts a request's time-outs over the client's. */
export function mergeTimeouts<T extends RequestTimeouts>(
  base: Required<T>,
  own: T | undefined,
): Required<T> {
  if (own === undefined) return base;
  const merged = { ...base };
  for (const name of Object.keys(own) as (keyof T)[]) {
    const value = own[name];
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}
