import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { connClosed, type Turn, Turns } from "./_turns.ts";
import { machineBench, stateOf } from "./_ws_test_util.ts";

/** A turn that notes what it is told. */
class NotedTurn implements Turn {
  readonly log: string[];
  readonly name: string;

  constructor(name: string, log: string[]) {
    this.name = name;
    this.log = log;
  }

  begin(): void {
    this.log.push(`begin ${this.name}`);
  }

  fail(error: ConnError): void {
    this.log.push(`fail ${this.name} ${error.code}`);
  }
}

function bench() {
  const base = machineBench();
  const log: string[] = [];
  let open = true;
  const turns = new Turns(base.conn, {
    isOpen: () => open,
    over: () => void log.push("over"),
  });
  const close = () => open = false;
  const turn = (name: string) => new NotedTurn(name, log);
  return { ...base, turns, log, close, turn };
}

const piece = { type: "fragment", kind: "text", data: "x" } as const;

Deno.test("Turns begins one after the other, and sends what waits between", async () => {
  const { conn, peer, turns, log, turn } = bench();
  const [one, two] = [turn("1"), turn("2")];
  turns.request(one);
  turns.hold("a");
  turns.request(two);
  turns.hold("b");
  turns.hold(new Uint8Array(3));
  assertEquals([turns.size, log], [5, ["begin 1"]]);
  assertEquals(await peer.replies(), []);
  turns.end(one);
  assertEquals([turns.size, log.at(-1)], [4, "begin 2"]);
  assertEquals(await peer.replies(), ["text:a"]);
  assertEquals(await stateOf(turns.finished), "pending");
  turns.end(two);
  assertEquals(await peer.replies(), ["text:b", "binary:3"]);
  assertEquals([turns.size, log.at(-1)], [0, "over"]);
  assertEquals(await stateOf(turns.finished), "fulfilled");
  conn.abort();
});

Deno.test("Turns.end takes out one that still waits", () => {
  const { conn, turns, log, turn } = bench();
  const [one, two, three] = [turn("1"), turn("2"), turn("3")];
  for (const each of [one, two, three]) turns.request(each);
  turns.end(two);
  turns.end(two);
  turns.end(one);
  assertEquals(log, ["begin 1", "begin 3"]);
  conn.abort();
});

Deno.test("Turns.send throws once nothing can be sent", () => {
  const { conn, turns, close, turn } = bench();
  turns.request(turn("1"));
  assertEquals(turns.send({ ...piece, final: false }), undefined);
  close();
  const error = assertThrows(
    () => turns.send({ ...piece, final: true }),
    ConnError,
  );
  assertEquals([error.code, error.side], ["closed", "local"]);
  conn.abort();
});

Deno.test("Turns.cancel fails all, drops what waits, and is over", async () => {
  const { conn, peer, turns, log, turn } = bench();
  turns.request(turn("1"));
  turns.hold("a");
  turns.request(turn("2"));
  turns.cancel(connClosed());
  assertEquals(log, ["begin 1", "fail 1 closed", "fail 2 closed", "over"]);
  assertEquals(turns.size, 0);
  assertEquals(await stateOf(turns.finished), "fulfilled");
  assertEquals(await peer.replies(), []);
  conn.abort();
});
