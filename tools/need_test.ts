import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
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

Deno.test("need finds a part of a program in the first program that has it", async () => {
  const folder = await Deno.makeTempDir();
  const path = Deno.env.get("PATH")!;
  const tool: Tool = "python3-websockets";
  try {
    for (const [name, code] of [["without", 1], ["with", 0]]) {
      await Deno.mkdir(`${folder}/${name}`);
      const script = `#!/bin/sh\nexit ${code}\n`;
      const file = `${folder}/${name}/python3`;
      await Deno.writeTextFile(file, script, { mode: 0o755 });
    }
    Deno.env.set("PATH", `${folder}/without:${folder}/with`);
    assertEquals(need(tool, "this test"), `${folder}/with/python3`);
    Deno.env.set("PATH", `${folder}/without`);
    withCi("true", () => {
      assertThrows(
        () => need(tool, "this test"),
        Error,
        `Cannot find "${tool}"`,
      );
    });
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(folder, { recursive: true });
  }
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
