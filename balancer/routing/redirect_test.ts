import { assertEquals } from "@std/assert";
import { redirectLocation } from "./redirect.ts";

Deno.test("redirectLocation is the backend's URL, the port only if unusual", () => {
  const cases: [hostname: string, port: number, tls: boolean, url: string][] = [
    ["127.0.0.1", 8910, false, "http://127.0.0.1:8910/x?y"],
    ["a.example", 80, false, "http://a.example/x?y"],
    ["a.example", 443, false, "http://a.example:443/x?y"],
    ["a.example", 443, true, "https://a.example/x?y"],
    ["a.example", 80, true, "https://a.example:80/x?y"],
    ["::1", 8080, false, "http://[::1]:8080/x?y"],
    ["::1", 80, false, "http://[::1]/x?y"],
  ];
  for (const [hostname, port, tls, url] of cases) {
    assertEquals(redirectLocation({ hostname, port, tls }, "/x?y"), url);
  }
});

Deno.test("redirectLocation of OPTIONS * has no path", () => {
  const endpoint = { hostname: "a.example", port: 80, tls: false };
  assertEquals(redirectLocation(endpoint, "*"), "http://a.example");
});

Deno.test("redirectLocation knows no URL of a Unix socket", () => {
  assertEquals(redirectLocation({ path: "/run/a.sock" }, "/"), undefined);
});
