import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import {
  fieldsLeftBehind,
  isRedirect,
  redirectStep,
  RedirectTrail,
} from "./redirect.ts";

function step(status: number, method: string, location: string) {
  return redirectStep({ method, url: "https://a.test/dir/page?q#frag" }, {
    status,
    location,
  });
}

Deno.test("isRedirect knows the five statuses", () => {
  const yes = [];
  for (let status = 300; status < 400; status++) {
    if (isRedirect(status)) yes.push(status);
  }
  assertEquals(yes, [301, 302, 303, 307, 308]);
});

Deno.test("redirectStep picks the method by status", () => {
  const table: [number, string, string][] = [
    [301, "GET", "GET"],
    [301, "HEAD", "HEAD"],
    [301, "POST", "GET"],
    [301, "PUT", "PUT"],
    [302, "POST", "GET"],
    [302, "DELETE", "DELETE"],
    [303, "GET", "GET"],
    [303, "HEAD", "HEAD"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "DELETE", "GET"],
    [307, "POST", "POST"],
    [307, "GET", "GET"],
    [308, "POST", "POST"],
    [308, "PATCH", "PATCH"],
  ];
  for (const [status, method, expected] of table) {
    const next = step(status, method, "/x");
    assertEquals(next.method, expected, `${status} ${method}`);
    assertEquals(next.keepBody, method === expected, `${status} ${method}`);
  }
});

Deno.test("redirectStep resolves the location against the request", () => {
  assertEquals(step(302, "GET", "x").url, "https://a.test/dir/x#frag");
  assertEquals(step(302, "GET", "../y#z").url, "https://a.test/y#z");
  assertEquals(step(302, "GET", "//b.test/z").url, "https://b.test/z#frag");
  assertEquals(step(302, "GET", "?r").url, "https://a.test/dir/page?r#frag");
});

Deno.test("redirectStep drops user information from the location", () => {
  assertEquals(
    step(302, "GET", "https://u:p@a.test/").url,
    "https://a.test/#frag",
  );
});

Deno.test("redirectStep takes scheme, host and port as the origin", () => {
  assertEquals(step(302, "GET", "https://a.test:443/").crossOrigin, false);
  assertEquals(step(302, "GET", "https://A.TEST/").crossOrigin, false);
  assertEquals(step(302, "GET", "http://a.test/").crossOrigin, true);
  assertEquals(step(302, "GET", "https://a.test:8443/").crossOrigin, true);
  assertEquals(step(302, "GET", "https://sub.a.test/").crossOrigin, true);
});

Deno.test("redirectStep refuses what is not http", () => {
  for (
    const location of [
      "ftp://a.test/",
      "file:///etc/passwd",
      "data:,x",
      "http://",
    ]
  ) {
    const error = assertThrows(() => step(302, "GET", location), ConnError);
    assertEquals(error.code, "redirect_invalid");
    assertEquals(error.side, "remote");
  }
});

Deno.test("fieldsLeftBehind keeps everything within the origin if the body stays", () => {
  assertEquals(fieldsLeftBehind(step(307, "POST", "/x")), []);
});

Deno.test("fieldsLeftBehind drops the body's fields with the body", () => {
  const names = fieldsLeftBehind(step(303, "POST", "/x"));
  for (
    const name of [
      "content-type",
      "content-length",
      "transfer-encoding",
      "expect",
    ]
  ) {
    assertEquals(names.includes(name), true, name);
  }
  assertEquals(names.includes("authorization"), false);
});

Deno.test("fieldsLeftBehind never lets credentials reach another origin", () => {
  const names = fieldsLeftBehind(step(308, "GET", "http://b.test/x"));
  assertEquals(names, [
    "authorization",
    "cookie",
    "proxy-authorization",
    "host",
  ]);
});

Deno.test("RedirectTrail stops at the maximum", () => {
  const trail = new RedirectTrail({ method: "GET", url: "http://a.test/0" }, 2);
  trail.add({ method: "GET", url: "http://a.test/1" });
  trail.add({ method: "GET", url: "http://a.test/2" });
  const error = assertThrows(
    () => trail.add({ method: "GET", url: "http://a.test/3" }),
    ConnError,
    "at most 2 redirects",
  );
  assertEquals(error.code, "too_many_redirects");
  assertEquals(trail.urls, ["http://a.test/0", "http://a.test/1"]);
});

Deno.test("RedirectTrail finds a loop whatever the fragment", () => {
  const trail = new RedirectTrail(
    { method: "GET", url: "http://a.test/#x" },
    20,
  );
  const error = assertThrows(
    () => trail.add({ method: "GET", url: "http://a.test/#y" }),
    ConnError,
  );
  assertEquals(error.code, "redirect_loop");
});

Deno.test("RedirectTrail lets a changed method come back to its URL", () => {
  const trail = new RedirectTrail(
    { method: "POST", url: "http://a.test/form" },
    20,
  );
  trail.add({ method: "GET", url: "http://a.test/form" });
  assertEquals(trail.urls.length, 1);
});

Deno.test("redirectStep keeps a WebSocket request one, whatever the location's scheme", () => {
  const table: [from: string, location: string, url: string, cross: boolean][] =
    [
      ["ws://a.test/1", "/2", "ws://a.test/2", false],
      ["ws://a.test/1", "http://a.test/2", "ws://a.test/2", false],
      ["ws://a.test/1", "ws://a.test:80/2", "ws://a.test/2", false],
      ["ws://a.test/1", "https://a.test/2", "wss://a.test/2", true],
      ["ws://a.test/1", "wss://b.test/2", "wss://b.test/2", true],
      ["wss://a.test/1", "https://a.test:443/2", "wss://a.test/2", false],
    ];
  for (const [from, location, url, crossOrigin] of table) {
    const next = redirectStep({ method: "GET", url: from }, {
      status: 302,
      location,
    });
    assertEquals([next.url, next.crossOrigin], [url, crossOrigin], location);
  }
});

Deno.test("redirectStep leads no WebSocket request out of TLS, and no other to ws", () => {
  const table: [from: string, location: string, code: string][] = [
    ["wss://a.test/", "ws://a.test/2", "redirect_insecure"],
    ["wss://a.test/", "http://a.test/2", "redirect_insecure"],
    ["ws://a.test/", "ftp://a.test/", "redirect_invalid"],
    ["http://a.test/", "ws://a.test/", "redirect_invalid"],
    ["https://a.test/", "wss://a.test/", "redirect_invalid"],
  ];
  for (const [url, location, code] of table) {
    const error = assertThrows(
      () => redirectStep({ method: "GET", url }, { status: 302, location }),
      ConnError,
    );
    assertEquals(error.code, code, `${url} ${location}`);
  }
});
