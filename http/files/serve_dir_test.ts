import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import { bodySourceOf } from "../server/body_source.ts";
import { serveDir } from "./serve_dir.ts";
import type { ServeDirOptions } from "./serve_dir.ts";

const OLD = new Date("2026-01-02T03:04:05.600Z");
const LAST_MODIFIED = "Fri, 02 Jan 2026 03:04:05 GMT";
const BIG = Uint8Array.from({ length: 200_000 }, (_, i) => i % 253);

interface Site {
  /** Outside of what is served. */
  readonly base: string;
  readonly root: string;
  get(
    path: string,
    headers?: HeadersInit,
    options?: ServeDirOptions & { method?: string },
  ): Promise<Response>;
}

async function withSite(test: (site: Site) => Promise<void>): Promise<void> {
  const base = await Deno.makeTempDir();
  const root = `${base}/root`;
  try {
    await Deno.mkdir(`${root}/sub/deep`, { recursive: true });
    await Deno.mkdir(`${root}/.hidden`);
    await Deno.mkdir(`${root}/empty`);
    await Deno.mkdir(`${base}/rooted`);
    await Deno.writeTextFile(`${base}/secret.txt`, "secret");
    await Deno.writeTextFile(`${base}/rooted/secret.txt`, "secret");
    await put(`${root}/hello.txt`, "0123456789");
    await put(`${root}/big.bin`, BIG);
    await put(`${root}/none.txt`, "");
    await put(`${root}/sub/index.html`, "<p>index</p>");
    await put(`${root}/sub/deep/a b&c#?.txt`, "odd");
    await put(`${root}/.env`, "secret");
    await put(`${root}/.hidden/file.txt`, "secret");
    await put(`${root}/%2e%2e`, "just a name");
    await test({
      base,
      root,
      get: (path, headers = {}, { method = "GET", ...options } = {}) =>
        serveDir(new Request(`http://h${path}`, { method, headers }), {
          fsRoot: root,
          ...options,
        }),
    });
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

async function put(path: string, content: string | Uint8Array): Promise<void> {
  if (typeof content === "string") await Deno.writeTextFile(path, content);
  else await Deno.writeFile(path, content);
  await Deno.utime(path, OLD, OLD);
}

/** A request whose URL is not made canonical, as a server may hand one out. */
function rawRequest(path: string): Request {
  const request = new Request("http://h/");
  Object.defineProperty(request, "url", { value: `http://h${path}` });
  return request;
}

Deno.test("serveDir answers with a file and its fields", () =>
  withSite(async ({ get }) => {
    const response = await get("/hello.txt");
    assertEquals(response.status, 200);
    assertEquals(await response.text(), "0123456789");
    const { headers } = response;
    assertEquals(headers.get("content-type"), "text/plain; charset=UTF-8");
    assertEquals(headers.get("content-length"), "10");
    assertEquals(headers.get("last-modified"), LAST_MODIFIED);
    assertEquals(headers.get("accept-ranges"), "bytes");
    assertMatch(headers.get("etag") ?? "", /^"[^"]+"$/);
  }));

Deno.test("serveDir answers with a large file, an empty one, and many times", () =>
  withSite(async ({ get }) => {
    for (let i = 0; i < 3; i++) {
      assertEquals(await (await get("/big.bin")).bytes(), BIG);
      assertEquals(await (await get("/hello.txt")).text(), "0123456789");
      assertEquals(await (await get("/none.txt")).text(), "");
    }
  }));

Deno.test("serveDir sees at once that a file was changed", () =>
  withSite(async ({ get, root }) => {
    await (await get("/hello.txt")).text();
    await Deno.writeTextFile(`${root}/hello.txt`, "changed");
    const response = await get("/hello.txt");
    assertEquals(await response.text(), "changed");
    assertMatch(response.headers.get("etag") ?? "", /^W\/"/);
    await Deno.remove(`${root}/hello.txt`);
    assertEquals((await get("/hello.txt")).status, 404);
  }));

Deno.test("serveDir answers HEAD with the fields of GET and no body", () =>
  withSite(async ({ get }) => {
    for (const path of ["/hello.txt", "/big.bin", "/empty/", "/nothing"]) {
      const options = { showDirListing: true };
      const head = await get(path, {}, { ...options, method: "HEAD" });
      const full = await get(path, {}, options);
      assertEquals([...head.headers], [...full.headers], path);
      assertEquals(head.status, full.status);
      assertEquals(head.body, null);
      await full.body?.cancel();
    }
  }));

Deno.test("serveDir answers OPTIONS, and refuses other methods", () =>
  withSite(async ({ get }) => {
    const allow = "GET, HEAD, OPTIONS";
    const options = await get("/hello.txt", {}, { method: "OPTIONS" });
    assertEquals(options.status, 204);
    assertEquals(options.headers.get("allow"), allow);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const response = await get("/hello.txt", {}, { method });
      assertEquals(response.status, 405);
      assertEquals(response.headers.get("allow"), allow);
    }
  }));

Deno.test("serveDir refuses traversal in any encoding", () =>
  withSite(async ({ root }) => {
    for (
      const [path, status] of [
        ["/../secret.txt", 400],
        ["/sub/../../secret.txt", 400],
        ["/%2e%2e/secret.txt", 400],
        ["/..%2fsecret.txt", 400],
        ["/..%2Fsecret.txt", 400],
        ["/..%5csecret.txt", 400],
        ["/..\\secret.txt", 400],
        ["/%c0%ae%c0%ae/secret.txt", 400],
        ["/..%c0%afsecret.txt", 400],
        ["/%252e%252e/secret.txt", 404],
        ["/..%252fsecret.txt", 404],
        ["/hello.txt%00", 400],
        ["/hello.txt%00.html", 400],
        ["/%zz", 400],
        ["/%ff", 400],
        ["/%", 400],
        ["//secret.txt", 404],
        ["/.../secret.txt", 404],
      ] as const
    ) {
      const options = { fsRoot: root, showDirListing: true, dotfiles: true };
      const response = await serveDir(rawRequest(path), options);
      assertEquals(response.status, status, path);
      assert(!(await response.text()).includes("secret"), path);
    }
  }));

Deno.test("serveDir takes an escape that is escaped for a name", () =>
  withSite(async ({ get }) => {
    assertEquals(await (await get("/%252e%252e")).text(), "just a name");
  }));

Deno.test("serveDir never leaves the root, whatever the path", () =>
  withSite(async ({ root }) => {
    const piece = fc.constantFrom(
      ...["..", ".", "/", "\\", "%2e", "%2f", "%5c", "%252e", "%00", "%c0%af"],
      ...["sub", "deep", "root", "rooted", "secret.txt", "hello.txt", ".env"],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const response = await serveDir(rawRequest("/" + pieces.join("")), {
          fsRoot: root,
          showDirListing: true,
        });
        const text = await response.text();
        assert(!/secret|rooted/.test(text), text);
      }),
      { numRuns: 300 },
    );
  }));

Deno.test("serveDir serves dotfiles only if it is asked to", () =>
  withSite(async ({ get }) => {
    for (const path of ["/.env", "/.hidden/file.txt", "/.hidden/", "/%2eenv"]) {
      const refused = await get(path, { accept: "text/html" }, {
        showDirListing: true,
        fallback: "hello.txt",
      });
      assertEquals(refused.status, 404, path);
      const served = await get(path, {}, {
        showDirListing: true,
        dotfiles: true,
      });
      assertEquals(served.status, 200, path);
    }
  }));

Deno.test({
  name: "serveDir follows links inside the root, and none that leave it",
  ignore: Deno.build.os === "windows", // links need a privilege there
  fn: () =>
    withSite(async ({ base, root, get }) => {
      await Deno.symlink("hello.txt", `${root}/good`);
      await Deno.symlink("sub", `${root}/dir`);
      await Deno.symlink(`${root}/sub/deep/../../hello.txt`, `${root}/abs`);
      await Deno.symlink("../secret.txt", `${root}/out`);
      await Deno.symlink("..", `${root}/up`);
      await Deno.symlink("../rooted", `${root}/rooted`);
      await Deno.symlink("loop", `${root}/loop`);
      await Deno.symlink("loop2/x", `${root}/loop2`);
      await Deno.symlink("gone", `${root}/dangling`);
      await Deno.symlink("../secret.txt", `${root}/hello.txt.gz`);
      await Deno.symlink("root", `${base}/link`);
      for (const fsRoot of [root, `${base}/link`, `${root}/`]) {
        for (const path of ["/good", "/abs"]) {
          const response = await get(path, {}, { fsRoot });
          assertEquals(await response.text(), "0123456789");
        }
        assertEquals((await get("/dir", {}, { fsRoot })).status, 301);
        for (
          const path of [
            ...["/out", "/up/secret.txt", "/up/", "/up", "/rooted/secret.txt"],
            ...["/loop", "/loop/x", "/loop2", "/dangling", "/hello.txt.gz"],
          ]
        ) {
          const options = { fsRoot, showDirListing: true };
          const response = await get(path, {}, options);
          assertEquals(response.status, 404, path);
        }
      }
      const zipped = await get("/hello.txt", { "accept-encoding": "gzip" });
      assertEquals(await zipped.text(), "0123456789");
      const page = await (await get("/", {}, { showDirListing: true })).text();
      assert(page.includes("./good") && page.includes("./dir/"));
      assert(!/\.\/(?:out|up|rooted|loop|dangling)/.test(page));
    }),
});

Deno.test({
  name: "serveDir serves no FIFO, and does not wait for one",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withSite(async ({ root, get }) => {
      const { success } = await new Deno.Command("mkfifo", {
        args: [`${root}/fifo`],
      }).output();
      assert(success);
      assertEquals((await get("/fifo")).status, 404);
    }),
});

Deno.test("serveDir takes a file for no directory, and too long a name for none", () =>
  withSite(async ({ get }) => {
    for (
      const path of [
        "/hello.txt/",
        "/hello.txt/x",
        "/" + "a".repeat(300),
        "/" + "a/".repeat(3000),
      ]
    ) {
      assertEquals((await get(path)).status, 404);
    }
  }));

Deno.test("serveDir answers for a directory with its index", () =>
  withSite(async ({ get }) => {
    const response = await get("/sub/");
    assertEquals(await response.text(), "<p>index</p>");
    assertEquals(
      response.headers.get("content-type"),
      "text/html; charset=UTF-8",
    );
    assertEquals((await get("/sub/", {}, { showIndex: false })).status, 404);
    assertEquals((await get("/empty/")).status, 404);
    assertEquals((await get("/empty")).status, 404);
  }));

Deno.test("serveDir redirects to the trailing slash and keeps the query", () =>
  withSite(async ({ get, root }) => {
    const where = async (
      path: string,
      options?: ServeDirOptions,
    ): Promise<string | null> => {
      const response = await get(path, {}, options);
      assertEquals(response.status, 301);
      return response.headers.get("location");
    };
    assertEquals(
      await where("/sub?a=//evil.example&b"),
      "/sub/?a=//evil.example&b",
    );
    assertEquals(
      await where("/s", { urlRoot: "s", fsRoot: `${root}/sub` }),
      "/s/",
    );
    assertEquals(
      await where("/x%20y/sub", { urlRoot: "/x y/" }),
      "/x%20y/sub/",
    );
    await Deno.mkdir(`${root}/evil.example`);
    for (
      const path of ["//evil.example", "/%2fevil.example", "/%5cevil.example"]
    ) {
      const options = { fsRoot: root, showDirListing: true };
      const response = await serveDir(rawRequest(path), options);
      assertEquals(response.headers.get("location"), null, path);
    }
  }));

Deno.test("serveDir serves below urlRoot alone", () =>
  withSite(async ({ get }) => {
    for (const urlRoot of ["static", "/static", "/static/"]) {
      const status = async (path: string): Promise<number> =>
        (await get(path, {}, { urlRoot })).status;
      assertEquals(await status("/static/hello.txt"), 200);
      assertEquals(await status("/hello.txt"), 404);
      assertEquals(await status("/statics/hello.txt"), 404);
      assertEquals(await status("/"), 404);
    }
    await assertRejects(() => get("/", {}, { urlRoot: "../a" }), TypeError);
  }));

Deno.test("serveDir lists a directory if it is asked to", () =>
  withSite(async ({ get }) => {
    const options = { showDirListing: true };
    const response = await get("/?sort=size&order=desc", {}, options);
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    const page = await response.text();
    assertStringIncludes(page, 'href="./hello.txt"');
    assertStringIncludes(page, 'href="./empty/"');
    assert(page.indexOf("./big.bin") < page.indexOf("./hello.txt"));
    assert(!page.includes(".env") && !page.includes(".hidden"));
    assert(!page.includes("Parent directory"));
    const below = await (await get("/sub/deep/", {}, options)).text();
    assertStringIncludes(below, "Parent directory");
    const link = /href="\.\/([^"]*)"/.exec(below)?.[1] ?? "";
    assertEquals(await (await get(`/sub/deep/${link}`)).text(), "odd");
  }));

Deno.test("serveDir answers one range, small or large", () =>
  withSite(async ({ get }) => {
    const response = await get("/hello.txt", { range: "bytes=2-4" });
    assertEquals(response.status, 206);
    assertEquals(response.headers.get("content-range"), "bytes 2-4/10");
    assertEquals(response.headers.get("content-length"), "3");
    assertEquals(await response.text(), "234");
    for (const [start, last] of [[5, 8], [1, 150_000], [199_999, 199_999]]) {
      const range = `bytes=${start}-${last}`;
      const part = await get("/big.bin", { range });
      assertEquals(part.status, 206);
      assertEquals(await part.bytes(), BIG.slice(start, (last ?? 0) + 1));
    }
  }));

Deno.test("serveDir answers several ranges with multipart/byteranges", () =>
  withSite(async ({ get }) => {
    const response = await get("/hello.txt", { range: "bytes=0-1,-3" });
    assertEquals(response.status, 206);
    assertEquals(response.headers.get("content-range"), null);
    const type = response.headers.get("content-type") ?? "";
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(type)?.[1];
    const text = await response.text();
    assertEquals(
      text,
      [
        `--${boundary}`,
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Range: bytes 0-1/10",
        "",
        "01",
        `--${boundary}`,
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Range: bytes 7-9/10",
        "",
        "789",
        `--${boundary}--`,
        "",
      ].join("\r\n"),
    );
    assertEquals(response.headers.get("content-length"), `${text.length}`);
  }));

Deno.test("serveDir answers 416 with the size, and ignores what is no range", () =>
  withSite(async ({ get }) => {
    const refused = await get("/hello.txt", { range: "bytes=10-" });
    assertEquals(refused.status, 416);
    assertEquals(refused.headers.get("content-range"), "bytes */10");
    for (const range of ["bytes=4-2", "lines=1-2", "bytes=0-9,0-9"]) {
      assertEquals((await get("/hello.txt", { range })).status, 200);
    }
    const options = { method: "HEAD" };
    const head = await get("/hello.txt", { range: "bytes=0-1" }, options);
    assertEquals(head.status, 200);
  }));

Deno.test("serveDir heeds conditions and If-Range", () =>
  withSite(async ({ get }) => {
    const plain = await get("/hello.txt");
    const etag = plain.headers.get("etag") ?? "";
    const table: [fields: Record<string, string>, status: number][] = [
      [{ "if-none-match": etag }, 304],
      [{ "if-none-match": `"x", W/${etag}` }, 304],
      [{ "if-none-match": '"x"' }, 200],
      [{ "if-modified-since": LAST_MODIFIED }, 304],
      [{ "if-modified-since": LAST_MODIFIED, "if-none-match": '"x"' }, 200],
      [{ "if-match": etag }, 200],
      [{ "if-match": '"x"' }, 412],
      [{ "if-unmodified-since": LAST_MODIFIED }, 200],
      [{ "if-unmodified-since": "Thu, 01 Jan 2026 00:00:00 GMT" }, 412],
      [{ range: "bytes=0-1", "if-range": etag }, 206],
      [{ range: "bytes=0-1", "if-range": '"x"' }, 200],
      [{ range: "bytes=0-1", "if-range": LAST_MODIFIED }, 206],
      [{ range: "bytes=99-", "if-range": '"x"' }, 200],
      [{ range: "bytes=99-", "if-none-match": etag }, 304],
      [{ range: "bytes=0-1", "if-match": '"x"' }, 412],
    ];
    for (const [fields, status] of table) {
      const options = { cacheControl: "no-cache" };
      const response = await get("/hello.txt", fields, options);
      assertEquals(response.status, status, JSON.stringify(fields));
      if (status !== 304) continue;
      assertEquals(response.body, null);
      assertEquals(response.headers.get("etag"), etag);
      assertEquals(response.headers.get("cache-control"), "no-cache");
      assertEquals(response.headers.get("content-type"), null);
    }
  }));

Deno.test("serveDir sends the compressed sibling that the client likes best", () =>
  withSite(async ({ get, root }) => {
    await put(`${root}/page.html`, "a page that is long enough");
    await put(`${root}/page.html.gz`, "gz");
    await put(`${root}/page.html.br`, "brotli");
    const table: [accept: string, body: string, coding: string | null][] = [
      ["gzip", "gz", "gzip"],
      ["gzip, br", "brotli", "br"],
      ["gzip, br;q=0.1", "gz", "gzip"],
      ["gzip;q=0", "a page that is long enough", null],
      ["zstd", "a page that is long enough", null],
    ];
    const tags = new Set<string | null>();
    for (const [accept, body, coding] of table) {
      const response = await get("/page.html", { "accept-encoding": accept });
      assertEquals(await response.text(), body, accept);
      const { headers } = response;
      assertEquals(headers.get("content-encoding"), coding);
      assertEquals(headers.get("vary"), "accept-encoding");
      assertEquals(headers.get("content-length"), `${body.length}`);
      assertEquals(headers.get("content-type"), "text/html; charset=UTF-8");
      tags.add(headers.get("etag"));
    }
    assertEquals(tags.size, 3);
    const fields = { "accept-encoding": "gzip", range: "bytes=1-1" };
    const range = await get("/page.html", fields);
    assertEquals(await range.text(), "z");
    assertEquals(range.headers.get("content-range"), "bytes 1-1/2");
    const off = await get("/page.html", fields, { precompressed: false });
    assertEquals(off.headers.get("content-encoding"), null);
    assertEquals(off.headers.get("vary"), null);
    await off.body?.cancel();
  }));

Deno.test("serveDir sends no sibling that is older, larger or not a file", () =>
  withSite(async ({ get, root }) => {
    await put(`${root}/a.css`, "0123456789");
    const encoding = async (): Promise<string | null> => {
      const response = await get("/a.css", { "accept-encoding": "gzip" });
      await response.text();
      return response.headers.get("content-encoding");
    };
    await put(`${root}/a.css.gz`, "small");
    assertEquals(await encoding(), "gzip");
    await Deno.utime(`${root}/a.css`, OLD, new Date(OLD.getTime() + 1000));
    assertEquals(await encoding(), null);
    await Deno.utime(`${root}/a.css`, OLD, OLD);
    await put(`${root}/a.css.gz`, "longer than it was before");
    assertEquals(await encoding(), null);
    await put(`${root}/a.css.gz`, "");
    assertEquals(await encoding(), null);
    await Deno.remove(`${root}/a.css.gz`);
    await Deno.mkdir(`${root}/a.css.gz`);
    assertEquals(await encoding(), null);
  }));

Deno.test("serveDir answers for pages of an application with the fallback", () =>
  withSite(async ({ get }) => {
    const options = { fallback: "/sub/index.html" };
    const status = async (path: string, accept?: string): Promise<number> =>
      (await get(path, accept ? { accept } : {}, options)).status;
    assertEquals(await status("/users/42"), 200);
    assertEquals(await status("/users/42", "*/*"), 200);
    assertEquals(await status("/j.doe", "text/html,*/*;q=0.8"), 200);
    assertEquals(await status("/app.js"), 404);
    assertEquals(await status("/app.js", "*/*"), 404);
    assertEquals(await status("/users/42", "application/json"), 404);
    assertEquals(await status("/%zz", "text/html"), 400);
    const page = await get("/users/42", {}, options);
    assertEquals(await page.text(), "<p>index</p>");
    for (const fallback of ["", "../secret.txt"]) {
      await assertRejects(() => get("/x", {}, { fallback }), TypeError);
    }
  }));

Deno.test("serveDir answers 404 with the page that was chosen", () =>
  withSite(async ({ get }) => {
    const options = { notFound: "sub/index.html" };
    for (const path of ["/nothing", "/.env", "/hello.txt/"]) {
      const fields = { range: "bytes=0-1", "if-none-match": "*" };
      const response = await get(path, fields, options);
      assertEquals(response.status, 404);
      assertEquals(await response.text(), "<p>index</p>");
      assertEquals(response.headers.get("etag"), null);
    }
    const without = await get("/nothing", {}, { notFound: "gone.html" });
    assertEquals(without.status, 404);
    assertEquals(await without.text(), "Not Found\n");
  }));

Deno.test("serveDir adds its caller's fields to each response", () =>
  withSite(async ({ get }) => {
    const headers = { "x-a": "1", "content-type": "text/x", "set-cookie": "a" };
    for (const path of ["/hello.txt", "/nothing", "/%zz", "/sub"]) {
      const response = await get(path, {}, { headers });
      assertEquals(response.headers.get("x-a"), "1");
      assertEquals(response.headers.get("content-type"), "text/x");
      assertEquals(response.headers.getSetCookie(), ["a"]);
      await response.body?.cancel();
    }
  }));

Deno.test("serveDir fails the body of a file that shrinks", () =>
  withSite(async ({ get, root }) => {
    const response = await get("/big.bin");
    assertEquals(response.headers.get("content-length"), "200000");
    const reader = response.body?.getReader();
    await reader?.read();
    await Deno.truncate(`${root}/big.bin`, 70_000);
    await assertRejects(
      async () => {
        while (!(await reader?.read())?.done);
      },
      ConnError,
      "it has become shorter",
    );
  }));

Deno.test("serveDir sends what it announced of a file that grows", () =>
  withSite(async ({ get, root }) => {
    const response = await get("/big.bin");
    await Deno.writeFile(`${root}/big.bin`, BIG, { append: true });
    assertEquals(await response.bytes(), BIG);
  }));

Deno.test("serveDir gives a server the source of a large body", () =>
  withSite(async ({ get }) => {
    const source = bodySourceOf(await get("/big.bin"));
    assertEquals(source?.size, BIG.length);
    source?.cancel();
    assertEquals(bodySourceOf(await get("/hello.txt")), undefined);
  }));

Deno.test("serveDir runs under Deno.serve", () =>
  withSite(async ({ root }) => {
    const server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        onListen() {},
        onError: () => new Response(),
      },
      (request) => serveDir(request, { fsRoot: root }),
    );
    const url = `http://127.0.0.1:${server.addr.port}`;
    try {
      const small = await fetch(`${url}/hello.txt`);
      assertEquals(await small.text(), "0123456789");
      const large = await fetch(`${url}/big.bin`);
      assertEquals(large.headers.get("content-length"), "200000");
      assertEquals(await large.bytes(), BIG);
      const index = await fetch(`${url}/sub?a=b`);
      assertEquals(index.url, `${url}/sub/?a=b`);
      assertEquals(await index.text(), "<p>index</p>");
      const head = await fetch(`${url}/big.bin`, { method: "HEAD" });
      assertEquals(head.headers.get("content-length"), "200000");
      const raw = await exchange(server.addr, "/%2e%2e/../secret.txt");
      assertMatch(raw, /^HTTP\/1\.1 400 /);
      assert(!raw.endsWith("secret"));
    } finally {
      await server.shutdown();
    }
  }));

/** Asks for a target just as it is written. */
async function exchange(addr: Deno.NetAddr, target: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: addr.port });
  await conn.write(new TextEncoder().encode(
    `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
  ));
  let text = "";
  const buffer = new Uint8Array(4096);
  for (
    let n = await conn.read(buffer);
    n !== null;
    n = await conn.read(buffer)
  ) {
    text += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return text;
}

Deno.test("serveDir aborts the response under Deno.serve when a file shrinks", () =>
  withSite(async ({ root }) => {
    const path = `${root}/huge.bin`;
    const size = 64 * 1024 * 1024; // more than sockets hold
    const file = await Deno.create(path);
    await file.truncate(size);
    file.close();
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      onError: () => new Response(null, { status: 500 }),
    }, (request) => serveDir(request, { fsRoot: root }));
    try {
      const url = `http://127.0.0.1:${server.addr.port}/huge.bin`;
      const response = await fetch(url);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      await Deno.truncate(path, 100_000);
      let received = 0;
      await assertRejects(async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          received += value.length;
        }
      });
      assert(received < size);
    } finally {
      await server.shutdown();
    }
  }));
