import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { covers } from "./_prefix.ts";
import {
  ResponseRewrite,
  type RewriteContext,
  rewritePath,
} from "./rewrite.ts";

const PATHS: [
  prefix: string,
  replacement: string,
  path: string,
  rewritten: string,
][] = [
  ["/old", "/new", "/old", "/new"],
  ["/old", "/new", "/old/", "/new/"],
  ["/old", "/new", "/old/x/y", "/new/x/y"],
  ["/old", "/new", "/old//x", "/new//x"],
  ["/old", "/new", "/old/old", "/new/old"],
  ["/old", "/new", "*", "*"],
  // One slash at the joint, whoever brings it.
  ["/old", "/", "/old/x", "/x"],
  ["/old", "/", "/old", "/"],
  ["/old", "/", "/old/", "/"],
  ["/old", "", "/old/x", "/x"],
  ["/old", "", "/old", "/"],
  ["/old/", "/new", "/old/x", "/new/x"],
  ["/old/", "/new", "/old/", "/new/"],
  ["/old/", "/", "/old/x", "/x"],
  ["/old/", "/new/", "/old/x", "/new/x"],
  ["/old", "/new/", "/old/x", "/new/x"],
  ["/old", "/new/", "/old", "/new"],
  ["/", "/app", "/", "/app/"],
  ["/", "/app", "/x", "/app/x"],
  ["/", "/app/", "/x", "/app/x"],
  ["/", "/", "/x", "/x"],
  ["/a", "/b/c/d", "/a/x", "/b/c/d/x"],
];

for (const [prefix, replacement, path, rewritten] of PATHS) {
  Deno.test(`rewritePath ${prefix}=${replacement} makes ${rewritten} of ${path}`, () => {
    assertEquals(rewritePath(path, prefix, replacement), rewritten);
  });
}

const BACKEND = "10.0.0.1:8910";

/** The client asked for `example.com`, which the backend was told. */
const KEPT: RewriteContext = {
  backendAuthority: BACKEND,
  clientAuthority: "example.com",
  secure: false,
};
const REPLACED: RewriteContext = { ...KEPT, sentHost: "app.internal:8080" };

/** `/old=/new`. */
const RENAMED = new ResponseRewrite({ prefix: "/old", replacement: "/new" });
/** `/old=/`. */
const STRIPPED = new ResponseRewrite({ prefix: "/old", replacement: "/" });
/** `/=/app`. */
const MOUNTED = new ResponseRewrite({ prefix: "/", replacement: "/app" });
const SAME = new ResponseRewrite({ prefix: "/old", replacement: undefined });

const LOCATIONS: [
  what: string,
  rewrite: ResponseRewrite,
  context: RewriteContext,
  values: [value: string, rewritten: string][],
][] = [
  ["maps paths back", RENAMED, KEPT, [
    ["/new", "/old"],
    ["/new/", "/old/"],
    ["/new/x?y=/new#/new", "/old/x?y=/new#/new"],
    ["/new?x", "/old?x"],
    ["/newer", "/newer"],
    ["/x", "/x"],
    ["/", "/"],
    ["/old/x", "/old/x"],
  ]],
  ["maps everything of a backend below the prefix", STRIPPED, KEPT, [
    ["/", "/old/"],
    ["/x", "/old/x"],
    [`http://${BACKEND}`, "http://example.com/old/"],
    [`http://${BACKEND}?x`, "http://example.com/old/?x"],
  ]],
  [
    "gives a prefix with a slash what is its root",
    new ResponseRewrite({
      prefix: "/old/",
      replacement: "/new",
    }),
    KEPT,
    [["/new", "/old/"], ["/new/", "/old/"], ["/new/x", "/old/x"]],
  ],
  ["never makes a host of a path", MOUNTED, KEPT, [
    ["/app", "/"],
    ["/app/x", "/x"],
    ["/app//evil.example/x", "/.//evil.example/x"],
    ["/app/\\evil.example", "/./\\evil.example"],
    [`http://${BACKEND}/app//x`, "http://example.com//x"],
  ]],
  ["puts the client's host in the place of the backend's", RENAMED, KEPT, [
    [`http://${BACKEND}/new/x`, "http://example.com/old/x"],
    [`HTTP://${BACKEND}/new/x`, "http://example.com/old/x"],
    [`//${BACKEND}/new/x`, "//example.com/old/x"],
    [`http://${BACKEND}/x`, "http://example.com/x"],
    [`http://${BACKEND}`, "http://example.com/"],
    ["http://example.com/new/x", "http://example.com/old/x"],
    ["http://EXAMPLE.com:80/new/x", "http://example.com/old/x"],
  ]],
  [
    "puts the client's host in the place of the one it was told",
    SAME,
    REPLACED,
    [
      ["http://app.internal:8080/x", "http://example.com/x"],
      ["http://App.Internal:8080/x?y", "http://example.com/x?y"],
      [`http://${BACKEND}/x`, "http://example.com/x"],
      ["http://app.internal/x", "http://app.internal/x"],
      ["http://example.com/x", "http://example.com/x"],
    ],
  ],
  ["leaves what it was not told alone", RENAMED, REPLACED, [
    ["http://example.com/new/x", "http://example.com/new/x"],
  ]],
  ["leaves other hosts alone", RENAMED, KEPT, [
    ["http://other.example/new", "http://other.example/new"],
    ["//other.example/new", "//other.example/new"],
    ["http://10.0.0.1/new", "http://10.0.0.1/new"],
    ["http://10.0.0.1:89100/new", "http://10.0.0.1:89100/new"],
    ["http://sub.example.com/new", "http://sub.example.com/new"],
    ["http://user@example.com/new", "http://user@example.com/new"],
    [`http://${BACKEND}\\@x.example/`, `http://${BACKEND}\\@x.example/`],
    ["http:///new", "http:///new"],
    ["ftp://example.com/new", "ftp://example.com/new"],
    ["mailto:a@example.com", "mailto:a@example.com"],
  ]],
  ["leaves relative references alone", RENAMED, KEPT, [
    ["x", "x"],
    ["../new", "../new"],
    ["?a", "?a"],
    ["#a", "#a"],
    ["", ""],
  ]],
  ["gives the client its scheme", SAME, { ...KEPT, secure: true }, [
    ["http://example.com/x", "https://example.com/x"],
    [`http://${BACKEND}/x`, "https://example.com/x"],
    ["//example.com/x", "//example.com/x"],
    ["/x", "/x"],
  ]],
  ["lets a backend send its clients to https", SAME, KEPT, [
    ["https://example.com/x", "https://example.com/x"],
  ]],
  ["takes the scheme of a backend that speaks TLS", SAME, {
    ...KEPT,
    backendAuthority: "10.0.0.1:443",
    backendSecure: true,
  }, [
    ["https://10.0.0.1/x", "http://example.com/x"],
    ["https://10.0.0.1:443/x", "http://example.com/x"],
    ["http://10.0.0.1/x", "http://10.0.0.1/x"],
    ["http://example.com/x", "http://example.com/x"],
    ["https://example.com/x", "http://example.com/x"],
  ]],
  ["names no host to a client that named none", MOUNTED, {
    ...KEPT,
    clientAuthority: "",
  }, [
    [`http://${BACKEND}/app/x`, "/x"],
    [`http://${BACKEND}/app//x`, "/.//x"],
    [`//${BACKEND}/app/x`, "/x"],
    ["http:///app/x", "http:///app/x"],
  ]],
  ["keeps unusual ports and IPv6 addresses", SAME, {
    backendAuthority: "[::1]:80",
    clientAuthority: "[2001:db8::1]:8000",
    secure: false,
  }, [
    ["http://[::1]/x", "http://[2001:db8::1]:8000/x"],
    ["http://[::1]:80/x", "http://[2001:db8::1]:8000/x"],
    ["http://[::1]:81/x", "http://[::1]:81/x"],
  ]],
];

for (const [what, rewrite, context, values] of LOCATIONS) {
  Deno.test(`ResponseRewrite.location ${what}`, () => {
    for (const [value, rewritten] of values) {
      assertEquals(rewrite.location(value, context), rewritten, value);
    }
  });
}

const COOKIES: typeof LOCATIONS = [
  ["maps the path back", RENAMED, KEPT, [
    ["a=b; Path=/new", "a=b; Path=/old"],
    ["a=b;path=/new/x;Secure", "a=b;path=/old/x;Secure"],
    ["a=b; PATH = /new ; HttpOnly", "a=b; PATH = /old ; HttpOnly"],
    ["a=b; Path=/new; Path=/new/2", "a=b; Path=/old; Path=/old/2"],
    ["a=b; Path=/newer", "a=b; Path=/newer"],
    ["a=b; Path=/", "a=b; Path=/"],
    ["a=b; Path=", "a=b; Path="],
    ["a=b; Path", "a=b; Path"],
    ["a=b; Path=new", "a=b; Path=new"],
  ]],
  ["lets a cookie for all of the backend be for the prefix", STRIPPED, KEPT, [
    ["a=b; Path=/", "a=b; Path=/old"],
    ["a=b; Path=/x", "a=b; Path=/old/x"],
  ]],
  ["lets a cookie for the replacement be for the root", MOUNTED, KEPT, [
    ["a=b; Path=/app", "a=b; Path=/"],
    ["a=b; Path=/app/x", "a=b; Path=/x"],
  ]],
  ["keeps everything else to the byte", RENAMED, KEPT, [
    ["path=/new", "path=/new"],
    ["a=/new; domain-x=1; xpath=/new", "a=/new; domain-x=1; xpath=/new"],
    [
      'a="Path=/new, x"; Expires=Wed, 21 Oct 2026 07:28:00 GMT;  Path=/new;;  SameSite=Lax ; ',
      'a="Path=/new, x"; Expires=Wed, 21 Oct 2026 07:28:00 GMT;  Path=/old;;  SameSite=Lax ; ',
    ],
    ["", ""],
    [";", ";"],
  ]],
  ["leaves a cookie that must be for the root alone", STRIPPED, REPLACED, [
    ["__Host-a=b; Path=/; Secure", "__Host-a=b; Path=/; Secure"],
    ["__host-a=b; Path=/; Secure", "__host-a=b; Path=/; Secure"],
    ["__Secure-a=b; Path=/; Secure", "__Secure-a=b; Path=/old; Secure"],
  ]],
  ["puts the client's host in the domain", SAME, REPLACED, [
    ["a=b; Domain=app.internal", "a=b; Domain=example.com"],
    ["a=b; domain=.APP.internal; Path=/x", "a=b; domain=example.com; Path=/x"],
    ["a=b; Domain=10.0.0.1", "a=b; Domain=example.com"],
    ["a=b; Domain=internal", "a=b; Domain=internal"],
    ["a=b; Domain=x.app.internal", "a=b; Domain=x.app.internal"],
    ["a=b; Domain=example.com", "a=b; Domain=example.com"],
    ["a=b; Domain=", "a=b; Domain="],
  ]],
  ["keeps the domain if the host was kept", SAME, {
    ...KEPT,
    clientAuthority: "Example.com:8000",
  }, [
    ["a=b; Domain=.example.com", "a=b; Domain=.example.com"],
    ["a=b; Domain=EXAMPLE.COM", "a=b; Domain=EXAMPLE.COM"],
    ["a=b; Domain=10.0.0.1", "a=b; Domain=example.com"],
  ]],
  ["puts nothing but a host in the domain", SAME, {
    ...REPLACED,
    clientAuthority: "x;secure",
  }, [["a=b; Domain=app.internal", "a=b; Domain=app.internal"]]],
  ["leaves the domain to a client that named no host", SAME, {
    ...REPLACED,
    clientAuthority: "",
  }, [["a=b; Domain=app.internal", "a=b; Domain=app.internal"]]],
];

for (const [what, rewrite, context, values] of COOKIES) {
  Deno.test(`ResponseRewrite.setCookie ${what}`, () => {
    for (const [value, rewritten] of values) {
      assertEquals(rewrite.setCookie(value, context), rewritten, value);
    }
  });
}

const SEGMENTS = fc.array(fc.constantFrom("a", "b", ""), { maxLength: 3 })
  .map((segments) => segments.map((segment) => "/" + segment).join(""));
const PREFIX = fc.tuple(
  fc.array(fc.constantFrom("/old", "/a"), { maxLength: 2 }),
  fc.constantFrom("", "/"),
).map(([segments, end]) => segments.join("") + end || "/");

Deno.test("a path comes back as it was, but for the prefix of the root", () => {
  fc.assert(
    fc.property(PREFIX, PREFIX, SEGMENTS, (prefix, replacement, below) => {
      const base = prefix.replace(/\/$/, "");
      const path = base + below;
      fc.pre(covers(prefix, path));
      const rewrite = new ResponseRewrite({ prefix, replacement });
      const inner = rewritePath(path, prefix, replacement);
      const outer = rewrite.location(`http://${BACKEND}${inner}`, KEPT);
      // A backend's root is one path, and "/old" and "/old/" are two.
      const expected = path === base && replacement === "/" ? base + "/" : path;
      assertEquals(outer, `http://example.com${expected}`);
    }),
  );
});
