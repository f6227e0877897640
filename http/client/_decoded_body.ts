// A response body that decodes another, as it is read.

import { byteSource, readAll } from "./byte_source.ts";
import {
  decoded,
  type FilledBody,
  iterate,
  parsed,
  tooLarge,
} from "./_client_body.ts";
import type { ClientBody } from "./client_body.ts";

/** A body that decodes another, as it is read. */
export class DecodedBody implements ClientBody {
  readonly #body: FilledBody;
  readonly #open: (source: AsyncIterable<Uint8Array>) => ReadableStream<
    Uint8Array<ArrayBuffer>
  >;
  readonly #maxBuffered: number;

  constructor(
    body: FilledBody,
    maxBuffered: number,
    open: (
      source: AsyncIterable<Uint8Array>,
    ) => ReadableStream<Uint8Array<ArrayBuffer>>,
  ) {
    this.#body = body;
    this.#maxBuffered = maxBuffered;
    this.#open = open;
  }

  get used(): boolean {
    return this.#body.used;
  }

  async bytes(): Promise<Uint8Array> {
    const source = byteSource(this.stream());
    const max = this.#maxBuffered;
    return await readAll(source, max, () => tooLarge(max));
  }

  async text(): Promise<string> {
    return decoded(await this.bytes());
  }

  async json<T = unknown>(): Promise<T> {
    return parsed(await this.bytes()) as T;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#open(this.#body);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return iterate(byteSource(this.stream()));
  }

  cancel(reason?: unknown): void {
    this.#body.cancel(reason);
  }
}
