// The lines that tell a backend who the client is.

import type { Fields } from "../../http/codec/fields.ts";
import { forwardedFor, forwardedValue } from "./forwarded.ts";
import type { Peer } from "./peer.ts";
import type { ForwardedKind } from "./trust.ts";

/** Makes the lines for the requests of a route. */
export class ForwardedLines {
  /** What a trusted peer's request must lose, in lower case. */
  readonly replaced: readonly string[];
  readonly #for: boolean;
  readonly #host: boolean;
  readonly #proto: boolean;
  readonly #forwarded: boolean;
  /** Whether there is just what is usual: then much of it is made already. */
  readonly #usual: boolean;

  /**
   * @param kind Which fields there are.
   * @param taken Names in lower case of those that rules have taken away.
   */
  constructor(kind: ForwardedKind, taken: readonly string[]) {
    const x = kind === "x-forwarded" || kind === "both";
    const sends = (name: string) => !taken.includes(name);
    this.#for = x && sends("x-forwarded-for");
    this.#host = x && sends("x-forwarded-host");
    this.#proto = x && sends("x-forwarded-proto");
    this.#forwarded = kind !== "x-forwarded" && kind !== "none" &&
      sends("forwarded");
    this.#usual = this.#for && this.#host && this.#proto;
    this.replaced = kind === "none" ? [] : [
      "forwarded",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
    ];
  }

  /** The lines for a request to `host`, as its sender saw it. */
  lines(fields: Fields, peer: Peer, host: string, isTrusted: boolean): string {
    let lines = this.#usual && !isTrusted
      ? peer.xForwardedLines +
        (host === "" ? "" : "X-Forwarded-Host: " + host + "\r\n")
      : this.#xForwarded(fields, peer, host, isTrusted);
    if (this.#forwarded) {
      lines += forwardedLine(fields, peer, host, isTrusted);
    }
    return lines;
  }

  #xForwarded(
    fields: Fields,
    peer: Peer,
    host: string,
    isTrusted: boolean,
  ): string {
    const told = (name: string) => isTrusted ? fields.get(name) : undefined;
    let lines = "";
    if (this.#for) {
      const before = told("x-forwarded-for");
      lines += line("For", joined(before, peer.address));
    }
    if (this.#proto) {
      lines += line("Proto", told("x-forwarded-proto") || peer.proto);
    }
    if (this.#host) lines += line("Host", told("x-forwarded-host") || host);
    return lines;
  }
}

function line(name: string, value: string): string {
  return value === "" ? "" : `X-Forwarded-${name}: ${value}\r\n`;
}

function joined(before: string | undefined, value: string): string {
  if (before === undefined || before === "") return value;
  return value === "" ? before : `${before}, ${value}`;
}

/** Adds an element to what a trusted peer says, RFC 7239 §4. */
function forwardedLine(
  fields: Fields,
  peer: Peer,
  host: string,
  isTrusted: boolean,
): string {
  const element = host === ""
    ? peer.forwardedElement
    : peer.forwardedElement + ";host=" + forwardedValue(host);
  const before = isTrusted ? fields.get("forwarded") : undefined;
  // What is malformed may have a string that was never closed.
  const value = before !== undefined && forwardedFor(before) !== undefined
    ? joined(before, element)
    : element;
  return `Forwarded: ${value}\r\n`;
}
