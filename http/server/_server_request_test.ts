import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { attach } from "../../conn/loop.ts";
import { memoryPair } from "../../conn/pair.ts";
import { makeRequest } from "./_server_request.ts";
import { Fields, type FieldsInit } from "../codec/fields.ts";
import { HttpMachine } from "../machine/machine.ts";
import type { RequestHead } from "../codec/message.ts";

const [here] = memoryPair();
const conn = attach(here, new HttpMachine("server"), () => {});

function head(
  method: string,
  target: string,
  fields: FieldsInit = { host: "example.com" },
): RequestHead {
  return {
    method,
    target,
    version: "1.1",
    fields: new Fields(fields),
    contentLength: 0,
    keepAlive: true,
    expectContinue: false,
    upgrade: undefined,
  };
}

function stream(text: string): ReadableStream<Uint8Array> {
  return ReadableStream.from([new TextEncoder().encode(text)]);
}

Deno.test("A served request is a Request", async () => {
  const request = makeRequest(
    head("POST", "/a/../b?c#", { host: "example.com:81", "x-one": "1" }),
    conn,
    stream('{"a":1}'),
  );
  assert(request instanceof Request);
  assertEquals(request.method, "POST");
  assertEquals(request.url, "http://example.com:81/b?c#");
  assertEquals(request.headers.get("X-One"), "1");
  assertEquals(request.redirect, "follow");
  assertEquals(request.bodyUsed, false);
  assertEquals(await request.json(), { a: 1 });
  assertEquals(request.bodyUsed, true);
  assert(Deno.inspect(request).startsWith("Request {"));
});

Deno.test("A served request keeps what was done to its headers", () => {
  const request = makeRequest(head("GET", "/"), conn, undefined);
  request.headers.set("x-two", "2");
  assertEquals(request.headers.get("x-two"), "2");
  assertEquals(new Request(request).headers.get("x-two"), "2");
  request.headers.delete("x-two");
  request.headers.append("set-cookie", "a=1");
  request.headers.append("set-cookie", "b=2");
  for (const copy of [new Request(request), request.clone()]) {
    assertEquals([...copy.headers], [
      ["host", "example.com"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
  }
});

Deno.test("A served request can be cloned, copied and fetched", async () => {
  const make = () =>
    makeRequest(
      head("PUT", "/x", { host: "a", "content-type": "text/x" }),
      conn,
      stream("body"),
    );
  const first = make();
  const clone = first.clone();
  assertEquals(await clone.text(), "body");
  assertEquals(await first.text(), "body");
  const copy = new Request(make(), { headers: { "x-new": "1" } });
  assertEquals([copy.method, copy.url], ["PUT", "http://a/x"]);
  assertEquals(await copy.text(), "body");
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) =>
      new Response(`${request.method} ${await request.text()}`),
  );
  const host = `127.0.0.1:${server.addr.port}`;
  const sent = makeRequest(head("POST", "/", { host }), conn, stream("sent"));
  assertEquals(await (await fetch(sent)).text(), "POST sent");
});

Deno.test("A served request has the form that it was sent", async () => {
  const request = makeRequest(
    head("POST", "/", {
      host: "a",
      "content-type": "application/x-www-form-urlencoded",
    }),
    conn,
    stream("a=1&b=2"),
  );
  assertEquals((await request.formData()).get("b"), "2");
});

Deno.test("A served request may have a method that Request refuses", () => {
  const request = makeRequest(head("CONNECT", "a:1"), conn, undefined);
  assertEquals([request.method, request.url], ["CONNECT", "http://a:1/"]);
  assertEquals(
    makeRequest(head("TRACE", "/"), conn, undefined).method,
    "TRACE",
  );
});

Deno.test("A served request without Host has the address in its URL", () => {
  assertEquals(
    makeRequest(head("GET", "/", {}), conn, undefined).url,
    "http://127.0.0.1:1/",
  );
});

Deno.test("A served request that has no URL is refused with 400", () => {
  for (const host of ["a b", "a:99999", "[::1", "999.1.1.1"]) {
    const error = assertThrows(
      () => makeRequest(head("GET", "/", { host }), conn, undefined),
      ConnError,
    );
    assertEquals([error.code, error.reply], ["bad_target", 400]);
  }
});

Deno.test("A served request's signal is its own, and aborts with the connection", async () => {
  const [here] = memoryPair();
  const conn = attach(here, new HttpMachine("server"), () => {});
  const request = makeRequest(head("GET", "/"), conn, undefined);
  assert(request.signal !== conn.signal);
  assert(!request.signal.aborted);
  conn.abort();
  assert(request.signal.aborted);
  assert(new Request(request).signal.aborted);
  await conn.closed;
});
