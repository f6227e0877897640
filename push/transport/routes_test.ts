import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { serve } from "../../http/server/serve.ts";
import { openHub } from "../hub.ts";
import { Site } from "./site_test_util.ts";

const origin = "https://page.test";
const handler = { origins: [origin], publishToken: "sesame" };

Deno.test("paths are as they are set, and the fallback has the rest", async () => {
  await using site = await Site.open({
    handler: {
      path: "/live",
      publishPath: "/in",
      scriptPath: "/live.js",
      publishToken: "x",
      fallback: (request) => new Response(new URL(request.url).pathname),
    },
  });
  await site.hub.publish("default", 1);
  assertEquals((await site.get("/live?x"))[1], "1\n");
  assertEquals((await site.get("/in"))[0], 405);
  assertEquals((await site.get("/live.js"))[0], 200);
  for (const path of ["/push", "/live/", "/publish", "/push.js", "/"]) {
    assertEquals((await site.get(path))[1], path);
  }
  await using plain = await Site.open();
  assertEquals((await plain.get("/live"))[0], 404);
});

Deno.test("a path or an origin that makes no sense is refused at once", async () => {
  await using hub = await openHub();
  for (const path of ["push", "/a?b", "/a b", ""]) {
    assertThrows(() => hub.handler({ path }), RangeError);
    assertThrows(() => hub.handler({ publishPath: path }), RangeError);
  }
  assertThrows(() => hub.handler({ origins: ["page.test/x"] }), RangeError);
});

Deno.test("another method is not allowed", async () => {
  await using site = await Site.open();
  const response = await site.fetch("/push", { method: "POST", body: "1" });
  assertEquals(response.status, 405);
  assertEquals(response.headers.get("allow"), "GET, HEAD");
  await response.text();
});

Deno.test("the module for browsers is cached by its tag", async () => {
  await using site = await Site.open({ handler });
  const response = await site.fetch("/push.js", { headers: { origin } });
  assertEquals(response.status, 200);
  const type = response.headers.get("content-type");
  assert(type?.startsWith("text/javascript"));
  assert((await response.text()).includes("export"));
  const vary = response.headers.get("vary")?.toLowerCase();
  assert(vary?.includes("accept-encoding") && vary.includes("origin"), vary);
  const tag = response.headers.get("etag")!;
  assertEquals((await site.get("/push.js", { "if-none-match": tag }))[0], 304);
  const line = await site.raw(
    "GET /push.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  assert(!/content-encoding/i.test(await line.read()));
});

Deno.test("pages of other origins read what they may", async () => {
  await using site = await Site.open({ handler });
  await site.hub.publish("t", 1);
  const allowed = "access-control-allow-origin";
  for (const path of ["/push?topic=t", "/push.js"]) {
    const response = await site.fetch(path, { headers: { origin } });
    assertEquals(response.headers.get(allowed), origin);
    await response.text();
    const other = await site.fetch(path, {
      headers: { origin: "https://other.test" },
    });
    assertEquals(other.headers.get(allowed), null);
    assert(other.headers.get("vary")?.includes("Origin"));
    await other.text();
  }
  const stream = await site.stream("/push?topic=t", { origin });
  assertEquals(stream.response.headers.get(allowed), origin);
  const refused = await site.fetch("/push?topic=a//b", { headers: { origin } });
  assertEquals([refused.status, refused.headers.get(allowed)], [400, origin]);
  await refused.text();
});

Deno.test("a preflight says what a page may send", async () => {
  await using site = await Site.open({ handler });
  for (const path of ["/push", "/publish"]) {
    const response = await site.fetch(path, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
    assertEquals(response.status, 204);
    const { headers } = response;
    assertEquals(headers.get("access-control-allow-origin"), origin);
    assert(headers.get("access-control-allow-methods")?.includes("POST"));
    const fields = headers.get("access-control-allow-headers") ?? "";
    assert(
      fields.includes("Authorization") && fields.includes("If-None-Match"),
    );
  }
});

Deno.test("a WebSocket from a page of another origin is refused", async () => {
  await using site = await Site.open({ handler });
  await assertRejects(
    () => site.client("/push", { fields: { Origin: "https://other.test" } }),
    Error,
    "403",
  );
  await site.client("/push", { fields: { Origin: origin } });
  await site.client("/push");
});

Deno.test("a response of onConnect that cannot be changed is sent with the fields", async () => {
  await using site = await Site.open({
    handler,
    onConnect: () => Response.redirect("https://login.test/", 303),
  });
  const response = await site.fetch("/push", {
    headers: { origin },
    redirect: "manual",
  });
  assertEquals(response.status, 303);
  assertEquals(response.headers.get("location"), "https://login.test/");
  assertEquals(response.headers.get("access-control-allow-origin"), origin);
  await response.body?.cancel();
});

Deno.test("messages are compressed for who offers it, if that is wanted", async () => {
  for (const deflate of [false, true]) {
    await using site = await Site.open({ handler: { deflate } });
    const client = await site.client();
    assertEquals(client.conn.deflate !== undefined, deflate);
    const text = "again and ".repeat(500);
    await site.hub.publish("t", text);
    client.send({ type: "subscribe", filter: "t" });
    const [, value] = await client.take(2);
    assert(value?.type === "value");
    assertEquals(value.value, text);
    client.send({ type: "subscribe", filter: "+", mode: "every" });
    await client.take(2);
    const texts = ["short", `${text}1`, `${text}2`];
    for (const text of texts) site.hub.publish("u", text);
    assertEquals(
      await client.brief(3),
      texts.map((text) => `value u ${JSON.stringify(text)}`),
    );
  }
});

Deno.test("a program that does its own routing lets clients in by connect", async () => {
  await using hub = await openHub();
  await hub.publish("mine", 1);
  await using server = serve(
    { hostname: "127.0.0.1", port: 0 },
    (request, info) => {
      if (new URL(request.url).pathname !== "/own") return new Response("own");
      return hub.connect(request, info);
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  const url = `http://127.0.0.1:${port}`;
  assertEquals(await (await fetch(`${url}/own?topic=mine`)).json(), 1);
  assertEquals(await (await fetch(`${url}/push`)).text(), "own");
});
