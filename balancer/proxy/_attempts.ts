// To which backends a request is sent: to one, to another one after it has failed,
// or to two at a time.

import type { ConnError } from "../../conn/error.ts";
import type { RouteSettings } from "../config/settings.ts";
import type { PolicyRequest } from "../policy/policy.ts";
import { Attempt, type AttemptOwner } from "./_attempt.ts";
import type { Backend } from "./backend.ts";
import type { Upstream } from "./upstream.ts";

/** A request that is sent to backends. */
export interface Dispatched extends AttemptOwner, PolicyRequest {
  readonly upstream: Upstream;
  readonly settings: RouteSettings;
  /** `Set-Cookie` values of the policy's last choice. */
  cookies: string[] | undefined;
  /** Whether sending it twice does no harm, RFC 9110 §9.2.2. */
  readonly isIdempotent: boolean;
  /** Whether all that has come of it is still here. */
  readonly isKept: boolean;
  /** Whether it may be sent to two backends at a time. */
  readonly mayHedge: boolean;
}

/** The attempts of one request. */
export class Attempts {
  /** The one that counts. */
  current: Attempt | undefined = undefined;
  /** The backend that was asked last. */
  backend: Backend | undefined = undefined;
  /** How often the request was sent again. */
  retries = 0;
  /** It was sent to two backends at the same time. */
  hedged = false;
  readonly #request: Dispatched;
  #hedge: Attempt | undefined;
  #tried: Backend[] | undefined;
  /** A kept connection broke before it brought anything: that is forgiven once. */
  #forgiven = false;

  constructor(request: Dispatched) {
    this.#request = request;
  }

  /**
   * Chooses a backend, and nothing else.
   *
   * @returns `undefined` if none is available.
   * @throws {unknown} What the policy throws.
   */
  pick(): Backend | undefined {
    return this.backend = this.#pick(this.#tried);
  }

  /**
   * Sends the request to a backend.
   *
   * @returns `false` if none is available.
   * @throws {unknown} What the policy throws.
   */
  send(now: number): boolean {
    const backend = this.pick();
    if (backend === undefined) return false;
    this.#sendTo(backend, now);
    return true;
  }

  /** Sends the request to a second backend, if there is one. */
  hedge(now: number): void {
    const first = this.current;
    const { upstream, mayHedge } = this.#request;
    if (first === undefined || this.#hedge !== undefined || !mayHedge) return;
    const tried = [...this.#tried ?? [], first.backend];
    if (!upstream.hasOther(tried) || !this.#budget(now)) return;
    const backend = this.#pick(tried);
    if (backend === undefined) return;
    this.hedged = true;
    upstream.hedges++;
    this.#hedge = this.#begin(backend, now, false);
    this.backend = first.backend;
    backend.pool.acquire(this.#hedge);
  }

  /** One has a response: another one is given up. */
  settle(attempt: Attempt): void {
    if (this.#hedge === undefined) return;
    const other = attempt === this.#hedge ? this.current : this.#hedge;
    this.current = attempt;
    this.#hedge = undefined;
    this.backend = attempt.backend;
    other?.cancel();
  }

  /**
   * One has failed before anything of it was used.
   *
   * @returns Whether the request goes on: by the other one of a pair, by another
   * connection, or by another backend.
   * @throws {unknown} What the policy throws.
   */
  replace(attempt: Attempt, error: ConnError, now: number): boolean {
    // The backend may have closed a kept connection just when it was used.
    const stale = !this.#forgiven && isStale(attempt, error);
    this.fail(attempt, error, stale);
    if (this.#otherGoesOn(attempt)) return true;
    if (stale && this.#maySendAgain(attempt)) {
      this.#forgiven = true;
      this.current = this.#begin(attempt.backend, now, true);
      attempt.backend.pool.acquire(this.current);
      return true;
    }
    if (!this.#mayRetry(attempt) || !this.#budget(now)) return false;
    this.#count(attempt.backend);
    return this.send(now);
  }

  /**
   * One has a response that is not good enough.
   *
   * @returns Whether there is going to be another one in its place.
   * @throws {unknown} What the policy throws.
   */
  discard(attempt: Attempt, now: number): boolean {
    if (this.#hedge === undefined) {
      if (!this.#mayRetry(attempt)) return false;
      const backend = this.#pick([...this.#tried ?? [], attempt.backend]);
      if (backend === undefined || !this.#budget(now)) return false;
      attempt.succeed();
      attempt.cancel();
      this.#count(attempt.backend);
      this.#sendTo(backend, now);
      return true;
    }
    attempt.succeed();
    attempt.cancel();
    return this.#otherGoesOn(attempt);
  }

  /** One has failed. */
  fail(attempt: Attempt, error: ConnError, forgiven = false): void {
    // The balancer's own limits are no fault of the backend.
    if (!forgiven && error.side !== "local") attempt.fail(error.code);
    attempt.close();
  }

  /** Whether the request may go to another backend, but for the budget. */
  #mayRetry(attempt: Attempt): boolean {
    const { settings, upstream } = this.#request;
    if (this.retries >= settings.retries.attempts) return false;
    if (!this.#maySendAgain(attempt)) return false;
    const tried = [...this.#tried ?? [], attempt.backend];
    return upstream.hasLast(tried);
  }

  /** The request is sent to another backend than this one. */
  #count(tried: Backend): void {
    (this.#tried ??= []).push(tried);
    this.retries++;
    this.#request.upstream.retries++;
    tried.stats.retries++;
  }

  #sendTo(backend: Backend, now: number): void {
    this.current = this.#begin(backend, now, false);
    backend.pool.acquire(this.current);
  }

  /** Gives all up. */
  cancel(): void {
    this.current?.cancel();
    this.#hedge?.cancel();
  }

  /** Asks the policy; cookies that it sets belong to this choice. */
  #pick(tried: readonly Backend[] | undefined): Backend | undefined {
    this.#request.cookies = undefined;
    return this.#request.upstream.pick(this.#request, tried);
  }

  #begin(backend: Backend, now: number, fresh: boolean): Attempt {
    this.backend = backend;
    const { isIdempotent, cookies } = this.#request;
    const options = { now, fresh, unsafe: !isIdempotent, cookies };
    return new Attempt(this.#request, backend, options);
  }

  #budget(now: number): boolean {
    const { upstream } = this.#request;
    if (upstream.budget.take(now)) return true;
    upstream.budgetRefused++;
    return false;
  }

  #maySendAgain({ conn }: Attempt): boolean {
    if (!this.#request.isKept) return false;
    return this.#request.isIdempotent || conn === undefined || !conn.touched;
  }

  #otherGoesOn(attempt: Attempt): boolean {
    const other = attempt === this.#hedge ? this.current : this.#hedge;
    this.current = other;
    this.#hedge = undefined;
    if (other === undefined) return false;
    (this.#tried ??= []).push(attempt.backend);
    this.backend = other.backend;
    return true;
  }
}

/** Whether a kept connection broke before it brought anything. */
function isStale({ conn }: Attempt, { code }: ConnError): boolean {
  return conn !== undefined && conn.uses > 1 && !conn.answered &&
    code !== "head_timeout";
}
