import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import {
  edited,
  KEY,
  REQUEST,
  requestHead,
  RESPONSE,
  responseHead,
} from "./_handshake_test_util.ts";
import {
  checkResponse,
  upgradeFields,
  type UpgradeRequest,
  type UpgradeResponse,
} from "./client.ts";
import { checkRequest } from "./server.ts";

Deno.test("upgradeFields asks for a WebSocket", () => {
  assertEquals([...upgradeFields({ key: KEY })], [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", KEY],
    ["Sec-WebSocket-Version", "13"],
  ]);
});

Deno.test("upgradeFields offers subprotocols and extensions, and adds fields", () => {
  const fields = upgradeFields({
    key: KEY,
    protocols: ["a", "b.c"],
    extensions: "permessage-deflate; client_max_window_bits",
    fields: { Origin: "https://a.test" },
  });
  assertEquals([...fields].slice(4), [
    ["Sec-WebSocket-Protocol", "a, b.c"],
    [
      "Sec-WebSocket-Extensions",
      "permessage-deflate; client_max_window_bits",
    ],
    ["Origin", "https://a.test"],
  ]);
});

Deno.test("upgradeFields does not let the program change the handshake's fields", () => {
  for (const name of ["Upgrade", "sec-websocket-key", "Content-Length"]) {
    const error = assertThrows(
      () => upgradeFields({ key: KEY, fields: [[name, "x"]] }),
      ConnError,
    );
    assertEquals([error.code, error.side], ["reserved_field", "local"]);
  }
});

for (const protocols of [["a", "b", "a"], [""], ["a b"], ["a,b"], ["ü"]]) {
  Deno.test(`upgradeFields refuses the subprotocols ${JSON.stringify(protocols)}`, () => {
    const error = assertThrows(
      () => upgradeFields({ key: KEY, protocols }),
      ConnError,
      "Cannot use the subprotocol",
    );
    assertEquals([error.code, error.side], ["subprotocol_invalid", "local"]);
  });
}

function check(
  changes: readonly string[] = [],
  expected: Partial<UpgradeRequest> = {},
): UpgradeResponse {
  const head = responseHead(edited(RESPONSE, changes));
  return checkResponse(head, { key: KEY, ...expected });
}

Deno.test("checkResponse takes an answer that is in order", () => {
  assertEquals(check(), { subprotocol: "", extensions: undefined });
});

for (
  const change of [
    "Upgrade: WebSocket",
    "Connection: keep-alive, upgrade",
    "Server: x",
  ]
) {
  Deno.test(`checkResponse takes "${change}"`, () => {
    check([change]);
  });
}

Deno.test("checkResponse gives the subprotocol and the extensions", () => {
  assertEquals(
    check(
      ["Sec-WebSocket-Protocol: b", "Sec-WebSocket-Extensions: x; y=1"],
      { protocols: ["a", "b"] },
    ),
    { subprotocol: "b", extensions: "x; y=1" },
  );
});

Deno.test("checkResponse joins extensions of several fields, as the erratum 3433 of RFC 6455 has it", () => {
  const { extensions } = check([
    "Sec-WebSocket-Extensions: x",
    "+Sec-WebSocket-Extensions: y",
  ]);
  assertEquals(extensions, "x, y");
});

Deno.test("checkResponse takes an answer without a subprotocol to an offer", () => {
  assertEquals(check([], { protocols: ["a"] }).subprotocol, "");
});

for (
  const changes of [
    ["-Upgrade"],
    ["Upgrade: h2c"],
    ["Upgrade: websocket, h2c"],
    ["+Upgrade: websocket"],
    ["-Connection"],
    ["Connection: close"],
    ["-Sec-WebSocket-Accept"],
    ["Sec-WebSocket-Accept: nonsense"],
    // One bit, and one letter's case, too many.
    ["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp="],
    ["Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ["+Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ["Sec-WebSocket-Protocol: c"],
    ["Sec-WebSocket-Protocol: A"],
    ["Sec-WebSocket-Protocol:"],
    ["Sec-WebSocket-Protocol: a, b"],
    ["Sec-WebSocket-Protocol: a", "+Sec-WebSocket-Protocol: b"],
  ]
) {
  Deno.test(`checkResponse refuses "${changes}"`, () => {
    const error = assertThrows(
      () => check(changes, { protocols: ["a", "b"] }),
      ConnError,
      "Cannot open the WebSocket: ",
    );
    assertEquals([error.code, error.side], ["handshake_invalid", "remote"]);
  });
}

Deno.test("checkResponse refuses a subprotocol if none was offered", () => {
  assertThrows(() => check(["Sec-WebSocket-Protocol: a"]), ConnError);
});

Deno.test("checkResponse refuses another status and HTTP/1.0", () => {
  const [, ...fields] = RESPONSE;
  for (const line of ["HTTP/1.1 200 OK", "HTTP/1.1 426 Upgrade Required"]) {
    const head = responseHead([line, ...fields, "Content-Length: 0"]);
    const error = assertThrows(
      () => checkResponse(head, { key: KEY }),
      ConnError,
    );
    assertEquals(error.code, "handshake_invalid");
  }
  const old = { ...responseHead(RESPONSE), version: "1.0" as const };
  assertThrows(() => checkResponse(old, { key: KEY }), ConnError);
});

Deno.test("Both halves of the handshake agree", () => {
  const asked = { key: KEY, protocols: ["a", "b"] };
  const [line, host] = REQUEST;
  const lines = [...upgradeFields(asked)].map((pair) => pair.join(": "));
  const answer = checkRequest(requestHead([line!, host!, ...lines]), {
    protocols: ["b"],
  });
  assert("subprotocol" in answer);
  const answered = [...answer.fields].map((pair) => pair.join(": "));
  const head = responseHead([RESPONSE[0]!, ...answered]);
  assertEquals(checkResponse(head, asked).subprotocol, "b");
});
