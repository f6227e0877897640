/**
 * The package as a user has it: another project, which imports each entry point
 * by its JSR name. `links` in that project stand in for the registry.
 */

import { assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };

const ROOT = new URL("..", import.meta.url);

/** A value that each entry point exports, and that its users know. */
const KNOWN: Record<string, string> = {
  ".": "ConnError",
  "./conn": "ConnError",
  "./http": "serve",
};

Deno.test("a project imports each entry point by its JSR name, checks and runs", async () => {
  const entryPoints = Object.keys(config.exports);
  assertEquals(entryPoints.sort(), Object.keys(KNOWN).sort());
  const folder = await Deno.makeTempDir({ prefix: "meerkat-consumer-" });
  try {
    const links = [".", ...config.links].map((link) => path(link));
    await write("deno.json", JSON.stringify({ links }));
    await write("main.ts", program(entryPoints));
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--check", "--no-prompt", "main.ts"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    });
    const output = await command.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals(output.code, 0, text(output.stderr));
    assertEquals(
      text(output.stdout),
      entryPoints.map((name) => `${name} ${KNOWN[name]} function\n`).join(""),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }

  function write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(`${folder}/${name}`, text);
  }
});

/** Imports a known value from each entry point, and prints what it is. */
function program(entryPoints: readonly string[]): string {
  return entryPoints.map((name, index) => {
    const specifier = `jsr:@meerkat/net@^${config.version}${name.slice(1)}`;
    return `import { ${KNOWN[name]} as v${index} } from "${specifier}";\n` +
      `console.log("${name} ${KNOWN[name]} " + typeof v${index});\n`;
  }).join("");
}

function path(link: string): string {
  return decodeURIComponent(new URL(link, ROOT).pathname).replace(/\/$/, "");
}
