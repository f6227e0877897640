import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { HttpDriver, latin1, type TestHandler } from "./_test_driver.ts";
import type { HttpCommand } from "../codec/message.ts";

const fields = { Host: "a" };
const GET: HttpCommand = {
  type: "request",
  method: "GET",
  target: "/",
  fields,
  body: "",
};
const POST: HttpCommand = {
  type: "request",
  method: "POST",
  target: "/",
  fields,
};
const END: HttpCommand = { type: "end" };
const EMPTY = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

function client(handler?: TestHandler): HttpDriver {
  return new HttpDriver("client", handler);
}

function throwsCode(run: () => void, code: string): void {
  const error = assertThrows(run, ConnError);
  assertEquals([error.code, error.side], [code, "local"]);
}

Deno.test("HttpMachine writes requests with the framing that they need", () => {
  const cases: [HttpCommand, string][] = [
    [GET, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    [
      { ...POST, body: "" },
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    ],
    [
      { ...POST, body: "ä" },
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\xc3\xa4",
    ],
    [
      { ...POST, body: latin1("ab") },
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
    ],
    [POST, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"],
    [
      { ...POST, fields: { Host: "a", "content-length": "3" } },
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
    ],
    [
      { type: "request", method: "CONNECT", target: "a:1", fields },
      "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
  ];
  for (const [command, output] of cases) {
    assertEquals(client().send(command).output, output);
  }
});

Deno.test("HttpMachine refuses requests that would be wrong", () => {
  const cases: [HttpCommand, string][] = [
    [{ type: "response", status: 200 }, "wrong_role"],
    [{ type: "body", bytes: "x" }, "no_message"],
    [END, "no_message"],
    [{ type: "request", method: "GET", target: "/" }, "missing_host"],
    [{ ...GET, fields: [["Host", "a"], ["host", "b"]] }, "repeated_host"],
    [{ ...GET, fields: { Host: "a\r\nX: y" } }, "bad_field_value"],
    [{ ...GET, method: "" }, "bad_method"],
    [{ ...GET, method: "G T" }, "bad_method"],
    [{ ...GET, target: "" }, "bad_target"],
    [{ ...GET, target: "/a b" }, "bad_target"],
    [{ ...GET, target: "/\r\n" }, "bad_target"],
    [{ ...GET, target: "/ä" }, "bad_target"],
    [{ ...GET, target: "a" }, "bad_target"],
    [{ ...GET, target: "*" }, "bad_target"],
    [{ ...GET, method: "CONNECT", target: "/" }, "bad_target"],
    [{ ...GET, method: "TRACE", body: "x" }, "bad_framing"],
    [
      { ...POST, body: "ab", fields: { Host: "a", "Content-Length": "3" } },
      "body_too_short",
    ],
  ];
  const driver = client();
  for (const [command, code] of cases) {
    throwsCode(() => driver.send(command), code);
    assertEquals(driver.output, "", code);
  }
});

Deno.test("HttpMachine streams a request, with trailers", () => {
  const driver = client().send(POST).send({ type: "body", bytes: "abc" });
  throwsCode(() => driver.send(GET), "request_in_progress");
  driver.send({ type: "end", trailers: { a: "b" } });
  assert(driver.output.endsWith("\r\n\r\n3\r\nabc\r\n0\r\na: b\r\n\r\n"));
});

Deno.test("HttpMachine tells 1xx before the response, and the response early", () => {
  const driver = client().send({
    ...POST,
    fields: { Host: "a", Expect: "100-continue" },
  });
  driver.feed("HTTP/1.1 100 Continue\r\n\r\n");
  assertEquals(driver.log, ["response 100 Continue 1.1 0"]);
  driver.feed(EMPTY).send({ type: "body", bytes: "x" });
  throwsCode(() => driver.send(GET), "request_in_progress");
  driver.send(END).send(GET).feed(EMPTY);
  assertEquals(driver.log.filter((line) => line === "end").length, 2);
});

Deno.test("HttpMachine matches pipelined responses with their requests", () => {
  const driver = client().send({ ...GET, method: "HEAD" }).send(GET);
  driver.feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".repeat(2) + "ok");
  assertEquals(driver.log, [
    "response 200 OK 1.1 0",
    "end",
    "response 200 OK 1.1 2",
    "body ok",
    "end",
  ]);
});

Deno.test("HttpMachine leaves what follows a 101 that was asked for", () => {
  const driver = client().send({
    ...GET,
    fields: { Host: "a", Connection: "Upgrade", Upgrade: "x" },
  });
  throwsCode(() => driver.send(GET), "request_in_progress");
  driver.feed("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\0\0");
  assertEquals(driver.log, ["response 101 Switching Protocols 1.1 0"]);
  assertEquals(driver.rest, latin1("\0\0"));
  throwsCode(() => driver.send(GET), "switched_protocols");
});

Deno.test("HttpMachine goes on with HTTP if its upgrade is not granted", () => {
  const driver = client().send({
    ...GET,
    fields: { Host: "a", Connection: "Upgrade", Upgrade: "x" },
  });
  driver.feed(EMPTY).send(GET).feed(EMPTY);
  assertEquals(driver.log.length, 4);
});

Deno.test("HttpMachine leaves what follows a CONNECT that was granted", () => {
  const driver = client().send({
    type: "request",
    method: "CONNECT",
    target: "a:1",
    fields,
  });
  driver.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\0");
  assertEquals([driver.log.length, driver.rest.length], [1, 1]);
});

Deno.test("HttpMachine closes after the response to a request that said so", () => {
  const driver = client();
  driver.send({ ...GET, fields: { Host: "a", Connection: "close" } });
  throwsCode(() => driver.send(GET), "request_in_progress");
  assert(driver.feed(EMPTY).closed && driver.error === undefined);
});

Deno.test("HttpMachine has no time-outs of its own as a client", () => {
  const driver = client().advance(1e9).send(GET).advance(1e9);
  driver.feed("HTTP/1.1 200 OK\r\n").advance(1e9);
  driver.feed("Content-Length: 2\r\n\r\na").advance(1e9).feed("b");
  assertEquals(driver.log.at(-1), "end");
});

Deno.test("HttpMachine has the time-outs that a client asks for", () => {
  const options = {
    headTimeout: 100,
    minBodyRate: 10,
    bodyGrace: 200,
    keepAliveTimeout: 300,
  };
  const head = new HttpDriver("client", undefined, options).send(GET);
  assert(!head.advance(1e9).closed);
  assertEquals(head.feed("HTTP").advance(101).error?.code, "head_timeout");
  assert(head.aborted);
  const body = new HttpDriver("client", undefined, options).send(GET);
  body.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na").advance(301);
  assertEquals(body.error?.code, "body_timeout");
  assert(body.aborted);
  const idle = new HttpDriver("client", undefined, options).send(GET).feed(
    EMPTY,
  );
  assert(idle.advance(301).closed && idle.error === undefined);
  assert(!idle.aborted);
});

Deno.test("HttpMachine says nothing when a client's connection fails", () => {
  for (const side of ["local", "remote", "transport"] as const) {
    const driver = client().send(POST);
    const { output } = driver;
    const error = new ConnError("x", { code: "x", side });
    driver.machine.fail(error, driver);
    assertEquals(driver.output, output);
    // What the program has queued before it closes still goes out.
    assertEquals(driver.aborted, side !== "local", side);
    assertEquals(driver.error, side === "local" ? undefined : error);
    assertEquals(driver.machine.deadline(), Infinity);
  }
});

Deno.test("HttpMachine ends a client's connection in order if no rule was broken", () => {
  const close = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n";
  const answered = client().send(GET).feed(`${close}\r\n`);
  assert(answered.closed && !answered.aborted);
  const rested = client().send(GET).feed(EMPTY).end();
  assert(rested.closed && !rested.aborted);
});

Deno.test("HttpMachine drains a client after the responses it waits for", () => {
  const idle = client();
  idle.machine.drain(idle);
  assert(idle.closed);
  const busy = client().send(GET);
  busy.machine.drain(busy);
  assert(!busy.closed);
  assert(busy.feed(EMPTY).closed && busy.error === undefined);
});

Deno.test("HttpMachine takes the end of the stream at rest as a close", () => {
  const driver = client().send(GET).feed(EMPTY).end();
  assert(driver.closed && driver.error === undefined);
});

Deno.test("HttpMachine fails if pipelined requests will have no response", () => {
  const driver = client().send(GET).send(GET);
  driver.feed(
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
  );
  assertEquals(driver.log.at(-1), "end");
  assert(driver.closed);
  assertEquals(driver.error?.code, "no_response");
  assert(driver.aborted);

  const last = client().send(GET).send(GET).feed(EMPTY);
  last.feed("HTTP/1.1 200 OK\r\n\r\nab").end();
  assertEquals([last.log.at(-1), last.error], ["end", undefined]);
});

Deno.test("HttpMachine drains a client after the request that has its response", () => {
  const driver = client().send(POST).feed(EMPTY);
  driver.machine.drain(driver);
  assert(!driver.closed);
  driver.send({ type: "body", bytes: "x" }).send(END);
  assert(driver.output.endsWith("1\r\nx\r\n0\r\n\r\n"));
  assert(driver.closed && driver.error === undefined);

  const early = client().send(POST);
  early.machine.drain(early);
  assert(!early.feed(EMPTY).closed);
  assert(early.send(END).closed);
});

Deno.test("HttpMachine times a client's idle connection, and no other", () => {
  const options = { keepAliveTimeout: 300 };
  const two = new HttpDriver("client", undefined, options).send(GET).send(GET);
  assert(!two.feed(EMPTY).advance(1e9).closed);
  assert(two.feed(EMPTY).advance(301).closed && two.error === undefined);

  const early = new HttpDriver("client", undefined, options).send(POST);
  assert(!early.feed(EMPTY).advance(1e9).closed);
  early.send(END).buffered = 1;
  assert(!early.advance(1e9).closed);
  early.buffered = 0;
  assert(early.advance(301).closed && early.error === undefined);
});

Deno.test("HttpMachine does not count a client's pause", () => {
  const options = { keepAliveTimeout: 300, minBodyRate: 10, bodyGrace: 200 };
  const driver = new HttpDriver("client", () => "pause", options).send(GET);
  driver.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n").advance(1e9);
  assert(!driver.resume().advance(100).closed);
  driver.feed("a").advance(1e9);
  assert(!driver.resume().advance(1e9).closed);
  assertEquals(driver.log.at(-1), "end");
  assert(!driver.resume().advance(200).closed);
  assert(driver.advance(200).closed && driver.error === undefined);
});

Deno.test("HttpMachine takes nothing for an answer that came before the request", () => {
  const driver = client((event, driver) => {
    if (event.type === "end") driver.send(GET);
  });
  driver.send(GET).feed(EMPTY + "HTTP/1.1 200 Stolen\r\n\r\n");
  assertEquals(driver.log.filter((line) => line.includes("Stolen")), []);
  assertEquals(driver.error?.code, "unexpected_data");
  assertEquals(driver.output.match(/GET /g)?.length, 1);
});

Deno.test("HttpMachine lends the bytes of bodies if it is told to", () => {
  const bytes = latin1("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  for (const lendBodies of [false, true]) {
    let body: Uint8Array = new Uint8Array(0);
    const driver = new HttpDriver("client", (event) => {
      if (event.type === "body") body = event.bytes;
    }, { lendBodies });
    driver.send(GET);
    driver.machine.receive(bytes, driver);
    assertEquals(body, latin1("abc"));
    assertEquals(body.buffer === bytes.buffer, lendBodies);
  }
});
