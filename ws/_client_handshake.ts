// The client's way to a WebSocket: the request, redirects, and the answer.

import { ConnError } from "../conn/error.ts";
import type { Clock } from "../conn/clock.ts";
import type { Conn } from "../conn/conn.ts";
import { concat } from "../http/client/byte_source.ts";
import type { Client } from "../http/client/client.ts";
import type { ClientBody } from "../http/client/client_body.ts";
import type { ClientResponse } from "../http/client/client_response.ts";
import { basic, unescaped } from "../http/client/proxy.ts";
import {
  fieldsLeftBehind,
  isRedirect,
  redirectStep,
  RedirectTrail,
} from "../http/client/redirect.ts";
import { Fields, type FieldsInit } from "../http/codec/fields.ts";
import type {
  HttpCommand,
  HttpEvent,
  ResponseHead,
} from "../http/codec/message.ts";
import { makeKey } from "./handshake/accept_key.ts";
import { checkResponse, upgradeFields } from "./handshake/client.ts";
import { WsRefusedError } from "./refused.ts";
import { readWsUrl, withoutLogin } from "./_ws_url.ts";

/** The most that is read of a refusal's body, in bytes. */
const BODY_MAX = 64 * 1024;
/** How long a refusal's body may take, in milliseconds. */
const BODY_PATIENCE = 2000;

/** How to ask. */
export interface ClientHandshakeOptions<A> {
  readonly client: Client;
  readonly protocols: readonly string[];
  /** The value of `Sec-WebSocket-Extensions`. */
  readonly extensions: string | undefined;
  /** Makes something of the extensions that the server chose; may throw. */
  readonly agree: (extensions: string | undefined) => A;
  readonly fields: FieldsInit | undefined;
  /** The most redirects to follow. */
  readonly redirects: number;
  /** The most that all of it may take, in milliseconds. */
  readonly timeout: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** What both sides agreed on, and the connection to speak it on. */
export interface Handshaken<A> {
  readonly conn: Conn<HttpEvent, HttpCommand>;
  readonly head: ResponseHead;
  readonly subprotocol: string;
  readonly agreement: A;
}

/** One attempt to open a WebSocket, over as many redirects as it takes. */
export class ClientHandshake<A> {
  readonly #options: ClientHandshakeOptions<A>;
  readonly #until: number;
  readonly #trail: RedirectTrail;
  /** The program's fields, as far as they may travel. */
  readonly #fields: Fields;
  #url: string;

  /**
   * @throws {ConnError} With code `"url_invalid"`.
   */
  constructor(url: string | URL, options: ClientHandshakeOptions<A>) {
    const target = parseTarget(url);
    this.#fields = new Fields(options.fields);
    const { username, password } = target;
    if (username !== "" || password !== "") {
      target.username = target.password = "";
      if (!this.#fields.has("authorization")) {
        const login = basic(unescaped(username), unescaped(password));
        this.#fields.append("Authorization", login);
      }
    }
    this.#options = options;
    this.#url = target.href;
    this.#until = options.clock.now() + options.timeout;
    this.#trail = new RedirectTrail(
      { method: "GET", url: this.#url },
      options.redirects,
    );
  }

  /** The URL as errors show it: its query may hold a token. */
  get #shown(): string {
    return this.#url.replace(/\?.*$/, "");
  }

  /**
   * Asks until there is an answer.
   *
   * @throws {ConnError} If there is none, or it is not the right one.
   */
  async run(): Promise<Handshaken<A>> {
    for (;;) {
      // RFC 6455 §4.1: another one for each connection.
      const key = makeKey();
      const response = await this.#ask(key);
      if (response.status === 101) return this.#granted(response, key);
      const location = response.fields.get("location");
      const leads = isRedirect(response.status) && location !== undefined &&
        this.#options.redirects > 0;
      if (!leads) throw await this.#refused(response);
      response.body.cancel();
      this.#follow(response.status, location);
    }
  }

  async #ask(key: string): Promise<ClientResponse> {
    const { client, protocols, extensions, clock, timeout, signal } =
      this.#options;
    const fields = upgradeFields({
      key,
      protocols,
      extensions,
      fields: this.#fields,
    });
    const total = Math.max(0, this.#until - clock.now());
    try {
      return await client.request(this.#url, {
        fields,
        redirect: "manual",
        timeouts: { total },
        ...(signal && { signal }),
      });
    } catch (error) {
      if (!(error instanceof ConnError) || error.code !== "total_timeout") {
        throw error;
      }
      throw new ConnError(
        `Cannot open the WebSocket "${this.#shown}": the handshake took longer than ${timeout} ms`,
        { code: "handshake_timeout", side: "remote", cause: error },
      );
    }
  }

  #follow(status: number, location: string): void {
    const from = { method: "GET", url: this.#url };
    const step = redirectStep(from, { status, location });
    this.#trail.add(step);
    for (const name of fieldsLeftBehind(step)) this.#fields.delete(name);
    this.#url = step.url;
  }

  #granted(response: ClientResponse, key: string): Handshaken<A> {
    const { conn, head } = response;
    const { protocols, agree } = this.#options;
    try {
      const checked = checkResponse(head, { key, protocols });
      const agreement = agree(checked.extensions);
      return { conn, head, subprotocol: checked.subprotocol, agreement };
    } catch (cause) {
      conn.abort();
      if (!(cause instanceof ConnError)) throw cause;
      throw new WsRefusedError(cause.message, { head, cause });
    }
  }

  async #refused(response: ClientResponse): Promise<ConnError> {
    const { head, status, reason } = response;
    const { clock, signal } = this.#options;
    const body = await beginningOf(response.body, clock);
    if (signal?.aborted) return aborted(signal);
    return new WsRefusedError(
      `Cannot open the WebSocket "${this.#shown}": the server answered ${status}${
        reason && ` ${reason}`
      }, expected 101`,
      { head, body },
    );
  }
}

/** The error of an attempt, or a connection, that the program has given up. */
export function aborted(signal: AbortSignal): ConnError {
  return new ConnError("The WebSocket was aborted", {
    code: "aborted",
    side: "local",
    cause: signal.reason,
  });
}

function parseTarget(url: string | URL): URL {
  const target = readWsUrl(`${url}`);
  if (typeof target !== "string") return target;
  const shown = withoutLogin(`${url}`);
  throw new ConnError(
    `Cannot open the WebSocket "${shown}": expected ${target}`,
    { code: "url_invalid", side: "local" },
  );
}

/** As much of a body as is worth waiting for. */
async function beginningOf(
  body: ClientBody,
  clock: Clock,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const timer = clock.setTimeout(() => body.cancel(), BODY_PATIENCE);
  try {
    for await (const piece of body) {
      const part = piece.subarray(0, BODY_MAX - size);
      pieces.push(part);
      size += part.length;
      if (size === BODY_MAX) break;
    }
  } catch {
    // What has come says more than that the rest has not.
  } finally {
    clock.clearTimeout(timer);
  }
  return concat(pieces, size);
}
