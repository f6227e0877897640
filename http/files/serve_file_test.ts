import { assertEquals } from "@std/assert";
import { serveFile } from "./serve_file.ts";
import { toFileUrl } from "@std/path";

async function withFile(test: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/a.json`, '{"a": 1}');
    await test(`${directory}/a.json`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const request = (init?: RequestInit): Request =>
  new Request("http://h/whatever", init);

Deno.test("serveFile answers each path with the file", () =>
  withFile(async (path) => {
    for (const where of [path, toFileUrl(path)]) {
      const response = await serveFile(request(), where, {
        cacheControl: "no-store",
        headers: { "x-a": "1" },
      });
      assertEquals(response.status, 200);
      const { headers } = response;
      assertEquals(
        headers.get("content-type"),
        "application/json; charset=UTF-8",
      );
      assertEquals(headers.get("cache-control"), "no-store");
      assertEquals(headers.get("x-a"), "1");
      assertEquals(await response.json(), { a: 1 });
    }
  }));

Deno.test("serveFile follows a link and finds the compressed sibling", () =>
  withFile(async (path) => {
    await Deno.writeTextFile(`${path}.gz`, "gz");
    const init = { headers: { "accept-encoding": "gzip" } };
    const response = await serveFile(request(init), path);
    assertEquals(await response.text(), "gz");
    if (Deno.build.os === "windows") return;
    await Deno.symlink(path, `${path}.link`);
    const linked = await serveFile(request(), `${path}.link`);
    assertEquals(await linked.json(), { a: 1 });
  }));

Deno.test("serveFile answers ranges, conditions and methods", () =>
  withFile(async (path) => {
    const range = { headers: { range: "bytes=0-0" } };
    const part = await serveFile(request(range), path);
    assertEquals(await part.text(), "{");
    const etag = part.headers.get("etag") ?? "";
    const condition = { headers: { "if-none-match": etag } };
    assertEquals((await serveFile(request(condition), path)).status, 304);
    const post = await serveFile(request({ method: "POST" }), path);
    assertEquals(post.status, 405);
  }));

Deno.test("serveFile answers 404 for nothing and for a directory", () =>
  withFile(async (path) => {
    for (const where of [`${path}x`, `${path}/..`, `${path}/x`]) {
      assertEquals((await serveFile(request(), where)).status, 404, where);
    }
  }));
