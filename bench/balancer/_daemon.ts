/**
 * Servers that are configured by a file, and run until they are ended.
 *
 * @module
 */

import { cpuTime } from "../_proc.ts";

/** What a daemon is made of. */
export interface DaemonStart {
  /** The program's path. */
  program: string;
  /** Its arguments: the path of its file, which is written first, is known then. */
  args(file: string): string[];
  /** What is in that file. */
  config(folder: string): string;
  /** A port that it listens on once it is ready. */
  port: number;
}

const START_TIMEOUT = 5_000;
const STEP = 20;

/** A server that is configured by a file. Disposing of it ends it. */
export class Daemon implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  /**
   * Starts a daemon, and waits until it listens.
   *
   * @param start What to run, and how.
   * @returns The daemon.
   */
  static async start(start: DaemonStart): Promise<Daemon> {
    const folder = await Deno.makeTempDir({ prefix: "meerkat_bench_" });
    const file = `${folder}/config`;
    await Deno.writeTextFile(file, start.config(folder));
    const daemon = new Daemon(start, folder, file);
    try {
      await daemon.#listens();
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(start: DaemonStart, folder: string, file: string) {
    const { program, port } = start;
    this.port = port;
    this.#folder = folder;
    this.#child = new Deno.Command(program, {
      args: start.args(file),
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
  }

  /** CPU time of it and its children until now, in microseconds. */
  cpu(): number {
    const { pid } = this.#child;
    return [pid, ...childrenOf(pid)].reduce((sum, id) => sum + cpuTime(id), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #listens(): Promise<void> {
    const end = performance.now() + START_TIMEOUT;
    for (;;) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port }))
          .close();
        return;
      } catch (error) {
        if (performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, STEP));
    }
  }
}

/** Finds a port that is free, for a program that cannot find one itself. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function childrenOf(pid: number): number[] {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
    return text.split(" ").filter((id) => id !== "").map(Number);
  } catch {
    return [];
  }
}
