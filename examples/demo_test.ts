import { assertEquals, assertMatch } from "@std/assert";
import { run, Running } from "./_test_util.ts";

Deno.test("demo --once shows each step, and ends with status 0", async () => {
  const { code, stdout, stderr } = await run("demo", ["--once"]);
  assertEquals(code, 0, stdout + stderr);
  assertMatch(stdout, /^ {2}Hello world$/m);
  assertMatch(stdout, /^ {2}\{ "result": 3\.000000 \}$/m);
  assertMatch(stdout, /^ {2}The server prints: Hello from the client$/m);
  assertMatch(stdout, /^ {2}connect\(\) failed: /m);
  assertMatch(stdout, /^(\d+) of \1 steps went right$/m);
  assertMatch(stdout, /^The server ended with status 0$/m);
});

Deno.test("demo takes a free port if its own is taken, and stays up until Ctrl-C", async () => {
  using taken = take(8910);
  await using demo = await Running.start("demo", []);
  await demo.until(/^Port 8910 is taken: using a free one$/m);
  const [, url = ""] = await demo.until(/^Open (http:\S+) in a browser\./m);
  const response = await fetch(url);
  assertMatch(await response.text(), /<title>RESTful API demo<\/title>/);
  demo.kill("SIGINT");
  assertEquals(await demo.ended(), 0);
  void taken;
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
function take(port: number): Disposable | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}
