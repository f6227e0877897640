// What is kept of a request's body: to send it again, or because there is no
// connection yet, or because all of it is wanted first.

import type { Fields } from "../../http/codec/fields.ts";
import type { RouteSettings } from "../config/settings.ts";
import type { HttpConn } from "./_backend_conn.ts";

/** The body of one request. */
export class RequestBody {
  /** That of a request that has none; shared, as nothing happens to it. */
  static readonly NONE: RequestBody = new RequestBody();

  /** Bytes that have come. */
  received = 0;
  /** What is kept, from the beginning on. */
  pieces: Uint8Array[] = [];
  /** Whether all of it has come. */
  isComplete = false;
  /** Its trailers, once it is complete. */
  trailers: Fields | undefined;
  /** Whether there is none. */
  readonly isEmpty: boolean;
  /** Whether all of it is wanted before a backend is asked. */
  readonly waitsForAll: boolean;
  /** How long it may be. */
  readonly max: number;
  readonly #maxKept: number;
  #isKept = true;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(settings?: RouteSettings) {
    this.isEmpty = settings === undefined;
    const { bufferRequest = 0, maxRequestBody = 0, retries } = settings ?? {};
    this.waitsForAll = bufferRequest > 0;
    this.max = this.waitsForAll
      ? Math.min(bufferRequest, maxRequestBody)
      : maxRequestBody;
    this.#maxKept = this.waitsForAll ? bufferRequest : retries?.maxReplay ?? 0;
  }

  /** Whether all that has come is still here. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /**
   * Takes a piece, which is only lent.
   *
   * @returns `false` if there is more than there may be.
   */
  take(bytes: Uint8Array): boolean {
    this.received += bytes.length;
    if (this.received > this.max) return false;
    if (this.#isKept) this.pieces.push(bytes.slice());
    return true;
  }

  /** What came was sent: it is kept only if it is not too much. */
  forget(): void {
    if (!this.#isKept || this.received <= this.#maxKept) return;
    this.#isKept = false;
    this.pieces = [];
  }

  /** While nobody takes it: a promise if there is enough of it here. */
  room(): Promise<void> | void {
    if (this.waitsForAll || this.received <= this.#maxKept) return;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** A connection has taken what is here, and takes more once it has sent that. */
  resume(conn: HttpConn): void {
    this.forget();
    if (this.#room === undefined) return;
    if (conn.needsDrain) conn.drain().then(this.#room.resolve);
    else this.#room.resolve();
    this.#room = undefined;
  }

  /** It is complete, or nobody wants more of it. */
  end(trailers: Fields | undefined): void {
    this.isComplete = true;
    this.trailers = trailers;
    this.#room?.resolve();
    this.#room = undefined;
  }
}
