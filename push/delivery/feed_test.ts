import { assert, assertEquals } from "@std/assert";
import { TopicRules } from "../model/topic_rules.ts";
import type { Encoding, Sendable } from "./encoding.ts";
import { TopicStore } from "./topic_store.ts";

Deno.test("what was made for one that is behind is for the same items only", () => {
  const store = new TopicStore({
    rules: new TopicRules({ a: { history: true } }),
    limits: { queueCount: 10, queueBytes: 1000 },
    whenBehind: "drop",
    maxMatches: 100,
    trimmed() {},
    failed: (error) => {
      throw error;
    },
  });
  const feed = store.feed(["#"]);
  const versions = [1, 2, 3, 4].map((offset) => (
    { topic: "a", offset, previous: offset - 1, at: 0, data: `${offset}` }
  ));
  store.load({ epoch: "e", offset: 4, versions });
  const [one, two, three, four] = store.get("a")!.after(0).map((item) => (
    { item, base: undefined }
  ));
  assert(one && two && three && four);
  const encoding: Encoding = {
    index: 0,
    delta: false,
    batch: (items: readonly Sendable[]) =>
      items.map(({ item }) => item.offset).join(" "),
    message() {},
  };
  assertEquals(feed.piece([one, two, four], encoding), "1 2 4");
  assertEquals(feed.piece([one, three, four], encoding), "1 3 4");
  assertEquals(feed.piece([one, two, four], encoding), "1 2 4");
});
