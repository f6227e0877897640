import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import { ContextBudget } from "./budget.ts";
import { acceptOffers, acceptResponse, offer } from "./negotiate.ts";
import { type DeflateOptions, resolveDeflate } from "./params.ts";

const plenty = new ContextBudget(Infinity);
const nothing = new ContextBudget(0);

function response(header: string, options: DeflateOptions = {}) {
  return acceptOffers(header, options, plenty)?.response;
}

Deno.test("acceptOffers answers each offer with what it demands", () => {
  for (
    const [offered, answer] of [
      ["", ""],
      ["; client_max_window_bits", ""],
      ["; client_max_window_bits=15", "; client_max_window_bits=15"],
      ["; client_max_window_bits=8", "; client_max_window_bits=8"],
      ["; server_max_window_bits=15", "; server_max_window_bits=15"],
      ["; server_max_window_bits=8", "; server_max_window_bits=8"],
      ['; server_max_window_bits="10"', "; server_max_window_bits=10"],
      ["; server_no_context_takeover", "; server_no_context_takeover"],
      ["; client_no_context_takeover", "; client_no_context_takeover"],
      [
        "; client_max_window_bits=9; server_max_window_bits=10; client_no_context_takeover; server_no_context_takeover",
        "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
      ],
    ]
  ) {
    const name = "permessage-deflate";
    assertEquals(response(name + offered), name + answer, offered);
  }
});

Deno.test("acceptOffers tells what the server wants for itself", () => {
  const options = { serverNoContextTakeover: true, serverMaxWindowBits: 12 };
  assertEquals(
    response("permessage-deflate", options),
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=12",
  );
  assertEquals(
    response("permessage-deflate; server_max_window_bits=14", options),
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=12",
  );
  assertEquals(
    response("permessage-deflate; server_max_window_bits=9", options),
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
  );
});

Deno.test("acceptOffers asks for a small window only who can have one", () => {
  const options = { clientMaxWindowBits: 10, clientNoContextTakeover: true };
  const mute = acceptOffers("permessage-deflate", options, plenty);
  assertEquals(
    mute?.response,
    "permessage-deflate; client_no_context_takeover",
  );
  assertEquals(mute?.agreement.clientMaxWindowBits, 15);
  for (const [hint, bits] of [["", 10], ["=15", 10], ["=10", 10], ["=9", 9]]) {
    const accepted = acceptOffers(
      `permessage-deflate; client_max_window_bits${hint}`,
      options,
      plenty,
    );
    assertEquals(accepted?.agreement.clientMaxWindowBits, bits);
    assertEquals(
      accepted?.response,
      `permessage-deflate; client_no_context_takeover; client_max_window_bits=${bits}`,
    );
  }
});

Deno.test("acceptOffers takes the first offer that it can take", () => {
  const good = "permessage-deflate; server_max_window_bits=11";
  for (
    const bad of [
      "permessage-deflate; unknown",
      "permessage-deflate; Server_no_context_takeover",
      "permessage-deflate; server_no_context_takeover=1",
      "permessage-deflate; client_no_context_takeover=true",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
      "permessage-deflate; server_max_window_bits",
      "permessage-deflate; server_max_window_bits=7",
      "permessage-deflate; server_max_window_bits=16",
      "permessage-deflate; server_max_window_bits=010",
      "permessage-deflate; server_max_window_bits=1e1",
      "permessage-deflate; client_max_window_bits=7",
      "permessage-deflate; client_max_window_bits=+9",
      "permessage-deflate; __proto__",
      "x-webkit-deflate-frame",
      "permessage-bzip2; level=9",
    ]
  ) {
    assertEquals(response(bad), undefined, bad);
    assertEquals(response(`${bad}, ${good}, permessage-deflate`), good, bad);
  }
});

Deno.test("acceptOffers agrees on nothing without an offer", () => {
  assertEquals(acceptOffers(undefined), undefined);
});

Deno.test("acceptOffers fails at a malformed list, even behind a good offer", () => {
  const error = assertThrows(
    () => acceptOffers("permessage-deflate, a;;", {}, plenty),
    ConnError,
  );
  assertEquals(error.code, "extension_invalid");
  assertEquals(error.side, "remote");
  assertEquals(error.reply, 400);
});

Deno.test("acceptOffers agrees on no context when the budget is used up", () => {
  const accepted = acceptOffers("permessage-deflate", {}, nothing);
  assertEquals(
    accepted?.response,
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  );
  assert(accepted?.agreement.serverNoContextTakeover);
  assert(accepted.agreement.clientNoContextTakeover);
});

Deno.test("acceptOffers needs no budget for what has no context", () => {
  const options = {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
  };
  const accepted = acceptOffers("permessage-deflate", options, nothing);
  assertEquals(accepted?.agreement, resolveDeflate(options));
});

Deno.test("offer says that the client can limit its window, and what is set", () => {
  const name = "permessage-deflate";
  assertEquals(offer({}, plenty).header, `${name}; client_max_window_bits`);
  assertEquals(
    offer({ clientMaxWindowBits: 9 }, plenty).header,
    `${name}; client_max_window_bits=9`,
  );
  assertEquals(
    offer({
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 8,
    }, plenty).header,
    `${name}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits`,
  );
});

Deno.test("offer asks for no context when the budget is used up", () => {
  const offered = offer({}, nothing);
  assertEquals(
    offered.header,
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
  );
  const agreement = acceptResponse(
    "permessage-deflate; server_no_context_takeover",
    offered,
  );
  assert(agreement?.serverNoContextTakeover);
  assert(agreement.clientNoContextTakeover);
});

Deno.test("acceptResponse takes what a server may say unasked", () => {
  const offered = offer({}, plenty);
  assertEquals(acceptResponse(undefined, offered), undefined);
  assertEquals(acceptResponse(undefined, undefined), undefined);
  assertEquals(acceptResponse("permessage-deflate", offered), resolveDeflate());
  assertEquals(
    acceptResponse(
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=15",
      offered,
    ),
    resolveDeflate({
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 8,
    }),
  );
});

Deno.test("acceptResponse keeps the client to its own hints", () => {
  const options = { clientNoContextTakeover: true, clientMaxWindowBits: 10 };
  const offered = offer(options, plenty);
  assertEquals(
    acceptResponse("permessage-deflate", offered),
    resolveDeflate(options),
  );
});

Deno.test("acceptResponse fails at all that was not offered", () => {
  const offered = offer({
    serverNoContextTakeover: true,
    serverMaxWindowBits: 12,
    clientMaxWindowBits: 12,
  }, plenty);
  const good =
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=12";
  assert(acceptResponse(good, offered));
  for (
    const bad of [
      "",
      "permessage-deflate;",
      "x-webkit-deflate-frame",
      `${good}, foo`,
      `foo, ${good}`,
      `${good}, ${good}`,
      `${good}; unknown`,
      `${good}; client_no_context_takeover=1`,
      `${good}; server_max_window_bits=12`,
      `${good}; client_max_window_bits`,
      `${good}; client_max_window_bits=7`,
      `${good}; client_max_window_bits=13`,
      `${good}; client_max_window_bits=16`,
      "permessage-deflate; server_no_context_takeover",
      "permessage-deflate; server_max_window_bits=12",
      "permessage-deflate; server_no_context_takeover; server_max_window_bits",
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=7",
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=13",
    ]
  ) {
    const error = assertThrows(
      () => acceptResponse(bad, offered),
      ConnError,
      undefined,
      bad,
    );
    assertEquals(error.code, "extension_invalid");
    assertEquals(error.side, "remote");
    assertEquals(error.reply, undefined);
  }
});

Deno.test("acceptResponse fails at a limit that the client did not offer to keep", () => {
  const settings = resolveDeflate();
  const offered = { header: "permessage-deflate", params: {}, settings };
  assert(acceptResponse("permessage-deflate", offered));
  assertThrows(
    () =>
      acceptResponse("permessage-deflate; client_max_window_bits=15", offered),
    ConnError,
    '"client_max_window_bits" was not offered',
  );
});

Deno.test("acceptResponse fails at any extension when none was offered", () => {
  assertThrows(
    () => acceptResponse("permessage-deflate", undefined),
    ConnError,
    "was not offered",
  );
});

const options: fc.Arbitrary<DeflateOptions> = fc.record({
  serverNoContextTakeover: fc.boolean(),
  clientNoContextTakeover: fc.boolean(),
  serverMaxWindowBits: fc.integer({ min: 8, max: 15 }),
  clientMaxWindowBits: fc.integer({ min: 8, max: 15 }),
}, { requiredKeys: [] });
const budgets = fc.constantFrom(plenty, nothing);

Deno.test("Client and server agree on the same, whatever they want", () => {
  fc.assert(
    fc.property(
      options,
      options,
      budgets,
      budgets,
      (ours, theirs, one, two) => {
        const offered = offer(ours, one);
        const accepted = acceptOffers(offered.header, theirs, two)!;
        assertEquals(
          acceptResponse(accepted.response, offered),
          accepted.agreement,
        );
      },
    ),
  );
});

Deno.test("resolveDeflate refuses numbers that are out of range", () => {
  for (
    const wrong of [
      { level: 0 },
      { level: 10 },
      { level: 1.5 },
      { memLevel: 0 },
      { memLevel: 10 },
      { threshold: -1 },
      { threshold: NaN },
      { serverMaxWindowBits: 7 },
      { serverMaxWindowBits: 16 },
      { clientMaxWindowBits: 9.5 },
    ]
  ) {
    const error = assertThrows(() => resolveDeflate(wrong), RangeError);
    assert(error.message.includes(`"${Object.keys(wrong)[0]}"`));
  }
  assertEquals(resolveDeflate({ threshold: Infinity }).threshold, Infinity);
});
