import { assertEquals, assertRejects } from "@std/assert";
import { ConnError, TestClock } from "@meerkat/net/conn";
import { Screen } from "./_websocket_screen.ts";
import { type Peer, Session } from "./_websocket_session.ts";

/** A session with a peer that a test plays. */
class Scene implements Peer {
  /** What the peer was told. */
  readonly told: unknown[] = [];
  /** What the user sees: "out" for what came, "err" for remarks. */
  readonly seen: string[] = [];
  readonly clock = new TestClock();
  readonly session = new Session(
    new Screen({
      print: (text) => this.seen.push(`out ${text}`),
      note: (text) => this.seen.push(`err ${text}`),
    }),
    this.clock,
  );
  readonly #keys = new TransformStream<Uint8Array, Uint8Array>();
  readonly #writer = this.#keys.writable.getWriter();
  /** How the session ends. */
  readonly ended = this.session.run(this, this.#keys.readable);
  latency: Promise<number> = Promise.resolve(1.25);
  echoes = true;

  constructor() {
    this.ended.catch(() => {});
  }

  send(message: string): boolean {
    this.told.push(message);
    if (this.echoes) queueMicrotask(() => this.comes(message));
    return true;
  }
  drain(): Promise<void> {
    return Promise.resolve();
  }
  ping(): Promise<number> {
    this.told.push("ping");
    return this.latency;
  }
  close(code?: number, reason?: string): void {
    if (code === 1005) throw new Error("Cannot close with code 1005");
    this.told.push(["close", code, reason]);
    this.closes(code ?? 1000, reason ?? "");
  }

  opens(): void {
    this.session.handle({ type: "open" });
  }
  comes(data: string | Uint8Array): void {
    this.session.handle({ type: "message", data });
  }
  closes(code: number, reason = "", error?: ConnError): void {
    const type = "close";
    const wasClean = code !== 1006;
    this.session.handle({
      type,
      code,
      reason,
      wasClean,
      ...(error && { error }),
    });
  }
  async types(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }
  async leaves(): Promise<void> {
    await this.#writer.close();
  }
}

const CONNECTED = "err Connected; /help tells the commands";

Deno.test("Session sends each line, and prints what comes", async () => {
  const scene = new Scene();
  scene.opens();
  await scene.types("one\r\ntw");
  await scene.types("o\n\n//three\nlast");
  await scene.leaves();
  assertEquals(await scene.ended, true);
  assertEquals(scene.told, [
    "one",
    "two",
    "/three",
    "last",
    ["close", undefined, undefined],
  ]);
  assertEquals(scene.seen, [
    CONNECTED,
    ...["out < one", "out < two", "out < /three", "out < last"],
  ]);
});

Deno.test("Session shows bytes as bytes, and long ones in part", () => {
  const scene = new Scene();
  scene.opens();
  scene.comes(new Uint8Array([0, 255]));
  scene.comes(new Uint8Array(33));
  assertEquals(scene.seen.slice(1), [
    "out < (binary, 2 bytes) 00 ff",
    `out < (binary, 33 bytes) ${"00 ".repeat(32)}...`,
  ]);
});

Deno.test("Session obeys /ping, /close and /help", async () => {
  const scene = new Scene();
  scene.opens();
  await scene.types("/ping\n/help\n/nonsense\n/close what\n/close 1005\n");
  await scene.types("/close 4000 that is all\n");
  assertEquals(await scene.ended, true);
  assertEquals(scene.told, ["ping", ["close", 4000, "that is all"]]);
  const lines = scene.seen.map((text) => text.split("\n")[0]).sort();
  assertEquals(
    lines,
    [
      CONNECTED,
      "out pong after 1.3 ms",
      "err /ping                 print how long a ping takes",
      'err Unknown command "/nonsense"',
      'err Cannot close with "what", expected CODE REASON',
      "err Cannot close with code 1005",
    ].sort(),
  );
});

Deno.test("Session says when there is no pong", async () => {
  const scene = new Scene();
  scene.latency = Promise.reject(new Error("not connected"));
  scene.opens();
  await scene.types("/ping\n");
  await scene.leaves();
  assertEquals(await scene.ended, true);
  assertEquals(scene.seen, [CONNECTED, "err No pong: not connected"]);
});

Deno.test("Session reads nothing before it is connected", async () => {
  const scene = new Scene();
  const typed = scene.types("early\n");
  scene.session.handle({ type: "reconnecting", delay: 12.6 });
  assertEquals(scene.told, []);
  scene.opens();
  await typed;
  await scene.leaves();
  assertEquals(await scene.ended, true);
  assertEquals(scene.told[0], "early");
  assertEquals(scene.seen, [
    "err reconnecting in 13 ms",
    CONNECTED,
    "out < early",
  ]);
});

Deno.test("Session waits for answers at the end of the input", async () => {
  const scene = new Scene();
  scene.echoes = false;
  scene.opens();
  await scene.types("one\ntwo\n");
  await scene.leaves();
  scene.comes("one");
  assertEquals(scene.told, ["one", "two"]);
  scene.comes("two");
  assertEquals(await scene.ended, true);
  assertEquals(scene.told.length, 3);
});

Deno.test("Session does not wait for ever for answers", async () => {
  const scene = new Scene();
  scene.echoes = false;
  scene.opens();
  await scene.types("one\ntwo\n");
  await scene.leaves();
  await scene.clock.advance(999);
  scene.comes("a sign of life");
  await scene.clock.advance(999);
  assertEquals(scene.told, ["one", "two"]);
  await scene.clock.advance(1);
  assertEquals(await scene.ended, true);
  assertEquals(scene.told.length, 3);
  assertEquals(scene.clock.pending, 0);
});

Deno.test("Session leaves the wait to the reconnection while there is no connection", async () => {
  const scene = new Scene();
  scene.echoes = false;
  scene.opens();
  await scene.types("one\n");
  await scene.leaves();
  await scene.clock.advance(1);
  scene.session.handle({ type: "reconnecting", delay: 5000 });
  await scene.clock.advance(5000);
  assertEquals(scene.told, ["one"]);
  scene.opens();
  scene.comes("one");
  assertEquals(await scene.ended, true);
});

Deno.test("Session says how the server closed, and whether that is well", async () => {
  const cases: [number, string, ConnError | undefined, boolean, string][] = [
    [1000, "", undefined, true, "err Closed, code 1000"],
    [1001, "going", undefined, true, "err Closed, code 1001: going"],
    [1011, "oh", undefined, false, "err Closed, code 1011: oh"],
    [
      1006,
      "",
      new ConnError("It broke", { code: "reset", side: "transport" }),
      false,
      "err Closed, code 1006: It broke",
    ],
  ];
  for (const [code, reason, error, well, line] of cases) {
    const scene = new Scene();
    scene.opens();
    scene.closes(code, reason, error);
    assertEquals(await scene.ended, well);
    assertEquals(scene.seen, [CONNECTED, line]);
  }
});

Deno.test("Session fails if its input does", async () => {
  const session = new Session(new Screen({ print() {}, note() {} }));
  const peer = new Scene();
  const broken = ReadableStream.from(async function* () {
    await Promise.resolve();
    yield* [] as Uint8Array[];
    throw new TypeError("No input");
  }());
  const ended = session.run(peer, broken);
  session.handle({ type: "open" });
  await assertRejects(() => ended, TypeError, "No input");
});
