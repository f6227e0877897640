import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { run, Running } from "./_test_util.ts";

Deno.test("demo --once shows each step, and ends with status 0", async () => {
  const { code, stdout, stderr } = await run("demo", ["--once"]);
  assertEquals(code, 0, stdout + stderr);
  assertMatch(stdout, /^ {2}Hello world$/m);
  assertMatch(stdout, /^ {2}\{ "result": 3\.000000 \}$/m);
  assertMatch(stdout, /^ {2}The server prints: Hello from the client$/m);
  assertMatch(stdout, /^ {2}connect\(\) failed: /m);
  assertMatch(stdout, /^(\d+) of \1 steps went right$/m);
  assertMatch(
    stdout,
    /^Starting the WebSocket server\n {2}Starting WS listener on ws:\/\/localhost:\d+\/websocket$/m,
  );
  assertMatch(stdout, /^ {2}GOT ECHO REPLY: \[hello\]$/m);
  assertMatch(stdout, /^ {2}< They stand guard in turn\.$/m);
  assertMatch(stdout, /^ {2}pong after \d+\.\d ms$/m);
  assertMatch(stdout, /^ {2}\{"result": 123\}$/m);
  assertMatch(stdout, /^ {2}handshake failed: /m);
  assertMatch(
    stdout,
    /^ {2}Starting LB on port \d+\n {2}Admin page on http:\S+$/m,
  );
  const backends = stdout.matchAll(/\d+ GET \/hello backend=\S+:(\d+)$/gm);
  const [a, b, ...more] = [...backends].map(([, port]) => port);
  assert(a !== b);
  assertEquals(more, [a, a, b, a]);
  assertMatch(
    stdout,
    /GOT ECHO REPLY: \[hello\]\n {2}The server prints: \d+ GET \/websocket /,
  );
  assertMatch(stdout, /^ {2}ready$/m);
  assertMatch(stdout, /^ {2}Listening on \d+$/m);
  assertMatch(stdout, /^ {2}< Hi \S+!\n {2}< The lucky number is \d+\.$/m);
  assertMatch(stdout, /^ {2}data: \{"area":"Offices",.+\}$/m);
  assertMatch(stdout, /^ {2}\{"cursor":"\w+\.\d+","duplicate":true\}$/m);
  for (
    const server of [
      "RESTful server",
      "second RESTful server",
      "WebSocket server",
      "data push server",
      "load balancer",
    ]
  ) {
    assertStringIncludes(stdout, `\nThe ${server} ended with status 0\n`);
  }
});

Deno.test("demo takes free ports if its own are taken, and stays up until Ctrl-C", async () => {
  using rest = take(8910);
  using ws = take(8000, "localhost");
  using rest2 = take(8911);
  using push = take(8090);
  using balancer = take(8080);
  await using demo = await Running.start("demo", []);
  for (const port of [8910, 8000, 8911, 8090, 8080]) {
    await demo.until(
      new RegExp(`^Port ${port} is taken: using a free one$`, "m"),
    );
  }
  const titles = [
    "RESTful API demo",
    "WebSocket demo",
    "HVAC plant",
    "RESTful API demo",
    "HVAC plant",
    "Meerkat load balancer",
  ];
  for (const title of titles) {
    const [, url = ""] = await demo.until(/^Open (http:\S+) in a browser\.$/m);
    const response = await fetch(url);
    assertStringIncludes(await response.text(), `<title>${title}</title>`);
  }
  demo.kill("SIGINT");
  assertEquals(await demo.ended(), 0);
  void [rest, ws, rest2, push, balancer];
});

Deno.test("demo tells what is wrong with its command line", async () => {
  for (const arg of ["--twice", "more"]) {
    const { code, stdout, stderr } = await run("demo", [arg]);
    assertMatch(stderr, /^Usage: demo \[--once\]\n/);
    assertEquals([code, stdout], [1, ""]);
  }
  const { code, stdout } = await run("demo", ["--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Usage: demo \[--once\]\n/);
});

/** Makes sure that a port is taken, by this program or another. */
function take(port: number, hostname = "127.0.0.1"): Disposable | undefined {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}
