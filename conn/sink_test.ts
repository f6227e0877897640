// What a machine may ask of its connection, beyond events and writes.

import { assert, assertEquals } from "@std/assert";
import { failure, probe } from "./_probe_test_util.ts";
import { bytes, readAll, text } from "./_test_util.ts";
import { RawMachine } from "./raw.ts";

const large = (letter: string) => bytes(letter.repeat(200_000));
/** Runs of the same letter, each as one. */
const runs = (all: string) => all.replace(/(.)\1+/g, "$1");

Deno.test("Sink.writeAhead goes before what waits", async () => {
  const { conn, peer } = probe();
  conn.send((sink) => {
    sink.write(large("a"));
    sink.write(large("b"));
    sink.writeAhead(bytes("!"), "name");
  });
  const all = await readAll(peer, 400_001);
  assertEquals(all.length, 400_001);
  assert(all.indexOf("!") <= 200_000);
  assertEquals(runs(all.replace("!", "")), "ab");
  conn.abort();
});

Deno.test("Sink.writeAhead goes behind what is being written, and cuts it not", async () => {
  const { conn, peer, clock } = probe({ pair: { bufferSize: 100 } });
  conn.send((sink) => {
    sink.write(large("a"));
    sink.write(large("b"));
  });
  await clock.advance(0);
  conn.send((sink) => sink.writeAhead(bytes("!"), "name"));
  assertEquals(runs(await readAll(peer, 400_001)), "a!b");
  conn.abort();
});

Deno.test("Sink.writeAhead keeps the newest of a name, and one of each", async () => {
  const { conn, peer, clock } = probe({ pair: { bufferSize: 100 } });
  conn.send((sink) => sink.write(large("a")));
  await clock.advance(0);
  for (const [what, name] of [["1", "x"], ["2", "y"], ["3", "x"]] as const) {
    conn.send((sink) => sink.writeAhead(bytes(what), name));
  }
  const all = await readAll(peer, 200_002);
  assertEquals([...all.slice(-2)].toSorted(), ["2", "3"]);
  conn.abort();
});

Deno.test("Sink.writeAhead goes out at once when nothing waits", async () => {
  const { conn, peer } = probe();
  conn.send((sink) => sink.writeAhead(bytes("!"), "name"));
  assertEquals(await readAll(peer, 1), "!");
  conn.abort();
});

Deno.test("Sink.writeAhead never comes between parts that belong together", async () => {
  const { conn, peer, clock } = probe({ pair: { bufferSize: 64 } });
  let aheads = 0;
  let turn = 0;
  peer.chunk = () => {
    if (turn++ % 100 === 0 && aheads < 20) {
      aheads++;
      conn.send((sink) => sink.writeAhead(bytes("!"), `${aheads}`));
    }
    return 64;
  };
  conn.send((sink) => {
    for (const letter of "abc") {
      sink.write(letter, true);
      sink.write(large(letter), true);
      sink.write(letter.repeat(20));
    }
  });
  let all = "";
  const reading = readAll(peer).then((text) => all = text);
  await clock.advance(0);
  conn.closeWrite();
  await reading;
  assertEquals(all.replaceAll("!", "").length, 3 * 200_021);
  assertEquals(runs(all.replaceAll("!", "")), "abc");
  assertEquals(all.split("!").length - 1, aheads);
  // What is left between the letters are whole units.
  for (const unit of all.split(/!+/)) assertEquals(unit.length % 200_021, 0);
  conn.abort();
});

Deno.test("Sink.writeAhead before the end of the stream is not lost", async () => {
  const { conn, peer } = probe();
  conn.send((sink) => {
    sink.write("a");
    sink.writeAhead(bytes("!"), "name");
    sink.close();
    sink.writeAhead(bytes("?"), "name");
  });
  assertEquals([...await readAll(peer)].toSorted(), ["!", "a"]);
  conn.abort();
});

Deno.test("Sink.writeAhead after a close is ignored, and harms nothing", async () => {
  const { conn, peer } = probe();
  conn.send((sink) => {
    sink.abort();
    sink.writeAhead(bytes("!"), "name");
    sink.write("x");
  });
  assertEquals(await readAll(peer), "");
  await conn.closed;
});

Deno.test("Sink.settleAhead puts what goes ahead before what is written next", async () => {
  for (const size of [1, 200_000]) {
    const { conn, peer, clock } = probe({ pair: { bufferSize: 100 } });
    conn.send((sink) => sink.write("a".repeat(size)));
    await clock.advance(0);
    conn.send((sink) => {
      sink.writeAhead(bytes("!"), "name");
      sink.settleAhead();
      sink.write("z");
      // It cannot be replaced any more.
      sink.writeAhead(bytes("?"), "name");
    });
    const all = await readAll(peer, size + 3);
    assert(all.indexOf("!") < all.indexOf("z"));
    assertEquals(all.includes("?"), true);
    conn.send((sink) => sink.settleAhead());
    conn.abort();
  }
});

Deno.test("Sink.buffered tells what the transport has not taken", async () => {
  const { conn, peer, clock } = probe({ pair: { bufferSize: 10 } });
  const seen: number[] = [];
  conn.send((sink) => {
    seen.push(sink.buffered);
    sink.write("x".repeat(30));
    seen.push(sink.buffered);
  });
  await clock.advance(0);
  conn.send((sink) => void seen.push(sink.buffered));
  await readAll(peer, 30);
  conn.send((sink) => void seen.push(sink.buffered));
  assertEquals(seen, [0, 30, 20, 0]);
  conn.abort();
});

Deno.test("Sink.abort ends at once, with its error", async () => {
  const { conn, peer, log, types } = probe();
  conn.send((sink) => {
    sink.write("lost");
    sink.abort(failure);
  });
  assertEquals(conn.state, "closed");
  assertEquals(await readAll(peer), "");
  assertEquals(await conn.closed, failure);
  assertEquals(types(), ["open", "made here"]);
  assertEquals(log.at(-1)?.error, failure);
});

Deno.test("Sink.abort without an error closes without one", async () => {
  const { conn, log } = probe();
  conn.send((sink) => sink.abort());
  assertEquals(await conn.closed, undefined);
  assertEquals(log.at(-1), { type: "close", text: "made here" });
});

Deno.test("Sink.paused is true while a handler's promise is pending", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock } = probe({
    handler: (event) => event.type === "bytes" ? gate.promise : undefined,
  });
  const seen: boolean[] = [];
  const look = () => conn.send((sink) => void seen.push(sink.paused));
  look();
  await peer.write(bytes("a"));
  await clock.advance(0);
  look();
  gate.resolve();
  await clock.advance(0);
  look();
  assertEquals(seen, [false, true, false]);
  conn.abort();
});

Deno.test("Sink.readOn offers what has come, and what comes, in spite of a pause", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock, machine } = probe({
    handler: (event) => event.type === "bytes" ? gate.promise : undefined,
  });
  await peer.write(bytes("a"));
  await clock.advance(0);
  await peer.write(bytes("b"));
  await clock.advance(0);
  assertEquals(machine.paused, [false]);
  conn.send((sink) => sink.readOn());
  await clock.advance(0);
  assertEquals(machine.paused, [false, true]);
  await peer.write(bytes("c"));
  await clock.advance(0);
  assertEquals(machine.paused, [false, true, true]);
  await peer.closeWrite();
  await readAll(peer);
  await conn.closed;
  gate.resolve();
});

Deno.test("Sink.readOn reads on where a pause had filled the buffer", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock, here } = probe({
    pair: { bufferSize: 1024 },
    handler: (event) => event.type === "bytes" ? gate.promise : undefined,
  });
  const writing = (async () => {
    for (let sent = 0; sent < 200_000;) {
      sent += await peer.write(new Uint8Array(1024));
    }
  })();
  await clock.advance(0);
  assert(here.bytesRead < 100_000);
  conn.send((sink) => sink.readOn());
  await writing;
  await clock.advance(0);
  assertEquals(here.bytesRead >= 200_000, true);
  conn.abort();
  gate.resolve();
});

Deno.test("Sink.readOn does not outlast become", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock } = probe();
  conn.send((sink) => sink.readOn());
  const seen: string[] = [];
  const next = conn.become(new RawMachine(), (event) => {
    if (event.type !== "bytes") return;
    seen.push(text(event.bytes));
    return gate.promise;
  });
  await peer.write(bytes("a"));
  await clock.advance(0);
  await peer.write(bytes("b"));
  await clock.advance(0);
  assertEquals(seen, ["a"]);
  next.abort();
  gate.resolve();
});
