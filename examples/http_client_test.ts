import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve, type ServeHandler } from "@meerkat/net/http";
import { listen } from "@meerkat/net/conn";
import { progressLine } from "./_progress_bar.ts";
import { run } from "./_test_util.ts";

/** Runs the client against a server of this process. */
async function against(
  handler: ServeHandler,
  path: string,
  ...options: string[]
): ReturnType<typeof run> {
  await using server = serve({ hostname: "127.0.0.1", port: 0 }, handler);
  const { port } = server.addr as Deno.NetAddr;
  const url = `http://127.0.0.1:${port}${path}`;
  return await run("http_client", [...options, url], ["--allow-write"]);
}

/** Tells what it was asked. */
async function tell(request: Request): Promise<Response> {
  const { method, headers, url } = request;
  return Response.json({
    method,
    path: new URL(url).pathname,
    type: headers.get("content-type"),
    colour: headers.get("x-colour"),
    body: await request.text(),
  });
}

Deno.test("http_client prints the body, and needs only the network", async () => {
  await using server = serve(
    { hostname: "127.0.0.1", port: 0 },
    () => new Response("Hello world\n"),
  );
  const { port } = server.addr as Deno.NetAddr;
  assertEquals(await run("http_client", [`127.0.0.1:${port}/hello`]), {
    code: 0,
    stdout: "Hello world\n",
    stderr: "",
  });
});

Deno.test("http_client prints the head with --show-headers", async () => {
  const { code, stdout } = await against(
    () => new Response("the body", { headers: { "x-colour": "sand" } }),
    "/",
    "--show-headers",
  );
  assertEquals(code, 0);
  assertMatch(stdout, /^HTTP\/1\.1 200 OK\n(.+\n)*\nthe body$/);
  assertMatch(stdout, /^x-colour: sand\n/m);
});

Deno.test("http_client sends method, fields and data", async () => {
  const plain = await against(tell, "/a");
  assertEquals(JSON.parse(plain.stdout), {
    method: "GET",
    path: "/a",
    type: null,
    colour: null,
    body: "",
  });
  const form = await against(tell, "/b", "-d", "n1=1", "-d", "n2=2");
  assertEquals(JSON.parse(form.stdout), {
    method: "POST",
    path: "/b",
    type: "application/x-www-form-urlencoded",
    colour: null,
    body: "n1=1&n2=2",
  });
  const all = await against(
    tell,
    "/c",
    ...["-X", "PUT", "-H", "Content-Type: text/x", "-H", "X-Colour: sand"],
    ...["-d", "data"],
  );
  assertEquals(JSON.parse(all.stdout), {
    method: "PUT",
    path: "/c",
    type: "text/x",
    colour: "sand",
    body: "data",
  });
  const minus = await against(tell, "/d", ...["-d", "-1", "-d", "--timing"]);
  assertEquals(JSON.parse(minus.stdout).body, "-1&--timing");
});

Deno.test("http_client takes a reply of any status for a success", async () => {
  const missing = await against(
    () => new Response("not here", { status: 404 }),
    "/",
  );
  assertEquals(missing, { code: 0, stdout: "not here", stderr: "" });
});

Deno.test("http_client writes the body to a file with -o", async () => {
  const file = await Deno.makeTempFile();
  const bytes = new Uint8Array(1_000_000).map((_, i) => i * 31);
  const { code, stdout, stderr } = await against(
    () => new Response(bytes),
    "/",
    ...["-o", file],
  );
  // Standard error is no terminal here, so there is no progress bar.
  assertEquals({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
  assertEquals(await Deno.readFile(file), bytes);
  await Deno.remove(file);
});

Deno.test("http_client prints each phase with --timing", async () => {
  const { stdout, stderr } = await against(
    () => new Response("body"),
    "/",
    "--timing",
  );
  assertEquals(stdout, "body");
  const names = stderr.trimEnd().split("\n").map((line) => {
    const phase = /^(\w+(?: \w+)?) +\d+\.\d ms$/.exec(line);
    assert(phase !== null, line);
    return phase[1];
  });
  assertEquals(names, ["queue", "connect", "tls", "first byte", "total"]);
});

Deno.test("http_client dumps all traffic with --hexdump", async () => {
  const file = await Deno.makeTempFile();
  const hello = () => new Response("Hello world\n");
  await against(hello, "/one", "--hexdump", file);
  await against(hello, "/two", "--hexdump", file);
  const dump = await Deno.readTextFile(file);
  assertEquals(dump.match(/^-- .* -> /gm)?.length, 2);
  assert((dump.match(/^-- .* <- /gm)?.length ?? 0) >= 2);
  assertMatch(dump, /GET \/one[^]*GET \/two/);
  await Deno.remove(file);
  const { stdout, stderr } = await against(hello, "/three", "--hexdump", "-");
  assertEquals(stdout, "Hello world\n");
  assertMatch(stderr, /GET \/three/);
});

Deno.test("http_client says that it could not connect", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const ended = await run("http_client", [`http://127.0.0.1:${port}/`]);
  assertMatch(ended.stderr, /^connect\(\) failed: .+\n$/);
  assertEquals([ended.code, ended.stdout], [1, ""]);
});

Deno.test("http_client says that a reply was cut short", async () => {
  await using server = listen(
    { hostname: "127.0.0.1", port: 0 },
    (event, conn) => {
      if (event.type !== "bytes") return;
      conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      conn.close();
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  const ended = await run("http_client", [`http://127.0.0.1:${port}/`]);
  assertMatch(ended.stderr, /^request failed: .+\n$/);
  assertEquals([ended.code, ended.stdout], [1, "half"]);
});

Deno.test("http_client leaves the old file if the request fails", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "old");
  const options = ["-o", file, "ftp://localhost/"];
  const ended = await run("http_client", options, ["--allow-write"]);
  assertEquals(ended.code, 1);
  assertMatch(ended.stderr, /^request failed: .+\n$/);
  assertEquals(await Deno.readTextFile(file), "old");
  await Deno.remove(file);
});

Deno.test("http_client tells what is wrong with its command line", async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /^Expected one URL\n\nUsage: /],
    [["a", "b"], /^Expected one URL\n/],
    [["-x", "a"], /^Unknown option "-x"\n/],
    [["--colour", "a"], /^Unknown option "--colour"\n/],
    [
      ["-H", "nothing", "a"],
      /^Cannot send "nothing", expected "Name: value"\n/,
    ],
    [["a", "-o"], /^Options --hexdump, -X and -o need a value\n/],
  ];
  for (const [args, message] of cases) {
    await t.step(args.join(" "), async () => {
      const { code, stdout, stderr } = await run("http_client", args);
      assertMatch(stderr, message);
      assertEquals([code, stdout], [1, ""]);
    });
  }
});

Deno.test("http_client --help prints its usage", async () => {
  const { code, stdout } = await run("http_client", ["--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Usage: http_client \[options\] URL\n/);
});

Deno.test("progressLine draws a bar, as wide as the terminal lets it", () => {
  const half = { received: 512 * 1024, total: 1024 * 1024, elapsed: 1000 };
  assertEquals(
    progressLine(half, 80),
    "[####################--------------------]  50 %  512 kiB of 1 MiB  512 kiB/s",
  );
  assertEquals(progressLine(half, 50).length, 50);
  assertMatch(progressLine(half, 50), /^\[#+-+\] {2}50 %/);
  assertEquals(progressLine(half, 30), " 50 %  512 kiB of 1 MiB  512 k");
});

Deno.test("progressLine shows what it knows if the length is unknown", () => {
  const unknown = { received: 2048, total: undefined, elapsed: 2000 };
  assertEquals(progressLine(unknown, 80), "2 kiB  1 kiB/s");
});

Deno.test("progressLine shows an empty reply as complete", () => {
  const empty = { received: 0, total: 0, elapsed: 0 };
  assertMatch(
    progressLine(empty, 80),
    /^\[#{40}\] 100 % {2}0 B of 0 B {2}0 B\/s$/,
  );
});
