// Another implementation of WebSocket, in a process of its own, that does what
// it is told.

/** What a peer is asked for. */
export type Question = {
  /** Its compression, with the names of our options; `true` is its default. */
  deflate?: boolean | Record<string, boolean | number>;
  /** The subprotocols that it offers, or takes. */
  protocols?: readonly string[];
};

/** What came of it. */
export interface Answer {
  /** Where it listens. */
  port?: number;
  /** The subprotocol and the extensions that it sees. */
  protocol?: string;
  extensions?: string;
  /** What it sees of a refusal. */
  refused?: { status?: number; body?: string };
}

/** How a connection ended, as the peer sees it. */
export interface Ending {
  code: number;
  reason: string;
}

/** What tests need of a peer. */
export interface Peer extends AsyncDisposable {
  /** Makes it listen; at `/refuse` it answers 401. */
  listen(question: Question): Promise<number>;
  /** Makes it connect. */
  connect(url: string, question: Question): Promise<Answer>;
  /** How its connection with this path ends. */
  ended(path: string): Promise<Ending>;
}

/** After so many milliseconds a peer is ended, and with it what hangs. */
export const PATIENCE = 60_000;

/** Keeps who asks, and who waits for the end of a connection. */
export class Talk {
  readonly #asked = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #endings = new Map<string, PromiseWithResolvers<Ending>>();
  #last = 0;
  #over = false;

  /** The number of a question, and its answer to be. */
  ask(): { id: number; answer: Promise<Answer> } {
    const id = ++this.#last;
    const asked = Promise.withResolvers<Answer>();
    this.#asked.set(id, asked);
    if (this.#over) this.end();
    return { id, answer: asked.promise };
  }

  /** How the connection ends. */
  ended(path: string): Promise<Ending> {
    return this.#ending(path).promise;
  }

  /** Takes what the peer says. */
  hear(said: { id?: number; closed?: string } & Answer & Ending): void {
    const { id, closed, ...rest } = said;
    if (id !== undefined) this.#asked.get(id)!.resolve(rest);
    else if (closed !== undefined) this.#ending(closed).resolve(rest);
  }

  /** The peer is gone. */
  end(): void {
    this.#over = true;
    const error = new Error("The peer has ended, and did not say this before");
    for (const each of [...this.#asked.values(), ...this.#endings.values()]) {
      each.reject(error);
    }
  }

  #ending(path: string): PromiseWithResolvers<Ending> {
    let ending = this.#endings.get(path);
    if (ending === undefined) {
      ending = Promise.withResolvers();
      // A test need not wait for it.
      ending.promise.catch(() => {});
      this.#endings.set(path, ending);
      if (this.#over) this.end();
    }
    return ending;
  }
}

/** A peer that is a program, which reads questions from its standard input. */
export class PeerProcess implements Peer {
  readonly #talk = new Talk();
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #heard: Promise<void>;
  readonly #cutOff: ReturnType<typeof setTimeout>;

  /** Starts a program of `testdata/`. */
  constructor(command: string, args: readonly string[]) {
    this.#process = new Deno.Command(command, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#heard = this.#listen();
    this.#cutOff = setTimeout(() => this.#process.kill("SIGKILL"), PATIENCE);
  }

  async listen(question: Question): Promise<number> {
    return (await this.#ask({ do: "listen", ...question })).port!;
  }

  connect(url: string, question: Question): Promise<Answer> {
    return this.#ask({ do: "connect", url, ...question });
  }

  ended(path: string): Promise<Ending> {
    return this.#talk.ended(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It may have ended already, as it was told to.
    await this.#input.close().catch(() => {});
    await this.#heard;
    await this.#process.status;
    clearTimeout(this.#cutOff);
  }

  async #ask(question: Question & { do: string; url?: string }) {
    const { id, answer } = this.#talk.ask();
    const line = JSON.stringify({
      id,
      deflate: false,
      protocols: [],
      ...question,
    });
    // If it has ended, the answer says so.
    const bytes = new TextEncoder().encode(line + "\n");
    await this.#input.write(bytes).catch(() => {});
    return await answer;
  }

  async #listen(): Promise<void> {
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of this.#process.stdout) {
      const lines = (text + decoder.decode(bytes, { stream: true })).split(
        "\n",
      );
      text = lines.pop()!;
      for (const line of lines) this.#talk.hear(JSON.parse(line));
    }
    this.#talk.end();
  }
}

/** The path of a program in `testdata/`. */
export function testdata(name: string): string {
  return new URL(`testdata/${name}`, import.meta.url).pathname;
}
