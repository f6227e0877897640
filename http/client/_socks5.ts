/**
 * The client's side of SOCKS version 5 (RFC 1928, RFC 1929), as a machine.
 *
 * @module
 */

import type { LifeEvent } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import type { Machine, Sink } from "../../conn/machine.ts";

/** What happens on a connection to a SOCKS5 proxy. */
export type Socks5Event =
  | LifeEvent
  /** The tunnel stands. What follows belongs to the protocol inside it. */
  | { type: "established" };

/** Asks the proxy for a tunnel; the one command there is, and once. */
export interface Socks5Command {
  /** Says that this is the request for a tunnel. */
  type: "connect";
  /** The name, which the proxy resolves, or the address to connect to. */
  hostname: string;
  /** The port to connect to. */
  port: number;
  /** The user to log in as, at most 255 bytes. */
  username?: string;
  /** That user's password, at most 255 bytes. */
  password?: string;
}

const VERSION = 5;
const NO_LOGIN = 0;
const PASSWORD_LOGIN = 2;
const REFUSALS: readonly string[] = [
  "",
  "general failure",
  "not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "time to live expired",
  "command not supported",
  "address type not supported",
];

type State = "idle" | "method" | "login" | "reply" | "established";

/**
 * Opens a tunnel through a SOCKS5 proxy: method negotiation, login with user and
 * password if the proxy wants it, and the CONNECT request. Once it has sent
 * `established` it consumes nothing, so {@linkcode Conn.become} hands all that
 * follows to the next protocol.
 */
export class Socks5Machine implements Machine<Socks5Event, Socks5Command> {
  /** The protocol's name. */
  readonly protocol = "socks5";
  #state: State = "idle";
  #request: Uint8Array = new Uint8Array(0);
  #login: Uint8Array | undefined;

  /**
   * Takes the proxy's answers.
   *
   * @param bytes All input that is not consumed yet.
   * @param sink Where events and bytes go.
   * @returns How many bytes were consumed.
   */
  receive(bytes: Uint8Array, sink: Sink<Socks5Event>): number {
    let used = 0;
    while (this.#state !== "established") {
      const step = this.#step(bytes.subarray(used), sink);
      if (step === 0) break;
      used += step;
    }
    return used;
  }

  /**
   * Takes the proxy's end of stream, which is a failure before the tunnel stands.
   *
   * @param _rest What stays unconsumed.
   * @param sink Is closed.
   */
  receiveEnd(_rest: Uint8Array, sink: Sink<Socks5Event>): void {
    if (this.#state === "established") return sink.close();
    sink.close(failure("it closed the connection"));
  }

  /**
   * Takes the request for a tunnel, and begins the handshake.
   *
   * @param command Where to, and as whom.
   * @param sink Where the bytes go.
   * @throws {ConnError} With code `"proxy_invalid"` if a name is empty or too
   * long, or with code `"out_of_place"` if a tunnel was asked for already.
   */
  send(command: Socks5Command, sink: Sink<Socks5Event>): void {
    if (this.#state !== "idle") {
      throw new ConnError("Cannot ask the SOCKS5 proxy for a second tunnel", {
        code: "out_of_place",
        side: "local",
      });
    }
    this.#request = connectRequest(command.hostname, command.port);
    if (command.username !== undefined) {
      this.#login = loginRequest(command.username, command.password ?? "");
    }
    this.#state = "method";
    sink.write(
      this.#login === undefined
        ? new Uint8Array([VERSION, 1, NO_LOGIN])
        : new Uint8Array([VERSION, 2, NO_LOGIN, PASSWORD_LOGIN]),
    );
  }

  /** Does nothing: SOCKS5 has no last words for a client. */
  fail(): void {}

  /**
   * Closes the connection: there is nothing to finish.
   *
   * @param sink Is closed.
   */
  drain(sink: Sink<Socks5Event>): void {
    sink.close();
  }

  /** Takes one answer; 0 if it is not complete. */
  #step(bytes: Uint8Array, sink: Sink<Socks5Event>): number {
    if (this.#state === "reply") return this.#reply(bytes, sink);
    if (bytes.length < 2 || this.#state === "idle") return 0;
    const [version, value] = [bytes[0]!, bytes[1]!];
    if (this.#state === "method") {
      if (version !== VERSION) {
        return this.#fail("it speaks another protocol", sink);
      }
      return this.#chosen(value, sink);
    }
    if (version !== 1 || value !== 0) {
      return this.#fail("it refused user and password", sink);
    }
    return this.#ask(sink);
  }

  #chosen(method: number, sink: Sink<Socks5Event>): number {
    if (method === NO_LOGIN) return this.#ask(sink);
    if (method === PASSWORD_LOGIN && this.#login !== undefined) {
      this.#state = "login";
      sink.write(this.#login);
      return 2;
    }
    return this.#fail("it wants another way to log in", sink);
  }

  #ask(sink: Sink<Socks5Event>): number {
    this.#state = "reply";
    sink.write(this.#request);
    return 2;
  }

  #reply(bytes: Uint8Array, sink: Sink<Socks5Event>): number {
    if (bytes.length < 5) return 0;
    const [version, code, reserved, kind] = bytes;
    if (version !== VERSION || reserved !== 0) {
      return this.#fail("it sent an invalid reply", sink);
    }
    if (code !== 0) return this.#fail(REFUSALS[code!] ?? `reply ${code}`, sink);
    const length = kind === 1
      ? 10
      : kind === 4
      ? 22
      : kind === 3
      ? 7 + bytes[4]!
      : 0;
    if (length === 0) return this.#fail("it sent an invalid address", sink);
    if (bytes.length < length) return 0;
    this.#state = "established";
    sink.emit({ type: "established" });
    return length;
  }

  #fail(reason: string, sink: Sink<Socks5Event>): number {
    sink.close(failure(reason));
    return 0;
  }
}

function failure(reason: string): ConnError {
  return new ConnError(
    `Cannot open a tunnel through the SOCKS5 proxy: ${reason}`,
    {
      code: "proxy_failed",
      side: "remote",
    },
  );
}

function connectRequest(hostname: string, port: number): Uint8Array {
  const address = addressOf(hostname);
  return new Uint8Array([VERSION, 1, 0, ...address, port >> 8, port & 255]);
}

/** Address type and address (RFC 1928 §5); a name stays a name. */
function addressOf(hostname: string): number[] {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(hostname)) {
    return [1, ...hostname.split(".").map(Number)];
  }
  if (hostname.includes(":")) return [4, ...ipv6(hostname)];
  return [3, ...counted(hostname, "host name")];
}

function loginRequest(username: string, password: string): Uint8Array {
  const user = counted(username, "user name");
  return new Uint8Array([1, ...user, ...counted(password, "password")]);
}

/** One byte of length, and UTF-8. */
function counted(text: string, what: string): number[] {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 255 || (bytes.length === 0 && what !== "password")) {
    throw new ConnError(
      `Cannot tell the SOCKS5 proxy a ${what} of ${bytes.length} bytes: expected 1 to 255`,
      { code: "proxy_invalid", side: "local" },
    );
  }
  return [bytes.length, ...bytes];
}

/** The 16 bytes of an IPv6 address that a URL parser has normalised. */
function ipv6(address: string): number[] {
  const parsed = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  if (parsed === undefined) return counted(address, "host name");
  const [front = "", back] = parsed.split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":");
  const head = groups(front);
  const tail = groups(back ?? "");
  const zeros = new Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}
