/**
 * What options of a configuration must be in view of each other.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { compileRules } from "../fields/_rules.ts";
import type { FieldRules, RouteConfig, UpstreamConfig } from "./config.ts";
import type { FileConfig } from "./file_config.ts";
import { EJECTION } from "./_defaults.ts";
import type { Path, Report } from "./_report.ts";

/**
 * Reports what does not go together. Parts that have problems of their own are
 * left out.
 *
 * @param config The configuration, of which only the report knows how far it is
 * what its type says.
 * @param report What is wrong with its parts; gets what is found.
 */
export function checkReferences(config: FileConfig, report: Report): void {
  const upstreams = upstreamsOf(config);
  for (const [name, upstream] of upstreams) {
    checkUpstream(upstream, ["upstreams", name], report);
  }
  const names = new Set<string>();
  const routes = Array.isArray(config.routes) ? config.routes : [];
  for (const [i, route] of routes.entries()) {
    const path = ["routes", i];
    if (!report.isClean(path)) continue;
    checkRoute(route, path, upstreams, report);
    if (route.name === undefined) continue;
    if (names.has(route.name)) {
      report.refuse([...path, "name"], route.name, "each name once");
    }
    names.add(route.name);
  }
  checkProgram(config, report);
}

type Upstreams = ReadonlyMap<string, UpstreamConfig>;

function upstreamsOf({ upstreams }: FileConfig): Upstreams {
  const isObject = typeof upstreams === "object" && !Array.isArray(upstreams);
  return new Map(isObject ? Object.entries(upstreams ?? {}) : []);
}

function checkRoute(
  route: RouteConfig,
  path: Path,
  upstreams: Upstreams,
  report: Report,
): void {
  const { upstream, split } = route;
  if ((upstream === undefined) === (split === undefined)) {
    const what = split === undefined ? "do without" : "use both";
    report.add(
      path,
      `Cannot ${what} "upstream" and "split": expected one of them`,
    );
    return;
  }
  checkRules(route.requestFields, [...path, "requestFields"], report);
  checkRules(route.responseFields, [...path, "responseFields"], report);
  if (typeof upstream === "string") {
    checkName(upstream, [...path, "upstream"], upstreams, report);
  } else if (upstream !== undefined) {
    checkUpstream(upstream, [...path, "upstream"], report);
  }
  for (const [i, part] of (split ?? []).entries()) {
    checkName(
      part.upstream,
      [...path, "split", i, "upstream"],
      upstreams,
      report,
    );
  }
  if (split !== undefined && !split.some(({ weight }) => weight > 0)) {
    report.refuse([...path, "split"], split, "a weight above 0 in it");
  }
  if (route.redirect !== undefined && report.isClean(["upstreams"])) {
    checkRedirect(route, [...path, "redirect"], upstreams, report);
  }
}

/** One field by one name alone is right already. */
function checkRules(
  rules: FieldRules | undefined,
  path: Path,
  report: Report,
): void {
  try {
    compileRules({ remove: [], set: {}, add: {}, ...rules });
  } catch (error) {
    if (!(error instanceof ConnError)) throw error;
    report.add(path, error.message);
  }
}

function checkName(
  name: string,
  path: Path,
  upstreams: Upstreams,
  report: Report,
): void {
  if (upstreams.has(name)) return;
  const known = [...upstreams.keys()].map((known) => JSON.stringify(known));
  const expected = known.length === 0
    ? 'a name that is in "upstreams"'
    : `one of the upstreams ${known.join(", ")}`;
  report.refuse(path, name, expected);
}

/** A client cannot be sent to a Unix socket. */
function checkRedirect(
  route: RouteConfig,
  path: Path,
  upstreams: Upstreams,
  report: Report,
): void {
  const used = [
    route.upstream,
    ...(route.split ?? []).map((part) => part.upstream),
  ].map((one) => typeof one === "string" ? upstreams.get(one) : one);
  for (const upstream of used) {
    const isUnix = upstream?.backends.some((backend) =>
      asBackend(backend).address.startsWith("unix:")
    );
    if (isUnix) {
      report.refuse(path, route.redirect, "no Unix sockets as backends");
    }
  }
}

function checkUpstream(
  upstream: UpstreamConfig,
  path: Path,
  report: Report,
): void {
  if (!report.isClean(path)) return;
  const ids = new Set<string>();
  for (const [i, backend] of upstream.backends.entries()) {
    const { id, address } = asBackend(backend);
    const name = id ?? address;
    if (ids.has(name)) {
      const at = [...path, "backends", i];
      report.refuse(at, name, 'each backend once, or with an "id" of its own');
    }
    ids.add(name);
  }
  if (upstream.ejection) {
    const { baseTime, maxTime } = { ...EJECTION, ...upstream.ejection };
    if (maxTime < baseTime) {
      const at = [...path, "ejection"];
      report.add(
        at,
        `Cannot use "maxTime" ${maxTime}: expected no less than "baseTime", ${baseTime}`,
      );
    }
  }
}

function asBackend(
  backend: UpstreamConfig["backends"][number],
): { address: string; id?: string } {
  return typeof backend === "string" ? { address: backend } : backend;
}

/** What is beside the balancer's own configuration. */
function checkProgram({ listen, admin }: FileConfig, report: Report): void {
  if (listen?.keyFile !== undefined && listen.certFile === undefined) {
    report.add(
      ["listen"],
      'Cannot use "keyFile" alone: expected "certFile", too',
    );
  }
  if (listen?.proxyProtocol && listen.certFile !== undefined) {
    report.add(
      ["listen"],
      'Cannot use "proxyProtocol" and "certFile" together: its header comes before TLS',
    );
  }
  if (!admin || !report.isClean(["admin"])) return;
  if ((admin.token === undefined) === (admin.tokenFile === undefined)) {
    const what = admin.token === undefined ? "do without" : "use both";
    report.add(
      ["admin"],
      `Cannot ${what} "token" and "tokenFile": expected one of them`,
    );
  }
}
