/**
 * A real Redis for tests, and a path to it that can be cut.
 *
 * @module
 */

import { assert } from "@std/assert";
import { createClient } from "@redis/client";

/** A `redis-server` with a folder of its own, on a port of its own. */
export class RedisServer implements AsyncDisposable {
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #dir: string;
  #child: Deno.ChildProcess | undefined;
  #log: Promise<void> | undefined;
  /** Its port on the loopback interface; the same when it is started again. */
  readonly port: number;

  private constructor(program: string, args: readonly string[]) {
    this.#program = program;
    this.#args = args;
    this.#dir = Deno.makeTempDirSync({ prefix: "redis-" });
    // Redis itself takes no free port.
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = listener.addr.port;
  }

  /**
   * Starts one. What it has answered to is on the disk.
   *
   * @param program Its path.
   * @param args More of its options.
   */
  static async start(
    program: string,
    ...args: readonly string[]
  ): Promise<RedisServer> {
    const server = new RedisServer(program, args);
    await server.start();
    return server;
  }

  /** What the engine takes. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again. */
  async start(): Promise<void> {
    assert(this.#child === undefined, "Redis runs already");
    const child = new Deno.Command(this.#program, {
      args: [
        ...["--port", `${this.port}`, "--bind", "127.0.0.1"],
        ...["--dir", this.#dir, "--save", ""],
        ...["--appendonly", "yes", "--appendfsync", "always"],
        ...this.#args,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    this.#log = readLog(child.stdout, ready);
    await ready.promise;
  }

  /** Kills it at once. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.kill("SIGKILL");
    await child.status;
    await this.#log;
  }

  /** Stops it from doing anything; its connections stay. */
  freeze(): void {
    this.#child!.kill("SIGSTOP");
  }

  /** Lets it go on. */
  thaw(): void {
    this.#child!.kill("SIGCONT");
  }

  /** Copies what it has on the disk, for {@linkcode restore}. */
  backup(): void {
    const copy = `${this.#dir}/backup`;
    Deno.mkdirSync(copy);
    for (const { name } of Deno.readDirSync(`${this.#dir}/appendonlydir`)) {
      Deno.copyFileSync(
        `${this.#dir}/appendonlydir/${name}`,
        `${copy}/${name}`,
      );
    }
  }

  /** Puts the copy where its data was; it must not run. */
  restore(): void {
    this.wipe();
    Deno.renameSync(`${this.#dir}/backup`, `${this.#dir}/appendonlydir`);
  }

  /** Drops what it has on the disk; it must not run. */
  wipe(): void {
    Deno.removeSync(`${this.#dir}/appendonlydir`, { recursive: true });
  }

  /** Asks it for something. */
  async command(...args: string[]): Promise<unknown> {
    const client = createClient({ url: this.url, RESP: 2 });
    client.on("error", () => {});
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }

  /** Kills it and drops its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#dir, { recursive: true });
  }
}

/** Reads a log to its end, and says when Redis can be used. */
async function readLog(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  ready: PromiseWithResolvers<void>,
): Promise<void> {
  let seen = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    seen += text;
    if (seen.includes("Ready to accept connections")) ready.resolve();
  }
  ready.reject(new Error(`Redis has ended: ${seen}`));
}

/** The connections between hubs and a Redis, in the hands of a test. */
export class RedisProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  readonly #port: number;
  /** Whether new connections are closed at once. */
  refuses = false;
  /** Cuts once the answer to what has this text in it has come. */
  #cutAfter: string | undefined;
  /** How often it has cut. */
  cuts = 0;

  constructor(server: RedisServer) {
    this.#port = server.port;
    this.#running = this.#run();
  }

  /** What the engine takes. */
  get url(): string {
    return `redis://127.0.0.1:${this.#listener.addr.port}`;
  }

  /**
   * Lets the next request with this text in it through, and cuts the connection
   * instead of passing the answer on.
   */
  cutAfter(text: string): void {
    this.#cutAfter = text;
  }

  /** Cuts all connections. */
  cut(): void {
    this.cuts++;
    for (const conn of this.#open) conn.close();
    this.#open.clear();
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#running;
  }

  async #run(): Promise<void> {
    const pairs: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) pairs.push(this.#pair(conn));
    } catch {
      // The listener was closed.
    }
    await Promise.all(pairs);
  }

  async #pair(hub: Deno.TcpConn): Promise<void> {
    this.#open.add(hub);
    if (this.refuses) return this.#close(hub);
    let redis: Deno.TcpConn;
    try {
      redis = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    } catch {
      this.#close(hub);
      return;
    }
    this.#open.add(redis);
    let isLast = false;
    await Promise.all([
      this.#pass(hub, redis, (text) => {
        if (this.#cutAfter === undefined) return true;
        if (text.includes(this.#cutAfter)) {
          this.#cutAfter = undefined;
          isLast = true;
        }
        return true;
      }),
      this.#pass(redis, hub, () => {
        if (isLast) this.cut();
        return !isLast;
      }),
    ]);
  }

  async #pass(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    look: (text: string) => boolean,
  ): Promise<void> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null) break;
        const bytes = buffer.slice(0, length);
        if (!look(decoder.decode(bytes))) return;
        for (let at = 0; at < bytes.length;) {
          at += await to.write(bytes.subarray(at));
        }
      }
    } catch {
      // It was cut.
    }
    this.#close(from);
    this.#close(to);
  }

  #close(conn: Deno.TcpConn): void {
    if (this.#open.delete(conn)) conn.close();
  }
}
