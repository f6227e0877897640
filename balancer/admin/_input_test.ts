import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import {
  readBackend,
  readDraining,
  readExplainQuery,
  readWeight,
} from "./_input.ts";

const request = (body: string) =>
  new Request("http://localhost/", { method: "POST", body });

Deno.test("readBackend reads an address, an id and a weight", async () => {
  const whole = { address: "10.0.0.1:80", id: "one", weight: 0.5 };
  assertEquals(await readBackend(request(JSON.stringify(whole))), whole);
  const least = { address: "unix:/run/a.sock" };
  assertEquals(await readBackend(request(JSON.stringify(least))), least);
});

Deno.test("readDraining and readWeight read their one value", async () => {
  assertEquals(await readDraining(request('{"draining": false}')), false);
  assertEquals(await readWeight(request('{"weight": 0}')), 0);
});

/** A reader, a body, and what is wrong with it. */
const BAD: [(request: Request) => Promise<unknown>, string, string][] = [
  [readBackend, "", "it is not JSON"],
  [readBackend, "{", "it is not JSON"],
  [readBackend, "null", "expected a JSON object"],
  [readBackend, "[]", "expected a JSON object"],
  [readBackend, '"a:1"', "expected a JSON object"],
  [readBackend, "{}", 'as "address"'],
  [readBackend, '{"address": 1}', 'as "address"'],
  [readBackend, '{"address": ""}', 'as "address"'],
  [readBackend, '{"address": "a:1", "id": null}', 'as "id"'],
  [readBackend, '{"address": "a:1", "weight": "1"}', 'as "weight"'],
  [readBackend, '{"address": "a:1", "wieght": 1}', '"wieght" is not known'],
  [readBackend, '{"address": "a:1", "__proto__": {}}', "is not known"],
  [readWeight, "{}", 'expected a number from 0 as "weight"'],
  [readWeight, '{"weight": -1}', 'as "weight"'],
  [readWeight, '{"weight": 1e999}', 'as "weight"'],
  [readWeight, '{"weight": true}', 'as "weight"'],
  [readDraining, "{}", 'expected true or false as "draining"'],
  [readDraining, '{"draining": "false"}', 'as "draining"'],
];

for (const [read, body, message] of BAD) {
  Deno.test(`${read.name} refuses ${body || "nothing"}`, async () => {
    const error = await assertRejects(
      () => read(request(body)),
      ConnError,
      message,
    );
    assertEquals(error.reply, 400);
  });
}

const query = (text: string) => readExplainQuery(new URLSearchParams(text));

Deno.test("readExplainQuery takes a URL apart, and leaves its target as it is", () => {
  assertEquals(query("url=http://example.com:81/a/../b?c=d%23e"), {
    host: "example.com:81",
    target: "/a/../b?c=d",
  });
  assertEquals(query("url=https://example.com"), {
    host: "example.com",
    target: "/",
  });
  assertEquals(query("url=HTTP://example.com?a=b"), {
    host: "example.com",
    target: "/?a=b",
  });
  assertEquals(query("url=/a&method=POST"), {
    host: "",
    target: "/a",
    method: "POST",
  });
  assertEquals(query("url=http://a/b&host=c"), { host: "c", target: "/b" });
});

Deno.test("readExplainQuery needs a URL or a path", () => {
  for (const text of ["", "url=", "host=a", "url=a/b", "url=ftp://a/"]) {
    const error = assertThrows(() => query(text), ConnError, "Cannot explain");
    assertEquals(error.reply, 400);
  }
});
