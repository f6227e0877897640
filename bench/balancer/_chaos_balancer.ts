// The balancer of the chaos program: a configuration file, its changes, SIGHUP, and
// SIGTERM, after which it takes leave. It prints "ready PORT ADMIN_PORT", and to
// standard error what it knows of GETs that failed.

import {
  balance,
  type ExchangeRecord,
  serveAdmin,
  watchConfig,
} from "@meerkat/net/balancer";

/** Tells why a GET failed: there must be none, so nobody else counts them here. */
function onRequest({ head, ...record }: ExchangeRecord): void {
  if (head.method === "GET" && record.status >= 500) {
    console.error(JSON.stringify(record));
  }
}

const [file = ""] = Deno.args;
const watcher = await watchConfig(file, {
  onChange: (config) => server.balancer.update(config),
  // A configuration that is refused is a part of the program.
  onError: () => server.balancer.updateRefused(),
});
const { config } = watcher;
const server = balance(config, {
  hostname: "127.0.0.1",
  port: config.listen?.port ?? 0,
  onRequest,
});
const admin = serveAdmin(server.balancer, {
  port: config.admin!.port,
  token: config.admin!.token!,
});
Deno.addSignalListener("SIGHUP", () => void watcher.reload());
Deno.addSignalListener("SIGTERM", async () => {
  watcher.close();
  await Promise.all([admin.shutdown(), server.shutdown({ timeout: 10_000 })]);
  Deno.exit(0);
});
const ports = [server, admin].map(({ addr }) => (addr as Deno.NetAddr).port);
console.log(`ready ${ports.join(" ")}`);
