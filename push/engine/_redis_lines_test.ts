import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import {
  formatSignal,
  parseMessage,
  parseVersion,
  removedTopic,
} from "./_redis_lines.ts";

const parse = (text: string) => parseMessage(Buffer.from(text));

Deno.test("a line has its version, blanks and all", () => {
  const version = {
    topic: " a b ",
    offset: 12,
    previous: 3,
    at: 1700000000000,
    data: '"\\t c \u{1f600}"',
  };
  const line = `12 3 1700000000000  a b \t${version.data}`;
  assertEquals(parseVersion(Buffer.from(line)), version);
  assertEquals(removedTopic(Buffer.from(line)), undefined);
  const short = `12 3 1700000000000 \t${version.data}`;
  assertEquals(parseVersion(Buffer.from(short), " a b "), version);
});

Deno.test("a line may tell that a topic was removed", () => {
  assertEquals(removedTopic(Buffer.from("-1 2")), "1 2");
});

Deno.test("a message has entries, a signal or an epoch", () => {
  assertEquals(parse("v abc 7\n-a\n1 0 5 b\t1"), {
    type: "entries",
    epoch: "abc",
    seq: 7,
    lines: [Buffer.from("-a"), Buffer.from("1 0 5 b\t1")],
  });
  assertEquals(parse(formatSignal("hub", " x\ny ")), {
    type: "signal",
    hub: "hub",
    text: " x\ny ",
  });
  assertEquals(parse("e abc"), { type: "epoch", epoch: "abc" });
});

Deno.test("what no hub says is no message", () => {
  for (const text of ["", "v", "v abc 7", "s hub", "x y z"]) {
    assertEquals(parse(text), undefined, text);
  }
});
