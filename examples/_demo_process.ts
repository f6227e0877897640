// The programs of the demo, as processes of their own.

/** What a program printed, and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** No step of the demo takes nearly so long, in milliseconds. */
const TIMEOUT = 60_000;

/**
 * Tells how to run an example: by Deno, or, if this one is compiled, as the
 * program of that name in the same folder.
 *
 * @param name The example's name.
 * @param permissions What Deno lets it do.
 * @param args Its command line.
 * @returns The program and its whole command line.
 */
function commandLine(
  name: string,
  permissions: readonly string[],
  args: readonly string[],
): [program: string, args: string[]] {
  const deno = Deno.execPath();
  if (Deno.build.standalone) {
    const folder = deno.slice(0, deno.search(/[^/\\]*$/));
    return [folder + name + (/\.exe$/i.exec(deno)?.[0] ?? ""), [...args]];
  }
  const module = import.meta.resolve(`./${name}.ts`);
  return [deno, [
    "run",
    "--quiet",
    "--no-prompt",
    ...permissions,
    module,
    ...args,
  ]];
}

/** Runs the HTTP client to its end. */
export async function runClient(args: readonly string[]): Promise<Ended> {
  const [program, all] = commandLine("http_client", ["--allow-net"], args);
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: all,
    signal: AbortSignal.timeout(TIMEOUT),
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** The RESTful server, as long as it runs. */
export class ServerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  #rest = "";

  /**
   * Starts it.
   *
   * @param port Its port; 0 for any that is free.
   */
  constructor(port: number) {
    const [program, args] = commandLine(
      "restful_server",
      ["--allow-net=127.0.0.1", "--allow-read=."],
      ["-p", `127.0.0.1:${port}`],
    );
    const command = new Deno.Command(program, { args, stdout: "piped" });
    this.#child = command.spawn();
    this.#output = this.#child.stdout
      .pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next line that it prints, which is due now; `undefined` if it ended. */
  async line(): Promise<string | undefined> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), TIMEOUT);
    try {
      return await this.#read();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hands on what it prints from now on, until it ends. */
  async follow(print: (line: string) => void): Promise<void> {
    let line: string | undefined;
    while ((line = await this.#read()) !== undefined) print(line);
  }

  async #read(): Promise<string | undefined> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#output.read();
      if (done) return undefined;
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /** Ends it in order, and gives its exit status. */
  async stop(): Promise<number> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    return (await this.#child.status).code;
  }
}
