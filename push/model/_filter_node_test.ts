import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { smallFilter } from "./_names_test_util.ts";
import { newNode, put, take } from "./_filter_node.ts";

Deno.test("a tree keeps no node that no filter needs", () => {
  const filters = fc.array(smallFilter, { maxLength: 20 });
  fc.assert(fc.property(filters, filters, (stay, go) => {
    const built = newNode<boolean>();
    const pruned = newNode<boolean>();
    for (const filter of stay) put(built, filter, true);
    for (const filter of [...stay, ...go]) put(pruned, filter, true);
    for (const filter of go) {
      if (!stay.includes(filter)) take(pruned, filter);
    }
    assertEquals(pruned, built);
  }));
});

Deno.test("taking what is not there changes nothing", () => {
  const root = newNode<boolean>();
  put(root, "a/b/c", true);
  const before = structuredClone(root);
  for (const filter of ["a", "a/b", "a/#", "a/b/c/#", "+", "#", "b"]) {
    assertEquals(take(root, filter), undefined);
    assertEquals(root, before);
  }
});
