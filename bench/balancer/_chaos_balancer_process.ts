/**
 * The balancer's process, from outside.
 *
 * @module
 */

import { lines } from "../_lines.ts";

const TOKEN = crypto.randomUUID();
const UPSTREAM = "main";
const END_TIMEOUT = 15_000;

/** A backend in the configuration. */
export interface Listed {
  name: string;
  port: number;
}

/** The balancer in a process of its own. */
export class ChaosBalancer {
  readonly #file: string;
  readonly #child: Deno.ChildProcess;
  port = 0;
  #adminPort = 0;
  /** It has ended, whether it should or not. */
  readonly ended: Promise<Deno.CommandStatus>;

  /**
   * Starts it.
   *
   * @param file Where its configuration goes.
   * @param backends What it is in front of.
   */
  static async start(
    file: string,
    backends: readonly Listed[],
  ): Promise<ChaosBalancer> {
    await Deno.writeTextFile(file, configText(backends));
    const balancer = new ChaosBalancer(file);
    const output = lines(balancer.#child.stdout);
    const { value = "" } = await output.next();
    const [, port, adminPort] = /^ready (\d+) (\d+)$/.exec(value) ?? [];
    if (port === undefined) throw new Error("The balancer did not start");
    balancer.port = Number(port);
    balancer.#adminPort = Number(adminPort);
    return balancer;
  }

  private constructor(file: string) {
    this.#file = file;
    const program = new URL("_chaos_balancer.ts", import.meta.url).pathname;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", program, file],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.ended = this.#child.status;
  }

  /** Writes another configuration, as editors do: in place of the old file. */
  async configure(backends: readonly Listed[], comment = ""): Promise<void> {
    await this.#replace(`// ${comment}\n${configText(backends)}`);
  }

  /** Writes a configuration that has to be refused. */
  async misconfigure(): Promise<void> {
    await this.#replace(`{ "routes": [{ "upstream": "nowhere" }] }`);
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Ends it, and gives how it ended; by force if it takes too long. */
  async stop(): Promise<Deno.CommandStatus> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), END_TIMEOUT);
    const status = await this.ended;
    clearTimeout(timer);
    return status;
  }

  /** Drains a backend, or gives it requests again. */
  async setDraining(name: string, draining: boolean): Promise<void> {
    const path = `/api/upstreams/${UPSTREAM}/backends/${name}/drain`;
    const response = await this.#ask(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ draining }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot drain "${name}": ${text}`);
  }

  /** How many configurations it refused. */
  async refused(): Promise<number> {
    const snapshot = await (await this.#ask("/api/snapshot")).json();
    return snapshot.reloadsRefused;
  }

  #ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${TOKEN}`);
    const url = `http://127.0.0.1:${this.#adminPort}${path}`;
    return fetch(url, { ...init, headers });
  }

  async #replace(text: string): Promise<void> {
    await Deno.writeTextFile(`${this.#file}.new`, text);
    await Deno.rename(`${this.#file}.new`, this.#file);
  }
}

/** Time-outs are short, so that a paused backend is noticed; the budget is not shown. */
function configText(backends: readonly Listed[]): string {
  return JSON.stringify(
    {
      listen: { hostname: "127.0.0.1", port: 0 },
      admin: { port: 0, token: TOKEN },
      routes: [{ name: "all", upstream: UPSTREAM, timeouts: { head: 1_000 } }],
      upstreams: {
        [UPSTREAM]: {
          backends: backends.map(({ name, port }) => ({
            id: name,
            address: `127.0.0.1:${port}`,
          })),
          pool: { connectTimeout: 500 },
          health: {
            path: "/healthz",
            interval: 300,
            timeout: 300,
            unhealthyAfter: 2,
            healthyAfter: 1,
          },
          ejection: { baseTime: 200, maxTime: 1_000 },
          retryBudget: { ratio: 1, minPerSecond: 1_000 },
        },
      },
    },
    null,
    2,
  );
}
