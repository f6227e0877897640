/**
 * The backends' processes.
 *
 * @module
 */

import { lines } from "../_lines.ts";
import type { Ledger } from "./_chaos_ledger.ts";

/** What all of them need. */
export interface BackendSetup {
  /** The path of Node. */
  node: string;
  /** The path of the module `ws` for it. */
  ws: string;
  /** Where their logs go. */
  ledger: Ledger;
}

/** A process at the port of a backend, until it ends. */
export interface Instance {
  /** The backend's name and a number: what WebSockets are told. */
  readonly name: string;
  /** It has ended, or is about to: nobody expects anything of it. */
  ended: boolean;
  /** It gets nothing new, and its WebSockets are to be taken leave of. */
  drained: boolean;
}

/** A backend: a port, and the process that listens there now. */
export class ChaosBackend {
  readonly name: string;
  readonly port: number;
  readonly #setup: BackendSetup;
  readonly #instances: Map<string, Instance>;
  readonly #logs: Promise<void>[] = [];
  #count = 0;
  #child: Deno.ChildProcess | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  instance!: Instance;

  /**
   * Creates a backend that does not run yet.
   *
   * @param name Its name.
   * @param port Its port.
   * @param instances Where its instances are put, by their names.
   * @param setup What it needs.
   */
  constructor(
    name: string,
    port: number,
    instances: Map<string, Instance>,
    setup: BackendSetup,
  ) {
    this.name = name;
    this.port = port;
    this.#instances = instances;
    this.#setup = setup;
  }

  /** Starts it, and waits until it listens. */
  async start(): Promise<void> {
    const { node, ws, ledger } = this.#setup;
    const name = `${this.name}.${++this.#count}`;
    this.instance = { name, ended: false, drained: false };
    this.#instances.set(name, this.instance);
    const file = new URL("_chaos_backend.mjs", import.meta.url).pathname;
    const child = new Deno.Command(node, {
      args: [file, ws, String(this.port), name],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#child = child;
    this.#input = child.stdin.getWriter();
    const ready = Promise.withResolvers<void>();
    this.#logs.push(this.#read(child, name, ledger, ready));
    await ready.promise;
  }

  /** Tells it something, see `_chaos_backend.mjs`. */
  tell(order: string): void {
    const bytes = new TextEncoder().encode(`${order}\n`);
    this.#input!.write(bytes).catch(() => {});
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    this.#child!.kill(signal);
  }

  /** Kills it, and waits until it is gone. */
  async kill(): Promise<void> {
    this.instance.ended = true;
    this.signal("SIGKILL");
    await this.#child!.status;
  }

  /** Tells it to leave, and waits until it has. */
  async leave(): Promise<void> {
    this.instance.ended = true;
    this.tell("leave");
    const timer = setTimeout(() => this.signal("SIGKILL"), 3_000);
    await this.#child!.status;
    clearTimeout(timer);
  }

  /** Ends it, and waits until all that it logged has been read. */
  async stop(): Promise<void> {
    if (this.#child !== undefined) await this.kill();
    await Promise.all(this.#logs);
  }

  async #read(
    child: Deno.ChildProcess,
    name: string,
    ledger: Ledger,
    ready: PromiseWithResolvers<void>,
  ): Promise<void> {
    for await (const line of lines(child.stdout)) {
      if (line === "ready") ready.resolve();
      else ledger.logged(name, line);
    }
    ready.reject(new Error(`The backend "${name}" ended early`));
    ready.promise.catch(() => {});
  }
}
