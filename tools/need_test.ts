import { assert, assertStringIncludes, assertThrows } from "@std/assert";
import { need, summary, type Tool } from "./need.ts";

function withCi(value: string, fn: () => void): void {
  const before = Deno.env.get("CI");
  Deno.env.set("CI", value);
  try {
    fn();
  } finally {
    if (before === undefined) Deno.env.delete("CI");
    else Deno.env.set("CI", before);
  }
}

Deno.test("need finds a program that is installed", () => {
  assert(need("sh" as Tool, "this test")?.endsWith("/sh"));
});

Deno.test("need fails in CI where a program is not installed", () => {
  withCi("true", () => {
    assertThrows(
      () => need("no-such-program" as Tool, "this test"),
      Error,
      'Cannot find "no-such-program", which "this test" needs',
    );
  });
});

Deno.test("summary names each test that was left out, and the packages", () => {
  const text = summary([
    { tool: "nginx", what: "the client reads from nginx" },
    { tool: "node", what: "the server answers node:http" },
    { tool: "nginx", what: "the client sends to nginx" },
  ]);
  assertStringIncludes(text, "- the client reads from nginx");
  assertStringIncludes(text, "- the server answers node:http");
  assertStringIncludes(text, "apt-get install -y nginx nodejs");
});
