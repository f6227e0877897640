// The programs of the demo, as processes of their own.

/** An example, and what Deno lets it do. */
export interface Program {
  /** The example's name. */
  readonly name: string;
  /** Flags of `deno run`. */
  readonly permissions: readonly string[];
}

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
 * @param program The example.
 * @param args Its command line.
 * @returns The program and its whole command line.
 */
function commandLine(
  { name, permissions }: Program,
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

/** What is done with a client that runs. */
export interface ClientOptions {
  /** What is typed. */
  readonly input?: string | undefined;
  /** It goes on for ever, as its input does, and is ended when it has printed this. */
  readonly until?: RegExp | undefined;
}

/**
 * Runs a client to its end.
 *
 * @param program The example.
 * @param args Its command line.
 * @param options What is typed, and when it is ended.
 * @returns How it ended; with status 0 if it was ended.
 */
export async function runClient(
  program: Program,
  args: readonly string[],
  { input = "", until }: ClientOptions = {},
): Promise<Ended> {
  const [path, all] = commandLine(program, args);
  const child = new Deno.Command(path, {
    args: all,
    signal: AbortSignal.timeout(TIMEOUT),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // A program that reads nothing may have ended before it was written.
  const typed = new Blob([input]).stream()
    .pipeTo(child.stdin, { preventClose: until !== undefined })
    .catch(() => {});
  let ended = false;
  const [stdout, stderr, { code }] = await Promise.all([
    read(child.stdout, (text) => {
      if (ended || !until?.test(text)) return;
      ended = true;
      end(child);
    }),
    read(child.stderr),
    child.status,
  ]);
  await typed;
  if (until !== undefined) await child.stdin.close().catch(() => {});
  return { code: ended ? 0 : code, stdout, stderr };
}

/** Reads to the end, and shows what there is each time that more has come. */
async function read(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  look: (text: string) => void = () => {},
): Promise<string> {
  let text = "";
  for await (const more of bytes.pipeThrough(new TextDecoderStream())) {
    text += more;
    look(text);
  }
  return text;
}

/** A server, as long as it runs. */
export class ServerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  #rest = "";

  /**
   * Starts it.
   *
   * @param program The example.
   * @param args Its command line.
   */
  constructor(program: Program, args: readonly string[]) {
    const [path, all] = commandLine(program, args);
    const command = new Deno.Command(path, { args: all, stdout: "piped" });
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
    end(this.#child);
    return (await this.#child.status).code;
  }
}

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended by itself.
  }
}
