import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { type EventSourceOptions, EventSourceStream } from "./event_source.ts";

const TYPE = { "content-type": "text/event-stream" };
const URL_ = "http://localhost/events";

function events(text: string, headers: HeadersInit = TYPE): Response {
  return new Response(text, { headers });
}

function status(code: number, headers: HeadersInit = {}): Response {
  return new Response(code === 204 ? null : "body", { status: code, headers });
}

/** A body that ends with an error. */
function broken(text: string): Response {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (text === "") controller.error(new Error("reset"));
      else controller.enqueue(new TextEncoder().encode(text));
      text = "";
    },
  });
  return new Response(body, { headers: TYPE });
}

/** A stream over canned answers, on a clock that stands still. */
function setUp(
  answers: (Response | Error)[],
  options: EventSourceOptions = {},
) {
  const clock = new TestClock();
  const requests: Request[] = [];
  const times: number[] = [];
  const source = new EventSourceStream(URL_, {
    ...options,
    clock,
    fetch: (request) => {
      requests.push(request);
      times.push(clock.now());
      const answer = answers.shift() ?? status(204);
      return answer instanceof Error
        ? Promise.reject(answer)
        : Promise.resolve(answer);
    },
  });
  return { clock, requests, times, source };
}

/** All data of the stream, with as much time as it takes. */
async function collect(
  { clock, source }: ReturnType<typeof setUp>,
): Promise<string[]> {
  let ended = false;
  const result = Array.fromAsync(source, (event) => event.data)
    .finally(() => ended = true);
  result.catch(() => {});
  for (let round = 0; round < 100 && !ended; round++) {
    await clock.advance(1_000_000);
  }
  return await result;
}

/** Asserts that `waited` is `least`, plus up to half of it by jitter. */
function assertWaited(waited: number, least: number): void {
  assert(
    waited >= least && waited <= least * 1.5,
    `waited ${waited} ms, expected ${least} to ${least * 1.5}`,
  );
}

function waits(times: number[]): number[] {
  return times.slice(1).map((time, index) => time - times[index]!);
}

Deno.test("EventSourceStream sends its header fields and nothing before it is read", async () => {
  const run = setUp([], {
    headers: { authorization: "Bearer abc", "cache-control": "max-age=0" },
    lastEventId: "é7",
  });
  assertEquals([run.source.state, run.source.lastEventId], ["idle", "é7"]);
  assertEquals(run.requests.length, 0);
  assertEquals(await collect(run), []);
  assertEquals(run.source.state, "closed");
  const [request] = run.requests;
  assertEquals(request?.url, URL_);
  assertEquals(Object.fromEntries(request!.headers), {
    accept: "text/event-stream",
    authorization: "Bearer abc",
    "cache-control": "max-age=0",
    "last-event-id": "\u00c3\u00a97",
  });
});

Deno.test("EventSourceStream reconnects with the last event's id", async () => {
  const run = setUp([
    events("data: a\n\nid: 1\ndata: b\n\nid: 2\ndata: lost"),
    broken("data: c\n\nid: 3\n\n"),
    events("id\n\n"),
  ]);
  assertEquals(await collect(run), ["a", "b", "c"]);
  assertEquals(
    run.requests.map((request) => request.headers.get("last-event-id")),
    [null, "1", "3", null],
  );
  for (const waited of waits(run.times)) assertWaited(waited, 3000);
});

Deno.test("EventSourceStream does not send an id with control characters", async () => {
  const run = setUp([events("id: a\x1bb\ndata: x\n\n")]);
  assertEquals(await collect(run), ["x"]);
  assertEquals(run.requests[1]?.headers.get("last-event-id"), null);
});

Deno.test("EventSourceStream waits as long as the server's retry field says", async () => {
  const run = setUp([
    events("retry: 10\ndata: a\n\n"),
    events("data: b\n\n"),
    events("retry: 500000\n"),
  ], { retryDelay: 7 });
  await collect(run);
  const [first, second, third] = waits(run.times);
  assertWaited(first!, 10);
  assertWaited(second!, 10);
  assertWaited(third!, 500_000);
});

Deno.test("EventSourceStream waits longer after each failure in a row", async () => {
  const run = setUp([
    new TypeError("refused"),
    status(503),
    events(""),
    new TypeError("refused"),
    new TypeError("refused"),
    new TypeError("refused"),
    events(": works again\n"),
    new TypeError("refused"),
  ], { retryDelay: 1000, maxRetryDelay: 10_000 });
  assertEquals(await collect(run), []);
  const expected = [1000, 2000, 4000, 8000, 10_000, 10_000, 1000, 1000];
  assertEquals(run.times.length, expected.length + 1);
  waits(run.times).forEach((waited, index) =>
    assertWaited(waited, expected[index]!)
  );
});

Deno.test("EventSourceStream slows down even where the server asks for no delay", async () => {
  const run = setUp([
    events("retry: 0\n\n"),
    new TypeError("refused"),
    new TypeError("refused"),
    new TypeError("refused"),
  ]);
  await collect(run);
  const expected = [0, 0, 200, 400];
  waits(run.times).forEach((waited, index) =>
    assertWaited(waited, expected[index]!)
  );
});

Deno.test("EventSourceStream heeds Retry-After", async () => {
  const run = setUp([
    status(429, { "retry-after": "100" }),
    status(503, { "retry-after": "soon" }),
  ], { retryDelay: 1000 });
  await collect(run);
  const [first, second] = waits(run.times);
  assertWaited(first!, 100_000);
  assertWaited(second!, 2000);
});

Deno.test("EventSourceStream gives up after as many failures as it was told", async () => {
  const refused = new TypeError("refused");
  const run = setUp([status(500), events(""), refused], { maxFailures: 2 });
  assertEquals(await assertRejects(() => collect(run)), refused);
  assertEquals(run.times.length, 3);
  assertEquals(run.source.state, "closed");

  const empty = setUp([events("")], { maxFailures: 0 });
  const error = await assertRejects(() => collect(empty), ConnError);
  assertEquals(error.code, "empty_stream");
});

Deno.test("EventSourceStream fails at once on what does not pass", async () => {
  for (
    const [answer, code] of [
      [status(404), "bad_status"],
      [status(401), "bad_status"],
      [status(206, TYPE), "bad_status"],
      [status(501), "bad_status"],
      [
        events("data: a\n\n", { "content-type": "text/html" }),
        "bad_content_type",
      ],
      [events("data: a\n\n", {}), "bad_content_type"],
    ] as const
  ) {
    const run = setUp([answer]);
    const error = await assertRejects(() => collect(run), ConnError);
    assertEquals([error.code, error.side], [code, "remote"]);
    assertEquals(run.times.length, 1);
    assertEquals(run.source.state, "closed");
  }
});

Deno.test("EventSourceStream takes parameters of the content type", async () => {
  const type = { "content-type": "Text/Event-Stream; charset=utf-8" };
  assertEquals(await collect(setUp([events("data: a\n\n", type)])), ["a"]);
});

Deno.test("EventSourceStream limits events", async () => {
  const run = setUp([events(`data: ${"a".repeat(50)}`)], {
    maxEventLength: 40,
  });
  const error = await assertRejects(() => collect(run), ConnError);
  assertEquals(error.code, "event_too_large");
});

Deno.test("EventSourceStream does not retry what is not permitted", async () => {
  const denied = new Deno.errors.NotCapable("no net access");
  const wrapped = new TypeError("Cannot fetch", { cause: denied });
  for (const error of [denied, wrapped]) {
    assertEquals(await assertRejects(() => collect(setUp([error]))), error);
  }
});

/** A response whose body stays open, and whether it was cancelled. */
function endless() {
  const state = { cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) =>
      controller.enqueue(new TextEncoder().encode("data: a\n\n")),
    cancel() {
      state.cancelled = true;
    },
  });
  return { response: new Response(body, { headers: TYPE }), state };
}

Deno.test("EventSourceStream closes its connection when the loop is left", async () => {
  const { response, state } = endless();
  const opened: Response[] = [];
  const { source, clock, requests } = setUp([response], {
    onOpen: (response) => opened.push(response),
  });
  for await (const { data } of source) {
    assertEquals([data, source.state], ["a", "open"]);
    break;
  }
  assertEquals(opened, [response]);
  assert(state.cancelled);
  assert(requests[0]?.signal.aborted);
  assertEquals([source.state, clock.pending], ["closed", 0]);
});

Deno.test("EventSourceStream ends when it is closed, also during a read", async () => {
  const { response, state } = endless();
  const { source } = setUp([response]);
  const iterator = source[Symbol.asyncIterator]();
  await iterator.next();
  const next = iterator.next();
  source.close();
  assertEquals(await next, { done: true, value: undefined });
  assert(state.cancelled);
});

Deno.test("EventSourceStream ends when it is closed during a wait", async () => {
  const { source, clock } = setUp([status(503)]);
  const next = source[Symbol.asyncIterator]().next();
  await clock.advance(0);
  assertEquals([clock.pending, source.state], [1, "connecting"]);
  await source[Symbol.asyncDispose]();
  assertEquals(await next, { done: true, value: undefined });
  assertEquals([clock.pending, source.state], [0, "closed"]);
});

Deno.test("EventSourceStream ends with the reason of its signal", async () => {
  const reason = new Error("enough");
  const { response, state } = endless();
  const controller = new AbortController();
  const { source } = setUp([response], { signal: controller.signal });
  const iterator = source[Symbol.asyncIterator]();
  await iterator.next();
  const next = iterator.next();
  controller.abort(reason);
  assertEquals(await assertRejects(() => next), reason);
  assert(state.cancelled);
  assertEquals(source.state, "closed");

  const late = setUp([], { signal: controller.signal });
  assertEquals(await assertRejects(() => collect(late)), reason);
  assertEquals(late.requests.length, 0);
});

Deno.test("EventSourceStream sends nothing once it is closed", async () => {
  await using source = new EventSourceStream(URL_);
  source.close();
  assertEquals(await Array.fromAsync(source), []);
});

Deno.test("EventSourceStream refuses a bad URL and bad header fields", () => {
  assertThrows(() => new EventSourceStream("/relative"), TypeError);
  const headers = { "a b": "c" };
  assertThrows(() => new EventSourceStream(URL_, { headers }), TypeError);
});

Deno.test("EventSourceStream fetches by the client of this module", async () => {
  // Its error carries a ConnError, which the built-in fetch knows nothing of.
  const source = new EventSourceStream("mailto:a@b.test", { maxFailures: 0 });
  const error = await assertRejects(() => Array.fromAsync(source), TypeError);
  assert(error.cause instanceof ConnError);
});
