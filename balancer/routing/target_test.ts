import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Fields } from "../../http/codec/fields.ts";
import { normalizePath, readTarget, type RequestTarget } from "./target.ts";

function read(
  target: string,
  { method = "GET", host = "h" }: { method?: string; host?: string } = {},
): RequestTarget | undefined {
  const fields = new Fields(host === "" ? {} : { Host: host });
  return readTarget({ method, target, fields });
}

/** Paths, and what becomes of them; `undefined` is refused. */
const PATHS: [path: string, normal: string | undefined][] = [
  ["/", "/"],
  ["/a/b", "/a/b"],
  ["/a/b/", "/a/b/"],
  ["//a//b//", "//a//b//"],
  ["/.well-known/x", "/.well-known/x"],
  ["/a.b/...", "/a.b/..."],
  ["/a/..b/c..", "/a/..b/c.."],
  ["/a;p=1/b,c:d@e!$&'()*+=", "/a;p=1/b,c:d@e!$&'()*+="],
  ["/[a]^{b}|`", "/[a]^{b}|`"],
  // Dot segments.
  ["/.", "/"],
  ["/./", "/"],
  ["/a/.", "/a/"],
  ["/a/./b", "/a/b"],
  ["/a/..", "/"],
  ["/a/../", "/"],
  ["/a/b/..", "/a/"],
  ["/a/b/../c", "/a/c"],
  ["/a/b/../../c", "/c"],
  ["/a//../b", "/a/b"],
  ["//..", "/"],
  ["/.//a", "//a"],
  ["/..", undefined],
  ["/../x", undefined],
  ["/a/../..", undefined],
  ["/a/../../x", undefined],
  ["/./../x", undefined],
  // Encoded dots are dots.
  ["/%2e", "/"],
  ["/a/%2E%2e/b", "/b"],
  ["/a/.%2e", "/"],
  ["/a/%2e./b", "/b"],
  ["/%2e%2E/x", undefined],
  ["/%2ehidden", "/.hidden"],
  // Encoded slashes are none, and what is encoded twice is decoded once.
  ["/a/..%2Fb", "/a/..%2Fb"],
  ["/a%2f..%2fb", "/a%2f..%2fb"],
  ["/a/%252e%252e/b", "/a/%252e%252e/b"],
  ["/%25%32%45", "/%252E"],
  ["/a%5C..%5cb", "/a%5C..%5cb"],
  // Unreserved characters.
  ["/%41%7a%30%2D%5f%7E", "/Az0-_~"],
  ["/%7euser/x%20y", "/~user/x%20y"],
  ["/%e4%BD%a0/%c3%a9", "/%e4%BD%a0/%c3%a9"],
  ["/%3F%23%26", "/%3F%23%26"],
  ["/%0d%0A", "/%0d%0A"],
  // Refused.
  ["/%00", undefined],
  ["/a%00.html", undefined],
  ["/%", undefined],
  ["/%4", undefined],
  ["/%4/1", undefined],
  ["/%4g", undefined],
  ["/%g4", undefined],
  ["/%%34%31", undefined],
  ["/a\\b", undefined],
  ["/a/..\\b", undefined],
];

for (const [path, normal] of PATHS) {
  Deno.test(`readTarget makes ${normal ?? "nothing"} of ${path}`, () => {
    assertEquals(normalizePath(path), normal);
    assertEquals(
      read(path),
      normal === undefined ? undefined : {
        host: "h",
        path: normal,
        query: "",
        target: normal,
        absolute: false,
      },
    );
  });
}

Deno.test("readTarget leaves the query as it is", () => {
  for (
    const query of [
      "?",
      "?a=1",
      "?/../x",
      "?%",
      "?%00",
      "?\\",
      "?%41",
      "??",
      "?/.",
    ]
  ) {
    for (
      const [path, normal] of [["/a", "/a"], ["/", "/"], ["/x/../%61", "/a"]]
    ) {
      assertEquals(read(path + query), {
        host: "h",
        path: normal!,
        query,
        target: normal + query,
        absolute: false,
      });
    }
  }
  assertEquals(read("/..?/x"), undefined);
});

Deno.test("readTarget takes the host of an absolute-form, and makes an origin-form", () => {
  const cases: [target: string, host: string, path: string, query: string][] = [
    ["http://a.example/x?y", "a.example", "/x", "?y"],
    ["HTTPS://A.Example:8443/x/../z", "A.Example:8443", "/z", ""],
    ["http://a.example", "a.example", "/", ""],
    ["http://a.example?y=/..", "a.example", "/", "?y=/.."],
    ["http://a.example:/", "a.example:", "/", ""],
    ["http://[::1]:80/x", "[::1]:80", "/x", ""],
    ["http://a.example//b", "a.example", "//b", ""],
  ];
  for (const [target, host, path, query] of cases) {
    const expected = {
      host,
      path,
      query,
      target: path + query,
      absolute: true,
    };
    assertEquals(read(target), expected, target);
    assertEquals(read(target, { host: "" }), expected, target);
  }
});

Deno.test("readTarget refuses absolute-forms that are not for it", () => {
  for (
    const target of [
      "ftp://a.example/",
      "ws://a.example/",
      "http:/a.example/",
      "http:///x",
      "http://:80/x",
      "http://user@a.example/",
      "http://a.example\\@b.example/",
      "http://a.example:x/",
      "http://[::1/",
      "http://a.example/../x",
      "http://a.example/%00",
      "javascript:alert(1)",
      "x",
      "",
    ]
  ) assertEquals(read(target), undefined, target);
});

Deno.test("readTarget refuses CONNECT", () => {
  assertEquals(read("a.example:443", { method: "CONNECT" }), undefined);
});

Deno.test("readTarget reads the asterisk-form, also out of an absolute-form", () => {
  const star = { path: "*", query: "", target: "*" };
  const method = "OPTIONS";
  assertEquals(read("*", { method }), { host: "h", ...star, absolute: false });
  assertEquals(read("http://a.example", { method }), {
    host: "a.example",
    ...star,
    absolute: true,
  });
  assertEquals(read("http://a.example/", { method })?.target, "/");
  assertEquals(read("http://a.example?x", { method })?.target, "/?x");
});

Deno.test("readTarget has an empty host if the request has none", () => {
  assertEquals(read("/x", { host: "" })?.host, "");
});

/** Pieces that paths with dots and encodings are made of. */
const PIECES = fc.array(
  fc.constantFrom("/", "/", ".", "..", "a", "%2e", "%2E", "%61", "%2f", "~"),
).map((pieces) => "/" + pieces.join(""));

Deno.test("normalizePath does nothing to what it made", () => {
  fc.assert(fc.property(PIECES, (path) => {
    const normal = normalizePath(path);
    if (normal !== undefined) assertEquals(normalizePath(normal), normal);
  }));
});

Deno.test("normalizePath does what URL does, but for what is above the root", () => {
  fc.assert(fc.property(PIECES, (path) => {
    const normal = normalizePath(path);
    // With so many segments in front nothing is above the root.
    const deep = "/d".repeat(50);
    const oracle = new URL(`http://h${deep}${path}`).pathname
      .replaceAll("%61", "a").replaceAll(/%2e/gi, ".");
    assertEquals(normalizePath(deep + path), oracle);
    // "d" is in no path, so what went above the root has lost one.
    const expected = oracle.startsWith(deep)
      ? oracle.slice(deep.length)
      : undefined;
    assertEquals(normal, expected);
  }));
});
