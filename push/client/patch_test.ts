import { assertEquals } from "@std/assert";
import { Bench, takeValues, value } from "./_client_test_util.ts";

Deno.test("patches apply to the value of their own subscription and topic", async () => {
  await using bench = new Bench();
  const wide = bench.client.subscribe("+", { mode: "every", delta: true });
  const narrow = bench.client.subscribe("a", { mode: "every", delta: true });
  const hosted = await bench.accept();
  const patch = (topic: string, filter: string, offset: number, x: unknown) =>
    ({
      type: "patch",
      topic,
      ...(filter !== topic && { filter }),
      cursor: `e.${offset}`,
      patch: x,
    }) as const;
  const object = (topic: string, filter: string, offset: number, x: unknown) =>
    ({ ...patch(topic, filter, offset, x), type: "value", value: x }) as const;
  await hosted.say(
    object("a", "+", 1, { n: 1, o: { p: 1 } }),
    object("b", "+", 2, { n: 2 }),
    object("a", "a", 1, { n: 9 }),
    patch("a", "+", 3, { n: null, o: { q: 2 } }),
    patch("b", "+", 4, { m: 1 }),
    patch("a", "a", 3, { m: 1 }),
  );
  await hosted.cut();
  await bench.pass(500);
  const next = await bench.accept();
  assertEquals(next.commands(), [
    {
      type: "subscribe",
      filter: "+",
      mode: "every",
      since: "e.4",
      delta: true,
    },
    {
      type: "subscribe",
      filter: "a",
      mode: "every",
      since: "e.3",
      delta: true,
    },
  ]);
  await next.say(patch("b", "+", 5, { n: 3 }), patch("a", "a", 6, [1]));
  assertEquals(await takeValues(wide, 5), [
    'a {"n":1,"o":{"p":1}}',
    'b {"n":2}',
    'a {"o":{"p":1,"q":2}}',
    'b {"n":2,"m":1}',
    'b {"n":3,"m":1}',
  ]);
  assertEquals(await takeValues(narrow, 3), [
    'a {"n":9}',
    'a {"n":9,"m":1}',
    "a [1]",
  ]);
});

Deno.test("a patch for a value that is not there is asked for as a value", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("+", {
    mode: "every",
    delta: true,
  });
  const hosted = await bench.accept();
  assertEquals(hosted.brief(), ["subscribe +"]);
  await hosted.serve("+", 1);
  await hosted.say(
    { type: "patch", topic: "b", filter: "+", cursor: "e.2", patch: {} },
    value("t", 3, "+"),
  );
  assertEquals(hosted.brief(), ["unsubscribe +"]);
  await hosted.say(value("t", 4, "+"), { type: "unsubscribed", filter: "+" });
  assertEquals(hosted.commands(), [
    { type: "subscribe", filter: "+", mode: "every", since: "e.1" },
  ]);
  await hosted.say(value("b", 2, "+"), value("t", 4, "+"));
  assertEquals(await takeValues(subscription, 2), ["t 1", "b 2"]);
});

Deno.test("delta is not asked for with a cursor of before", async () => {
  await using bench = new Bench();
  bench.client.subscribe("a", { delta: true, since: "e.3" });
  bench.client.subscribe("b", { delta: true, since: "oldest" });
  const hosted = await bench.accept();
  assertEquals(hosted.commands(), [
    { type: "subscribe", filter: "a", since: "e.3" },
    { type: "subscribe", filter: "b", since: "oldest", delta: true },
  ]);
});
