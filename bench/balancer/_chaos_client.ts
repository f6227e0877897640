/**
 * A client over a raw connection that it keeps.
 *
 * @module
 */

import { parseReply, type Reply } from "./_chaos_reply.ts";

/** What became of a request. */
export type Fate =
  /** The response is complete, as far as its framing tells. */
  | { type: "reply"; reply: Reply }
  /** It began, and the connection ended in the middle of it. */
  | { type: "cut"; status: number; why: string }
  /** Nothing of it came. */
  | { type: "none"; why: string };

/** How long a response may take: more than any that a retry should hide. */
const TIMEOUT = 15_000;
const BUFFER = 1024 * 1024;

/** A client that has one request at a time under way. */
export class RawClient implements Disposable {
  readonly #port: number;
  readonly #buffer = new Uint8Array(BUFFER);
  #conn: Deno.TcpConn | undefined;
  /** Why it was closed from here. */
  #late = "";

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends a request and reads its response. */
  async ask(request: Uint8Array): Promise<Fate> {
    let conn: Deno.TcpConn;
    try {
      conn = await this.#connection();
    } catch (error) {
      return { type: "none", why: reason(error) };
    }
    const timer = setTimeout(() => this.#drop("it took too long"), TIMEOUT);
    let written = false;
    // The answer may come before all is sent, and then nobody may take the rest.
    const writing = writeAll(conn, request).then(
      () => written = true,
      () => {},
    );
    const fate = await this.#read(conn);
    clearTimeout(timer);
    const kept = fate.type === "reply" && written &&
      fate.reply.fields.get("connection") !== "close";
    if (!kept) this.#drop();
    await writing;
    return fate;
  }

  /** Sends a part of a request and leaves. */
  async leave(part: Uint8Array): Promise<void> {
    try {
      await writeAll(await this.#connection(), part);
    } catch {
      // Nobody wanted it. What is left is the same.
    }
    this.#drop();
  }

  [Symbol.dispose](): void {
    this.#drop();
  }

  async #connection(): Promise<Deno.TcpConn> {
    if (this.#conn !== undefined) return this.#conn;
    const conn = await Deno.connect({
      hostname: "127.0.0.1",
      port: this.#port,
    });
    conn.setNoDelay(true);
    this.#late = "";
    return this.#conn = conn;
  }

  async #read(conn: Deno.TcpConn): Promise<Fate> {
    const buffer = this.#buffer;
    let length = 0;
    const broken = (why: string): Fate => {
      const head = new TextDecoder().decode(
        buffer.subarray(0, length).slice(0, 12),
      );
      const status = Number(head.slice(9));
      if (length === 0) return { type: "none", why };
      return { type: "cut", status, why: `${why} after ${length} bytes` };
    };
    try {
      for (;;) {
        const count = await conn.read(buffer.subarray(length));
        if (count === null) return broken(this.#late || "it ended");
        length += count;
        const reply = parseReply(buffer.subarray(0, length));
        if (reply !== undefined) return { type: "reply", reply };
      }
    } catch (error) {
      return broken(this.#late || reason(error));
    }
  }

  #drop(why = ""): void {
    this.#late = why;
    this.#conn?.close();
    this.#conn = undefined;
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
