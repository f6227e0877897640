import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatPath, isServable, parsePath, splitUrl } from "./_path.ts";

const TABLE: [path: string, expected: string[] | number, windows?: number][] = [
  ["/", []],
  ["/a", ["a"]],
  ["/a/", ["a"]],
  ["/a/b.txt", ["a", "b.txt"]],
  ["/a%20b", ["a b"]],
  ["/%E2%82%AC", ["€"]],
  ["/€", ["€"]],
  ["/...", ["..."], 404],
  ["/..a", ["..a"]],
  ["/.a", [".a"]],
  ["/%252e%252e/a", ["%2e%2e", "a"]],
  ["/%252fetc", ["%2fetc"]],
  ["/%25", ["%"]],
  ["/a+b", ["a+b"]],
  ["/a:b", ["a:b"], 404],
  ["/a%3Fb", ["a?b"], 404],
  ["/nul", ["nul"], 404],
  ["/COM1.txt", ["COM1.txt"], 404],
  ["/console", ["console"]],
  ["/file.txt::$DATA", ["file.txt::$DATA"], 404],
  ["/file.txt.", ["file.txt."], 404],
  ["/file.txt%20", ["file.txt "], 404],
  ["//", 404],
  ["//evil.example", 404],
  ["/a//b", 404],
  ["/a//", 404],
  ["/..", 400],
  ["/.", 400],
  ["/../etc/passwd", 400],
  ["/a/../b", 400],
  ["/a/./b", 400],
  ["/a/..", 400],
  ["/%2e%2e/etc", 400],
  ["/%2E%2e/etc", 400],
  ["/.%2e/etc", 400],
  ["/%2e", 400],
  ["/..%2fetc", 400],
  ["/..%2Fetc", 400],
  ["/%2fetc/passwd", 400],
  ["/a%2fb", 400],
  ["/..\\etc", 400],
  ["/..%5cetc", 400],
  ["/%5c%5chost%5cshare", 400],
  ["/a%5cb", 400],
  ["/a%00", 400],
  ["/a%00.txt", 400],
  ["/\0", 400],
  ["//../a", 400],
  // overlong UTF-8 of "." and "/", surrogates, cut and stray bytes
  ["/%c0%ae%c0%ae/etc", 400],
  ["/%e0%80%ae%e0%80%ae/etc", 400],
  ["/..%c0%afetc", 400],
  ["/..%e0%80%afetc", 400],
  ["/%ed%a0%80", 400],
  ["/%e2%82", 400],
  ["/%ff", 400],
  ["/%zz", 400],
  ["/%", 400],
  ["/%2", 400],
  ["/a%u002e", 400],
];

Deno.test("parsePath gives each path of the table its names or status", () => {
  for (const [path, expected, windows] of TABLE) {
    for (const [on, wanted] of [[false, expected], [true, windows]] as const) {
      const parsed = parsePath(path, on);
      const actual = typeof parsed === "number" ? parsed : [...parsed.names];
      assertEquals(actual, wanted ?? expected, `${path}, Windows: ${on}`);
    }
  }
});

Deno.test("parsePath tells whether the path ends in a slash", () => {
  const slash = (path: string): boolean | undefined => {
    const parsed = parsePath(path, false);
    return typeof parsed === "number" ? undefined : parsed.slash;
  };
  assertEquals(slash("/"), true);
  assertEquals(slash("/a"), false);
  assertEquals(slash("/a/"), true);
});

Deno.test("parsePath never gives a name that leads elsewhere", () => {
  const piece = fc.constantFrom(
    ...[
      "..",
      ".",
      "/",
      "\\",
      "%2e",
      "%2E",
      "%2f",
      "%5c",
      "%252e",
      "%25",
      "%00",
    ],
    ...["%c0%ae", "%", "a", "é", "%C3%A9", ":", "\0", " ", "%20"],
  );
  fc.assert(
    fc.property(fc.array(piece), fc.boolean(), (pieces, windows) => {
      const parsed = parsePath("/" + pieces.join(""), windows);
      if (typeof parsed === "number") return;
      for (const name of parsed.names) {
        assert(name !== "" && name !== "." && name !== "..", name);
        assert(!/[/\\\0]/.test(name), name);
      }
      const resolved = new URL(
        formatPath(parsed.names, parsed.slash),
        "file:///root",
      );
      assertEquals(resolved.host, "");
    }),
  );
});

Deno.test("parsePath reads what formatPath writes, for each servable name", () => {
  const name = fc.string({ unit: "grapheme" }).filter((n) =>
    isServable(n, false)
  );
  fc.assert(
    fc.property(fc.array(name), fc.boolean(), (names, slash) => {
      const parsed = parsePath(formatPath(names, slash) || "/", false);
      assertEquals(parsed, { names, slash: slash || names.length === 0 });
    }),
  );
});

Deno.test("splitUrl takes path and query, whatever the URL leaves out", () => {
  const table: [url: string, path: string, query: string][] = [
    ["http://h/a/b?c=d", "/a/b", "?c=d"],
    ["http://h:80/", "/", ""],
    ["http://h", "/", ""],
    ["http://h?a=/b", "/", "?a=/b"],
    ["http://h/a#b?c", "/a", ""],
    ["http://h/a?b#c", "/a", "?b"],
    ["http://h//evil/", "//evil/", ""],
  ];
  for (const [url, path, query] of table) {
    assertEquals(splitUrl(url), { path, query }, url);
  }
});
