import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { wireFields } from "../../http/codec/wire_fields.ts";
import { ResponseRewrite } from "../routing/rewrite.ts";
import {
  assertField,
  responseHead,
  rules,
  sentResponse,
} from "./_head_test_util.ts";
import {
  type ResponseContext,
  ResponseRelay,
  type ResponseRelaySettings,
} from "./response_relay.ts";

const CONTEXT: ResponseContext = {
  requestId: "id-1",
  setCookies: undefined,
  backendAuthority: "10.0.0.9:81",
  clientAuthority: "a.example",
  secure: true,
};

interface Case extends Partial<ResponseRelaySettings> {
  line?: string;
  fields?: string[];
  setCookies?: string[];
}

/** The lines that a client gets. */
function relayed(
  { line = "HTTP/1.1 200 OK", fields = [], setCookies, ...settings }: Case,
): string[] {
  const relay = new ResponseRelay({
    via: "meerkat",
    rules: rules(),
    ...settings,
  });
  const head = responseHead(line, ...fields);
  return sentResponse(relay.relay(head, { ...CONTEXT, setCookies }));
}

Deno.test("a response gets Via and the id of its request, and keeps the rest", () => {
  const fields = [
    "Date: Mon, 03 Jan 2000 00:00:00 GMT",
    "Server: backend/1",
    "Set-Cookie: a=1",
    "set-cookie: b=2",
    "Content-Length: 3",
    "Trailer: Digest",
    "Location: http://10.0.0.9:81/x",
    "Via: 1.1 inner",
  ];
  const lines = relayed({ fields });
  for (const field of fields.slice(0, 2)) {
    assertEquals(lines.includes(field), true);
  }
  assertField(lines, "Date", "Mon, 03 Jan 2000 00:00:00 GMT");
  assertField(lines, "Set-Cookie", "a=1", "b=2");
  assertField(lines, "Content-Length", "3");
  assertField(lines, "Trailer", "Digest");
  assertField(lines, "Location", "http://10.0.0.9:81/x");
  assertField(lines, "Via", "1.1 inner", "1.1 meerkat");
  assertField(lines, "X-Request-Id", "id-1");
});

Deno.test("a response of HTTP/1.0 is named so in Via", () => {
  assertField(relayed({ line: "HTTP/1.0 200 OK" }), "Via", "1.0 meerkat");
  assertField(relayed({ via: false }), "Via");
});

Deno.test("what is between two neighbours stays behind in a response", () => {
  const lines = relayed({
    fields: [
      "Connection: keep-alive, x-private",
      "X-Private: 1",
      "Keep-Alive: timeout=5",
      "Proxy-Connection: keep-alive",
      "Proxy-Authenticate: Basic",
      "Upgrade: h2c",
      "X-Request-Id: other",
    ],
  });
  for (
    const name of [
      ...["X-Private", "Proxy-Connection", "Proxy-Authenticate", "Upgrade"],
    ]
  ) assertField(lines, name);
  // What the server says itself.
  assertField(lines, "Keep-Alive", "timeout=75");
  assertField(lines, "X-Request-Id", "id-1");
});

Deno.test("a response cannot take cookies or its type away by Connection", () => {
  const lines = relayed({
    fields: [
      "Connection: set-cookie, content-type, date, x-request-id",
      "Set-Cookie: a=1",
      "Content-Type: text/html",
    ],
  });
  assertField(lines, "Set-Cookie", "a=1");
  assertField(lines, "Content-Type", "text/html");
  assertField(lines, "X-Request-Id", "id-1");
});

Deno.test("cookies of the policy are added", () => {
  const lines = relayed({
    fields: ["Set-Cookie: a=1"],
    setCookies: ["b=2; Path=/", "c=3"],
    rules: rules({ remove: ["Set-Cookie"] }),
  });
  assertField(lines, "Set-Cookie", "b=2; Path=/", "c=3");
});

Deno.test("a cookie of the policy cannot bring in a field", () => {
  const error = assertThrows(
    () => relayed({ setCookies: ["a=1\r\nX-A: 1"] }),
    ConnError,
  );
  assertEquals(error.code, "bad_field_value");
});

Deno.test("what points back is rewritten for the client", () => {
  const rewrite = new ResponseRewrite({ prefix: "/api", replacement: "/v1" });
  const lines = relayed({
    rewrite,
    fields: [
      "Location: http://10.0.0.9:81/v1/users",
      "content-location: /v1/users/1",
      "Set-Cookie: a=1; Path=/v1",
      "Set-Cookie: b=2",
      "X-A: 1",
    ],
    setCookies: ["c=3; Path=/v1"],
  });
  assertField(lines, "Location", "https://a.example/api/users");
  assertField(lines, "Content-Location", "/api/users/1");
  assertField(
    lines,
    "Set-Cookie",
    "a=1; Path=/api",
    "b=2",
    "c=3; Path=/v1",
  );
  assertField(lines, "X-A", "1");
});

Deno.test("rules have the last word on what would be rewritten", () => {
  const rewrite = new ResponseRewrite({ prefix: "/api", replacement: "/v1" });
  const lines = relayed({
    rewrite,
    fields: ["Location: /v1/a", "Set-Cookie: a=1", "Content-Location: /v1/b"],
    rules: rules({
      remove: ["Set-Cookie", "X-Request-Id", "Via"],
      set: { Location: "/fixed", Date: "now" },
      add: { "X-A": "1" },
    }),
  });
  assertField(lines, "Location", "/fixed");
  assertField(lines, "Content-Location", "/api/b");
  assertField(lines, "Set-Cookie");
  assertField(lines, "X-Request-Id");
  assertField(lines, "Via");
  assertField(lines, "Date", "now");
  assertField(lines, "X-A", "1");
});

Deno.test("a 101 keeps its Upgrade", () => {
  const head = responseHead(
    "HTTP/1.1 101 Switching Protocols",
    "Connection: upgrade",
    "Upgrade: WebSocket",
    "Sec-WebSocket-Accept: x",
  );
  const relay = new ResponseRelay({ via: false, rules: rules() });
  const fields = relay.relay(head, CONTEXT);
  const wire = wireFields(fields);
  assertEquals([wire.upgrade, wire.connectionUpgrade], [true, true]);
  const lines = sentResponse(fields, 101, [
    "GET / HTTP/1.1",
    "Host: a",
    "Connection: Upgrade",
    "Upgrade: websocket",
  ]);
  assertField(lines, "Connection", "Upgrade");
  assertField(lines, "Upgrade", "WebSocket");
  assertField(lines, "Sec-WebSocket-Accept", "x");
});
