/**
 * Who is at the other end of a client's connection, and the lines that tell a
 * backend so.
 *
 * @module
 */

import { forwardedNode } from "./forwarded.ts";
import { canonicalAddress } from "./ip.ts";
import type { AddressSet } from "./trust.ts";

/** What is known of a client's connection. */
export interface PeerInit {
  /**
   * The address of the other end, or the one that the PROXY protocol gave; `""`
   * on a Unix socket.
   */
  readonly address: string;
  /** Its port; 0 if there is none. */
  readonly port: number;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
}

/**
 * The other end of a client's connection. There is one for each connection: what
 * is the same for all of its requests is worked out once.
 */
export class Peer {
  /** Its address in canonical form, IPv4 if it is IPv4-mapped; `""` if it has none. */
  readonly address: string;
  /** Its port; 0 if there is none. */
  readonly port: number;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
  #trusted: AddressSet | undefined;
  #isTrusted = false;
  #xForwarded: string | undefined;
  #forwarded: string | undefined;

  /** Creates a peer. */
  constructor({ address, port, secure }: PeerInit) {
    // A zone means something on this machine only, RFC 4007 §11.2.
    const zone = address.indexOf("%");
    const plain = zone === -1 ? address : address.slice(0, zone);
    this.address = canonicalAddress(plain) ?? "";
    this.port = port;
    this.secure = secure;
  }

  /** How it reached this end: `"http"` or `"https"`. */
  get proto(): string {
    return this.secure ? "https" : "http";
  }

  /** The lines `X-Forwarded-For` (if there is an address) and `-Proto`. */
  get xForwardedLines(): string {
    return this.#xForwarded ??=
      (this.address === "" ? "" : `X-Forwarded-For: ${this.address}\r\n`) +
      `X-Forwarded-Proto: ${this.proto}\r\n`;
  }

  /** What begins its element of `Forwarded`: `for=192.0.2.1;proto=http`. */
  get forwardedElement(): string {
    return this.#forwarded ??= `for=${
      forwardedNode(this.address)
    };proto=${this.proto}`;
  }

  /** Whether it is one of `trusted`; the answer for the newest set is kept. */
  isTrusted(trusted: AddressSet): boolean {
    if (this.#trusted !== trusted) {
      this.#trusted = trusted;
      this.#isTrusted = trusted.has(this.address);
    }
    return this.#isTrusted;
  }
}
