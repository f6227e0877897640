import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { smallFilter, smallTopic } from "./_names_test_util.ts";
import { FilterTrie } from "./filter_trie.ts";
import { matches } from "./topic_name.ts";

Deno.test("FilterTrie finds what is set, and not what is deleted", () => {
  const trie = new FilterTrie<string>();
  trie.set("plant/#", "all");
  trie.set("plant", "plant");
  trie.set("plant/+/fan", "fans");
  assertEquals(trie.size, 3);
  assertEquals(trie.get("plant/#"), "all");
  assertEquals(trie.get("plant/+"), undefined);
  assertEquals(trie.get("plant/+/fan/#"), undefined);
  assertEquals(trie.match("plant").sort(), ["all", "plant"]);
  assertEquals(trie.match("plant/a/fan").sort(), ["all", "fans"]);
  assertEquals(trie.match("plants"), []);
  trie.set("plant", "the plant");
  assertEquals([trie.size, trie.get("plant")], [3, "the plant"]);
  assert(trie.delete("plant/#"));
  assert(!trie.delete("plant/#"));
  assert(!trie.delete("plant/+"));
  assert(!trie.delete("other"));
  assertEquals([trie.size, trie.match("plant/b")], [2, []]);
});

Deno.test("FilterTrie keeps values that are false", () => {
  const trie = new FilterTrie<number | boolean>();
  trie.set("a", 0);
  trie.set("a/#", false);
  assertEquals(trie.match("a").sort(), [0, false]);
  assert(trie.delete("a") && trie.delete("a/#"));
  assertEquals(trie.size, 0);
});

Deno.test("FilterTrie takes levels that are names of an object's properties", () => {
  const trie = new FilterTrie<number>();
  for (const [i, name] of ["__proto__", "constructor", "size"].entries()) {
    assertEquals(trie.match(name), []);
    trie.set(name, i);
    assertEquals(trie.match(name), [i]);
  }
});

const step = fc.record({
  filter: smallFilter,
  isSet: fc.boolean(),
});

Deno.test("FilterTrie is a map of filters that matches finds the values of", () => {
  fc.assert(fc.property(
    fc.array(step, { maxLength: 40 }),
    fc.array(smallTopic, { maxLength: 10 }),
    (steps, topics) => {
      const trie = new FilterTrie<string>();
      const model = new Map<string, string>();
      for (const [i, { filter, isSet }] of steps.entries()) {
        const value = `${filter} ${i}`;
        if (isSet) {
          trie.set(filter, value);
          model.set(filter, value);
        } else assertEquals(trie.delete(filter), model.delete(filter));
        assertEquals(trie.get(filter), model.get(filter));
      }
      assertEquals(trie.size, model.size);
      for (const topic of topics) {
        const expected = [...model]
          .flatMap(([filter, value]) => matches(filter, topic) ? [value] : []);
        assertEquals(trie.match(topic).sort(), expected.sort());
      }
    },
  ));
});
