// What a part of the demo is made of.

import type { Program } from "./_demo_process.ts";

/** Where the servers are, without a path, by their titles. */
export type Urls = Readonly<Record<string, string>>;

/** One run of a client. */
export interface Step {
  readonly title: string;
  /** The title of a server that is ended before. */
  readonly ends?: string;
  /** The title of a server that was ended, and is started again before. */
  readonly restarts?: string;
  readonly client: Program;
  /**
   * The client's command line, for a server at this URL, with this admin page, when
   * the step before has printed this.
   */
  readonly args: (
    url: string,
    adminUrl: string,
    before: string,
  ) => readonly string[];
  /** What is typed. */
  readonly input?: string;
  /** What the client is ended after, which would go on for ever. */
  readonly until?: RegExp;
  /** The status that the client ends with. */
  readonly code?: number;
  /** What it prints. */
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
  /** A line that the server prints meanwhile. */
  readonly printed?: (urls: Urls) => RegExp;
}

/** A server, and what is shown of it. */
export interface Part {
  /** What it is called. */
  readonly title: string;
  readonly program: Program;
  /** Its usual port. */
  readonly port: number;
  /** Its command line, to listen on a port, when these servers run. */
  readonly args: (port: number, urls: Urls) => readonly string[];
  /**
   * What it has printed when it listens, with the port as the first group, and the
   * URL of its admin page as the second, if it has one.
   */
  readonly says: RegExp;
  /** Where it is, without a path. */
  readonly url: (port: string) => string;
  /** The pages to open in a browser. */
  readonly pages: (url: string, adminUrl: string) => readonly string[];
  readonly steps: readonly Step[];
}

/** The HTTP client. */
export const HTTP: Program = {
  name: "http_client",
  permissions: ["--allow-net"],
};
/** The WebSocket client. */
export const WS: Program = {
  name: "websocket_client",
  permissions: ["--allow-net"],
};

/** Puts options before a path on the server. */
export function at(path: string, ...options: string[]): Step["args"] {
  return (url) => [...options, url + path];
}

/** Puts options behind the WebSocket's URL. */
export function talk(path: string, ...options: string[]): Step["args"] {
  return (url) => ["-url", url.replace(/^http/, "ws") + path, ...options];
}
