// The command lines of the WebSocket examples, whose options have one dash and
// a word: `-url ws://localhost:8000`.

import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "./_usage.ts";

/** What was on a command line. */
export interface Parsed<V extends string, S extends string> {
  /** The options that have a value. */
  readonly values: Readonly<Partial<Record<V, string>>>;
  /** The switches that are on. */
  readonly switches: ReadonlySet<S>;
}

/**
 * Reads a command line. `-name` and `--name` are the same, and a value may begin
 * with "-".
 *
 * @param args The command line.
 * @param names The options that have a value, and the switches.
 * @returns What was given; `undefined` if that was `--help`.
 * @throws {UsageError} If an option is unknown, repeated or without its value.
 */
export function parseCommandLine<V extends string, S extends string>(
  args: readonly string[],
  names: { readonly values: readonly V[]; readonly switches: readonly S[] },
): Parsed<V, S> | undefined {
  const flags = parseArgs(joined(args, names.values), {
    string: [...names.values],
    boolean: ["help", ...names.switches],
    collect: [...names.values],
    unknown: (arg) => {
      throw new UsageError(`Unknown option "${arg}"`);
    },
  }) as Record<string, unknown>;
  if (flags["help"] === true) return undefined;
  const values: Partial<Record<V, string>> = {};
  for (const name of names.values) {
    const [value, ...more] = flags[name] as string[];
    if (more.length > 0) {
      throw new UsageError(`Option -${name} may be given only once`);
    }
    if (value !== undefined) values[name] = value;
  }
  const on = names.switches.filter((name) => flags[name] === true);
  return { values, switches: new Set(on) };
}

/** Puts options that have a value in the form that is not misread. */
function joined(args: readonly string[], names: readonly string[]): string[] {
  const result: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const [, name = "", value] = /^--?([^=]+)(?:=([^]*))?$/.exec(arg) ?? [];
    if (!names.includes(name)) {
      // `-help` would be read as -h -e -l -p.
      result.push(arg.replace(/^-(?=[^-=]{2})/, "--"));
    } else if (value !== undefined) result.push(`--${name}=${value}`);
    else if (i + 1 < args.length) result.push(`--${name}=${args[++i]}`);
    else throw new UsageError(`Option -${name} needs a value`);
  }
  return result;
}

/**
 * Reads the URL of a WebSocket server.
 *
 * @param value What the command line says.
 * @returns The URL.
 * @throws {UsageError} If it is none, or no `ws:` or `wss:` URL.
 */
export function parseUrl(value: string): URL {
  const url = URL.parse(value);
  if (url !== null && /^wss?:$/.test(url.protocol)) return url;
  throw new UsageError(
    `Option -url is "${value}", expected ws://HOST:PORT or wss://HOST:PORT`,
  );
}
