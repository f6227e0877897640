/**
 * Load by `wrk`.
 *
 * @module
 */

/** What to load a server with. */
export interface WrkOptions {
  /** The program's path. */
  path: string;
  /** How long, in whole seconds. */
  seconds: number;
  /** Open connections. */
  connections: number;
  /** Requests that each connection sends at a time. @default {1} */
  depth?: number;
}

/**
 * Runs `wrk`, with one thread.
 *
 * @param url What to ask for.
 * @param options How much, and how long.
 * @returns How many requests were answered, and how long that took in
 * microseconds.
 * @throws {Error} If an answer was none, or not a success.
 */
export async function wrk(url: string, options: WrkOptions): Promise<Load> {
  const { path, seconds, connections, depth = 1 } = options;
  const script = new URL("_pipeline.lua", import.meta.url).pathname;
  const more = depth === 1 ? [url] : ["-s", script, url, "--", `${depth}`];
  const { stdout, stderr, success } = await new Deno.Command(path, {
    args: ["-t1", `-c${connections}`, `-d${seconds}s`, ...more],
    signal: AbortSignal.timeout((seconds + 10) * 1000),
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`wrk failed: ${decoder.decode(stderr)}`);
  return parseWrk(decoder.decode(stdout));
}

/** How many requests in how many microseconds. */
export interface Load {
  /** Requests that were answered. */
  requests: number;
  /** How long that took. */
  microseconds: number;
}

/** Reads what `wrk` printed. */
export function parseWrk(text: string): Load {
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  const trouble = /Socket errors:.*|Non-2xx.*/.exec(text)?.[0];
  // Answers that came late are answers; the loss of one is not.
  if (trouble !== undefined && !/connect 0, read 0, write 0/.test(trouble)) {
    throw new Error(`wrk met trouble: ${trouble}`);
  }
  if (!(requests > 0 && rate > 0)) throw new Error(`wrk said: ${text}`);
  return { requests, microseconds: requests / rate * 1e6 };
}
