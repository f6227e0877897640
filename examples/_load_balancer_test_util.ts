// What the tests of the load balancer share.

import { commandLine, Text } from "./_test_util.ts";

/** Flags that the header names for options. */
export const READ = ["--allow-read"];
export const WRITE = ["--allow-write"];

/** A load balancer that runs. */
export class RunningBalancer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly stdout: Text;
  readonly stderr: Text;
  /** What it printed, up to where it listens. */
  lines = "";
  port = 0;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.stdout = new Text(child.stdout);
    this.stderr = new Text(child.stderr);
  }

  /** Starts one, and waits until it listens. */
  static async start(
    args: readonly string[],
    more: readonly string[] = [],
  ): Promise<RunningBalancer> {
    const command = new Deno.Command(Deno.execPath(), {
      args: [...await commandLine("load_balancer", more), ...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const balancer = new RunningBalancer(command.spawn());
    const listens = /^[^]*?Starting LB on port (\d+)\n/;
    const [lines, port] = await balancer.stdout.until(listens);
    balancer.lines = lines;
    balancer.port = Number(port);
    return balancer;
  }

  /** Asks it for something. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, {
      redirect: "manual",
      ...init,
    });
  }

  /** Asks it for something; gives the text of the reply. */
  async text(path = "/", init?: RequestInit): Promise<string> {
    return await (await this.fetch(path, init)).text();
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** How it ends, and what it prints until then. */
  async ended(): Promise<{ code: number; stdout: string; stderr: string }> {
    const [stdout, stderr, { code }] = await Promise.all([
      this.stdout.rest(),
      this.stderr.rest(),
      this.#child.status,
    ]);
    return { code, stdout, stderr };
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
  }
}

/** A backend that answers with its name, and what it was asked for. */
export class NamedBackend implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly address: string;

  constructor(name: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => {
        const { pathname } = new URL(request.url);
        return new Response(`${name} ${pathname}`);
      },
    );
    this.address = `127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
