import { assert, assertEquals } from "@std/assert";
import { breaks, moduleOf, type Rules } from "./_import_rules.ts";

/** The rules of this repository: the one place to change them. */
const RULES: Rules = {
  layers: {
    conn: [],
    http: ["conn"],
    ws: ["conn", "http"],
    balancer: ["conn", "http", "ws"],
    push: ["conn", "http", "ws"],
    ".": ["conn", "http", "ws", "balancer", "push"],
    examples: [".", "conn", "http", "ws", "balancer", "push"],
    bench: [".", "conn", "http", "ws", "balancer", "push", "examples", "tools"],
    tools: [".", "conn", "http", "ws", "balancer", "push", "examples", "bench"],
  },
  dependencies: {
    conn: [],
    http: ["@std/", "node:buffer", "node:zlib", "node:crypto"],
    ws: ["node:buffer", "node:zlib", "node:crypto"],
    balancer: [
      "@std/path",
      "jsonc-parser",
      "node:buffer",
      "node:crypto",
      "node:dns",
    ],
    push: [
      "@redis/client",
      "@std/path",
      "jose",
      "node:buffer",
      "node:crypto",
      "node:sqlite",
      "node:util",
      "node:zlib",
    ],
    examples: ["@std/", "node:"],
    bench: ["@std/", "node:", "npm:", "undici", "fast-check"],
    tools: ["@std/", "node:", "npm:deno-std@"],
  },
  // Sockets, files, timers and threads.
  outside: [
    "balancer/config/watch.ts",
    "balancer/health/resolver.ts",
    "conn/_breaks.ts",
    "conn/_link.ts",
    "conn/_worker_thread.ts",
    "conn/clock.ts",
    "conn/_net.ts",
    "http/files/_file_response.ts",
    "http/files/_file_source.ts",
    "http/files/_read_directory.ts",
    "http/files/_resolve.ts",
    "http/files/_warm.ts",
    "http/events/event_source.ts",
    "http/files/serve_dir.ts",
    "http/files/serve_file.ts",
    "http/forms/upload.ts",
    "ws/_websocket_tasks.ts",
  ],
  // The time of day. How long something takes, machines learn from their sink.
  wallClock: [
    "conn/_inspected.ts",
    "http/codec/_date.ts",
    "balancer/proxy/_proxy_state.ts",
    "http/client/retry.ts",
    "push/wall_time.ts",
    "ws/_reconnect_errors.ts",
  ],
  // What puts the outside and the pure parts together.
  shell: [
    "balancer/admin/serve_admin.ts",
    "balancer/balance.ts",
    "balancer/balancer.ts",
    "balancer/health/_probe.ts",
    "balancer/health/checker.ts",
    "balancer/proxy/_backend_conn.ts",
    "balancer/proxy/_client_conn.ts",
    "balancer/proxy/_dialer.ts",
    "balancer/proxy/_exchange.ts",
    "balancer/proxy/_pool.ts",
    "balancer/proxy/_proxy_header.ts",
    "balancer/proxy/_proxy_state.ts",
    "balancer/proxy/backend.ts",
    "balancer/proxy/upstream.ts",
    "balancer/telemetry/access_log.ts",
    "balancer/tunnel/tunnel.ts",
    "balancer/workers.ts",
    "conn/_server.ts",
    "conn/_watch.ts",
    "conn/connect.ts",
    "conn/dial.ts",
    "conn/listen.ts",
    "conn/loop.ts",
    "conn/wheel.ts",
    "conn/workers.ts",
    "http/client/_call.ts",
    "http/client/_sockets.ts",
    "http/client/_client_conn.ts",
    "http/client/_settings.ts",
    "http/client/client.ts",
    "http/server/listen.ts",
    "http/server/serve.ts",
    "push/client/client.ts",
    "push/client/connect.ts",
    "push/core.ts",
    "push/delivery/expiries.ts",
    "push/engine/redis.ts",
    "push/hub.ts",
    "push/transport/commands.ts",
    "push/transport/endpoint.ts",
    "push/transport/event_stream.ts",
    "push/transport/local.ts",
    "push/transport/poll.ts",
    "push/transport/routes.ts",
    "push/transport/publish.ts",
    "push/transport/web_socket.ts",
    "ws/connect.ts",
    "ws/_reconnect_socket.ts",
    "ws/reconnect.ts",
    "ws/serve.ts",
    "ws/websocket.ts",
  ],
};

/** Rules for the tests of the checker, which the tables do not change. */
const SAMPLE: Rules = {
  ...RULES,
  outside: ["conn/clock.ts"],
  wallClock: ["http/codec/_date.ts"],
  shell: ["conn/loop.ts"],
};

const ROOT = new URL("..", import.meta.url);

Deno.test("no file breaks the import rules", async () => {
  const found: string[] = [];
  for (const path of await sources()) {
    const source = await Deno.readTextFile(new URL(path, ROOT));
    found.push(...breaks(path, source, RULES));
  }
  assertEquals(found, []);
});

Deno.test("the import rules name only files that exist", async () => {
  const files = await sources();
  const named = [...RULES.outside, ...RULES.wallClock, ...RULES.shell];
  const missing = named.filter((path) => !files.includes(path));
  assertEquals(missing, []);
});

Deno.test("each example has a test beside it", async () => {
  const files = await sources();
  const missing = files.filter((path) =>
    /^examples\/[a-z]\w*\.ts$/.test(path) && !path.endsWith("_test.ts") &&
    !files.includes(path.replace(/\.ts$/, "_test.ts"))
  );
  assertEquals(missing, []);
});

Deno.test("the checker reads every kind of import", () => {
  const target = "../ws/frame.ts";
  for (
    const source of [
      `import { a } from "${target}";`,
      `import a from "${target}";`,
      `import * as a from "${target}";`,
      `import "${target}";`,
      `import type { A } from "${target}";`,
      `export * from "${target}";`,
      `export { a } from "${target}";`,
      `export type { A } from "${target}";`,
      `const a = await import("${target}");`,
    ]
  ) {
    assertEquals(breaks("http/a.ts", source, SAMPLE), [
      'http/a.ts imports "ws/frame.ts": "http" may not import "ws"',
    ], source);
  }
  const comment = `// import { a } from "${target}";\n"import '${target}'";`;
  assertEquals(breaks("http/a.ts", comment, SAMPLE), []);
});

/** A file, what is wrong in it, and what the checker must say. */
const BAD: [path: string, source: string, message: string][] = [
  [
    "conn/a.ts",
    'import { Client } from "../http/mod.ts";',
    'imports "http/mod.ts": "conn" may not import "http"',
  ],
  [
    "conn/a.ts",
    'import { join } from "@std/path";',
    'imports "@std/path", which is no dependency of "conn"',
  ],
  [
    "conn/a.ts",
    'import { join } from "node:path";',
    'imports "node:path", which is no dependency of "conn"',
  ],
  [
    "conn/a_test.ts",
    'import { Client } from "@meerkat/net/http";',
    'imports "http/mod.ts": "conn" may not import "http"',
  ],
  [
    "balancer/a.ts",
    'import { hub } from "../push/hub.ts";',
    'imports "push/hub.ts": "balancer" may not import "push"',
  ],
  [
    "push/a.ts",
    'import { balance } from "../balancer/mod.ts";',
    'imports "balancer/mod.ts": "push" may not import "balancer"',
  ],
  [
    "http/a.ts",
    'import { a } from "../conn/_a.ts";',
    'imports "conn/_a.ts", which is private to "conn"',
  ],
  [
    "http/a.ts",
    'import { attach } from "../conn/loop.ts";',
    'imports "conn/loop.ts", which reaches outside: it must stay pure',
  ],
  [
    "http/a.ts",
    'import { ConnError } from "../conn/mod.ts";',
    'imports "conn/mod.ts", which reaches outside: it must stay pure',
  ],
  [
    "http/a.ts",
    "import(name);",
    "imports a computed specifier",
  ],
  [
    "http/mod.ts",
    "export const a = 1;",
    "declares something: mod.ts re-exports",
  ],
  [
    "http/a.ts",
    "const file = await Deno.open(path);",
    'touches "Deno", which only files of "outside" may',
  ],
  [
    "http/a.ts",
    "const later = setTimeout;",
    'touches "setTimeout", which only files of "outside" may',
  ],
  [
    "http/a.ts",
    "call({ setTimeout });",
    'touches "setTimeout", which only files of "outside" may',
  ],
  [
    "http/a.ts",
    "const signal = AbortSignal.timeout(1000);",
    'touches "AbortSignal.timeout", which only files of "outside" may',
  ],
  [
    "http/a.ts",
    "const start = Date.now();",
    'touches "Date.now", which only files of "wallClock" may',
  ],
  [
    "http/a.ts",
    "const date = new Date();",
    'touches "new Date()", which only files of "wallClock" may',
  ],
];

for (const [path, source, message] of BAD) {
  Deno.test(`the checker refuses ${source} in ${path}`, () => {
    assertEquals(breaks(path, source, SAMPLE), [`${path} ${message}`]);
  });
}

Deno.test("the checker lets types, names and downward imports through", () => {
  const source = `
    import { ConnError } from "../conn/error.ts";
    import { dateLine } from "./_date.ts";
    import type { Conn } from "../conn/mod.ts";
    import { encodeBase64 } from "@std/encoding/base64";
    import { inflateRawSync } from "node:zlib";
    export interface Timers { setTimeout(fn: () => void): Deno.Addr }
    export class Own { setTimeout = 1; performance() { return this.setTimeout; } }
    export const at = (timers: Timers) => timers.setTimeout(() => {});
    export const names = { setTimeout: 1, day: new Date(0) };
    export const error: Error = new Deno.errors.ConnectionReset();
  `;
  assertEquals(breaks("http/a.ts", source, SAMPLE), []);
});

Deno.test("the checker lets files of the tables do their work", () => {
  const rules = { ...SAMPLE, outside: ["http/a.ts"], shell: ["http/b.ts"] };
  const touching = "setTimeout(() => Deno.exit(), Date.now());";
  assertEquals(breaks("http/a.ts", touching, rules), []);
  assert(breaks("http/b.ts", touching, rules).length > 0);
  assertEquals(breaks("http/codec/_date.ts", "Date.now();", rules), []);
  const importing = 'import { a } from "./a.ts";';
  assertEquals(breaks("http/b.ts", importing, rules), []);
  assert(breaks("http/c.ts", importing, rules).length > 0);
});

/** All sources that are checked, as paths from the repository's folder. */
async function sources(folder = ""): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(new URL(`./${folder}`, ROOT))) {
    const path = folder + entry.name;
    if (entry.name === "testdata") continue;
    if (entry.isDirectory && moduleOf(`${path}/`) in RULES.layers) {
      paths.push(...await sources(`${path}/`));
    } else if (entry.isFile && path.endsWith(".ts")) paths.push(path);
  }
  return paths.sort();
}
