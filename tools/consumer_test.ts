/**
 * The package as a user has it: another project, which imports each entry point
 * by its JSR name. `links` in that project stand in for the registry.
 */

import { assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };

const ROOT = new URL("..", import.meta.url);

/** What a user does with each entry point, `m`; it throws if it goes wrong. */
const USES: Record<string, string> = {
  ".": `
    const server = m.http.serve(local, () => new Response("hello"));
    const { port } = server.addr as Deno.NetAddr;
    const reply = await m.http.request(\`http://127.0.0.1:\${port}/\`);
    if (await reply.text() !== "hello") throw new Error("no hello");
    await server.shutdown();`,
  "./conn": `
    const server = m.listen(local, (event, conn) => {
      if (event.type === "bytes") conn.send(event.bytes);
    });
    const { port } = server.addr as Deno.NetAddr;
    const conn = await m.dial({ hostname: "127.0.0.1", port }, (event, conn) => {
      if (event.type === "bytes") conn.close();
    });
    conn.send("hello");
    const error = await conn.closed;
    if (error !== undefined) throw error;
    await server.shutdown();`,
  "./http": `
    const server = m.listen(local, (event, conn) => {
      if (event.type !== "request") return;
      conn.send({ type: "response", status: 200, body: event.head.target });
    });
    const { port } = server.addr as Deno.NetAddr;
    const client = new m.Client();
    const reply = await client.request(\`http://127.0.0.1:\${port}/path\`);
    if (await reply.text() !== "/path") throw new Error("no path");
    await client.shutdown();
    await server.shutdown();`,
  "./balancer": `
    const backend = Deno.serve({ ...local, onListen() {} }, () => new Response("b"));
    const backends = [\`127.0.0.1:\${backend.addr.port}\`];
    const server = m.balance({ routes: [{ upstream: { backends } }] }, local);
    const { port } = server.addr as Deno.NetAddr;
    const reply = await fetch(\`http://127.0.0.1:\${port}/\`);
    if (await reply.text() !== "b") throw new Error("no b");
    await server.shutdown();
    await backend.shutdown();`,
  "./push": `
    const hub = await m.openHub();
    const { serve } = await import("@meerkat/net/http");
    const server = serve(local, hub.handler());
    const { port } = server.addr as Deno.NetAddr;
    const client = m.connect(\`ws://127.0.0.1:\${port}/push\`);
    const lucky = client.subscribe<number>("lucky");
    await hub.publish("lucky", 42);
    const { value } = await lucky.values().next();
    if (value !== 42) throw new Error("no luck");
    await client.close();
    await hub.shutdown();
    await server.shutdown();`,
  "./ws": `
    const server = m.serve({ ...local, deflate: true }, (event, conn) => {
      if (event.type === "message") conn.send(event.data);
    });
    const { port } = server.addr as Deno.NetAddr;
    const conn = await m.connect(\`ws://127.0.0.1:\${port}/\`);
    conn.send("hello ".repeat(1000));
    const { value } = await conn.messages().next();
    if (value !== "hello ".repeat(1000)) throw new Error("no hello");
    conn.close();
    await conn.closed;
    await server.shutdown();`,
};

Deno.test("a project imports each entry point by its JSR name, checks and runs", async () => {
  const entryPoints = Object.keys(config.exports);
  assertEquals(entryPoints.sort(), Object.keys(USES).sort());
  const folder = await Deno.makeTempDir({ prefix: "meerkat-consumer-" });
  try {
    const links = [".", ...config.links].map((link) => path(link));
    await write("deno.json", JSON.stringify({ links }));
    await write("main.ts", program(entryPoints));
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--check",
        "--no-prompt",
        "--allow-net=127.0.0.1",
        "main.ts",
      ],
      cwd: folder,
      env: { NO_COLOR: "1" },
    });
    const output = await command.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals(output.code, 0, text(output.stderr));
    assertEquals(
      text(output.stdout),
      entryPoints.map((name) => `${name} works\n`).join(""),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }

  function write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(`${folder}/${name}`, text);
  }
});

/** Uses each entry point, and prints that it works. */
function program(entryPoints: readonly string[]): string {
  const parts = entryPoints.map((name, index) => {
    const specifier = `jsr:@meerkat/net@^${config.version}${name.slice(1)}`;
    return `import * as m${index} from "${specifier}";\n` +
      `async function use${index}(m: typeof m${index}) {${USES[name]}\n}\n` +
      `await use${index}(m${index});\nconsole.log("${name} works");\n`;
  });
  return `const local = { hostname: "127.0.0.1", port: 0 };\n${parts.join("")}`;
}

function path(link: string): string {
  return decodeURIComponent(new URL(link, ROOT).pathname).replace(/\/$/, "");
}
