/**
 * A reverse proxy that spreads requests and WebSocket connections over backends.
 *
 * {@linkcode balance} listens; {@linkcode Balancer} is the handler behind it, for
 * any HTTP connection. {@linkcode BalancerConfig} says what goes where, and may
 * come from a file ({@linkcode parseConfig}, {@linkcode watchConfig}).
 * {@linkcode serveAdmin} shows it and changes it while it runs.
 *
 * @example Two backends, and a canary
 * ```ts
 * import { balance } from "@meerkat/net/balancer";
 * import { request, serve } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const local = { hostname: "127.0.0.1", port: 0 };
 * await using stable = serve(local, () => new Response("stable"));
 * await using canary = serve(local, () => new Response("canary"));
 * const at = ({ addr }: { addr: Deno.Addr }) =>
 *   `127.0.0.1:${(addr as Deno.NetAddr).port}`;
 * await using server = balance({
 *   upstreams: {
 *     stable: { backends: [at(stable)] },
 *     canary: { backends: [at(canary)] },
 *   },
 *   routes: [{
 *     split: [
 *       { upstream: "stable", weight: 95 },
 *       { upstream: "canary", weight: 5 },
 *     ],
 *   }, { prefix: "/beta", replacement: "/", upstream: "canary" }],
 * }, local);
 * const { port } = server.addr as Deno.NetAddr;
 * const reply = await request(`http://127.0.0.1:${port}/beta/page`);
 * assertEquals(await reply.text(), "canary");
 * ```
 *
 * @module
 */

export * from "./balance.ts";
export * from "./balancer.ts";
export type { UpstreamExplanation } from "./proxy/upstream.ts";
export type { Explanation } from "./routing/route_table.ts";
export * from "./config/config.ts";
export * from "./config/config_error.ts";
export * from "./config/file_config.ts";
export { parseConfig } from "./config/parse.ts";
export * from "./config/watch.ts";
export * from "./policy/policy.ts";
export * from "./workers.ts";
export { createPolicy, type CreatePolicyOptions } from "./policy/create.ts";
export * from "./telemetry/access_log.ts";
export * from "./telemetry/record.ts";
export * from "./telemetry/snapshot.ts";
export * from "./telemetry/metrics.ts";
export * from "./admin/target.ts";
export * from "./admin/serve_admin.ts";
