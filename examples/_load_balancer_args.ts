// The load balancer's command line. Its options have an order: -r and -v are for
// the next -b only.

import type { FileConfig, RouteConfig } from "@meerkat/net/balancer";
import { count, UsageError } from "./_usage.ts";

/** What the command line asks for. */
export type Job =
  | { readonly type: "help" }
  /** What a file says. */
  | { readonly type: "file"; readonly file: string; readonly check: boolean }
  /** What the options say. */
  | { readonly type: "options"; readonly options: Options };

/** Options in place of a file. */
export interface Options {
  readonly config: FileConfig;
  /** In the order of the command line. */
  readonly backends: readonly Backend[];
  /** The admin API has a token that nobody was told. */
  readonly newToken?: string;
}

/** What a `-b` says, with the options before it. */
export interface Backend {
  readonly vhost: string;
  readonly prefix: string;
  readonly replacement: string;
  readonly redirect: boolean;
  readonly address: string;
}

const PORT = 8000;

/** Reads the command line. */
export function parse(args: readonly string[]): Job {
  const found = new Reader(args).read();
  if (found.help) return { type: "help" };
  if (found.config !== undefined) {
    if (found.others.length > 0) {
      throw new UsageError(
        `Option ${found.others[0]} and --config do not go together`,
      );
    }
    return { type: "file", file: found.config, check: found.check };
  }
  if (found.check) throw new UsageError("Option --check needs --config");
  if (found.backends.length === 0) {
    throw new UsageError("Nothing to do: expected -b, or --config");
  }
  return { type: "options", options: optionsOf(found) };
}

/** Goes through the words of the command line. */
class Reader {
  readonly #words: string[];
  readonly backends: Backend[] = [];
  /** The options that --config has in its file. */
  readonly others: string[] = [];
  readonly values = new Map<string, string>();
  help = false;
  check = false;
  keepAlive = true;
  config: string | undefined;
  /** For the next backend. */
  #redirect = false;
  #vhost: string | undefined;

  constructor(args: readonly string[]) {
    this.#words = [...args].reverse();
  }

  read(): this {
    let next: string | undefined;
    while ((next = this.#words.pop()) !== undefined) this.#take(next);
    if (this.#redirect || this.#vhost !== undefined) {
      throw new UsageError("Options -r and -v are for a -b behind them");
    }
    return this;
  }

  #take(option: string): void {
    switch (option) {
      case "--help":
        this.help = true;
        return;
      case "--check":
        this.check = true;
        return;
      case "--config":
        this.config = this.#value(option);
        return;
    }
    this.others.push(option);
    switch (option) {
      case "-k":
      case "--no-keepalive":
        this.keepAlive = option === "-k";
        return;
      case "-r":
        this.#redirect = true;
        return;
      case "-v":
        this.#vhost = this.#value(option, true);
        return;
      case "-b":
        this.backends.push(this.#backend());
        return;
      case "-p":
      case "-l":
      case "-s":
      case "-w":
      case "--admin":
      case "--token":
        this.values.set(option, this.#value(option));
        return;
    }
    throw new UsageError(`Unknown option "${option}"`);
  }

  #backend(): Backend {
    const [vhost, redirect] = [this.#vhost ?? "", this.#redirect];
    [this.#vhost, this.#redirect] = [undefined, false];
    const uri = this.#value("-b");
    const address = this.#value("-b");
    const equals = uri.indexOf("=");
    const prefix = equals < 0 ? uri : uri.slice(0, equals);
    const replacement = equals < 0 ? uri : uri.slice(equals + 1) || "/";
    return { vhost, prefix, replacement, redirect, address };
  }

  #value(option: string, mayBeEmpty = false): string {
    const value = this.#words.pop();
    if (value !== undefined && (value !== "" || mayBeEmpty)) return value;
    throw new UsageError(
      option === "-b"
        ? "Option -b needs a prefix and a backend"
        : `Option ${option} needs a value`,
    );
  }
}

function optionsOf({ values, backends, keepAlive }: Reader): Options {
  const [log, pem] = [values.get("-l"), values.get("-s")];
  const workers = values.get("-w");
  const newToken = values.has("--admin") && !values.has("--token")
    ? crypto.randomUUID()
    : undefined;
  const config: FileConfig = {
    listen: {
      ...endpoint(values.get("-p") ?? String(PORT), "-p"),
      ...(pem === undefined ? {} : { certFile: pem }),
    },
    routes: routesOf(backends, keepAlive),
    ...(log === undefined ? {} : { accessLog: { format: "seed", file: log } }),
    ...(workers === undefined
      ? {}
      : { workers: count(workers, "-w", "a number of threads", 1, 1024) }),
    ...adminOf(values, newToken),
  };
  return { config, backends, ...(newToken === undefined ? {} : { newToken }) };
}

function adminOf(
  values: ReadonlyMap<string, string>,
  newToken: string | undefined,
): Pick<FileConfig, "admin"> {
  const [where, tokenFile] = [values.get("--admin"), values.get("--token")];
  if (where === undefined) {
    if (tokenFile === undefined) return {};
    throw new UsageError("Option --token needs --admin");
  }
  const admin = endpoint(where, "--admin");
  if (tokenFile !== undefined) return { admin: { ...admin, tokenFile } };
  return { admin: { ...admin, token: newToken! } };
}

/** Backends of one prefix and host share a route, and take turns. */
function routesOf(
  backends: readonly Backend[],
  keepAlive: boolean,
): RouteConfig[] {
  const routes = Map.groupBy(
    backends,
    ({ vhost, prefix }) => `${vhost.toLowerCase()} ${prefix}`,
  );
  return [...routes.values()].map((group) => {
    const [{ vhost, prefix, replacement, redirect }] = group as [Backend];
    const differs = group.some((other) =>
      other.replacement !== replacement || other.redirect !== redirect
    );
    if (differs) {
      throw new UsageError(
        `Backends for "${vhost}${prefix}" differ in -r or in the replacement`,
      );
    }
    return {
      prefix,
      ...(vhost === "" ? {} : { hosts: [vhost] }),
      ...(replacement === prefix ? {} : { replacement }),
      ...(redirect ? { redirect: 302 } : {}),
      upstream: {
        backends: group.map(({ address }) => address),
        ...(keepAlive ? {} : { pool: { maxIdle: 0 } }),
      },
    };
  });
}

/** Reads `PORT` or `HOST:PORT`. */
function endpoint(
  value: string,
  option: string,
): { hostname?: string; port: number } {
  const colon = value.lastIndexOf(":");
  const port = count(value.slice(colon + 1), option, "a port", 0, 65535);
  if (colon < 0) return { port };
  const hostname = value.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return hostname === "" ? { port } : { hostname, port };
}
