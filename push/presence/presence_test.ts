import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TestClock } from "../../conn/clock.ts";
import { TestBus, type TestHub } from "./_bus_test_util.ts";
import { Presence } from "./presence.ts";

/** Two hubs that know each other. */
async function pair(): Promise<{ bus: TestBus; a: TestHub; b: TestHub }> {
  const bus = new TestBus();
  const [a, b] = [bus.hub("a"), bus.hub("b")];
  a.presence.start();
  b.presence.start();
  // Until no answer is owed any more.
  await bus.clock.advance(1_000);
  return { bus, a, b };
}

Deno.test("a hub reports its own members without the others", async () => {
  const bus = new TestBus();
  const a = bus.hub("a");
  a.presence.join("room", { client: "1", user: "ann" });
  a.presence.join("room", { client: "2" });
  a.presence.join("other", { client: "1", user: "ann" });
  assertEquals(a.members("room"), ["1 ann", "2 undefined"]);
  assertEquals([a.reports, bus.sent], [0, []]);
  await bus.clock.advance(0);
  assertEquals(a.reports, 2);
  assertEquals(a.seen("room"), ["1 ann", "2 undefined"]);
  assertEquals(a.seen("other"), ["1 ann"]);
  a.presence.leave("room", "1");
  a.presence.leave("room", "3");
  a.presence.leave("nowhere", "1");
  await bus.clock.advance(0);
  assertEquals([a.seen("room"), a.reports], [["2 undefined"], 3]);
  assertEquals(bus.clock.pending, 0);
});

Deno.test("who comes and goes again in a turn has not come", async () => {
  const { bus, a, b } = await pair();
  bus.sent.length = 0;
  a.presence.join("room", { client: "1" });
  a.presence.leave("room", "1");
  await bus.clock.advance(0);
  assertEquals([a.reports, b.reports, bus.sent], [0, 0, []]);
  a.presence.join("room", { client: "1" });
  await bus.clock.advance(0);
  a.presence.leave("room", "1");
  a.presence.join("room", { client: "1" });
  a.presence.join("room", { client: "1" });
  await bus.clock.advance(0);
  assertEquals([a.reports, b.reports, bus.sent.length], [1, 1, 1]);
  bus.end();
});

Deno.test("a member that becomes another user has left and joined", async () => {
  const { bus, a, b } = await pair();
  a.presence.join("room", { client: "1", user: "ann" });
  await bus.clock.advance(0);
  a.presence.join("room", { client: "1", user: "bob" });
  await bus.clock.advance(0);
  assertEquals([a.seen("room"), b.seen("room")], [["1 bob"], ["1 bob"]]);
  assertEquals(b.members("room"), ["1 bob"]);
  bus.end();
});

Deno.test("hubs know each other's members, those from before the start too", async () => {
  const bus = new TestBus();
  const [a, b] = [bus.hub("a"), bus.hub("b")];
  a.presence.join("room", { client: "1" });
  a.presence.start();
  await bus.clock.advance(10_000);
  b.presence.join("room", { client: "2" });
  b.presence.start();
  await bus.clock.advance(0);
  for (const hub of [a, b]) {
    assertEquals(hub.members("room"), ["1 undefined", "2 undefined"]);
    assertEquals(hub.seen("room"), ["1 undefined", "2 undefined"]);
  }
  bus.end();
});

Deno.test("what comes in one turn is told in one message, and in bounded ones", async () => {
  const { bus, a, b } = await pair();
  bus.sent.length = 0;
  const topic = "t".repeat(256);
  for (let i = 0; i < 1000; i++) a.presence.join(topic, { client: `${i}` });
  await bus.clock.advance(0);
  assert(bus.sent.length > 10 && bus.sent.length < 30);
  assert(bus.sent.every((text) => text.length < 20_000));
  assertEquals([a.reports, b.members(topic).length], [1, 1000]);
  bus.sent.length = 0;
  const c = bus.hub("c");
  c.presence.start();
  await bus.clock.advance(1_000);
  const states = bus.take("state").filter(({ hub }) => hub === "a");
  assertEquals(states.length, states[0]!.parts);
  assertEquals([c.members(topic).length, c.reports], [1000, 1]);
  bus.end();
});

Deno.test("a user that is longer than a message is told all the same", async () => {
  const { bus, a, b } = await pair();
  const user = "x".repeat(100_000);
  a.presence.join("room", { client: "1", user });
  a.presence.join("room", { client: "2" });
  await bus.clock.advance(0);
  assertEquals(b.members("room"), [`1 ${user}`, "2 undefined"]);
  bus.end();
});

Deno.test("a hub that has missed changes asks at the next ones", async () => {
  const { bus, a, b } = await pair();
  bus.fate = () => ({ isLost: true, delay: 0 });
  a.presence.join("room", { client: "1" });
  await bus.clock.advance(0);
  bus.fate = () => ({ isLost: false, delay: 0 });
  await bus.clock.advance(1_000);
  assertEquals(b.members("room"), []);
  a.presence.join("room", { client: "2" });
  await bus.clock.advance(0);
  assertEquals(b.members("room"), ["1 undefined", "2 undefined"]);
  bus.end();
});

Deno.test("a hub that has missed the last change asks at the next beat", async () => {
  const { bus, a, b } = await pair();
  a.presence.join("room", { client: "1" });
  await bus.clock.advance(0);
  bus.fate = () => ({ isLost: true, delay: 0 });
  a.presence.leave("room", "1");
  await bus.clock.advance(0);
  bus.fate = () => ({ isLost: false, delay: 0 });
  assertEquals(b.members("room"), ["1 undefined"]);
  await bus.clock.advance(5_000);
  assertEquals(b.members("room"), []);
  bus.end();
});

Deno.test("hubs in agreement say no more than their beat", async () => {
  const { bus, a } = await pair();
  a.presence.join("room", { client: "1" });
  await bus.clock.advance(1_000);
  bus.sent.length = 0;
  await bus.clock.advance(50_000);
  assertEquals(bus.sent.length, 20);
  assertEquals(bus.take("beat").length, 20);
  bus.end();
});

Deno.test("many hubs that ask at once get one answer", async () => {
  const bus = new TestBus();
  const hubs = Array.from({ length: 20 }, (_, i) => bus.hub(`hub ${i}`));
  hubs[0]!.presence.join("room", { client: "1" });
  hubs[0]!.presence.start();
  await bus.clock.advance(5_000);
  bus.sent.length = 0;
  for (const { presence } of hubs) presence.start();
  await bus.clock.advance(0);
  for (const hub of hubs) assertEquals(hub.members("room"), ["1 undefined"]);
  await bus.clock.advance(4_000);
  const states = bus.take("state").filter(({ hub }) => hub === "hub 0");
  assert(states.length <= 2, `${states.length} states`);
  bus.end();
});

Deno.test("a hub that ends takes its members with it, at once", async () => {
  const { bus, a, b } = await pair();
  a.presence.join("room", { client: "1" });
  b.presence.join("room", { client: "2" });
  await bus.clock.advance(0);
  const late = bus.sent.slice();
  a.presence.stop();
  await bus.clock.advance(0);
  assertEquals(b.members("room"), ["2 undefined"]);
  assertEquals(b.seen("room"), ["2 undefined"]);
  assertEquals(a.members("room"), ["1 undefined"]);
  assertEquals(a.seen("room"), ["1 undefined"]);
  // What it has said before may come late.
  for (const message of late) b.presence.receive(message);
  await bus.clock.advance(1_000);
  assertEquals(b.members("room"), ["2 undefined"]);
  bus.end();
  await bus.clock.advance(0);
  assertEquals(bus.clock.pending, 0);
});

Deno.test("a hub that has ended says nothing and hears nothing", async () => {
  const { bus, a, b } = await pair();
  a.presence.stop();
  await bus.clock.advance(0);
  bus.sent.length = 0;
  b.presence.join("room", { client: "2" });
  a.presence.join("room", { client: "1" });
  a.presence.start();
  a.presence.stop();
  await bus.clock.advance(0);
  assertEquals(a.members("room"), ["1 undefined"]);
  assertEquals(bus.take("joined").map(({ hub }) => hub), ["b"]);
  bus.end();
});

Deno.test("a hub that dies is gone after three intervals of silence", async () => {
  const bus = new TestBus();
  const [a, b] = [bus.hub("a", 100), bus.hub("b", 100)];
  a.presence.start();
  await bus.clock.advance(70);
  b.presence.start();
  await bus.clock.advance(0);
  b.presence.join("room", { client: "1" });
  await bus.clock.advance(10);
  // Heard last at 70.
  bus.kill(b);
  await bus.clock.advance(289);
  assertEquals(a.members("room"), ["1 undefined"]);
  await bus.clock.advance(1);
  assertEquals(a.members("room"), []);
  assertEquals(a.seen("room"), []);
  bus.end();
});

Deno.test("a hub that was out of reach comes back with its members", async () => {
  const { bus, a, b } = await pair();
  b.presence.join("room", { client: "1" });
  await bus.clock.advance(0);
  bus.fate = () => ({ isLost: true, delay: 0 });
  await bus.clock.advance(16_000);
  assertEquals([a.members("room"), a.seen("room")], [[], []]);
  b.presence.join("room", { client: "2" });
  bus.fate = () => ({ isLost: false, delay: 0 });
  await bus.clock.advance(5_000);
  assertEquals(a.members("room"), ["1 undefined", "2 undefined"]);
  assertEquals(a.seen("room"), ["1 undefined", "2 undefined"]);
  bus.end();
});

Deno.test("a hub that stood still does not take the others for gone", async () => {
  const bus = new TestBus();
  // Its clock jumps, as no timer can fire while the process stands still.
  let stood = 0;
  const inner = new TestClock();
  const a = new Presence({
    hub: "a",
    signal: () => {},
    changed: () => {},
    clock: {
      now: () => inner.now() + stood,
      setTimeout: (callback, delay) => inner.setTimeout(callback, delay),
      clearTimeout: (timer) => inner.clearTimeout(timer),
    },
  });
  a.start();
  const b = bus.hub("b");
  b.presence.join("room", { client: "1" });
  b.presence.start();
  await bus.clock.advance(0);
  for (const message of bus.sent) a.receive(message);
  assertEquals(a.count("room"), 1);
  stood = 3_600_000;
  await inner.advance(5_000);
  assertEquals(a.count("room"), 1);
  await inner.advance(15_000);
  assertEquals(a.count("room"), 0);
  a.stop();
  bus.end();
});

Deno.test("rubbish is ignored", async () => {
  const { bus, a, b } = await pair();
  b.presence.join("room", { client: "1" });
  await bus.clock.advance(0);
  bus.sent.length = 0;
  const messages = ["", "{", "null", "1", '"gone"', "[]", "{}"];
  const fields: [string, unknown][] = [
    ["type", { toString: 1 }],
    ["type", "constructor"],
    ["type", "__proto__"],
    ["hub", 1],
    ["hub", null],
    ["number", -1],
    ["number", 1.5],
    ["number", "1"],
    ["members", undefined],
    ["members", {}],
    ["members", [["room"]]],
    ["members", [["room", "1", "2", "3"]]],
    ["members", [["room", 1]]],
    ["members", ["ab"]],
    ["members", [{ length: 2 }]],
    ["part", 1],
    ["part", -1],
    ["parts", 0],
    ["state", "a"],
  ];
  const state = {
    type: "state",
    hub: "c",
    number: 1,
    state: 1,
    part: 0,
    parts: 1,
    members: [["room", "x"]],
  };
  for (const [name, value] of fields) {
    messages.push(JSON.stringify({ ...state, [name]: value }));
  }
  messages.push('{"type":"joined","hub":"c","number":1}');
  messages.push('{"type":"beat","hub":"c"}', '{"type":"ask","hub":"c","of":1}');
  messages.push("[".repeat(100_000));
  for (const message of messages) a.presence.receive(message);
  await bus.clock.advance(0);
  assertEquals([a.members("room"), bus.sent], [["1 undefined"], []]);
  a.presence.receive(JSON.stringify(state));
  assertEquals(a.members("room"), ["1 undefined", "x undefined"]);
  bus.end();
});

Deno.test("a hub ignores what it has said itself", async () => {
  const { bus, a } = await pair();
  a.presence.join("room", { client: "1" });
  await bus.clock.advance(0);
  a.presence.stop();
  for (const message of bus.sent.splice(0)) a.presence.receive(message);
  assertEquals(a.members("room"), ["1 undefined"]);
  const c = bus.hub("c");
  c.presence.start();
  c.presence.join("room", { client: "2" });
  await bus.clock.advance(0);
  for (const message of bus.sent.slice()) {
    if (message.includes('"c"')) c.presence.receive(message);
  }
  assertEquals(c.members("room"), ["2 undefined"]);
  bus.end();
});

const hubIndex = fc.nat(3);
const topic = fc.constantFrom("x", "y");
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("join", "leave"),
      hub: hubIndex,
      topic,
      client: fc.nat(3),
      // Two long ones do not go into one message.
      user: fc.constantFrom(undefined, "ann", "bob", "x".repeat(9_000)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      time: fc.constantFrom(0, 0, 10, 500, 5_000, 20_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("stop", "kill", "start"),
      hub: hubIndex,
    }),
  },
);
const fate = fc.record({
  isLost: fc.boolean(),
  delay: fc.constantFrom(0, 1, 20, 3_000),
});

Deno.test("hubs agree once the bus is good again, whatever it has done", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.array(fate, { minLength: 1, maxLength: 50 }),
      async (steps, fates) => {
        const bus = new TestBus();
        let sent = 0;
        bus.fate = () => fates[sent++ % fates.length]!;
        const expected = new Map<TestHub, Map<string, string>>();
        let hubs = Array.from({ length: 3 }, (_, i) => add(`hub ${i}`));
        for (const [i, step] of steps.entries()) {
          if (step.do === "wait") await bus.clock.advance(step.time);
          else if (step.do === "start") hubs.push(add(`late hub ${i}`));
          else {
            const hub = hubs[step.hub];
            if (hub === undefined) continue;
            if (step.do === "join" || step.do === "leave") act(hub, step);
            else {
              if (step.do === "stop") hub.presence.stop();
              else bus.kill(hub);
              hubs = hubs.filter((other) => other !== hub);
            }
          }
        }
        bus.fate = () => ({ isLost: false, delay: 0 });
        // What is on its way arrives, then the dead are gone, and one more beat.
        await bus.clock.advance(3_000 + 15_000 + 5_000);
        check();
        bus.end();
        await bus.clock.advance(0);

        function add(id: string): TestHub {
          const hub = bus.hub(id);
          hub.presence.start();
          expected.set(hub, new Map());
          return hub;
        }

        function act(
          hub: TestHub,
          { do: what, topic, client: n, user }: {
            do: "join" | "leave";
            topic: string;
            client: number;
            user: string | undefined;
          },
        ): void {
          const client = `${hub.id}-${n}`;
          const key = `${topic} ${client}`;
          if (what === "leave") {
            hub.presence.leave(topic, client);
            expected.get(hub)!.delete(key);
          } else {
            hub.presence.join(
              topic,
              user === undefined ? { client } : { client, user },
            );
            expected.get(hub)!.set(key, `${client} ${user}`);
          }
        }

        function check(): void {
          for (const topic of ["x", "y"]) {
            const union = hubs.flatMap((hub) =>
              [...expected.get(hub)!].flatMap(([key, text]) =>
                key.startsWith(`${topic} `) ? [text] : []
              )
            ).sort();
            for (const hub of hubs) {
              assertEquals(hub.members(topic), union);
              assertEquals(hub.seen(topic), union);
            }
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
