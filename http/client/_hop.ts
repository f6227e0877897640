// What goes out: the request in its present form, which redirects change.

import { type ByteSource, byteSource } from "./byte_source.ts";
import { byteLength } from "./_client_body.ts";
import type { RequestOptions } from "./client_options.ts";
import { ConnError } from "../../conn/error.ts";
import type { OutgoingRequest } from "./_exchange.ts";
import { Fields } from "../codec/fields.ts";
import type { RequestCommand } from "../codec/message.ts";
import { fieldsLeftBehind, type RedirectStep } from "./redirect.ts";
import { type OutgoingBody, outgoingBody } from "./_request_body.ts";
import { type DefaultFields, requestFields } from "./_request_head.ts";
import type { Route } from "./_route.ts";

/** How long to wait for `100 Continue` if the program does not say. */
const CONTINUE_WAIT = 1000;

/** A request on its way. */
export class Hop {
  method: string;
  route: Route;
  #fields: Fields | undefined;
  #defaults: DefaultFields;
  /** Whether the fields that come by themselves are those of every request. */
  #plain: boolean;
  readonly #decode: boolean;
  #body: OutgoingBody | undefined;
  #opened = false;
  /** Milliseconds to wait for `100 Continue`, if at all. */
  #expects: number | undefined;
  readonly #hasTrailers: boolean;
  #outgoing: OutgoingRequest | undefined;

  constructor(
    route: Route,
    options: RequestOptions,
    defaults: DefaultFields,
    decode: boolean,
  ) {
    this.route = route;
    this.method = options.method ?? "GET";
    this.#decode = decode;
    this.#defaults = defaults;
    const { fields, body, expectContinue } = options;
    this.#fields = fields === undefined ? undefined : new Fields(fields);
    const { authorization } = route.target;
    if (authorization !== undefined) {
      this.#fields ??= new Fields();
      if (!this.#fields.has("authorization")) {
        this.#fields.append("Authorization", authorization);
      }
    }
    this.#plain = this.#fields === undefined;
    this.#body = body === undefined || body === null
      ? undefined
      : outgoingBody(body);
    this.#hasTrailers = options.trailers !== undefined;
    if (this.#body !== undefined && expectContinue) {
      this.#expects = expectContinue === true ? CONTINUE_WAIT : expectContinue;
    }
  }

  /** Whether all of it can be sent again. */
  get replayable(): boolean {
    return !this.#opened || this.#body === undefined || this.#body.replayable;
  }

  /** Whether it waits for `100 Continue`. */
  get expectsContinue(): boolean {
    return this.#expects !== undefined;
  }

  /** What to send; the same for each attempt. */
  get outgoing(): OutgoingRequest {
    return this.#outgoing ??= this.#prepare();
  }

  /** Opens the body that follows the head. */
  open(): ByteSource {
    this.#opened = true;
    const body = this.#body;
    if (body?.open !== undefined) return body.open();
    return byteSource(once(body?.whole ?? ""));
  }

  /** Does without `100 Continue`: the server does not know it. */
  expectNothing(): void {
    this.#expects = undefined;
    this.#outgoing = undefined;
  }

  /**
   * Becomes the request that a redirect asks for.
   *
   * @throws {ConnError} With code `"body_gone"` if its body cannot be sent again.
   */
  redirect(step: RedirectStep, route: Route): void {
    if (step.keepBody && !this.replayable) {
      throw new ConnError(
        `Cannot follow the redirect to "${step.url}": the body is a stream that was read already`,
        { code: "body_gone", side: "local" },
      );
    }
    const names = fieldsLeftBehind(step);
    if (names.length > 0) {
      this.#plain &&= this.#defaults.fields === undefined;
      this.#fields = without(this.#fields, names);
      const fields = without(this.#defaults.fields, names);
      this.#defaults = { ...this.#defaults, fields };
    }
    if (!step.keepBody) {
      this.#body = undefined;
      this.#expects = undefined;
      this.#opened = false;
    }
    this.method = step.method;
    this.route = route;
    this.#outgoing = undefined;
  }

  #prepare(): OutgoingRequest {
    const body = this.#body;
    const trailers = this.#hasTrailers && body !== undefined;
    const whole = body === undefined ? "" : body.whole;
    const split = whole === undefined || trailers ||
      this.#expects !== undefined;
    const command: RequestCommand = {
      type: "request",
      method: this.method,
      target: this.route.wireTarget,
    };
    if (!split) {
      command.fields = this.#headFields(undefined);
      command.body = whole;
      return { command, follows: "nothing" };
    }
    const length = whole === undefined ? body?.length : byteLength(whole);
    // Only a chunked body can have trailer fields.
    command.fields = this.#headFields(trailers ? undefined : length);
    return { command, follows: this.#expects ?? "body" };
  }

  #headFields(length: number | undefined): Fields {
    if (this.#plain && this.#body?.type === undefined && length === undefined) {
      return this.route.plain(this.#decode);
    }
    return requestFields(this.route, this.#defaults, {
      fields: this.#fields,
      body: this.#body,
      length,
      expectContinue: this.#expects !== undefined,
    });
  }
}

function without(
  fields: Fields | undefined,
  names: readonly string[],
): Fields | undefined {
  if (fields === undefined) return undefined;
  const rest = new Fields(fields);
  for (const name of names) rest.delete(name);
  return rest;
}

async function* once(piece: string | Uint8Array): AsyncGenerator<Uint8Array> {
  // Strings pass through: the connection takes both.
  yield piece as Uint8Array;
}
