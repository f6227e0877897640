import { assertEquals } from "@std/assert";
import { Roster } from "./_roster.ts";

Deno.test("a roster says once what has changed in the end", () => {
  let touched = 0;
  const roster = new Roster(() => touched++);
  roster.join("a", { client: "1" });
  roster.join("b", { client: "1", user: "ann" });
  roster.join("b", { client: "2" });
  roster.leave("b", "2");
  assertEquals(touched, 1);
  assertEquals(roster.takeChanges(), {
    left: [],
    joined: [
      { topic: "a", member: { client: "1" } },
      { topic: "b", member: { client: "1", user: "ann" } },
    ],
  });
  assertEquals(roster.takeChanges(), { left: [], joined: [] });
  roster.leave("a", "1");
  roster.join("b", { client: "1", user: "bob" });
  assertEquals(touched, 2);
  assertEquals(roster.takeChanges(), {
    left: [
      { topic: "a", member: { client: "1" } },
      { topic: "b", member: { client: "1", user: "ann" } },
    ],
    joined: [{ topic: "b", member: { client: "1", user: "bob" } }],
  });
});

Deno.test("a roster that is replaced by the same has not changed", () => {
  const roster = new Roster(() => {});
  for (const client of ["1", "2"]) roster.join("a", { client });
  roster.takeChanges();
  roster.replace([...roster.all()].reverse());
  assertEquals(roster.takeChanges(), { left: [], joined: [] });
  roster.replace([{ topic: "a", member: { client: "2" } }]);
  assertEquals(roster.takeChanges().left, [
    { topic: "a", member: { client: "1" } },
  ]);
  assertEquals([roster.count("a"), roster.count("b")], [1, 0]);
});
