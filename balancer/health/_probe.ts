/**
 * One active health check.
 *
 * @module
 */

import { formatHostPort } from "../../conn/addr.ts";
import type { Clock } from "../../conn/clock.ts";
import type { connect, Connected, ConnectOptions } from "../../conn/connect.ts";
import { attach } from "../../conn/loop.ts";
import { HttpMachine } from "../../http/machine/machine.ts";
import type { RequestCommand } from "../../http/codec/message.ts";
import type { BackendTlsConfig } from "../config/config.ts";
import type { Endpoint, HealthCheckSettings } from "../config/settings.ts";
import { type CheckResult, failed, Verdict } from "./_verdict.ts";

/** What is checked, and how. */
export interface ProbeTarget {
  readonly endpoint: Endpoint;
  readonly settings: Pick<
    HealthCheckSettings,
    "path" | "host" | "statuses" | "body"
  >;
  readonly tls: Readonly<BackendTlsConfig>;
  readonly connect: typeof connect;
  readonly clock: Clock;
}

/**
 * Connects, and asks if there is a path to ask for. Never rejects; takes as long
 * as the backend does.
 *
 * @param signal Aborted as soon as the result is there, or none is wanted any
 * more: that closes whatever is open.
 */
export async function probe(
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { path } = target.settings;
  try {
    const connected = await target.connect({
      ...whereTo(target.endpoint, target.tls),
      // The check as a whole has a time-out.
      connectTimeout: Infinity,
      tlsTimeout: Infinity,
      clock: target.clock,
      signal,
    });
    if (path !== undefined) return await ask(path, connected, target, signal);
    connected.transport.close();
    return { passed: true, reason: "connected" };
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

function whereTo(
  endpoint: Endpoint,
  tls: Readonly<BackendTlsConfig>,
): ConnectOptions {
  if ("path" in endpoint) return endpoint;
  return { ...endpoint, tls: endpoint.tls && tls };
}

/** Sends the request, and judges the response. The signal ends the connection. */
function ask(
  path: string,
  { transport, secure }: Connected,
  { endpoint, settings, clock }: ProbeTarget,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  const verdict = new Verdict(settings);
  const conn = attach(
    transport,
    new HttpMachine("client"),
    (event) => {
      const result = verdict.take(event);
      if (result !== undefined) resolve(result);
    },
    { clock, secure },
  );
  conn.unref();
  signal.addEventListener("abort", () => conn.abort());
  if (signal.aborted) conn.abort();
  conn.send(requestFor(path, settings.host ?? hostOf(endpoint)));
  return promise;
}

function requestFor(path: string, host: string): RequestCommand {
  return {
    type: "request",
    method: "GET",
    target: path,
    fields: {
      Host: host,
      "User-Agent": "meerkat-health-check",
      Connection: "close",
    },
    body: "",
  };
}

/** The `Host` of an endpoint, RFC 9110 §7.2: the usual port is left out. */
function hostOf(endpoint: Endpoint): string {
  if ("path" in endpoint) return "localhost";
  const { hostname, port, tls } = endpoint;
  const authority = formatHostPort(hostname, port);
  const usual = tls ? ":443" : ":80";
  return port === (tls ? 443 : 80)
    ? authority.slice(0, -usual.length)
    : authority;
}
