import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { ContextBudget, contextsSize } from "./budget.ts";
import { DeflateContexts } from "./contexts.ts";
import { acceptOffers } from "./negotiate.ts";
import { resolveDeflate } from "./params.ts";

Deno.test("ContextBudget counts a reservation until it is released, once", () => {
  const budget = new ContextBudget(100);
  const one = budget.reserve(60);
  const two = budget.reserve(40);
  assertEquals(budget.used, 100);
  assert(budget.fits(0));
  assertFalse(budget.fits(1));
  one.release();
  one.release();
  assertEquals(budget.used, 40);
  two.release();
  assertEquals(budget.used, 0);
});

Deno.test("ContextBudget takes another limit, but no nonsense", () => {
  const budget = new ContextBudget(100);
  budget.limit = Infinity;
  assert(budget.fits(1e12));
  assertThrows(() => budget.limit = -1, RangeError, '"limit" to -1');
  assertThrows(() => budget.limit = NaN, RangeError);
  assertEquals(budget.limit, Infinity);
});

Deno.test("contextsSize counts the contexts that there are", () => {
  const none = resolveDeflate({
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
  });
  const server = { ...none, serverNoContextTakeover: false };
  const client = { ...none, clientNoContextTakeover: false };
  for (const role of ["server", "client"] as const) {
    const [own, peer] = role === "server" ? [server, client] : [client, server];
    assertEquals(contextsSize(role, none), 0);
    // To compress takes several times as much as to decompress.
    assert(contextsSize(role, own) > 3 * contextsSize(role, peer));
    assertEquals(
      contextsSize(role, resolveDeflate()),
      contextsSize(role, own) + contextsSize(role, peer),
    );
    const small = { ...own, serverMaxWindowBits: 9, clientMaxWindowBits: 9 };
    assert(contextsSize(role, small) < contextsSize(role, own));
  }
});

Deno.test("DeflateContexts count for the budget until they are closed", () => {
  const budget = new ContextBudget(Infinity);
  const agreement = resolveDeflate();
  const one = new DeflateContexts("server", agreement, { budget });
  const two = new DeflateContexts("client", agreement, { budget });
  assertEquals(budget.used, 2 * contextsSize("server", agreement));
  one.close();
  one.close();
  assertEquals(budget.used, contextsSize("client", agreement));
  two.close();
  assertEquals(budget.used, 0);
});

Deno.test("A server past its budget agrees on no contexts, until some are closed", () => {
  const budget = new ContextBudget(contextsSize("server", resolveDeflate()));
  const accept = () => {
    const { agreement } = acceptOffers("permessage-deflate", {}, budget)!;
    return {
      free: agreement.serverNoContextTakeover &&
        agreement.clientNoContextTakeover,
      contexts: new DeflateContexts("server", agreement, { budget }),
    };
  };
  const first = accept();
  const second = accept();
  assertFalse(first.free);
  assert(second.free);
  assertEquals(budget.used, budget.limit);
  first.contexts.close();
  const third = accept();
  assertFalse(third.free);
  second.contexts.close();
  third.contexts.close();
  assertEquals(budget.used, 0);
});

Deno.test("DeflateContexts that nobody has closed leave the budget when they are collected", async () => {
  const module = (name: string) => new URL(name, import.meta.url).href;
  const program = `
    import { DeflateContexts } from ${JSON.stringify(module("contexts.ts"))};
    import { deflateBudget } from ${JSON.stringify(module("budget.ts"))};
    import { resolveDeflate } from ${JSON.stringify(module("params.ts"))};
    (() => {
      const contexts = new DeflateContexts("server", resolveDeflate());
      contexts.compress(new Uint8Array(10));
    })();
    const before = deflateBudget.used;
    for (let i = 0; i < 100 && deflateBudget.used > 0; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    console.log(before > 0, deflateBudget.used);
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-config",
      "--no-lock",
      "--v8-flags=--expose-gc",
      `data:application/javascript,${encodeURIComponent(program)}`,
    ],
    stderr: "inherit",
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "true 0");
});
