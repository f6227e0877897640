/**
 * Programs that the bench starts, talks to and ends.
 *
 * @module
 */

import { lines } from "./_lines.ts";
import { cpuTime, residentSize } from "./_proc.ts";

/** How to start a program. */
export interface Start {
  /** The file to run, relative to this folder. */
  file: string;
  /** What runs it: this Deno, or the path of another runtime. @default {"deno"} */
  runtime?: string;
  /** Flags for V8, such as `--expose-gc`. */
  v8Flags?: string[];
  /** Arguments of the program. */
  args?: string[];
}

const START_TIMEOUT = 30_000;
const END_TIMEOUT = 3_000;

/** A child that obeys lines, see `obey` in `_program.mjs`. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string, undefined>;
  readonly #file: string;
  /** The port that a server listens on; 0 if it is none. */
  port = 0;

  /**
   * Starts a program and waits until it says that it is ready.
   *
   * @param start What to run, and how.
   * @returns The program; disposing of it ends it.
   */
  static async start(start: Start): Promise<Program> {
    const program = new Program(start);
    try {
      const ready = await program.#next(START_TIMEOUT);
      program.port = Number(/^listening (\d+)$/.exec(ready)?.[1] ?? 0);
      return program;
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  private constructor(start: Start) {
    this.#file = start.file;
    this.#child = new Deno.Command(...commandLine(start)).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = lines(this.#child.stdout);
  }

  /** The process's id. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Sends a line and waits for the answer.
   *
   * @param line What to do.
   * @param timeout How long to wait, in milliseconds.
   * @returns The answer.
   */
  async ask(line: string, timeout = 60_000): Promise<string> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
    return await this.#next(timeout);
  }

  /** CPU time of all threads until now, in microseconds; NaN if unknown. */
  cpu(): number {
    return cpuTime(this.pid);
  }

  /** Resident memory in bytes; NaN if unknown. */
  memory(): number {
    return residentSize(this.pid);
  }

  /** Ends the program: by the end of its input or, after a while, by force. */
  async stop(): Promise<void> {
    await this.#input.close().catch(() => {});
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_TIMEOUT);
    await this.#child.status;
    clearTimeout(timer);
    await this.#lines.return?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #next(timeout: number): Promise<string> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`"${this.#file}" is silent`)),
      timeout,
    );
    try {
      const { value } = await Promise.race([this.#lines.next(), late.promise]);
      if (value === undefined) throw new Error(`"${this.#file}" ended early`);
      return value;
    } finally {
      clearTimeout(timer);
    }
  }
}

function commandLine(start: Start): [string, Deno.CommandOptions] {
  const { file, runtime = "deno", v8Flags = [], args = [] } = start;
  const path = new URL(file, import.meta.url).pathname;
  const isDeno = runtime === "deno";
  const forDeno = v8Flags.map((flag) => `--v8-flags=${flag}`);
  const flags = isDeno ? ["run", "-A", "--quiet", ...forDeno] : v8Flags;
  return [isDeno ? Deno.execPath() : runtime, {
    args: [...flags, path, ...args],
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }];
}
