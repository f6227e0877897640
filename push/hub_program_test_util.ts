// A hub as a program of its own, for tests that kill it.

import { assert } from "@std/assert";
import { serve } from "../http/server/serve.ts";
import type { Engine } from "./engine/engine.ts";
import { redisEngine } from "./engine/redis.ts";
import { sqliteEngine } from "./engine/sqlite.ts";
import { openHub } from "./hub.ts";

/** What values are posted with. */
export const TOKEN = "publish";

/** How many versions of the topics `short/...` are kept. */
export const SHORT = 4;

/** What the program is told. */
export interface HubProgramOptions {
  /** What keeps the values: a file, or a Redis. */
  readonly engine: { readonly sqlite: string } | {
    readonly redis: string;
    /** How long publishing may take, in milliseconds. */
    readonly timeout?: number;
  };
  /** By default any that is free. */
  readonly port?: number;
}

/** A hub that runs as a program. It ends with the test, however that ends. */
export class HubProgram implements AsyncDisposable {
  readonly #options: HubProgramOptions;
  #child: Deno.ChildProcess | undefined;
  #reading: Promise<void> | undefined;
  #changed = Promise.withResolvers<void>();
  /** What it has printed since it was started last. */
  #lines: string[] = [];
  /** Where it listens on the loopback interface; the same after a restart. */
  port = 0;

  private constructor(options: HubProgramOptions) {
    this.#options = options;
  }

  /** Starts one, and waits until it listens. */
  static async start(options: HubProgramOptions): Promise<HubProgram> {
    const hub = new HubProgram(options);
    await hub.start();
    return hub;
  }

  /** Where clients connect. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}/push`;
  }

  /** Starts it again, on the same port. */
  async start(): Promise<void> {
    assert(this.#child === undefined, "The hub runs already");
    const { port = this.port } = this.#options;
    this.#lines = [];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", import.meta.url],
        JSON.stringify({ ...this.#options, port }),
      ],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read(this.#child.stdout);
    try {
      const [, listensOn] = await this.line(/^Listening on (\d+)$/);
      this.port = Number(listensOn);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Kills it at once. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.kill("SIGKILL");
    await child.stdin.abort().catch(() => {
      // It has closed the pipe already.
    });
    await child.status;
    await this.#reading;
  }

  /** Waits for a line that it prints, or has printed since it was started. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#add();
    }, LIMIT);
    try {
      for (;;) {
        for (const line of this.#lines) {
          const match = pattern.exec(line);
          if (match !== null) return match;
        }
        const isOver = isLate || this.#lines.includes(END);
        assert(!isOver, `The hub has not printed ${pattern}: ${this.#lines}`);
        await this.#changed.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills it, if it runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #read(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#add(...lines);
    }
    this.#add(END);
  }

  #add(...lines: string[]): void {
    this.#lines.push(...lines);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** The longest that a line may take, in milliseconds. */
const LIMIT = 30_000;

/** Stands behind the last line. */
const END = "(end)";

/** The program. */
async function main(options: HubProgramOptions): Promise<void> {
  const hub = await openHub({
    engine: engineOf(options),
    topics: {
      "short/#": { history: { count: SHORT } },
      "#": { history: { count: 1e6, bytes: 1e9 }, delta: true },
    },
    limits: { publishRate: 1e6, queueCount: 1e6, queueBytes: 1e9 },
    onConnect: () => ({ publish: ["#"] }),
    onError: (error) => console.log(`Error: ${error}`),
  });
  const { port = 0 } = options;
  const handler = hub.handler({ publishToken: TOKEN });
  const server = serve({ hostname: "127.0.0.1", port }, handler);
  console.log(`Listening on ${(server.addr as Deno.NetAddr).port}`);
  // Nothing is sent: this is the end of the test.
  for await (const _ of Deno.stdin.readable);
  Deno.exit();
}

function engineOf({ engine }: HubProgramOptions): Engine {
  if ("sqlite" in engine) return sqliteEngine(engine.sqlite);
  const { redis, timeout = 20_000 } = engine;
  return redisEngine(redis, { timeout });
}

if (import.meta.main) await main(JSON.parse(Deno.args[0]!));
