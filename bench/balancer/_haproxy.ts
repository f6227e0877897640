/**
 * HAProxy, as a proxy.
 *
 * @module
 */

import { Daemon, freePort } from "./_daemon.ts";

/**
 * Starts HAProxy with one thread.
 *
 * @param program Its path.
 * @param backends Their ports.
 * @returns The proxy.
 */
export function startHaproxy(
  program: string,
  backends: readonly number[],
): Promise<Daemon> {
  const port = freePort();
  const servers = backends.map((port, i) => `  server b${i} 127.0.0.1:${port}`);
  return Daemon.start({
    program,
    port,
    args: (file) => ["-q", "-db", "-f", file],
    config: () => `
global
  nbthread 1
  maxconn 4096

defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  http-reuse always

listen proxy
  bind 127.0.0.1:${port}
  balance roundrobin
  option forwardfor
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Proto http
${servers.join("\n")}
`,
  });
}
