/**
 * Finding the route of a request, by host and then by path.
 *
 * @module
 */

import { hostName } from "./_host.ts";
import { covers } from "./_prefix.ts";

/** What a route is for. */
export interface RouteMatch {
  /** Names it in explanations. */
  readonly name: string;
  /**
   * The hosts: `"example.com"`, or `"*.example.com"` for all names below that.
   * Empty for any host.
   */
  readonly hosts: readonly string[];
  /** The path that it is for, with all paths below. Begins with a slash. */
  readonly prefix: string;
}

/** Which route a request takes, and why. */
export interface Explanation {
  /** The route's name; `undefined` if there is none. */
  readonly route: string | undefined;
  /** How that was found, a sentence for each step. */
  readonly steps: readonly string[];
}

/** The routes that have the same host, longest prefix first. */
interface Level<R> {
  /** A host, a wildcard, or {@linkcode ANY}. */
  readonly pattern: string;
  readonly routes: readonly R[];
}

/** All routes that a host may take, best first. */
interface Chain<R> {
  readonly levels: readonly Level<R>[];
  /** Those of all levels, in order: the first that covers a path wins. */
  readonly routes: readonly R[];
}

/** The pattern of routes without hosts. */
const ANY = "";

/** A name has at most 253 characters (RFC 1035 §2.3.4), and a port six. */
const MAX_HOST = 260;

/** How many hosts are remembered. A client can make up as many as it likes. */
const MAX_CACHED = 1024;

/**
 * Routes, ready to be searched.
 *
 * A host's own routes come before those of wildcards, a longer wildcard before a
 * shorter one, and routes without hosts last. Among the routes of one of these
 * levels the longest prefix wins, then the one that was given first. A level that
 * has no route for the path leaves it to the next.
 *
 * Hosts are compared in lower case, without port and without a dot at the end;
 * prefixes are compared with the path by whole segments and exactly.
 */
export class RouteTable<R extends RouteMatch> {
  readonly #chains = new Map<string, Chain<R>>();
  readonly #general: Chain<R>;
  readonly #cache = new Map<string, Chain<R>>();

  /**
   * Creates a table.
   *
   * @param routes The routes; those that come first win among equals.
   */
  constructor(routes: readonly R[]) {
    const levels = levelsOf(routes);
    for (const pattern of levels.keys()) {
      this.#chains.set(pattern, chainOf(pattern, levels));
    }
    this.#general = this.#chains.get(ANY)!;
  }

  /**
   * Finds the route of a request.
   *
   * @param host As in the `Host` field, with or without port, in any case; `""` if
   * there is none.
   * @param path The path, normalised and without query; or `"*"`, which is at the
   * root.
   * @returns The route, or `undefined` if there is none.
   */
  find(host: string, path: string): R | undefined {
    const { routes } = this.#chainOf(host);
    const place = path === "*" ? "/" : path;
    for (let i = 0; i < routes.length; i++) {
      if (covers(routes[i]!.prefix, place)) return routes[i];
    }
    return undefined;
  }

  /**
   * Finds the route of a request, and says how.
   *
   * @param host See {@linkcode RouteTable.find}.
   * @param path See {@linkcode RouteTable.find}.
   */
  explain(host: string, path: string): Explanation {
    const { levels } = this.#chainOf(host);
    const steps = [explainHost(host)];
    const place = path === "*" ? "/" : path;
    for (const { pattern, routes } of levels) {
      if (routes.length === 0) continue;
      const next = steps.length === 1 ? "first" : "next";
      steps.push(`Routes for ${quotePattern(pattern)} are tried ${next}`);
      const winner = explainLevel(routes, place, steps);
      if (winner !== undefined) return { route: winner.name, steps };
    }
    steps.push(`No route is for "${path}" at this host`);
    return { route: undefined, steps };
  }

  #chainOf(host: string): Chain<R> {
    if (this.#chains.size === 1 || host.length > MAX_HOST) return this.#general;
    return this.#cache.get(host) ?? this.#look(host);
  }

  #look(host: string): Chain<R> {
    let chain = this.#general;
    for (const pattern of patternsOf(hostName(host))) {
      const found = this.#chains.get(pattern);
      if (found === undefined) continue;
      chain = found;
      break;
    }
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    // The host is a slice of a request's head, which must not live on with it:
    // joining makes a copy.
    this.#cache.set((" " + host).slice(1), chain);
    return chain;
  }
}

/** What a host may match, best first. A wildcard matches itself, too. */
function patternsOf(host: string): Set<string> {
  const patterns = new Set([host]);
  let dot = host.indexOf(".", 1);
  while (dot !== -1) {
    patterns.add("*" + host.slice(dot));
    dot = host.indexOf(".", dot + 1);
  }
  return patterns.add(ANY);
}

function levelsOf<R extends RouteMatch>(
  routes: readonly R[],
): Map<string, Level<R>> {
  const byPattern = new Map<string, R[]>([[ANY, []]]);
  for (const route of routes) {
    const patterns = route.hosts.length === 0
      ? [ANY]
      : new Set(route.hosts.map(hostName));
    for (const pattern of patterns) {
      const group = byPattern.get(pattern);
      if (group === undefined) byPattern.set(pattern, [route]);
      else group.push(route);
    }
  }
  const levels = new Map<string, Level<R>>();
  for (const [pattern, group] of byPattern) {
    // Sorting keeps the order of equals.
    group.sort((a, b) => b.prefix.length - a.prefix.length);
    levels.set(pattern, { pattern, routes: group });
  }
  return levels;
}

function chainOf<R>(pattern: string, all: Map<string, Level<R>>): Chain<R> {
  const levels: Level<R>[] = [];
  for (const other of patternsOf(pattern)) {
    const level = all.get(other);
    if (level !== undefined) levels.push(level);
  }
  return { levels, routes: levels.flatMap((level) => level.routes) };
}

function explainHost(host: string): string {
  const name = hostName(host);
  if (name === "") return "The request names no host";
  return host === name
    ? `The host is "${name}"`
    : `The host "${host}" is looked up as "${name}"`;
}

function quotePattern(pattern: string): string {
  if (pattern === ANY) return "any host";
  return pattern.startsWith("*.")
    ? `hosts that match "${pattern}"`
    : `the host "${pattern}"`;
}

/** Tells what a level has for a path; returns the route that wins there. */
function explainLevel<R extends RouteMatch>(
  routes: readonly R[],
  path: string,
  steps: string[],
): R | undefined {
  const at = routes.findIndex(({ prefix }) => covers(prefix, path));
  for (const { name, prefix } of at < 0 ? routes : routes.slice(0, at)) {
    steps.push(`"${prefix}" of route "${name}" does not cover "${path}"`);
  }
  const winner = routes[at];
  if (winner === undefined) return undefined;
  const { name, prefix } = winner;
  steps.push(
    `"${prefix}" of route "${name}" is the longest prefix that covers "${path}"`,
  );
  for (const other of routes.slice(at + 1)) {
    if (other.prefix !== prefix) break;
    steps.push(`Route "${other.name}" has the same prefix, but comes later`);
  }
  return winner;
}
