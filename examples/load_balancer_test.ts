import { Client } from "@meerkat/net/http";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  NamedBackend,
  READ,
  RunningBalancer,
  WRITE,
} from "./_load_balancer_test_util.ts";
import { run, startServer } from "./_test_util.ts";

const ANY_PORT = ["-p", "127.0.0.1:0"];
const THREADS = ["--unstable-net"];
const TOKEN = "a-token-of-this-test";

// Sharing a port spreads connections on Linux only.
const onlyLinux = { ignore: Deno.build.os !== "linux" };
const noWindows = { ignore: Deno.build.os === "windows" };

/** Writes a configuration that gives everything to some backends. */
async function configFile(
  folder: string,
  config: Record<string, unknown>,
): Promise<string> {
  const file = `${folder}/lb.jsonc`;
  await Deno.writeTextFile(file, JSON.stringify(config, null, 2));
  return file;
}

function webConfig(...backends: string[]) {
  return {
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: [{ upstream: "web" }],
    upstreams: { web: { backends } },
  };
}

/** Runs something with a folder of its own. */
async function inFolder(
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("load_balancer shares requests out among two RESTful servers, as in the tutorial", async () => {
  const [a, b] = await Promise.all([startServer(), startServer()]);
  await using _a = a.server;
  await using _b = b.server;
  const [one, two] = [a, b].map(({ port }) => `127.0.0.1:${port}`);
  await using balancer = await RunningBalancer.start(
    [...ANY_PORT, "-l", "-", "-b", "/", one!, "-b", "/", two!],
  );
  assertEquals(
    balancer.lines,
    `Adding backend for / : ${one} [redirect=0,prefix_replacement=/]\n` +
      `Adding backend for / : ${two} [redirect=0,prefix_replacement=/]\n` +
      `Starting LB on port ${balancer.port}\n`,
  );
  for (let i = 0; i < 4; i++) {
    assertMatch(await balancer.text(), /<title>RESTful API demo<\/title>/);
  }
  balancer.kill("SIGINT");
  const { code, stdout, stderr } = await balancer.ended();
  assertEquals([code, stderr], [0, ""]);
  assertEquals(
    stdout.replace(/^\d{10} /gm, "TIME "),
    [one, two, one, two]
      .map((backend) => `TIME GET / backend=${backend}\n`).join(""),
  );
});

Deno.test("load_balancer goes by host, prefix, replacement and redirect", async () => {
  await using a = new NamedBackend("a");
  await using b = new NamedBackend("b");
  await using balancer = await RunningBalancer.start([
    ...ANY_PORT,
    ...["-b", "/", a.address],
    ...["-v", "b.example", "-b", "/", b.address],
    ...["-b", "/old=/new", b.address],
    ...["-b", "/api=", b.address],
    ...["-r", "-v", "r.example", "-b", "/x=/y", "127.0.0.1:81"],
  ]);
  const replacement = (address: string, prefix: string, [r, to]: string[]) =>
    `Adding backend for ${prefix} : ${address} ` +
    `[redirect=${r},prefix_replacement=${to}]\n`;
  assertEquals(
    balancer.lines,
    replacement(a.address, "/", ["0", "/"]) +
      replacement(b.address, "b.example/", ["0", "/"]) +
      replacement(b.address, "/old", ["0", "/new"]) +
      replacement(b.address, "/api", ["0", "/"]) +
      replacement("127.0.0.1:81", "r.example/x", ["1", "/y"]) +
      `Starting LB on port ${balancer.port}\n`,
  );
  await using client = new Client({ redirect: "manual" });
  // `fetch` does not let a program choose the host.
  const ask = (path: string, Host: string) =>
    client.request(`http://127.0.0.1:${balancer.port}${path}`, {
      fields: { Host },
    });
  assertEquals(await balancer.text("/z"), "a /z");
  assertEquals(await (await ask("/z", "b.example")).body.text(), "b /z");
  assertEquals(await balancer.text("/old/z"), "b /new/z");
  assertEquals(await balancer.text("/api/z"), "b /z");
  const response = await ask("/x/z?q", "r.example");
  assertEquals(await response.body.text(), "");
  assertEquals(response.status, 302);
  assertEquals(
    response.fields.get("location"),
    "http://127.0.0.1:81/y/z?q",
  );
});

Deno.test("load_balancer goes on with the backends that are left", async () => {
  await using a = new NamedBackend("a");
  const b = new NamedBackend("b");
  await using balancer = await RunningBalancer.start(
    [...ANY_PORT, "-b", "/", a.address, "-b", "/", b.address],
  );
  const texts = new Set([await balancer.text(), await balancer.text()]);
  assertEquals([...texts].sort(), ["a /", "b /"]);
  await b[Symbol.asyncDispose]();
  for (let i = 0; i < 4; i++) assertEquals(await balancer.text(), "a /");
});

Deno.test("load_balancer serves HTTPS with -s", async () => {
  const read = (name: string) =>
    Deno.readTextFileSync(
      new URL(`../conn/testdata/${name}`, import.meta.url),
    );
  await inFolder(async (folder) => {
    const pem = `${folder}/both.pem`;
    await Deno.writeTextFile(pem, read("server.pem") + read("server.key.pem"));
    await using a = new NamedBackend("a");
    await using balancer = await RunningBalancer.start(
      [...ANY_PORT, "-s", pem, "-b", "/", a.address],
      READ,
    );
    using client = Deno.createHttpClient({ caCerts: [read("ca.pem")] });
    const url = `https://localhost:${balancer.port}/z`;
    assertEquals(await (await fetch(url, { client })).text(), "a /z");
  });
});

Deno.test({
  name: "load_balancer appends to its log file, and opens it again on SIGUSR2",
  ...noWindows,
  async fn() {
    await inFolder(async (folder) => {
      const log = `${folder}/log`;
      await Deno.writeTextFile(log, "what was there\n");
      await using a = new NamedBackend("a");
      await using balancer = await RunningBalancer.start(
        [...ANY_PORT, "-l", log, "-b", "/", a.address],
        WRITE,
      );
      await balancer.text("/one");
      await Deno.rename(log, `${log}.old`);
      using watcher = Deno.watchFs(folder);
      balancer.kill("SIGUSR2");
      for await (const { kind } of watcher) if (kind === "create") break;
      await balancer.text("/two");
      balancer.kill("SIGTERM");
      assertEquals((await balancer.ended()).code, 0);
      const all = await Deno.readTextFile(`${log}.old`) +
        await Deno.readTextFile(log);
      assertEquals(
        all.replace(/^\d{10} /gm, ""),
        "what was there\n" +
          `GET /one backend=${a.address}\nGET /two backend=${a.address}\n`,
      );
      assertMatch(await Deno.readTextFile(log), /GET \/two /);
    });
  },
});

Deno.test("load_balancer lets requests end on SIGTERM", noWindows, async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => {
      asked.resolve();
      return answer.promise;
    },
  );
  await using balancer = await RunningBalancer.start(
    [...ANY_PORT, "-b", "/", `127.0.0.1:${server.addr.port}`],
  );
  const text = balancer.text();
  await asked.promise;
  balancer.kill("SIGTERM");
  answer.resolve(new Response("still"));
  assertEquals(await text, "still");
  assertEquals((await balancer.ended()).code, 0);
});

Deno.test("load_balancer tells what is wrong with its command line, with status 1", async () => {
  const cases: [args: string[], message: RegExp][] = [
    [[], /^Nothing to do: expected -b, or --config\n/],
    [["-x"], /^Unknown option "-x"\n/],
    [["-b", "/", "nowhere"], /^Cannot use "nowhere": expected "host:port"/],
    [["-b", "api", "h:1"], /^Cannot use "api": expected a path that begins/],
    [["--config", "x", "-b", "/", "h:1"], /^Option -b and --config do not/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await run("load_balancer", args);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, message);
    assertMatch(stderr, /\n\nUsage: load_balancer \[-p PORT\]/);
  }
  const { code, stdout } = await run("load_balancer", ["--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Usage: load_balancer \[-p PORT\]/);
});

Deno.test("load_balancer --check says where a file is wrong, and serves nothing", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/lb.jsonc`;
    await Deno.writeTextFile(
      file,
      `{\n  "routes": [{ "upstrem": "web" }],\n  "drainRate": 0\n}\n`,
    );
    const args = ["--config", file, "--check"];
    const bad = await run("load_balancer", args, READ);
    assertEquals([bad.code, bad.stdout], [1, ""]);
    const lines = bad.stderr.trimEnd().split("\n");
    assert(lines.some((line) => line.startsWith(`${file}:2:16: routes[0].`)));
    assert(lines.some((line) => line.startsWith(`${file}:3:16: drainRate: `)));
    await configFile(folder, webConfig("127.0.0.1:1"));
    const good = await run("load_balancer", args, READ);
    assertEquals(good, {
      code: 0,
      stdout: `${file} is valid\n`,
      stderr: "",
    });
  });
});

Deno.test("load_balancer finds no mistake in the example of a file", async () => {
  const file = new URL("load_balancer.jsonc", import.meta.url).pathname;
  const args = ["--config", file, "--check"];
  const { code, stderr } = await run("load_balancer", args, READ);
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("load_balancer does not start without the files that its file names", async () => {
  await inFolder(async (folder) => {
    const file = await configFile(folder, {
      ...webConfig("127.0.0.1:1"),
      listen: { port: 0, certFile: `${folder}/none.pem` },
    });
    const args = ["--config", file];
    const { code, stdout, stderr } = await run("load_balancer", args, READ);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /none\.pem/);
  });
});

Deno.test("load_balancer goes by its file when that has changed, but not if it is wrong", async () => {
  await inFolder(async (folder) => {
    await using a = new NamedBackend("a");
    await using b = new NamedBackend("b");
    const file = await configFile(folder, webConfig(a.address));
    await using balancer = await RunningBalancer.start(
      ["--config", file],
      READ,
    );
    assertEquals(balancer.lines, `Starting LB on port ${balancer.port}\n`);
    assertEquals(await balancer.text(), "a /");
    await configFile(folder, webConfig("nowhere"));
    const [, why = ""] = await balancer.stderr.until(
      /^Refused .*lb\.jsonc, the old one stays:\n(.*)\n/m,
    );
    assertMatch(
      why,
      /lb\.jsonc:\d+:\d+: upstreams\.web\.backends\[0\]: Cannot use "nowhere"/,
    );
    assertEquals(await balancer.text(), "a /");
    await configFile(folder, { ...webConfig(b.address), workers: 2 });
    await balancer.stderr.until(/^Reloaded .*lb\.jsonc\n/m);
    await balancer.stderr.until(/^Not changed before .*: "workers"\n/m);
    assertEquals(await balancer.text(), "b /");
  });
});

Deno.test(
  "load_balancer reads its file again on SIGHUP",
  noWindows,
  async () => {
    await inFolder(async (folder) => {
      await using a = new NamedBackend("a");
      const file = await configFile(folder, webConfig(a.address));
      await using balancer = await RunningBalancer.start(
        ["--config", file],
        READ,
      );
      await Deno.writeTextFile(file, "{");
      await balancer.stderr.until(/^Refused /m);
      // What is told on a change once is told again to who asks.
      balancer.kill("SIGHUP");
      await balancer.stderr.until(/^Refused /m);
      assertEquals(await balancer.text(), "a /");
    });
  },
);

Deno.test("load_balancer has an admin port, a log and a file", async () => {
  await inFolder(async (folder) => {
    await using a = new NamedBackend("a");
    const file = await configFile(folder, {
      ...webConfig(a.address),
      admin: { port: 0, token: TOKEN },
      accessLog: { format: "json" },
    });
    await using balancer = await RunningBalancer.start(
      ["--config", file],
      READ,
    );
    const admin = await adminOf(balancer);
    assertEquals(await admin("healthz"), "ok\n");
    await balancer.text("/one");
    const snapshot = JSON.parse(await admin("api/snapshot"));
    assertEquals(snapshot.upstreams[0].backends[0].address, a.address);
    assertMatch(await admin("metrics"), /^meerkat_balancer_/m);
    assertEquals(await drain(admin, a.address), "");
    const answer = await balancer.fetch("/two");
    await answer.body?.cancel();
    assertEquals(answer.status, 503);
    balancer.kill("SIGINT");
    const { code, stdout } = await balancer.ended();
    assertEquals(code, 0);
    const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines.map(({ target, status }) => [target, status]), [
      ["/one", 200],
      ["/two", 503],
    ]);
  });
});

Deno.test("load_balancer --admin makes a token, which it tells", async () => {
  await using balancer = await RunningBalancer.start(
    [...ANY_PORT, "--admin", "0", "-b", "/", "127.0.0.1:1"],
  );
  const [, token = ""] = await balancer.stderr.until(/^Admin token: (\S+)\n/);
  const admin = await adminOf(balancer, token);
  assertMatch(await admin("explain?url=/"), /127\.0\.0\.1:1/);
});

Deno.test({
  name: "load_balancer does the same in several threads",
  ...onlyLinux,
  async fn() {
    await inFolder(async (folder) => {
      await using a = new NamedBackend("a");
      await using b = new NamedBackend("b");
      const config = {
        workers: 2,
        admin: { port: 0, token: TOKEN },
        accessLog: { file: "-" },
      };
      const file = await configFile(folder, {
        ...webConfig(a.address),
        ...config,
      });
      await using balancer = await RunningBalancer.start(
        ["--config", file],
        [...READ, ...THREADS],
      );
      const admin = await adminOf(balancer);
      assertEquals(await askOften(balancer), ["a /"]);
      const { accepted } = JSON.parse(await admin("api/snapshot"));
      assertEquals(accepted, TIMES);
      await configFile(folder, {
        ...webConfig(a.address, b.address),
        ...config,
      });
      await balancer.stderr.until(/^Reloaded /m);
      assertEquals(await askOften(balancer), ["a /", "b /"]);
      assertEquals(await drain(admin, a.address), "");
      assertEquals(await askOften(balancer), ["b /"]);
      balancer.kill("SIGTERM");
      const { code, stdout } = await balancer.ended();
      assertEquals(code, 0);
      const lines = stdout.trimEnd().split("\n");
      assertEquals(lines.length, 3 * TIMES);
      for (const line of lines) {
        assertMatch(line, /^\d{10} GET \/ backend=\S+$/);
      }
    });
  },
});

const TIMES = 16;

/** Asks over connections of their own; gives what came. */
async function askOften(balancer: RunningBalancer): Promise<string[]> {
  const texts = new Set<string>();
  for (let i = 0; i < TIMES; i++) {
    using client = Deno.createHttpClient({});
    const init = { client } as RequestInit;
    texts.add(await balancer.text("/", init));
  }
  return [...texts].sort();
}

type Admin = (path: string, init?: RequestInit) => Promise<string>;

/** Finds the admin port. */
async function adminOf(
  balancer: RunningBalancer,
  token = TOKEN,
): Promise<Admin> {
  const [, url = ""] = await balancer.stdout.until(
    /^Admin page on (http:\S+)\n/,
  );
  return async (path, init = {}) => {
    const headers = { authorization: `Bearer ${token}` };
    return await (await fetch(url + path, { ...init, headers })).text();
  };
}

function drain(admin: Admin, id: string): Promise<string> {
  const path = `api/upstreams/web/backends/${encodeURIComponent(id)}/drain`;
  const body = JSON.stringify({ draining: true });
  return admin(path, { method: "POST", body });
}
