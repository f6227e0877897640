/**
 * What the response to a health check says.
 *
 * @module
 */

import type { HttpEvent } from "../../http/codec/message.ts";
import type { HealthCheckSettings } from "../config/settings.ts";

/** So much of a body is looked at, in bytes. */
const MAX_BODY = 64 * 1024;

/** How a check ended. */
export interface CheckResult {
  readonly passed: boolean;
  /** What it saw, for people. */
  readonly reason: string;
}

/** Judges one response, as early as it can be judged. */
export class Verdict {
  readonly #statuses: readonly number[];
  readonly #wanted: string | undefined;
  readonly #decoder = new TextDecoder();
  #room = MAX_BODY;
  /** The body so far, but for its beginning, in which the text cannot be. */
  #tail = "";
  #status = 0;

  constructor(settings: Pick<HealthCheckSettings, "statuses" | "body">) {
    this.#statuses = settings.statuses;
    this.#wanted = settings.body;
  }

  /**
   * Takes an event of the connection.
   *
   * @returns The result, or `undefined` if more is needed.
   */
  take(event: HttpEvent): CheckResult | undefined {
    switch (event.type) {
      case "response":
        return this.#takeStatus(event.head.status);
      case "body":
        return this.#takeBody(event.bytes);
      case "end":
        return this.#missing("the body");
      case "close":
        return failed(event.error?.message ?? "closed without a response");
      default:
        return undefined;
    }
  }

  #takeStatus(status: number): CheckResult | undefined {
    // An interim response: the final one follows.
    if (status < 200) return undefined;
    this.#status = status;
    if (!this.#statuses.includes(status)) {
      const expected = this.#statuses.join(" or ");
      return failed(`status ${status}, expected ${expected}`);
    }
    return this.#wanted === undefined ? this.#passed() : undefined;
  }

  #takeBody(bytes: Uint8Array): CheckResult | undefined {
    const wanted = this.#wanted ?? "";
    const part = bytes.subarray(0, this.#room);
    this.#room -= part.length;
    const text = this.#tail + this.#decoder.decode(part, { stream: true });
    if (text.includes(wanted)) return this.#passed();
    if (this.#room === 0) return this.#missing("the first 64 KiB of the body");
    this.#tail = text.slice(-wanted.length);
    return undefined;
  }

  #passed(): CheckResult {
    return { passed: true, reason: `status ${this.#status}` };
  }

  #missing(where: string): CheckResult {
    return failed(`"${this.#wanted}" is not in ${where}`);
  }
}

/** The result of a check that failed. */
export function failed(reason: string): CheckResult {
  return { passed: false, reason };
}
