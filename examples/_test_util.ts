// What the examples' tests share: programs run as their users run them.

import { assert } from "@std/assert";

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Reads from an example's header comment what it is allowed to do, so that the
 * tests show that this is enough.
 *
 * @param name The example's name.
 * @param more Flags that the header names for some options.
 */
export async function commandLine(
  name: string,
  more: readonly string[] = [],
): Promise<string[]> {
  const source = await Deno.readTextFile(
    new URL(`${name}.ts`, import.meta.url),
  );
  const flags = new RegExp(`deno run((?: --\\S+)*) examples/${name}\\.ts`)
    .exec(source)?.[1];
  assert(flags !== undefined, `The header of ${name}.ts has no command line`);
  for (const flag of more) assert(source.includes(flag));
  const module = import.meta.resolve(`./${name}.ts`);
  const allowed = [...flags.split(" ").filter(Boolean), ...more];
  return ["run", "--quiet", "--no-prompt", ...allowed, module];
}

/** Runs an example to its end. */
export async function run(
  name: string,
  args: readonly string[],
  more?: readonly string[],
): Promise<Ended> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...await commandLine(name, more), ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A text as it comes. */
export class Text {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #seen = "";

  constructor(bytes: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = bytes.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits until something has come, and takes it. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#seen);
      if (match !== null) {
        this.#seen = this.#seen.slice(match.index + match[0].length);
        return match;
      }
      const { value, done } = await this.#reader.read();
      assert(!done, `It ended without printing ${pattern}: "${this.#seen}"`);
      this.#seen += value;
    }
  }

  /** Takes all that comes until the end. */
  async rest(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) break;
      this.#seen += value;
    }
    const rest = this.#seen;
    this.#seen = "";
    return rest;
  }
}

/** A program that runs until it is told to end. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: Text;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#output = new Text(child.stdout);
  }

  /** Starts an example. */
  static async start(
    name: string,
    args: readonly string[],
    more?: readonly string[],
  ): Promise<Running> {
    const command = new Deno.Command(Deno.execPath(), {
      args: [...await commandLine(name, more), ...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
    });
    return new Running(command.spawn());
  }

  /** Waits until it has printed something, and takes it. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#output.until(pattern);
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Its exit status, once it has ended. */
  async ended(): Promise<number> {
    await this.#output.rest();
    return (await this.#child.status).code;
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

/** A RESTful server that runs. */
export async function startServer(
  ...args: string[]
): Promise<{ server: Running; port: number; line: string }> {
  const server = await Running.start(
    "restful_server",
    ["-p", "127.0.0.1:0", ...args],
    args.includes("-w") ? ["--unstable-net"] : [],
  );
  const [line, port] = await server.until(/^Starting .* (\d+), serving .*\n/);
  return { server, port: Number(port), line };
}
