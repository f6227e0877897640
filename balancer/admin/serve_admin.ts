/**
 * The admin port: a live page, an API to see and change a balancer, metrics and
 * probes.
 *
 * | request                                             | what it does                                        |
 * | --------------------------------------------------- | --------------------------------------------------- |
 * | `GET /`                                             | the page; it asks for the token                     |
 * | `GET /healthz`                                      | 200 while the process lives; no token               |
 * | `GET /readyz`                                       | 200 if requests are taken, else 503; no token       |
 * | `GET /metrics`                                      | Prometheus text                                     |
 * | `GET /explain?url=URL&host=HOST&method=METHOD`      | which route and backend, and why; 400               |
 * | `GET /api/snapshot`                                 | all figures, a {@linkcode BalancerSnapshot} as JSON |
 * | `GET /api/events`                                   | an event `snapshot` with the same, each second      |
 * | `POST /api/upstreams/{name}/backends`               | adds `{"address", "id"?, "weight"?}`: 201; 409      |
 * | `DELETE /api/upstreams/{name}/backends/{id}`        | removes it: 204                                     |
 * | `POST /api/upstreams/{name}/backends/{id}/drain`    | takes `{"draining": true}` or `false`: 204          |
 * | `POST /api/upstreams/{name}/backends/{id}/weight`   | takes `{"weight": 3}`: 204                          |
 *
 * Names in a path are percent-encoded. All but the page and the probes need
 * `Authorization: Bearer TOKEN`. A refusal is `{"error": CODE, "message": TEXT}`:
 * 400 for what cannot be read, 401 without the token, 403 for a change from
 * another page's origin, 404 and 405 for what is not there, 413 for a body over
 * the limit, 421 for a host name that is not ours, 429 after too many wrong
 * tokens.
 *
 * @module
 */

import { AroundServer } from "../../conn/around_server.ts";
import { systemClock } from "../../conn/clock.ts";
import type { Server, ShutdownOptions } from "../../conn/listen.ts";
import { serve, type ServeOptions } from "../../http/server/serve.ts";
import { Access } from "./_access.ts";
import { adminHandler } from "./_handler.ts";
import { SnapshotFeed } from "./_snapshot_feed.ts";
import type { AdminTarget } from "./target.ts";

/**
 * Options of {@linkcode serveAdmin}: those of `serve`, but that `hostname` is
 * `"127.0.0.1"` and `maxBody` 65536 if they are left out.
 */
export interface AdminOptions extends ServeOptions {
  /**
   * What opens the API: at least 16 letters, digits and `-._~+/`, random ones.
   * Who has it can drain every backend. Over a network, use TLS (`cert`, `key`).
   */
  token: string;
  /**
   * Names that it may be called by, besides addresses, `localhost` and `hostname`.
   * A request for another is refused, probes apart: a name that an attacker lets
   * point here could make a browser take his page for ours (DNS rebinding).
   *
   * @default {[]}
   */
  hosts?: string[];
  /**
   * Give `/metrics` to who has no token.
   *
   * @default {false}
   */
  publicMetrics?: boolean;
}

/** Most bytes of a request's body: a backend, as JSON. */
const MAX_BODY = 65_536;

/**
 * Serves the admin API and the live page of a balancer.
 *
 * @param target What is seen and changed.
 * @param options Where to listen, and the token.
 * @returns The server; shutting it down ends the pages' event streams, too.
 * @throws {TypeError} If the token is short or cannot be sent.
 * @throws {ConnError} With code `"addr_in_use"` or `"listen_failed"`.
 *
 * @example A probe
 * ```ts
 * import { type AdminTarget, serveAdmin } from "@meerkat/net/balancer";
 * import { assertEquals } from "@std/assert";
 *
 * const target: AdminTarget = {
 *   snapshot: () => Promise.reject(new Error("Nobody asks here")),
 *   ready: () => true,
 *   explain: () => null,
 *   addBackend() {},
 *   removeBackend() {},
 *   setDraining() {},
 *   setWeight() {},
 * };
 * await using server = serveAdmin(target, {
 *   token: crypto.randomUUID(),
 *   port: 0,
 * });
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await fetch(`http://127.0.0.1:${port}/readyz`);
 * assertEquals(await response.text(), "ready\n");
 * ```
 */
export function serveAdmin(target: AdminTarget, options: AdminOptions): Server {
  const { token, hosts = [], publicMetrics = false, ...rest } = options;
  const { clock = systemClock, hostname } = rest;
  const feed = new SnapshotFeed(() => target.snapshot(), clock);
  const access = new Access({
    token,
    hosts: hostname === undefined ? hosts : [...hosts, hostname],
    clock,
  });
  const handler = adminHandler({
    target,
    feed,
    access,
    publicMetrics,
  });
  return new AdminServer(serve(withDefaults(rest), handler), feed);
}

function withDefaults(options: ServeOptions): ServeOptions {
  const all = { maxBody: MAX_BODY, ...options };
  const elsewhere = options.path !== undefined ||
    options.listener !== undefined;
  return elsewhere ? all : { hostname: "127.0.0.1", ...all };
}

/** A server whose event streams do not hold up its end. */
class AdminServer extends AroundServer {
  readonly #feed: SnapshotFeed;

  constructor(server: Server, feed: SnapshotFeed) {
    super(server);
    this.#feed = feed;
  }

  override shutdown(options?: ShutdownOptions): Promise<void> {
    this.#feed.close();
    return super.shutdown(options);
  }

  override close(): void {
    this.#feed.close();
    super.close();
  }
}
