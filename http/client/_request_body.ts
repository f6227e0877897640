// What a request body may come as, and how it goes out.

import { type ByteSource, byteSource } from "./byte_source.ts";
import { encodeFormData } from "./_form_data.ts";

/** Bytes that are made while they are sent. */
export type StreamBody =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>;

/** The body of a request. */
export type RequestBody =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | FormData
  | URLSearchParams
  | StreamBody
  /** Makes the stream anew for each attempt, so that the request can be repeated. */
  | (() => StreamBody);

/** A request body, ready to go. */
export interface OutgoingBody {
  /** The whole body, if it is at hand. */
  readonly whole: string | Uint8Array | undefined;
  /** Opens the body if it is a stream. */
  readonly open: (() => ByteSource) | undefined;
  /** Its length if it is a stream of a known one. */
  readonly length: number | undefined;
  /** Its content type, unless the program gave one. */
  readonly type: string | undefined;
  /** Whether it can be opened more than once. */
  readonly replayable: boolean;
}

/** Makes a body ready to go. */
export function outgoingBody(body: RequestBody): OutgoingBody {
  if (typeof body === "string") return whole(body, "text/plain;charset=UTF-8");
  if (body instanceof Uint8Array) return whole(body);
  if (body instanceof ArrayBuffer) return whole(new Uint8Array(body));
  if (body instanceof URLSearchParams) {
    return whole(`${body}`, "application/x-www-form-urlencoded;charset=UTF-8");
  }
  if (body instanceof Blob) return blob(body, body.type || undefined);
  if (body instanceof FormData) {
    const form = encodeFormData(body);
    return blob(form.blob, form.type);
  }
  if (typeof body === "function") return stream(body, true);
  return stream(() => body, false);
}

function whole(body: string | Uint8Array, type?: string): OutgoingBody {
  return {
    whole: body,
    open: undefined,
    length: undefined,
    type,
    replayable: true,
  };
}

function blob(body: Blob, type: string | undefined): OutgoingBody {
  const { open } = stream(() => body.stream(), true);
  return { whole: undefined, open, length: body.size, type, replayable: true };
}

function stream(make: () => StreamBody, replayable: boolean): OutgoingBody {
  return {
    whole: undefined,
    // Strings pass through: the connection takes both.
    open: () => byteSource(make() as AsyncIterable<Uint8Array>),
    length: undefined,
    type: undefined,
    replayable,
  };
}
