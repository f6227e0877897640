// What follows a reply that is not for the program, or a failed attempt.

import { ConnError } from "../../conn/error.ts";
import type { RequestOptions } from "./client_options.ts";
import type { Hop } from "./_hop.ts";
import type { ResponseHead } from "../codec/message.ts";
import { isRedirect, redirectStep, RedirectTrail } from "./redirect.ts";
import { type FailedAttempt, isIdempotent, type RetryPolicy } from "./retry.ts";
import type { Router } from "./_route.ts";
import type { Settings } from "./_settings.ts";

/** After so many stale connections in a row it is no bad luck any more. */
const MAX_STALE = 3;

/** What the decisions rest on. */
export interface StepHost {
  readonly settings: Settings;
  readonly router: Router;
  readonly policy: RetryPolicy;
  /** For who does not want retries. */
  readonly strictPolicy: RetryPolicy;
}

/**
 * Decides how a request goes on, and makes its {@linkcode Hop} what it has to be
 * for that. Each decision is a number of milliseconds to wait, or `undefined` if
 * the request does not go on.
 */
export class NextStep {
  /** Attempts at the present hop. */
  attempts = 0;
  readonly #host: StepHost;
  readonly #options: RequestOptions;
  readonly #hop: Hop;
  readonly #totalAt: number;
  #trail: RedirectTrail | undefined;
  #stale = 0;

  constructor(
    host: StepHost,
    options: RequestOptions,
    hop: Hop,
    totalAt: number,
  ) {
    this.#host = host;
    this.#options = options;
    this.#hop = hop;
    this.#totalAt = totalAt;
  }

  /** Whether the request may be sent twice. */
  get repeatable(): boolean {
    return this.#options.idempotent ?? isIdempotent(this.#hop.method);
  }

  /** The URLs that redirected, in order. */
  get redirects(): readonly string[] {
    return this.#trail?.urls ?? [];
  }

  /**
   * Decides about a reply.
   *
   * @throws {ConnError} If it is a redirect that must not or cannot be followed.
   */
  afterReply(head: ResponseHead, now: number): number | undefined {
    this.attempts++;
    const { status, fields } = head;
    const hop = this.#hop;
    if (status < 300) return undefined;
    if (status === 417 && hop.expectsContinue && hop.replayable) {
      hop.expectNothing();
      return 0;
    }
    if (isRedirect(status)) {
      const location = fields.get("location");
      const mode = this.#options.redirect ?? this.#host.settings.redirect;
      if (mode === "manual" || location === undefined) return undefined;
      this.#redirect(status, location, mode === "error");
      return 0;
    }
    if (status !== 429 && status < 500) return undefined;
    const retryAfter = fields.get("retry-after");
    return this.#delay({ status, retryAfter }, now);
  }

  /** Decides about an attempt that brought no reply. */
  afterFailure(
    error: unknown,
    failed: { neverSent: boolean; reused: boolean },
    now: number,
  ): number | undefined {
    this.attempts++;
    // What this program did wrong does not get better.
    const passing = error instanceof ConnError && error.side !== "local";
    const reused = failed.reused && ++this.#stale <= MAX_STALE;
    const { neverSent } = failed;
    const code = passing ? error.code : "";
    return this.#delay({ code, neverSent, reused }, now);
  }

  #redirect(status: number, location: string, forbidden: boolean): void {
    const hop = this.#hop;
    const from = { method: hop.method, url: hop.route.target.url };
    if (forbidden) throw redirectForbidden(from.url, location);
    const step = redirectStep(from, { status, location });
    const { settings, router } = this.#host;
    const { maxRedirects = settings.maxRedirects, unix } = this.#options;
    this.#trail ??= new RedirectTrail(from, maxRedirects);
    this.#trail.add(step);
    hop.redirect(step, router.find(step.url, unix));
    this.attempts = this.#stale = 0;
  }

  #delay(failed: Partial<FailedAttempt>, now: number): number | undefined {
    const { policy, strictPolicy } = this.#host;
    const chosen = this.#options.retry === false ? strictPolicy : policy;
    const delay = chosen.delay({
      attempts: this.attempts,
      idempotent: this.repeatable,
      replayable: this.#hop.replayable,
      neverSent: false,
      reused: false,
      ...failed,
    }, now);
    // It would come too late.
    if (delay === undefined || now + delay >= this.#totalAt) return undefined;
    return delay;
  }
}

function redirectForbidden(url: string, location: string): ConnError {
  return new ConnError(
    `Cannot follow the redirect from "${url}" to "${location}": redirects are not allowed`,
    { code: "redirect_refused", side: "remote" },
  );
}
