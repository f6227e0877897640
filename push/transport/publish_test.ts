import { assertEquals } from "@std/assert";
import { type Engine, memoryEngine } from "../mod.ts";
import { ConnError } from "../../conn/error.ts";
import { Site } from "./site_test_util.ts";

const handler = { publishToken: "sesame" };
const authorization = "Bearer sesame";

Deno.test("POST publishes JSON, once for each key", async () => {
  await using site = await Site.open({ handler });
  const post = async (path: string, headers: Record<string, string> = {}) => {
    const response = await site.fetch(path, {
      method: "POST",
      headers: { authorization, ...headers },
      body: ' {"n": 1} ',
    });
    return [response.status, await response.json()];
  };
  const { epoch } = site.hub;
  const first = { cursor: `${epoch}.1`, duplicate: false };
  const again = { cursor: `${epoch}.1`, duplicate: true };
  assertEquals(await post("/publish?topic=t&key=k"), [200, first]);
  assertEquals(await post("/publish?topic=t&key=k"), [200, again]);
  assertEquals(await post("/publish?topic=t", { "idempotency-key": "k" }), [
    200,
    again,
  ]);
  assertEquals(await post("/publish"), [
    200,
    { cursor: `${epoch}.2`, duplicate: false },
  ]);
  assertEquals(site.hub.newest("t")?.value, { n: 1 });
  assertEquals([...site.hub.topics()], ["t", "default"]);
});

Deno.test("POST is refused with what is wrong", async () => {
  await using site = await Site.open({
    handler,
    limits: { message: 100, topics: 1 },
  });
  await site.hub.publish("t", 0);
  const status = async (
    path: string,
    body: BodyInit = "1",
    headers: Record<string, string> = { authorization },
    method = "POST",
  ) => {
    const init = method === "GET"
      ? { method, headers }
      : { method, headers, body };
    const response = await site.fetch(path, init);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await status("/publish?topic=t", "1", {}), 401);
  assertEquals(
    await status("/publish?topic=t", "1", { authorization: "Bearer x" }),
    401,
  );
  assertEquals(
    await status("/publish?topic=t", "1", { authorization: "Basic sesame" }),
    401,
  );
  assertEquals(await status("/publish?topic=t", "", undefined, "GET"), 405);
  assertEquals(await status("/publish?topic=t/%23"), 400);
  assertEquals(await status("/publish?topic=t", "{"), 400);
  assertEquals(await status("/publish?topic=t", ""), 400);
  assertEquals(
    await status("/publish?topic=t", Uint8Array.of(0x22, 0xff, 0x22)),
    400,
  );
  assertEquals(await status("/publish?topic=t&key="), 400);
  assertEquals(await status("/publish?topic=t", `"${"x".repeat(200)}"`), 413);
  assertEquals(await status("/publish?topic=other"), 507);
  assertEquals(await status("/publish?topic=t", "1"), 200);
});

Deno.test("without a token there is no publishing by POST", async () => {
  await using site = await Site.open();
  const response = await site.fetch("/publish?topic=t", {
    method: "POST",
    headers: { authorization: "Bearer undefined" },
    body: "1",
  });
  assertEquals(response.status, 404);
  await response.text();
});

Deno.test("POST says when the engine is out of reach, and when to try again", async () => {
  const engine: Engine = memoryEngine();
  engine.publish = () =>
    Promise.reject(
      new ConnError("Out of reach", {
        code: "engine_unavailable",
        side: "local",
        reply: 503,
      }),
    );
  await using site = await Site.open({ handler, engine });
  const response = await site.fetch("/publish?topic=t", {
    method: "POST",
    headers: { authorization },
    body: "1",
  });
  assertEquals(response.status, 503);
  assertEquals(response.headers.get("retry-after"), "1");
  await response.text();
});
