import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { HttpDriver, latin1, type TestHandler } from "./_test_driver.ts";
import { Fields } from "../codec/fields.ts";
import type { HttpMachineOptions } from "../codec/limits.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
const OLD = "GET / HTTP/1.0\r\n\r\n";
const DATE = "Date: Sat, 01 Jan 2000 00:00:00 GMT\r\n";
const KEEP = "Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n";
const OK: HttpCommand = { type: "response", status: 200, body: "ok" };
const BEGIN: HttpCommand = { type: "response", status: 200 };
const END: HttpCommand = { type: "end" };

function post(fields: string, body = ""): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
}

function server(
  handler?: TestHandler,
  options?: HttpMachineOptions,
): HttpDriver {
  return new HttpDriver("server", handler, options);
}

/** A handler that answers on an event of a type. */
function on(type: HttpEvent["type"], ...commands: HttpCommand[]): TestHandler {
  return (event, driver) => {
    if (event.type !== type) return;
    for (const command of commands) driver.send(command);
  };
}

/** The bodies (or, without any, the statuses) of what was written, in short. */
function statuses(output: string): string[] {
  return [...output.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]!);
}

function throwsCode(run: () => void, code: string): void {
  const error = assertThrows(run, ConnError);
  assertEquals([error.code, error.side], [code, "local"]);
}

Deno.test("HttpMachine writes a whole response with length, date and keep-alive", () => {
  const driver = server(on("end", {
    type: "response",
    status: 200,
    fields: { "Content-Type": "text/plain" },
    body: "grüße 🐾",
  })).feed(GET);
  assertEquals(
    driver.output,
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n${DATE}${KEEP}\r\n` +
      "gr\xc3\xbc\xc3\x9fe \xf0\x9f\x90\xbe",
  );
});

Deno.test("HttpMachine measures a long body as it measures a short one", () => {
  const body = "ü".repeat(3_000);
  const driver = server(on("end", { ...OK, body })).feed(GET);
  assert(driver.output.includes("Content-Length: 6000\r\n"));
  assert(driver.output.endsWith("\r\n\r\n" + "\xc3\xbc".repeat(3_000)));
});

Deno.test("HttpMachine sends an array as the body", () => {
  const driver = server(on("end", { ...OK, body: latin1("\0\xff") })).feed(GET);
  assert(driver.output.includes("Content-Length: 2\r\n"));
  assert(driver.output.endsWith("\r\n\r\n\0\xff"));
});

Deno.test("HttpMachine sends field values and reasons as Latin-1", () => {
  const driver = server(on("end", {
    type: "response",
    status: 404,
    reason: "Pas trouvé",
    fields: { "X-Name": "Zoë" },
    body: "ë",
  })).feed(GET);
  assert(driver.output.startsWith("HTTP/1.1 404 Pas trouv\xe9\r\n"));
  assert(driver.output.includes("X-Name: Zo\xeb\r\n"));
  assert(driver.output.endsWith("\r\n\r\n\xc3\xab"));
});

Deno.test("HttpMachine keeps a program's Date, Connection and Keep-Alive", () => {
  const fields = { date: "x", connection: "foo", "keep-alive": "timeout=1" };
  const driver = server(on("end", { ...OK, fields })).feed(GET);
  assertEquals(
    driver.output,
    "HTTP/1.1 200 OK\r\ndate: x\r\nconnection: foo\r\nkeep-alive: timeout=1\r\n" +
      "Content-Length: 2\r\n\r\nok",
  );
});

Deno.test("HttpMachine announces how many requests are left", () => {
  const driver = server(on("end", OK), { maxRequests: 2 }).feed(GET);
  assert(driver.output.includes("Keep-Alive: timeout=75, max=1\r\n"));
  driver.feed(GET + GET);
  assertEquals(statuses(driver.output), ["200", "200"]);
  assert(driver.output.includes("Connection: close\r\n"));
  assert(driver.closed);
});

Deno.test("HttpMachine streams a response in chunks, with trailers", () => {
  const driver = server(on(
    "end",
    BEGIN,
    { type: "body", bytes: "abc" },
    { type: "body", bytes: "" },
    { type: "body", bytes: latin1("de") },
    { type: "end", trailers: { "X-Sum": "5" } },
  )).feed(GET);
  assertEquals(
    driver.output,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${DATE}${KEEP}\r\n` +
      "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n",
  );
});

Deno.test("HttpMachine streams a response of a length that is told", () => {
  const fields = { "content-length": "3" };
  const driver = server(on(
    "end",
    { ...BEGIN, fields },
    { type: "body", bytes: "ab" },
    { type: "body", bytes: "c" },
    END,
    { ...OK },
  ));
  throwsCode(() => driver.feed(GET), "response_without_request");
  assert(driver.output.includes("Content-Length: 3\r\n"));
  assert(driver.output.endsWith("\r\n\r\nabc"));
});

Deno.test("HttpMachine ends a streamed response to HTTP/1.0 with the connection", () => {
  const driver = server(on(
    "end",
    { ...BEGIN, fields: { "transfer-encoding": "chunked" } },
    { type: "body", bytes: "abc" },
    { type: "end", trailers: { a: "b" } },
  )).feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assertEquals(
    driver.output,
    `HTTP/1.1 200 OK\r\n${DATE}Connection: close\r\n\r\nabc`,
  );
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine keeps an HTTP/1.0 connection that asks for it", () => {
  const driver = server(on("end", OK));
  driver.feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assert(driver.output.includes(KEEP));
  driver.feed(OLD);
  assertEquals(statuses(driver.output), ["200", "200"]);
  assert(driver.closed);
});

for (
  const [status, told] of [[200, true], [304, false], [204, false]] as const
) {
  Deno.test(`HttpMachine sends no body with ${status}${told ? " to HEAD" : ""}`, () => {
    const whole = server(on("end", { ...OK, status })).feed(told ? HEAD : GET);
    const [head, body] = whole.output.split("\r\n\r\n");
    assertEquals(body, "");
    assertEquals(head!.includes("Content-Length: 2"), told);

    const pieces = server(
      on("end", { ...BEGIN, status }, { type: "body", bytes: "x" }, END),
    ).feed(told ? HEAD : GET);
    assert(pieces.output.endsWith(`${KEEP}\r\n`));
    assert(!pieces.output.includes("Transfer-Encoding"));
  });
}

Deno.test("HttpMachine keeps the length that a program tells for HEAD and 304", () => {
  const fields = { "Content-Length": "77" };
  for (const [request, status] of [[HEAD, 200], [GET, 304]] as const) {
    const driver = server(on("end", { ...OK, status, fields, body: "" }));
    assert(driver.feed(request).output.includes("Content-Length: 77\r\n"));
  }
  const none = server(on("end", { ...OK, status: 204, fields, body: "" }));
  assert(!none.feed(GET).output.includes("Content-Length"));
});

Deno.test("HttpMachine answers pipelined requests in order", () => {
  const driver = server().feed(GET + GET + GET);
  assertEquals(driver.log.length, 6);
  for (const body of ["1", "2", "3"]) driver.send({ ...OK, body });
  const bodies = driver.output.split("\r\n\r\n").slice(1).map((s) => s[0]);
  assertEquals(bodies, ["1", "2", "3"]);
  throwsCode(() => driver.send(OK), "response_without_request");
});

Deno.test("HttpMachine reads no more than it may have unanswered", () => {
  const driver = server(undefined, { maxPipelined: 2 }).feed(GET.repeat(3));
  assertEquals(driver.log.length, 4);
  assertEquals(driver.rest.length, GET.length);
  driver.send(OK);
  assertEquals(driver.log.length, 6);
  assertEquals(driver.rest.length, 0);
});

Deno.test("HttpMachine answers what came before a bad request, and then that", () => {
  const driver = server().feed(GET + GET + "\0");
  assertEquals(driver.output, "");
  driver.send(OK).send(OK);
  assertEquals(statuses(driver.output), ["200", "200", "400"]);
  assertEquals(driver.error?.code, "bad_method");
});

Deno.test("HttpMachine answers a bad body in its turn", () => {
  const driver = server().feed(
    GET + post("Transfer-Encoding: chunked\r\n", "x"),
  );
  assertEquals(driver.output, "");
  driver.send(OK);
  assertEquals(statuses(driver.output), ["200", "400"]);
  assertEquals(driver.error?.code, "bad_chunk_size");
});

Deno.test("HttpMachine cuts a response off whose request turns out bad", () => {
  const driver = server(on("request", BEGIN, { type: "body", bytes: "abc" }));
  driver.feed(post("Transfer-Encoding: chunked\r\n", "x"));
  assert(driver.output.endsWith("3\r\nabc\r\n"));
  assertEquals(driver.error?.code, "bad_chunk_size");
});

Deno.test("HttpMachine closes when the program says Connection: close", () => {
  const fields = { Connection: "Close" };
  const driver = server(on("end", { ...OK, fields })).feed(GET + GET);
  assertEquals(statuses(driver.output), ["200"]);
  assert(!driver.output.includes("Keep-Alive"));
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine leaves what follows a 101 unread", () => {
  const fields = { Upgrade: "x" };
  const request =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
  for (const type of ["request", "end"] as const) {
    const driver = server(
      on(type, { type: "response", status: 101, fields }),
    ).feed(request + "\0\0");
    assertEquals(
      driver.output,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    );
    assertEquals(driver.rest, latin1("\0\0"));
    assertEquals(driver.machine.deadline(), Infinity);
    throwsCode(() => driver.send(OK), "switched_protocols");
    assertEquals(driver.feed("\0").rest.length, 3);
  }
});

Deno.test("HttpMachine leaves every byte after an upgrade to a handler that pauses", () => {
  const driver = server((event) =>
    event.type === "request" ? "pause" : undefined
  );
  driver.feed(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n\0",
  );
  assertEquals(driver.rest, latin1("\0"));
});

Deno.test("HttpMachine goes on with HTTP if an upgrade is not granted", () => {
  const driver = server();
  driver.feed(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" +
      GET,
  );
  assertEquals(driver.log, ["request GET / 1.1 0 upgrade=x", "end"]);
  assertEquals(driver.rest.length, GET.length);
  driver.send(OK);
  assertEquals(driver.log.length, 4);
});

Deno.test("HttpMachine makes a tunnel of a CONNECT that is granted", () => {
  const connect = "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const granted = server(on("end", BEGIN)).feed(connect + "\x16\x03");
  assertEquals(granted.output, "HTTP/1.1 200 OK\r\n\r\n");
  assertEquals(granted.rest.length, 2);
  const refused = server(on("end", { ...OK, status: 407 })).feed(connect + GET);
  assertEquals(statuses(refused.output), ["407", "407"]);
});

Deno.test("HttpMachine refuses to switch protocols unasked", () => {
  const fields = { Upgrade: "x" };
  const driver = server().feed(GET);
  throwsCode(
    () => driver.send({ type: "response", status: 101, fields }),
    "unexpected_upgrade",
  );
  assertEquals(driver.output, "");
});

Deno.test("HttpMachine tells a client that waits to continue", () => {
  const request = post("Expect: 100-continue\r\nContent-Length: 1\r\n");
  const driver = server(on("end", OK)).feed(request);
  assertEquals(driver.output, "HTTP/1.1 100 Continue\r\n\r\n");
  driver.feed("a" + GET);
  assertEquals(statuses(driver.output), ["100", "200", "200"]);
});

Deno.test("HttpMachine waits for the handler before it tells a client to continue", () => {
  const driver = server((event) =>
    event.type === "request" ? "pause" : undefined
  );
  driver.feed(post("Expect: 100-continue\r\nContent-Length: 1\r\n"));
  assertEquals(driver.output, "");
  assertEquals(driver.resume().output, "HTTP/1.1 100 Continue\r\n\r\n");
});

Deno.test("HttpMachine tells a client to continue when its turn comes", () => {
  const driver = server();
  driver.feed(GET + post("Expect: 100-continue\r\nContent-Length: 1\r\n"));
  assertEquals(driver.output, "");
  driver.send(OK);
  assertEquals(statuses(driver.output), ["200", "100"]);
});

Deno.test("HttpMachine closes after an answer to a client that was not told to continue", () => {
  const driver = server(on("request", { ...OK, status: 403 }));
  driver.feed(post("Expect: 100-continue\r\nContent-Length: 1\r\n"));
  assertEquals(statuses(driver.output), ["403"]);
  assert(driver.output.includes("Connection: close\r\n"));
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine leaves 100 to a program that wants to send it", () => {
  const driver = server(undefined, { autoContinue: false });
  driver.feed(post("Expect: 100-continue\r\nContent-Length: 1\r\n"));
  assertEquals(driver.output, "");
  driver.send({ type: "response", status: 100 }).feed("a").send(OK);
  assertEquals(statuses(driver.output), ["100", "200"]);
  assert(!driver.closed);
});

Deno.test("HttpMachine is patient with a client that was not told to continue", () => {
  const driver = server(undefined, { autoContinue: false });
  driver.feed(post("Expect: 100-continue\r\nContent-Length: 3\r\n"));
  driver.advance(20_000);
  assertEquals(driver.output, "");
  driver.send({ type: "response", status: 100 }).advance(20_000);
  assertEquals(statuses(driver.output), ["100", "408"]);
});

Deno.test("HttpMachine takes no request while its answers are not taken", () => {
  const driver = server(on("request", OK));
  driver.buffered = 64 * 1024 + 1;
  driver.feed(GET + GET);
  assertEquals(driver.output, "");
  driver.buffered = 0;
  driver.resume();
  assertEquals(statuses(driver.output), ["200", "200"]);
});

Deno.test("HttpMachine sends interim responses, but none to HTTP/1.0", () => {
  const hints: HttpCommand = {
    type: "response",
    status: 103,
    fields: { Link: "</a>" },
  };
  const driver = server(on("end", hints, OK)).feed(GET);
  assert(
    driver.output.startsWith(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n",
    ),
  );
  assertEquals(statuses(server(on("end", hints, OK)).feed(OLD).output), [
    "200",
  ]);
});

Deno.test("HttpMachine drops what comes of a body after its answer", () => {
  const driver = server(on("request", OK));
  driver.feed(post("Content-Length: 5\r\n", "ab")).feed("cde" + GET);
  assertEquals(driver.log, [
    "request POST / 1.1 5",
    "end",
    "request GET / 1.1 0",
    "end",
  ]);
  assertEquals(statuses(driver.output), ["200", "200"]);
});

Deno.test("HttpMachine closes rather than drop a long body", () => {
  const told = server(on("request", OK), { maxDropped: 4 });
  told.feed(post("Content-Length: 5\r\n"));
  assert(told.output.includes("Connection: close\r\n"));
  assert(told.closed && told.error === undefined);

  const chunked = server(on("request", OK), { maxDropped: 4 });
  chunked.feed(post("Transfer-Encoding: chunked\r\n", "4\r\nabcd\r\n"));
  assert(!chunked.closed);
  assert(chunked.feed("1\r\ne\r\n").closed);
});

Deno.test("HttpMachine streams both ways at once", () => {
  const driver = server((event, driver) => {
    if (event.type === "request") driver.send(BEGIN);
    if (event.type === "body") driver.send(event);
    if (event.type === "end") driver.send(END);
  });
  driver.feed(post("Content-Length: 4\r\n", "ab")).feed("cd" + GET);
  assert(driver.output.includes("2\r\nab\r\n2\r\ncd\r\n0\r\n\r\nHTTP/1.1 200"));
  assert(!driver.closed);
});

Deno.test("HttpMachine refuses a body over the limit", () => {
  const told = server(on("end", OK), { maxBody: 3 });
  told.feed(post("Content-Length: 4\r\n", "abcd"));
  assertEquals([told.log, told.error?.code], [[], "body_too_large"]);
  assertEquals(statuses(told.output), ["413"]);

  const chunked = server(on("end", OK), { maxBody: 3 });
  chunked.feed(post("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n2\r\n"));
  chunked.feed("c");
  assertEquals(statuses(chunked.output), ["413"]);
});

Deno.test("HttpMachine bounds the extensions of all chunks together", () => {
  const driver = server(on("end", OK), { maxChunkExtensions: 10 });
  driver.feed(
    post("Transfer-Encoding: chunked\r\n", "1;abc\r\nx\r\n".repeat(4)),
  );
  assertEquals(driver.error?.code, "chunk_extension_too_long");
});

Deno.test("HttpMachine closes an idle connection in silence", () => {
  const fresh = server().advance(74_900);
  assert(!fresh.closed);
  assert(fresh.advance(200).closed);
  assertEquals([fresh.output, fresh.error], ["", undefined]);

  const used = server(on("end", OK)).advance(50_000).feed(GET);
  assert(!used.advance(74_900).closed);
  assert(used.advance(200).closed);
  assertEquals(statuses(used.output), ["200"]);
});

Deno.test("HttpMachine answers 408 to a head that takes too long", () => {
  const driver = server().feed("G").advance(6_000).feed("E").advance(3_900);
  assert(!driver.closed);
  driver.advance(200);
  assertEquals(statuses(driver.output), ["408"]);
  assertEquals(driver.error?.code, "head_timeout");
});

Deno.test("HttpMachine gives a handler all the time it wants", () => {
  const driver = server().feed(GET).advance(1e9);
  assert(!driver.closed);
  assertEquals(statuses(driver.send(OK).output), ["200"]);
});

Deno.test("HttpMachine answers 408 to a body that comes too slowly", () => {
  const driver = server();
  driver.feed(post("Content-Length: 100000\r\n"));
  for (let i = 0; i < 20; i++) driver.advance(1_000).feed("a".repeat(240));
  assert(!driver.closed);
  for (let i = 0; i < 12; i++) driver.advance(1_000).feed("a".repeat(120));
  assertEquals(statuses(driver.output), ["408"]);
  assertEquals(driver.error?.code, "body_timeout");
});

Deno.test("HttpMachine gives no credit for a fast beginning", () => {
  const driver = server().feed(post("Content-Length: 100000\r\n"));
  driver.feed("a".repeat(99_999)).advance(5_100);
  assertEquals(driver.error?.code, "body_timeout");
});

Deno.test("HttpMachine does not count a handler's pause as a slow body", () => {
  const driver = server((event) => event.type === "body" ? "pause" : undefined);
  driver.feed(post("Content-Length: 9\r\n", "a")).advance(60_000);
  assert(!driver.closed);
  driver.resume().advance(4_900);
  assert(!driver.closed);
  assert(driver.advance(200).closed);
});

Deno.test("HttpMachine answers a client that has ended its side", () => {
  const driver = server().feed(GET + GET).end();
  assert(!driver.closed);
  driver.send(OK);
  assert(driver.output.includes(KEEP));
  driver.send(OK);
  assert(driver.output.endsWith(`${DATE}Connection: close\r\n\r\nok`));
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine closes an idle connection whose client has ended its side", () => {
  const driver = server(on("end", OK)).feed(GET).end();
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine drains an idle connection by closing it", () => {
  const driver = server(on("end", OK)).feed(GET);
  driver.machine.drain(driver);
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine drains by answering what it has, the last with close", () => {
  const driver = server().feed(GET + GET);
  driver.machine.drain(driver);
  driver.feed(GET).send(OK);
  assert(!driver.closed && !driver.output.includes("Connection: close"));
  driver.send(OK);
  assertEquals(statuses(driver.output), ["200", "200"]);
  assert(driver.output.includes("Connection: close\r\n"));
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine drains without cutting a body or a response", () => {
  const driver = server().feed(post("Content-Length: 2\r\n", "a"));
  driver.send(BEGIN);
  driver.machine.drain(driver);
  driver.feed("b").send({ type: "body", bytes: "x" });
  assertEquals(driver.log.at(-1), "end");
  assert(!driver.closed);
  assert(driver.send(END).advance(100).closed);
  assert(driver.output.endsWith("1\r\nx\r\n0\r\n\r\n"));
});

Deno.test("HttpMachine drains by taking the request that has begun", () => {
  const driver = server(on("end", OK)).feed(GET.slice(0, 9));
  driver.machine.drain(driver);
  assert(!driver.closed);
  driver.feed(GET.slice(9) + GET);
  assertEquals(statuses(driver.output), ["200"]);
  assert(driver.closed && driver.output.includes("Connection: close\r\n"));
});

Deno.test("HttpMachine answers a failure of the program with 500 and no more", () => {
  const error = new ConnError("Secret", {
    code: "handler_failed",
    side: "local",
  });
  const driver = server().feed(GET);
  driver.machine.fail(error, driver);
  assertEquals(statuses(driver.output), ["500"]);
  assert(driver.output.includes("Content-Type: text/plain"));
  assert(
    driver.output.endsWith(
      `${DATE}Connection: close\r\n\r\nInternal Server Error\n`,
    ),
  );
  assert(!driver.output.includes("Secret"));
});

Deno.test("HttpMachine answers a failure with the status that it names", () => {
  for (
    const [reply, status] of [[429, "429"], [1002, "500"], [
      200,
      "500",
    ]] as const
  ) {
    const error = new ConnError("x", { code: "x", side: "local", reply });
    const driver = server().feed(HEAD);
    driver.machine.fail(error, driver);
    assertEquals(statuses(driver.output), [status]);
    assert(driver.output.endsWith("\r\n\r\n"));
  }
});

Deno.test("HttpMachine says nothing about a failure that nobody waits to hear of", () => {
  const error = new ConnError("x", { code: "x", side: "local" });
  const idle = server(on("end", OK)).feed(GET);
  idle.machine.fail(error, idle);
  assertEquals(statuses(idle.output), ["200"]);

  const begun = server(on("end", BEGIN)).feed(GET);
  begun.machine.fail(error, begun);
  assertEquals(statuses(begun.output), ["200"]);
});

Deno.test("HttpMachine refuses commands that would make a wrong message", () => {
  const cases: [HttpCommand, string][] = [
    [{ type: "request", method: "GET", target: "/" }, "wrong_role"],
    [{ type: "body", bytes: "x" }, "no_message"],
    [END, "no_message"],
    [{ ...OK, status: 99 }, "bad_status"],
    [{ ...OK, status: 200.5 }, "bad_status"],
    [{ ...OK, reason: "a\r\nb" }, "bad_field_value"],
    [{ ...OK, fields: { "a b": "c" } }, "bad_field_name"],
    [{ ...OK, fields: { "a\r\nb": "c" } }, "bad_field_name"],
    [{ ...OK, fields: { a: "b\r\nSet-Cookie: c" } }, "bad_field_value"],
    [{ ...OK, fields: { a: "b\0" } }, "bad_field_value"],
    [{ ...OK, fields: { a: "€" } }, "bad_field_value"],
    [{ ...OK, fields: { "content-length": "1" } }, "body_too_long"],
    [{ ...OK, fields: { "content-length": "3" } }, "body_too_short"],
    [{ ...OK, fields: { "content-length": "x" } }, "bad_framing"],
    [
      { ...OK, fields: [["content-length", "2"], ["Content-Length", "2"]] },
      "bad_framing",
    ],
    [{ ...OK, fields: { "transfer-encoding": "gzip" } }, "bad_framing"],
    [{
      ...BEGIN,
      fields: { "content-length": "2", "transfer-encoding": "chunked" },
    }, "bad_framing"],
    [{ type: "response", status: 103, body: "x" }, "bad_framing"],
  ];
  const driver = server().feed(GET);
  for (const [command, code] of cases) {
    throwsCode(() => driver.send(command), code);
    assertEquals(driver.output, "", code);
  }
  assertEquals(statuses(driver.send(OK).output), ["200"]);
});

Deno.test("HttpMachine refuses a body that is not as long as was told", () => {
  const driver = server().feed(GET);
  driver.send({ ...BEGIN, fields: { "content-length": "3" } });
  throwsCode(() => driver.send(OK), "response_in_progress");
  throwsCode(
    () => driver.send({ type: "body", bytes: "abcd" }),
    "body_too_long",
  );
  driver.send({ type: "body", bytes: "ab" });
  throwsCode(() => driver.send(END), "body_too_short");
  driver.send({ type: "body", bytes: "c" }).send(END);
  assert(driver.output.endsWith("\r\n\r\nabc"));
});

Deno.test("HttpMachine refuses a trailer that belongs into the head", () => {
  const driver = server().feed(GET).send(BEGIN);
  throwsCode(
    () => driver.send({ type: "end", trailers: { "Content-Length": "3" } }),
    "forbidden_trailer",
  );
  throwsCode(
    () => driver.send({ type: "end", trailers: { "a": "b\n" } }),
    "bad_field_value",
  );
  assert(driver.send(END).output.endsWith("0\r\n\r\n"));
});

Deno.test("HttpMachine hands out fields in order and case, Latin-1", () => {
  let fields = new Fields();
  server((event) => {
    if (event.type === "request") fields = event.head.fields;
  }).feed(
    "GET / HTTP/1.1\r\nhOst: a\r\nX-B:  \xe4 b\t\r\nSet-Cookie: 1\r\nset-cookie: 2\r\n\r\n",
  );
  assertEquals([...fields], [
    ["hOst", "a"],
    ["X-B", "ä b"],
    ["Set-Cookie", "1"],
    ["set-cookie", "2"],
  ]);
  assertEquals(fields.get("x-b"), "ä b");
});

Deno.test("HttpMachine gives body bytes that stay", () => {
  const bodies: Uint8Array[] = [];
  server((event) => {
    if (event.type === "body") bodies.push(event.bytes);
  }).feed(post("Content-Length: 3\r\n", "abc"));
  assertEquals(bodies, [latin1("abc")]);
});

Deno.test("HttpMachine shares no trailers between messages", () => {
  const driver = server((event, driver) => {
    if (event.type !== "end") return;
    event.trailers.append("a", "b");
    driver.send(OK);
  }).feed(GET + GET);
  assertEquals(driver.log.filter((line) => line.startsWith("end")), [
    "end",
    "end",
  ]);
});

Deno.test("HttpMachine keeps a connection whose client is still taking the answer", () => {
  const driver = server(on("end", OK)).feed(GET);
  driver.buffered = 1;
  assert(!driver.advance(200_000).closed);
  driver.buffered = 0;
  assert(driver.advance(75_100).closed);
  assertEquals(driver.error, undefined);
});

Deno.test("HttpMachine keeps a connection whose handler pauses after its answer", () => {
  let pause = true;
  const driver = server((event, driver) => {
    if (event.type !== "end") return;
    driver.send(OK);
    if (!pause) return;
    pause = false;
    return "pause";
  }).feed(GET + GET);
  assert(!driver.advance(1e9).closed);
  assertEquals(statuses(driver.output), ["200"]);
  assertEquals(statuses(driver.resume().output), ["200", "200"]);
});

Deno.test("HttpMachine counts the time without a request from the end of a pause", () => {
  const driver = server((event, driver) => {
    if (event.type !== "end") return;
    driver.send(OK);
    return "pause";
  }).feed(GET).advance(1e9).resume();
  assert(!driver.advance(74_900).closed);
  assert(driver.advance(200).closed);
});

Deno.test("HttpMachine does not count a pause before a body as a slow body", () => {
  const driver = server((event) =>
    event.type === "request" ? "pause" : undefined
  );
  driver.feed(post("Content-Length: 4\r\n")).advance(60_000);
  assert(!driver.closed);
  driver.resume().advance(4_900);
  assert(!driver.closed);
  driver.advance(200);
  assertEquals(driver.error?.code, "body_timeout");
});

Deno.test("HttpMachine has begun nothing of a response that it refuses", () => {
  const reason = "a\nb";
  const closing = { Connection: "close" };
  const driver = server().feed(GET);
  for (
    const command of [
      { ...BEGIN, reason },
      { ...BEGIN, reason, fields: closing },
      { ...OK, reason, fields: closing },
      { type: "response", status: 103, reason } as const,
    ]
  ) throwsCode(() => driver.send(command), "bad_field_value");
  assertEquals(driver.output, "");
  throwsCode(() => driver.send(END), "no_message");
  driver.send(OK);
  assert(driver.output.includes(KEEP) && !driver.closed);
});

Deno.test("HttpMachine still owes the 100 of which a refused one spoke", () => {
  const driver = server((event) =>
    event.type === "request" ? "pause" : undefined
  );
  driver.feed(post("Expect: 100-continue\r\nContent-Length: 1\r\n"));
  throwsCode(
    () => driver.send({ type: "response", status: 100, reason: "\n" }),
    "bad_field_value",
  );
  assertEquals(statuses(driver.resume().output), ["100"]);
});

Deno.test("HttpMachine writes nothing of a response whose date fails", () => {
  let fails = true;
  const driver = server(undefined, {
    date() {
      if (fails) throw new Error("No date");
      return "today";
    },
  }).feed(GET);
  assertThrows(() => driver.send(BEGIN), Error, "No date");
  assertEquals(driver.output, "");
  fails = false;
  assertEquals(statuses(driver.send(OK).output), ["200"]);
});

Deno.test("HttpMachine asks the time anew after a command that it refused", () => {
  const driver = server().feed(GET);
  throwsCode(() => driver.send({ ...OK, reason: "\n" }), "bad_field_value");
  driver.advance(60_000).send(OK);
  assert(!driver.advance(74_900).closed);
  assert(driver.advance(200).closed);
});

Deno.test("HttpMachine owes a newer request its 100 after that of an older one", () => {
  const driver = server().feed(
    GET + post("Expect: 100-continue\r\nContent-Length: 1\r\n"),
  );
  driver.send({ type: "response", status: 100 }).send(OK);
  assertEquals(statuses(driver.output), ["100", "200", "100"]);
});

Deno.test("HttpMachine tells the end of a complete request before it closes", () => {
  const close = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  const body = post("Connection: close\r\nContent-Length: 2\r\n", "ab");
  for (
    const [request, type] of [
      [close, "request"],
      [OLD, "request"],
      [body, "body"],
    ] as const
  ) {
    const closed: boolean[] = [];
    const driver = server((event, driver) => {
      if (event.type === type) driver.send(OK);
      if (event.type === "end") closed.push(driver.closed);
    }).feed(request + GET);
    assertEquals(statuses(driver.output), ["200"]);
    assert(driver.output.includes("Connection: close\r\n"));
    assertEquals(closed, [false]);
    assert(driver.closed && driver.error === undefined);
  }
});

Deno.test("HttpMachine tells no end of a request that it cuts", () => {
  for (
    const [fields, body, type] of [
      ["Content-Length: 2\r\n", "ab", "request"],
      ["Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\n\r\n", "body"],
    ] as const
  ) {
    const driver = server(on(type, OK));
    driver.feed(post("Connection: close\r\n" + fields, body));
    assertEquals(driver.log.at(-1)!.split(" ")[0], type);
    assert(driver.closed && driver.error === undefined);
  }
});

Deno.test("HttpMachine closes at the end of the pause in which a last request was answered", () => {
  const driver = server((event) =>
    event.type === "request" ? "pause" : undefined
  ).feed(OLD).send(OK);
  assertEquals([driver.log.length, driver.closed], [1, false]);
  driver.resume();
  assertEquals([driver.log.length, driver.closed], [2, true]);
});

Deno.test("HttpMachine answers all that came before the end of the stream", () => {
  const driver = server(undefined, { maxPipelined: 2 });
  driver.feed(GET.repeat(40)).end();
  assertEquals(driver.log.length, 4);
  for (let i = 0; i < 40; i++) driver.send(OK);
  assertEquals(statuses(driver.output).length, 40);
  assertEquals(driver.output.split("Connection: close").length, 2);
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine refuses a head that the end of the stream has cut, in its turn", () => {
  const driver = server(undefined, { maxPipelined: 1 });
  driver.feed(GET + GET.slice(0, 9)).end();
  assertEquals([driver.output, driver.closed], ["", false]);
  driver.send(OK);
  assertEquals(statuses(driver.output), ["200", "400"]);
  assertEquals(driver.error?.code, "head_cut");
});

Deno.test("HttpMachine answers what follows a refused upgrade and the end of the stream", () => {
  const request =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
  const refused = server().feed(request + GET).end();
  assertEquals([refused.log.length, refused.closed], [2, false]);
  refused.send(OK).send(OK);
  assertEquals(statuses(refused.output), ["200", "200"]);
  assert(refused.closed && refused.error === undefined);

  const alone = server().feed(request).end().send(OK);
  assert(alone.output.includes("Connection: close\r\n") && alone.closed);
});

Deno.test("HttpMachine answers one more request if it was drained in the middle of an answer", () => {
  for (const more of [true, false]) {
    const driver = server();
    driver.feed(GET).send(BEGIN).send({ type: "body", bytes: "x" });
    driver.machine.drain(driver);
    driver.send(END);
    assert(!driver.closed);
    if (more) {
      driver.feed(GET + GET).send(OK);
      assertEquals(driver.output.match(/Connection: [a-z-]+/g), [
        "Connection: keep-alive",
        "Connection: close",
      ]);
    } else driver.advance(100);
    assert(driver.closed);
    assertEquals(statuses(driver.output).length, more ? 2 : 1);
  }
});
