/**
 * The server's "no" to a handshake.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import type { ResponseHead } from "../http/codec/message.ts";

/**
 * Why {@linkcode connect} has no WebSocket to give: the server answered, but not
 * with a 101 that opens one (RFC 6455 §4.1). The `code` is
 * `"handshake_refused"`. If the status is 101 all the same, the answer broke a
 * rule, and `cause` is the {@linkcode ConnError} that says which.
 *
 * @example What the server has to say
 * ```ts
 * import { serve } from "@meerkat/net/http";
 * import { connect, WsRefusedError } from "@meerkat/net/ws";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   () => new Response("members only", { status: 403 }),
 * );
 * const { port } = server.addr as Deno.NetAddr;
 * const error = await assertRejects(
 *   () => connect(`ws://127.0.0.1:${port}/`),
 *   WsRefusedError,
 * );
 * assertEquals(error.head.status, 403);
 * assertEquals(new TextDecoder().decode(error.body), "members only");
 * ```
 */
export class WsRefusedError extends ConnError {
  /** The head of the response, from which `Retry-After` and so on can be read. */
  readonly head: ResponseHead;
  /**
   * The body as it came, not decoded: at most 64 KiB of it, and no more than
   * arrived in 2 seconds.
   */
  readonly body: Uint8Array;

  /**
   * Creates an error.
   *
   * @param message What the server answered.
   * @param options The head of the response, its body or the beginning of that,
   * by default none; and the rule that it broke as the cause.
   */
  constructor(
    message: string,
    options: ErrorOptions & { head: ResponseHead; body?: Uint8Array },
  ) {
    const { head, body = new Uint8Array(0), ...rest } = options;
    super(message, { code: "handshake_refused", side: "remote", ...rest });
    this.head = head;
    this.body = body;
  }
}
