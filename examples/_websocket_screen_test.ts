import { assertEquals } from "@std/assert";
import { type Outputs, Screen } from "./_websocket_screen.ts";

/** Notes what is written, and where. */
function outputs(terminal: boolean): { seen: string[]; to: Outputs } {
  const seen: string[] = [];
  const to = {
    print: (text: string) => seen.push(`out ${text}`),
    note: (text: string) => seen.push(`err ${text}`),
  };
  const write = (text: string) => seen.push(text);
  return { seen, to: terminal ? { ...to, write } : to };
}

const CLEAR = "\r\x1b[K";

Deno.test("Screen has no prompt without a terminal", () => {
  const { seen, to } = outputs(false);
  const screen = new Screen(to);
  screen.prompt();
  screen.print("a");
  screen.typed();
  screen.note("b");
  screen.prompt();
  screen.end();
  assertEquals(seen, ["out a", "err b"]);
});

Deno.test("Screen keeps the prompt below what it prints", () => {
  const { seen, to } = outputs(true);
  const screen = new Screen(to);
  screen.note("before");
  screen.prompt();
  screen.print("a");
  screen.typed();
  screen.note("b");
  screen.prompt();
  screen.end();
  screen.note("after");
  assertEquals(seen, [
    "err before",
    "> ",
    ...[CLEAR, "out a", "> "],
    "err b",
    "> ",
    CLEAR,
    "err after",
  ]);
});
