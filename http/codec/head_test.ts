import { assert, assertEquals } from "@std/assert";
import { latin1 } from "../machine/_test_driver.ts";
import { HeadScanner } from "./head.ts";
import { resolveOptions } from "./limits.ts";

const settings = resolveOptions("server");

Deno.test("HeadScanner decodes a head in one piece, at any offset", () => {
  const scan = new HeadScanner("request", settings);
  const head = "GET /\u0041 HTTP/1.1\r\nHost: a\r\nX: \xe4\r\n\r\n";
  const bytes = latin1("??" + head + "rest");
  const end = scan.scan(bytes, 2);
  assertEquals(end, 2 + head.length);
  assertEquals(scan.decode(bytes, 2, end), head);
});

/** A view that counts how many bytes are looked at one by one. */
function counting(
  bytes: Uint8Array,
): { bytes: Uint8Array; reads: () => number } {
  let reads = 0;
  const proxy = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) reads++;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { bytes: proxy, reads: () => reads };
}

Deno.test("HeadScanner looks at a long line that comes byte by byte only twice", () => {
  const head = latin1(`GET /${"a".repeat(2_000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const scan = new HeadScanner("request", settings);
  let reads = 0;
  let end = -1;
  for (let length = 1; length <= head.length; length++) {
    const view = counting(head.subarray(0, length));
    end = scan.scan(view.bytes, 0);
    reads += view.reads();
  }
  assertEquals(end, head.length);
  assert(reads < 4 * head.length, `${reads} reads of ${head.length} bytes`);
});

Deno.test("HeadScanner notes what decides the framing", () => {
  const scan = new HeadScanner("request", settings);
  scan.scan(
    latin1(
      "POST / HTTP/1.0\r\nHOST: a\r\nconnection: x\r\nContent-Length:\t 012 \r\n" +
        "Upgrade: y\r\nExpect: z\r\nXost: b\r\nXontent-Length: 9\r\n\r\n",
    ),
    0,
  );
  assertEquals(
    [scan.hosts, scan.connections, scan.contentLength, scan.count],
    [1, 1, 12, 7],
  );
  assertEquals([scan.upgrade, scan.expect, scan.start.old], [true, true, true]);
  scan.decode(latin1(""), 0, 0);
  scan.scan(latin1("GET / HTTP/1.1\r\n\r\n"), 0);
  assertEquals([scan.hosts, scan.contentLength, scan.count], [0, -1, 0]);
  assertEquals([scan.upgrade, scan.expect, scan.start.old], [
    false,
    false,
    false,
  ]);
});
