// The interactive session of the WebSocket client: what is typed is sent, what
// comes is printed.

import { type Clock, type ConnError, systemClock } from "@meerkat/net/conn";
import type { WsEvent } from "@meerkat/net/ws";
import type { Screen } from "./_websocket_screen.ts";

/** A connection, that may be one which is made again and again. */
export interface Peer {
  send(message: string): boolean;
  drain(): Promise<void>;
  ping(): Promise<number>;
  close(code?: number, reason?: string): void;
}

/** What a connection tells, and one that is made again tells besides. */
export type PeerEvent =
  | WsEvent
  | { type: "reconnecting"; delay: number; error?: ConnError };

const COMMANDS = `/ping                 print how long a ping takes
/close [CODE REASON]  close the connection
/help                 print this
//TEXT                send "/TEXT"`;

/** How long the last messages may go unanswered, in milliseconds. */
const LINGER = 1000;

/** A session, from the first connection to the end of the input. */
export class Session {
  readonly #screen: Screen;
  readonly #opened: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #ended: PromiseWithResolvers<boolean> = Promise.withResolvers();
  /** What is expected to be answered, as an echo server does. */
  #unanswered = 0;
  #connected = false;
  #ending = false;
  #leaving: (() => void) | undefined;
  readonly #clock: Clock;
  #timer: unknown;

  /**
   * @param screen Where everything is shown.
   * @param clock The clock of the wait for the last answers.
   */
  constructor(screen: Screen, clock: Clock = systemClock) {
    this.#screen = screen;
    this.#clock = clock;
  }

  /** The connection's handler. */
  readonly handle = (event: PeerEvent): void => {
    switch (event.type) {
      case "open":
        this.#connected = true;
        this.#screen.note("Connected; /help tells the commands");
        this.#opened.resolve();
        break;
      case "message":
        this.#screen.print(`< ${shown(event.data)}`);
        this.#answered();
        break;
      case "reconnecting":
        this.#connected = false;
        if (event.error) this.#screen.note(event.error.message);
        this.#screen.note(`reconnecting in ${Math.round(event.delay)} ms`);
        break;
      case "close":
        this.#connected = false;
        this.#closed(event);
    }
    if (this.#leaving) this.#leaveWhenAnswered();
  };

  /**
   * Runs it.
   *
   * @param peer The connection.
   * @param input What is typed.
   * @returns Whether it ended as it should: by the user, or in order.
   */
  async run(peer: Peer, input: ReadableStream<Uint8Array>): Promise<boolean> {
    const typed = this.#read(peer, input);
    typed.catch(this.#ended.reject);
    try {
      return await this.#ended.promise;
    } finally {
      this.#clock.clearTimeout(this.#timer);
      this.#screen.end();
    }
  }

  /**
   * Closes the connection, and with it the session.
   *
   * @throws {Error} If code and reason cannot be sent.
   */
  end(peer: Peer, code?: number, reason?: string): void {
    if (this.#ending) return;
    this.#ending = true;
    try {
      peer.close(code, reason);
    } catch (error) {
      this.#ending = false;
      throw error;
    }
  }

  async #read(peer: Peer, input: ReadableStream<Uint8Array>): Promise<void> {
    // What is typed before that would seem to be lost.
    await this.#opened.promise;
    this.#screen.prompt();
    for await (const line of linesOf(input)) {
      this.#screen.typed();
      try {
        await this.#take(line, peer);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        this.#screen.note(error.message);
      }
      if (!this.#ending) this.#screen.prompt();
    }
    this.#leaving = () => this.end(peer);
    this.#leaveWhenAnswered();
  }

  async #take(line: string, peer: Peer): Promise<void> {
    const [, slash, name, rest = ""] = /^(\/)(\w*)\s*(.*)$/.exec(line) ?? [];
    if (line === "") return;
    if (slash === undefined || line.startsWith("//")) {
      const low = peer.send(slash ? line.slice(1) : line);
      this.#unanswered++;
      // Without a connection the message waits, and the next line may be /close.
      if (!low && this.#connected) await peer.drain();
    } else if (name === "ping") this.#ping(peer);
    else if (name === "close") this.#close(rest, peer);
    else if (name === "help") this.#screen.note(COMMANDS);
    else this.#screen.note(`Unknown command "${line}"\n${COMMANDS}`);
  }

  /** The next line does not wait for the answer. */
  #ping(peer: Peer): void {
    this.#unanswered++;
    peer.ping().then(
      (latency) => this.#screen.print(`pong after ${latency.toFixed(1)} ms`),
      (error) => this.#screen.note(`No pong: ${error.message}`),
    ).finally(() => this.#answered());
  }

  #close(rest: string, peer: Peer): void {
    const [, code, reason = ""] = /^(?:(\d+)\s*(.*))?$/.exec(rest) ?? [];
    if (rest !== "" && code === undefined) {
      throw new Error(`Cannot close with "${rest}", expected CODE REASON`);
    }
    if (code === undefined) this.end(peer);
    else this.end(peer, Number(code), reason);
  }

  #answered(): void {
    this.#unanswered--;
    if (this.#leaving) this.#leaveWhenAnswered();
  }

  /**
   * The input is at its end. Data that comes after a close is dropped, so the
   * answers are waited for; but not for ever, as not every server echoes.
   */
  #leaveWhenAnswered(): void {
    this.#clock.clearTimeout(this.#timer);
    if (this.#ending) return;
    if (this.#unanswered <= 0) this.#leaving?.();
    else if (this.#connected) {
      this.#timer = this.#clock.setTimeout(() => this.#leaving?.(), LINGER);
    }
  }

  #closed(event: WsEvent & { type: "close" }): void {
    const { code, reason, wasClean, error } = event;
    if (!this.#ending) {
      const why = error?.message ?? reason;
      this.#screen.note(`Closed, code ${code}${why && `: ${why}`}`);
    }
    this.#ended.resolve(
      this.#ending || wasClean && [1000, 1001, 1005].includes(code),
    );
  }
}

/** What is typed, line by line. */
async function* linesOf(
  input: ReadableStream<Uint8Array>,
): AsyncIterableIterator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of input) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest;
}

/** Bytes are shown as such, the first of them. */
function shown(data: string | Uint8Array): string {
  if (typeof data === "string") return data;
  const more = data.length > 32 ? " ..." : "";
  const bytes = Array.from(
    data.subarray(0, 32),
    (byte) => byte.toString(16).padStart(2, "0"),
  );
  return `(binary, ${data.length} bytes) ${bytes.join(" ")}${more}`;
}
