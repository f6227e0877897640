/**
 * nginx, as a proxy and as the backends.
 *
 * @module
 */

import { Daemon, freePort } from "./_daemon.ts";

/** Where backends have bodies of known length. */
export const PATHS = {
  small: "/small",
  medium: "/medium",
  large: "/large",
} as const;

const SIZES = { medium: 16 * 1024, large: 1024 * 1024 };

/** Backends that are one process: two ports, which a proxy takes for two. */
export interface Backends extends AsyncDisposable {
  /** Their ports. */
  readonly ports: readonly number[];
  /** CPU time until now, in microseconds. */
  cpu(): number;
}

/**
 * Starts two backends: 12 bytes that are constant, and files that it sends without
 * copying them.
 *
 * @param program The path of nginx.
 * @returns The backends.
 */
export async function startBackends(program: string): Promise<Backends> {
  const ports = [freePort(), freePort()];
  const daemon = await startNginx(program, ports[0]!, (folder) => {
    for (const [name, size] of Object.entries(SIZES)) {
      const bytes = new Uint8Array(size).map((_, i) => 97 + i % 26);
      Deno.writeFileSync(`${folder}/${name}`, bytes);
    }
    return `
  sendfile on;
  tcp_nopush on;
  open_file_cache max=10;
  server {
    ${ports.map((port) => `listen 127.0.0.1:${port};`).join("\n    ")}
    root ${folder};
    location = ${PATHS.small} {
      default_type text/plain;
      return 200 "Hello world\\n";
    }
  }`;
  });
  return {
    ports,
    cpu: () => daemon.cpu(),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/**
 * Starts nginx as a proxy.
 *
 * @param program Its path.
 * @param backends Their ports.
 * @returns The proxy.
 */
export function startNginxProxy(
  program: string,
  backends: readonly number[],
): Promise<Daemon> {
  const port = freePort();
  return startNginx(program, port, () => `
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream backends {
    ${backends.map((port) => `server 127.0.0.1:${port};`).join("\n    ")}
    keepalive 512;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }`);
}

function startNginx(
  program: string,
  port: number,
  http: (folder: string) => string,
): Promise<Daemon> {
  return Daemon.start({
    program,
    port,
    args: (file) => ["-e", "stderr", "-c", file],
    config: (folder) => `
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
${Deno.uid() === 0 ? "user root;" : ""}
pid ${folder}/pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/client;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;${http(folder)}
}
`,
  });
}
