import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { basicCredentials } from "../../http/forms/credentials.ts";
import { lineFormat } from "./access_format.ts";
import { headOf, recordOf, TIME } from "./telemetry_test_util.ts";

const seed = lineFormat("seed");
const combined = lineFormat("combined");
const json = lineFormat("json");

Deno.test("the seed's format is the seed's", () => {
  assertEquals(
    seed.line(recordOf({ time: 1465822060999 })),
    "1465822060 GET / backend=127.0.0.1:8910\n",
  );
  assertEquals(
    seed.line(recordOf({ time: 1465822060000, backend: undefined })),
    "1465822060 GET / backend=-\n",
  );
});

Deno.test("the seed's format gives a target no second word", () => {
  const head = headOf({}, { target: "/ backend=evil\n1 \\ \xff" });
  assertEquals(
    seed.line(recordOf({ head })),
    "1465813260 GET /\\x20backend=evil\\x0A1\\x20\\x5C\\x20\\xFF " +
      "backend=127.0.0.1:8910\n",
  );
});

Deno.test("a backend's name keeps to its word", () => {
  assertMatch(
    seed.line(recordOf({ backend: "größe 日😀" })),
    / backend=gr\\xF6\\xDFe\\x20\\u\{65E5\}\\u\{1F600\}\n$/,
  );
});

Deno.test("the combined format is nginx's", () => {
  const head = headOf({
    Referer: "http://example.com/",
    "User-Agent": "Mozilla/5.0 (X11)",
    Authorization: basicCredentials("vera", "secret"),
  }, { target: "/a?b=c", version: "1.0" });
  assertEquals(
    combined.line(recordOf({ head, status: 404, bytesOut: 153 })),
    "192.0.2.7 - vera [13/Jun/2016:10:21:00 +0000] " +
      '"GET /a?b=c HTTP/1.0" 404 153 ' +
      '"http://example.com/" "Mozilla/5.0 (X11)"\n',
  );
});

Deno.test("the combined format has - for what is missing", () => {
  assertEquals(
    combined.line(recordOf({ clientAddress: "", bytesOut: 0 })),
    "- - - [13/Jun/2016:10:21:00 +0000] " +
      '"GET / HTTP/1.1" 200 0 "-" "-"\n',
  );
});

Deno.test("the combined format escapes as nginx does", () => {
  const head = headOf({
    Referer: "",
    "User-Agent": 'a "b" \\ \t \xe9 ~',
  }, { target: '/"\x7f' });
  assertEquals(
    combined.line(recordOf({ head })).split("+0000] ")[1],
    '"GET /\\x22\\x7F HTTP/1.1" 200 12 "" ' +
      '"a \\x22b\\x22 \\x5C \\x09 \\xE9 ~"\n',
  );
});

Deno.test("a user name is one word, in the bytes that were sent", () => {
  const nameOf = (authorization: string) =>
    /- (.*) \[13/.exec(combined.line(recordOf({
      head: headOf({ authorization }),
    })))?.[1];
  assertEquals(nameOf(basicCredentials("é [x", "p")), "\\xC3\\xA9\\x20[x");
  assertEquals(nameOf(basicCredentials("", "p")), "-");
  assertEquals(nameOf("Bearer abc"), "-");
  assertEquals(nameOf("Basic !"), "-");
});

Deno.test("the time follows the record, forwards and backwards", () => {
  const at = (time: number) =>
    /\[(.*)\]/.exec(combined.line(recordOf({ time })))?.[1];
  assertEquals(at(TIME), "13/Jun/2016:10:21:00 +0000");
  assertEquals(at(TIME + 992), "13/Jun/2016:10:21:00 +0000");
  assertEquals(at(TIME + 993), "13/Jun/2016:10:21:01 +0000");
  assertEquals(at(TIME - 8), "13/Jun/2016:10:20:59 +0000");
  assertEquals(at(0), "01/Jan/1970:00:00:00 +0000");
});

Deno.test("the JSON format tells all that is known", () => {
  const head = headOf({
    Host: "example.com",
    Referer: "http://example.com/",
    "User-Agent": "curl/8",
    Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  }, { method: "POST", target: "/a?b" });
  const line = json.line(recordOf({
    head,
    status: 502,
    outcome: "broken",
    error: "reset",
    secure: true,
    hedged: true,
    retries: 2,
    bytesIn: 5,
    queueTime: 3,
    connectTime: 1.23456,
  }));
  assert(line.endsWith("}\n"));
  assertEquals(Object.entries(JSON.parse(line)), [
    ["time", "2016-06-13T10:21:00.007Z"],
    ["request_id", "r1"],
    ["client", "192.0.2.7"],
    ["method", "POST"],
    ["target", "/a?b"],
    ["host", "example.com"],
    ["version", "1.1"],
    ["status", 502],
    ["outcome", "broken"],
    ["error", "reset"],
    ["route", "all"],
    ["upstream", "app"],
    ["backend", "127.0.0.1:8910"],
    ["retries", 2],
    ["hedged", true],
    ["bytes_in", 5],
    ["bytes_out", 12],
    ["queue_ms", 3],
    ["connect_ms", 1.235],
    ["first_byte_ms", 1.25],
    ["total_ms", 1.5],
    ["referer", "http://example.com/"],
    ["user_agent", "curl/8"],
    ["secure", true],
    ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ]);
});

Deno.test("the JSON format has null for what is missing, and no traceparent", () => {
  const found = JSON.parse(json.line(recordOf({
    route: undefined,
    upstream: undefined,
    backend: undefined,
  })));
  for (
    const name of [
      "host",
      "error",
      "route",
      "upstream",
      "backend",
      "referer",
      "user_agent",
    ]
  ) assertEquals(found[name], null, name);
  assert(!("traceparent" in found));
});

Deno.test("a note says how many lines are missing", () => {
  assertEquals(seed.note(3, TIME), "# lines dropped: 3\n");
  assertEquals(combined.note(1, TIME), "# lines dropped: 1\n");
  assertEquals(JSON.parse(json.note(3, TIME)), {
    time: "2016-06-13T10:21:00.007Z",
    dropped: 3,
  });
});

/** Any text of bytes, as a head is decoded; and what a field may have. */
const anything = fc.string({
  unit: fc.integer({ min: 0, max: 0xff }).map((n) => String.fromCharCode(n)),
});
const fieldValue = anything.map((text) =>
  // deno-lint-ignore no-control-regex
  text.replace(/[\x00-\x1f\x7f]/g, "\\").trim()
);
const hostile = fc.record({
  target: anything,
  client: anything,
  referer: fieldValue,
  agent: fieldValue,
  user: fc.string({ unit: "grapheme" }).map((text) =>
    // deno-lint-ignore no-control-regex
    text.replace(/[\x00-\x1f\x7f:]/g, "[")
  ),
}).map(({ target, client, referer, agent, user }) =>
  recordOf({
    head: headOf({
      Referer: referer,
      "User-Agent": agent,
      Authorization: basicCredentials(user, ""),
    }, { target }),
    clientAddress: client,
    requestId: client,
  })
);

Deno.test("whatever a client sends, a line is one line of printable ASCII", () => {
  fc.assert(fc.property(hostile, (record) => {
    for (const { line } of [seed, combined, json]) {
      assertMatch(line(record), /^[\x20-\x7e]*\n$/);
    }
  }));
});

Deno.test("whatever a client sends, it forges no field", () => {
  fc.assert(fc.property(hostile, (record) => {
    assertMatch(
      seed.line(record),
      /^1465813260 GET [^ ]* backend=127\.0\.0\.1:8910\n$/,
    );
    assertMatch(
      combined.line(record),
      /^[^ ]+ - [^ ]+ \[13\/Jun\/2016:10:21:00 \+0000\] "GET [^"]* HTTP\/1\.1" 200 12 "[^"]*" "[^"]*"\n$/,
    );
  }));
});

Deno.test("whatever a client sends, JSON says it exactly", () => {
  fc.assert(fc.property(hostile, (record) => {
    const { fields } = record.head;
    const found = JSON.parse(json.line(record));
    assertEquals(found.target, record.head.target);
    assertEquals(found.client, record.clientAddress);
    assertEquals(found.request_id, record.requestId);
    assertEquals(found.referer, fields.get("referer"));
    assertEquals(found.user_agent, fields.get("user-agent"));
  }));
});
