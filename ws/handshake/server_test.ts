import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { Fields } from "../../http/codec/fields.ts";
import {
  ACCEPT,
  edited,
  REQUEST,
  requestHead,
} from "./_handshake_test_util.ts";
import type { Refusal } from "./refusal.ts";
import {
  checkRequest,
  type Handshake,
  type HandshakeOptions,
  resolveHandshake,
} from "./server.ts";

function check(
  changes: readonly string[] = [],
  options?: HandshakeOptions,
): Handshake | Refusal {
  return checkRequest(requestHead(edited(REQUEST, changes)), options);
}

function accepted(
  changes: readonly string[] = [],
  options?: HandshakeOptions,
): Handshake {
  const result = check(changes, options);
  assert("subprotocol" in result, `refused with ${result.status}`);
  return result;
}

function refused(
  changes: readonly string[],
  options?: HandshakeOptions,
): { status: number; fields: Fields; body: string } {
  return refusedHead(edited(REQUEST, changes), options);
}

function refusedHead(
  lines: readonly string[],
  options?: HandshakeOptions,
): { status: number; fields: Fields; body: string } {
  const result = checkRequest(requestHead(lines), options);
  assert(!("subprotocol" in result), "accepted");
  const { status, fields, body } = result;
  assertMatch(String(body), /^[A-Z"].+\n$/);
  return { status, fields: new Fields(fields), body: String(body) };
}

Deno.test("checkRequest answers a request that is in order", () => {
  const { status, fields, subprotocol } = accepted();
  assertEquals(status, 101);
  assertEquals(subprotocol, "");
  assertEquals([...fields], [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", ACCEPT],
  ]);
});

for (
  const change of [
    "Upgrade: WebSocket",
    "Upgrade: h2c, websocket",
    "Connection: keep-alive, Upgrade",
    "Connection: upgrade",
    "Content-Length: 0",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    'Sec-WebSocket-Extensions: a; b="1\\5"; c = d , e',
    "Sec-WebSocket-Extensions: a, ,b",
    "Origin: https://a.test",
    "Sec-WebSocket-Accept: nonsense",
  ]
) {
  Deno.test(`checkRequest takes "${change}"`, () => {
    accepted([change]);
  });
}

for (const method of ["HEAD", "POST", "OPTIONS", "get"]) {
  Deno.test(`checkRequest answers 405 to ${method}`, () => {
    const [, ...fields] = REQUEST;
    const lines = [`${method} /chat HTTP/1.1`, ...fields];
    const refusal = refusedHead(lines);
    assertEquals(refusal.status, 405);
    assertEquals(refusal.fields.get("allow"), "GET");
  });
}

for (
  const [what, changes] of [
    ["a request without Upgrade", ["-Upgrade"]],
    ["a request without Connection", ["-Connection"]],
    ["a plain request", ["-Connection", "-Upgrade"]],
    ["a Connection that does not list it", ["Connection: keep-alive"]],
    ["an upgrade to another protocol", ["Upgrade: h2c"]],
    ["an upgrade to a version of it", ["Upgrade: websocket/13"]],
    ["version 8", ["Sec-WebSocket-Version: 8"]],
    ["version 0", ["Sec-WebSocket-Version: 0"]],
    ["version 255", ["Sec-WebSocket-Version: 255"]],
  ] as const
) {
  Deno.test(`checkRequest answers 426 to ${what}`, () => {
    const { status, fields } = refused(changes);
    assertEquals(status, 426);
    assertEquals(fields.get("upgrade"), "websocket");
    assertEquals(fields.get("connection"), "Upgrade");
    assertEquals(fields.get("sec-websocket-version"), "13");
  });
}

Deno.test("checkRequest answers 426 to HTTP/1.0, whose Upgrade is to be ignored", () => {
  const [, ...fields] = REQUEST;
  const refusal = refusedHead(["GET /chat HTTP/1.0", ...fields]);
  assertEquals(refusal.status, 426);
});

for (
  const changes of [
    ["-Sec-WebSocket-Version"],
    ["Sec-WebSocket-Version:"],
    ["Sec-WebSocket-Version: x"],
    ["Sec-WebSocket-Version: 013"],
    ["Sec-WebSocket-Version: 256"],
    ["Sec-WebSocket-Version: 13.0"],
    ["Sec-WebSocket-Version: 13, 8"],
    ["+Sec-WebSocket-Version: 13"],
  ]
) {
  Deno.test(`checkRequest answers 400 and its version to "${changes}"`, () => {
    const { status, fields } = refused(changes);
    assertEquals(status, 400);
    assertEquals(fields.get("sec-websocket-version"), "13");
  });
}

for (
  const changes of [
    ["-Sec-WebSocket-Key"],
    ["Sec-WebSocket-Key:"],
    ["Sec-WebSocket-Key: abc"],
    [`Sec-WebSocket-Key: ${btoa("x".repeat(15))}`],
    [`Sec-WebSocket-Key: ${btoa("x".repeat(17))}`],
    ["+Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA=="],
    ["Content-Length: 5"],
    ["Transfer-Encoding: chunked"],
    ["Sec-WebSocket-Protocol:"],
    ["Sec-WebSocket-Protocol: ,"],
    ["Sec-WebSocket-Protocol: a b"],
    ["Sec-WebSocket-Protocol: a, b/c"],
    ["Sec-WebSocket-Protocol: a, b, a"],
    ["Sec-WebSocket-Protocol: a", "+Sec-WebSocket-Protocol: a"],
    ["Sec-WebSocket-Extensions:"],
    ["Sec-WebSocket-Extensions: ,"],
    ["Sec-WebSocket-Extensions: a b"],
    ["Sec-WebSocket-Extensions: a;"],
    ["Sec-WebSocket-Extensions: ;a"],
    ["Sec-WebSocket-Extensions: a; b="],
    ["Sec-WebSocket-Extensions: a; =b"],
    ['Sec-WebSocket-Extensions: a; b="'],
    ['Sec-WebSocket-Extensions: a; b=""'],
    ['Sec-WebSocket-Extensions: a; b="c d"'],
    ['Sec-WebSocket-Extensions: a; b="c,d"'],
    ["Sec-WebSocket-Extensions: a; b=c=d"],
    ["Origin: https://a.test", "+Origin: https://b.test"],
  ]
) {
  Deno.test(`checkRequest answers 400 to "${changes}"`, () => {
    assertEquals(refused(changes).status, 400);
  });
}

Deno.test("checkRequest reads a long malformed list of extensions in no time", () => {
  const value = "a; b=" + `"${"\\c".repeat(5_000)}` + " , ".repeat(5_000);
  assertEquals(refused([`Sec-WebSocket-Extensions: ${value}`]).status, 400);
});

Deno.test("checkRequest chooses the subprotocol that the server prefers", () => {
  const change = "Sec-WebSocket-Protocol: chat, superchat,, other";
  const { fields, subprotocol } = accepted([change], {
    protocols: ["none", "other", "chat"],
  });
  assertEquals(subprotocol, "other");
  assertEquals(fields.get("sec-websocket-protocol"), "other");
});

Deno.test("checkRequest reads subprotocols from several fields", () => {
  const offered: string[][] = [];
  accepted(
    ["Sec-WebSocket-Protocol: a, b", "+Sec-WebSocket-Protocol: c"],
    {
      protocols: (names) => {
        offered.push([...names]);
        return undefined;
      },
    },
  );
  assertEquals(offered, [["a", "b", "c"]]);
});

Deno.test("checkRequest goes on without a subprotocol if none is in common", () => {
  for (const protocols of [["b", "A"], [], undefined]) {
    const { fields, subprotocol } = accepted(
      ["Sec-WebSocket-Protocol: a"],
      protocols === undefined ? {} : { protocols },
    );
    assertEquals(subprotocol, "");
    assert(!fields.has("sec-websocket-protocol"));
  }
});

Deno.test("checkRequest chooses no subprotocol for a client that offers none", () => {
  let asked = 0;
  const { subprotocol } = accepted([], { protocols: () => `${++asked}` });
  assertEquals([subprotocol, asked], ["", 0]);
  assertEquals(accepted([], { protocols: ["a"] }).subprotocol, "");
});

Deno.test("checkRequest lets a function choose the subprotocol by the request", () => {
  const { subprotocol } = accepted(["Sec-WebSocket-Protocol: a, b"], {
    protocols: (offered, head) =>
      head.target === "/chat" ? offered[1] : undefined,
  });
  assertEquals(subprotocol, "b");
});

Deno.test("checkRequest throws if the chosen subprotocol was not offered", () => {
  const error = assertThrows(
    () => check(["Sec-WebSocket-Protocol: a"], { protocols: () => "b" }),
    ConnError,
    'Cannot choose the subprotocol "b": expected one that the client offers',
  );
  assertEquals([error.code, error.side], ["subprotocol_not_offered", "local"]);
});

Deno.test("checkRequest adds the program's fields", () => {
  const { fields } = accepted([], {
    fields: { "Set-Cookie": ["a=1", "b=2"], Server: "x" },
  });
  assertEquals(fields.getAll("set-cookie"), ["a=1", "b=2"]);
  assertEquals(fields.get("server"), "x");
});

Deno.test("checkRequest does not let the program change the handshake's fields", () => {
  for (
    const name of [
      "upgrade",
      "Connection",
      "Sec-WebSocket-Accept",
      "sec-websocket-protocol",
      "Sec-WebSocket-Extensions",
      "Content-Length",
      "Transfer-Encoding",
    ]
  ) {
    const error = assertThrows(
      () => check([], { fields: { [name]: "x" } }),
      ConnError,
      `Cannot add the field "${name}" to the handshake`,
    );
    assertEquals([error.code, error.side], ["reserved_field", "local"]);
  }
});

Deno.test("checkRequest answers 403 to a page of another origin", () => {
  const options = { origins: ["https://a.test"] };
  accepted(["Origin: https://a.test"], options);
  accepted([], options);
  assertEquals(refused(["Origin: https://b.test"], options).status, 403);
  assertEquals(refused(["Origin: null"], options).status, 403);
});

Deno.test("checkRequest asks a function about the origin", () => {
  const seen: (string | undefined)[] = [];
  const origins = (origin: string | undefined) => {
    seen.push(origin);
    return origin !== undefined;
  };
  accepted(["Origin: https://b.test"], { origins });
  assertEquals(refused([], { origins }).status, 403);
  assertEquals(seen, ["https://b.test", undefined]);
});

Deno.test("checkRequest asks the program nothing about a request that is not in order", () => {
  let asked = 0;
  const options = {
    origins: () => ++asked > 0,
    protocols: () => `${++asked}`,
  };
  refused(["Sec-WebSocket-Version: 8", "Sec-WebSocket-Protocol: a"], options);
  assertEquals(asked, 0);
});

Deno.test("resolveHandshake finds mistakes without a request", () => {
  assertThrows(() => resolveHandshake({ protocols: ["a", "a"] }), ConnError);
  assertThrows(() => resolveHandshake({ protocols: ["a b"] }), ConnError);
  assertThrows(() => resolveHandshake({ fields: { upgrade: "x" } }), ConnError);
  assertThrows(() => resolveHandshake({ fields: { "a b": "x" } }), ConnError);
  assertThrows(() => resolveHandshake({ origins: ["*"] }), RangeError);
});

Deno.test("resolveHandshake makes a check of a list of origins", () => {
  const { origins } = resolveHandshake({ origins: ["https://a.test"] });
  assert(typeof origins === "function");
  assertEquals(origins("https://b.test"), false);
  const options = { protocols: ["a"] };
  assertEquals(resolveHandshake(options), options);
});
