import { assertEquals } from "@std/assert";
import { formatCursor, parseCursor } from "./cursor.ts";

Deno.test("a cursor is read as it was written", () => {
  for (const epoch of ["a", "0", "k3f9a", "z".repeat(32)]) {
    for (const offset of [0, 1, 1234, Number.MAX_SAFE_INTEGER]) {
      const text = formatCursor(epoch, offset);
      assertEquals(text, `${epoch}.${offset}`);
      assertEquals(parseCursor(text), { epoch, offset });
    }
  }
});

Deno.test("what is no cursor is none", () => {
  for (
    const text of [
      "",
      ".",
      "a",
      "a.",
      ".1",
      "1",
      "a.01",
      "a.00",
      "a.-1",
      "a.+1",
      "a.1e3",
      "a.1.0",
      "a.b.1",
      " a.1",
      "a.1 ",
      "a.1\n",
      "\na.1",
      "A.1",
      "é.1",
      "a_b.1",
      "a.١",
      `${"a".repeat(33)}.1`,
      `a.${Number.MAX_SAFE_INTEGER + 1}`,
      "a.9999999999999999",
      "a.10000000000000000",
      "oldest",
    ]
  ) {
    assertEquals(parseCursor(text), undefined, JSON.stringify(text));
  }
});
