// A client by hand, for the tests of the server's handshake.

import { assertEquals } from "@std/assert";
import type { MemoryTransport } from "../conn/pair.ts";
import { edited, REQUEST, wire } from "./handshake/_handshake_test_util.ts";

/** A request for a WebSocket, with changes as `edited` takes them. */
export function request(...changes: string[]): string {
  return wire(edited(REQUEST, changes));
}

/** The same with another request line. */
export function requestFor(line: string, ...changes: string[]): string {
  return wire(edited([line, ...REQUEST.slice(1)], changes));
}

/** A text message as a client sends it, masked with zeros; as Latin-1. */
export function clientText(text: string): string {
  return "\x81" + String.fromCharCode(0x80 | text.length) + "\0\0\0\0" + text;
}

/** A client's close frame. */
export function clientClose(code: number): string {
  return "\x88\x82\0\0\0\0" + String.fromCharCode(code >> 8, code & 255);
}

/** A server's text message. */
export function serverText(text: string): string {
  return "\x81" + String.fromCharCode(text.length) + text;
}

/** A server's close frame. */
export function serverClose(code: number): string {
  return "\x88\x02" + String.fromCharCode(code >> 8, code & 255);
}

/** What a client reads from and writes to; `Deno.Conn` is one. */
export type Wire =
  & Pick<MemoryTransport, "read" | "close">
  & { write(bytes: Uint8Array): Promise<number> };

/** The client's end of a connection; bytes are characters. */
export class RawClient {
  readonly #wire: Wire;
  #text = "";

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Sends all of it in one write, if the server takes it so. */
  async send(...parts: string[]): Promise<void> {
    let bytes = Uint8Array.from(parts.join(""), (char) => char.charCodeAt(0));
    while (bytes.length > 0) {
      bytes = bytes.subarray(await this.#wire.write(bytes));
    }
  }

  /** Reads up to and with `end`. */
  async until(end: string): Promise<string> {
    while (!this.#text.includes(end)) {
      if (!await this.#read()) {
        throw new Error(`Expected ${JSON.stringify(end)} in "${this.#text}"`);
      }
    }
    return this.#take(this.#text.indexOf(end) + end.length);
  }

  /** Reads a response with its body. */
  async response(): Promise<Reply> {
    const head = await this.until("\r\n\r\n");
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
    while (this.#text.length < length) {
      if (!await this.#read()) throw new Error(`Cut: "${this.#text}"`);
    }
    return new Reply(head, this.#take(length));
  }

  /** Reads up to the end of the server's stream. */
  async rest(): Promise<string> {
    while (await this.#read());
    return this.#take(this.#text.length);
  }

  /** Closes in order, from this side. */
  async bye(): Promise<void> {
    await this.send(clientClose(1000));
    assertEquals(await this.rest(), serverClose(1000));
    this.close();
  }

  close(): void {
    this.#wire.close();
  }

  async #read(): Promise<boolean> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await this.#wire.read(buffer);
    if (count === null) return false;
    for (const byte of buffer.subarray(0, count)) {
      this.#text += String.fromCharCode(byte);
    }
    return true;
  }

  #take(length: number): string {
    const part = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return part;
  }
}

/** A response that a client got. */
export class Reply {
  readonly head: string;
  readonly body: string;

  constructor(head: string, body: string) {
    this.head = head;
    this.body = body;
  }

  get status(): number {
    return Number(this.head.slice(9, 12));
  }

  /** The value of a field. */
  field(name: string): string | undefined {
    return new RegExp(`^${name}: (.*)\r$`, "im").exec(this.head)?.[1];
  }
}
