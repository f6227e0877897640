import { assertEquals } from "@std/assert";
import { isHostName, parseEndpoint } from "./endpoint.ts";
import type { Endpoint } from "./settings.ts";

const tcp = (hostname: string, port: number, tls = false) => ({
  hostname,
  port,
  tls,
});

const ADDRESSES: Record<string, Endpoint | undefined> = {
  "127.0.0.1:8910": tcp("127.0.0.1", 8910),
  "backend_1.local:80": tcp("backend_1.local", 80),
  "http://app:8080": tcp("app", 8080),
  "HTTP://app:8080": tcp("app", 8080),
  "https://app.example.com:443": tcp("app.example.com", 443, true),
  "[::1]:80": tcp("::1", 80),
  "https://[2001:db8::1]:8443": tcp("2001:db8::1", 8443, true),
  "unix:/run/app.sock": { path: "/run/app.sock" },
  "a:1": tcp("a", 1),
  "a:65535": tcp("a", 65535),
  "a:0": undefined,
  "a:65536": undefined,
  "a:": undefined,
  "a": undefined,
  "": undefined,
  ":80": undefined,
  "::1:80": undefined,
  "[::1]": undefined,
  "[::g]:80": undefined,
  "[127.0.0.1]:80": undefined,
  "-a:80": undefined,
  "a..b:80": undefined,
  "a b:80": undefined,
  "http://a:80/": undefined,
  "http://a:80/path": undefined,
  "http://user@a:80": undefined,
  "ftp://a:21": undefined,
  "unix:relative.sock": undefined,
  "unix:/a\0b": undefined,
};

for (const [address, endpoint] of Object.entries(ADDRESSES)) {
  const what = endpoint === undefined ? "refuses" : "reads";
  Deno.test(`parseEndpoint ${what} ${JSON.stringify(address)}`, () => {
    assertEquals(parseEndpoint(address), endpoint);
  });
}

Deno.test("a host name has no label over 63 and no more than 253 characters", () => {
  const label = "a".repeat(63);
  assertEquals(isHostName(label), true);
  assertEquals(isHostName(`${label}a`), false);
  assertEquals(
    isHostName(`${label}.${label}.${label}.${"a".repeat(61)}`),
    true,
  );
  assertEquals(
    isHostName(`${label}.${label}.${label}.${"a".repeat(62)}`),
    false,
  );
});
