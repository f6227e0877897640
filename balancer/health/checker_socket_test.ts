import { assertEquals, assertMatch } from "@std/assert";
import { systemClock } from "../../conn/clock.ts";
import { listen } from "../../conn/listen.ts";
import { serve } from "../../http/server/serve.ts";
import type { Endpoint, HealthCheckSettings } from "../config/settings.ts";
import { HealthChecker, type HealthCheckerOptions } from "./checker.ts";

const SETTINGS: HealthCheckSettings = {
  path: "/health",
  host: undefined,
  statuses: [200],
  body: undefined,
  interval: 5000,
  timeout: 2000,
  unhealthyAfter: 3,
  healthyAfter: 2,
};

/** The result of the first check of an endpoint, over sockets. */
async function firstResult(
  endpoint: Endpoint,
  settings: Partial<HealthCheckSettings> = {},
  tls: HealthCheckerOptions["tls"] = {},
): Promise<[boolean, string]> {
  const { promise, resolve } = Promise.withResolvers<[boolean, string]>();
  const checker = new HealthChecker({
    endpoint,
    settings: { ...SETTINGS, ...settings },
    tls,
    clock: systemClock,
    random: Math.random,
    onResult: (...result) => resolve(result),
  });
  const result = await promise;
  checker.close();
  return result;
}

const OVER_TCP = { hostname: "127.0.0.1", port: 0 };

function endpointOf(server: { addr: Deno.Addr }, tls = false): Endpoint {
  const { hostname, port } = server.addr as Deno.NetAddr;
  return { hostname, port, tls };
}

Deno.test("checks pass and fail over TCP", async () => {
  await using server = serve(OVER_TCP, (request) => {
    const { pathname } = new URL(request.url);
    return new Response("all good", {
      status: pathname === "/health" ? 200 : 404,
    });
  });
  const endpoint = endpointOf(server);
  assertEquals(await firstResult(endpoint, { body: "good" }), [
    true,
    "status 200",
  ]);
  assertEquals(await firstResult(endpoint, { path: "/other" }), [
    false,
    "status 404, expected 200",
  ]);
  assertEquals(await firstResult(endpoint, { path: undefined }), [
    true,
    "connected",
  ]);
});

Deno.test("a check of a port that nobody listens on says so", async () => {
  const server = listen(OVER_TCP, () => {});
  const endpoint = endpointOf(server);
  await server.shutdown();
  const [passed, reason] = await firstResult(endpoint);
  assertEquals(passed, false);
  assertMatch(reason, /Connection refused/);
});

Deno.test("a check of a server that is silent ends at its time-out", async () => {
  await using server = listen(OVER_TCP, () => {});
  assertEquals(await firstResult(endpointOf(server), { timeout: 50 }), [
    false,
    "no answer within 50 ms",
  ]);
});

Deno.test("checks pass over a Unix socket", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  const server = serve({ path }, () => new Response("ok"));
  assertEquals(await firstResult({ path }), [true, "status 200"]);
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

function certificate(name: string): string {
  const folder = new URL("../../conn/testdata/", import.meta.url);
  return Deno.readTextFileSync(new URL(name, folder));
}

Deno.test("checks over TLS need a certificate that is trusted, for the right name", async () => {
  await using server = serve({
    ...OVER_TCP,
    cert: certificate("server.pem"),
    key: certificate("server.key.pem"),
  }, () => new Response("ok"));
  const endpoint = endpointOf(server, true);
  const caCerts = [certificate("ca.pem")];
  const results = [
    await firstResult(endpoint, {}, { caCerts }),
    await firstResult(endpoint, {}, { caCerts, serverName: "meerkat.test" }),
    await firstResult(endpoint, { path: undefined }, { caCerts }),
    await firstResult(endpoint, {}, { caCerts, serverName: "other.test" }),
    await firstResult(endpoint, { path: undefined }, {}),
  ];
  assertEquals(results.map(([passed]) => passed), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assertMatch(results[3]![1], /Cannot start TLS with "other.test"/);
});
