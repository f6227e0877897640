import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { candidate, candidates, picks, request } from "./_policy_test_util.ts";
import type { Candidate } from "./policy.ts";
import { RoundRobin } from "./round_robin.ts";
import { Sticky, type StickyOptions } from "./sticky.ts";

function sticky(options: StickyOptions = { secret: "s" }): Sticky {
  return new Sticky(options, new RoundRobin());
}

/** Chooses for a client with a cookie; the id, and the cookies it gets. */
function pick(
  policy: Sticky,
  list: readonly Candidate[],
  cookie?: string,
): { id: string | undefined; cookies: string[] } {
  const asked = request(cookie === undefined ? {} : { Cookie: cookie });
  const chosen = policy.pick(list, asked);
  return { id: chosen?.id, cookies: asked.cookies };
}

/** What a browser sends back. */
function pair(cookie: string | undefined): string {
  return cookie!.split(";")[0]!;
}

Deno.test("sticky keeps a client where it was first", () => {
  const policy = sticky();
  const list = candidates("abc");
  for (const id of ["a", "b", "c"]) {
    const first = pick(policy, list);
    assertEquals([first.id, first.cookies.length], [id, 1]);
    const cookie = `other=1; ${pair(first.cookies[0])}; last=2`;
    for (let i = 0; i < 3; i++) {
      assertEquals(pick(policy, list, cookie), { id, cookies: [] });
    }
  }
});

/** Options, and the attributes of the cookie. */
const ATTRIBUTES: [options: StickyOptions, name: string, rest: string][] = [
  [{}, "meerkat", "; Path=/; HttpOnly; SameSite=Lax"],
  [{ cookie: "lb" }, "lb", "; Path=/; HttpOnly; SameSite=Lax"],
  [
    { maxAge: 60, secure: true },
    "meerkat",
    "; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
  ],
];

for (const [options, name, rest] of ATTRIBUTES) {
  Deno.test(`sticky sets ${name}=...${rest}`, () => {
    const [cookie] = pick(sticky(options), candidates("a")).cookies;
    assertMatch(cookie!, /^\w+=[\w-]{43};/);
    assertEquals(cookie!.replace(/=[\w-]{43}/, ""), name + rest);
  });
}

Deno.test("sticky refuses a cookie's name that is no token", () => {
  for (const cookie of ["", "a b", "a=b", "a;b", "a\r\nb", "ä"]) {
    const error = assertThrows(() => sticky({ cookie }), ConnError);
    assertEquals(error.code, "bad_cookie_name", cookie);
  }
});

Deno.test("sticky does not tell ids and addresses, nor by the same value elsewhere", () => {
  const one = candidate("10.1.2.3:80");
  const value = (options: StickyOptions) =>
    pair(pick(sticky(options), [one]).cookies[0]).split("=")[1]!;
  const values = [
    value({ secret: "s" }),
    value({ secret: "t" }),
    value({ secret: "s", cookie: "other" }),
    value({}),
  ];
  assertEquals(new Set(values).size, 4);
  for (const value of values) {
    assert(
      !atob(value.replaceAll("-", "+").replaceAll("_", "/")).includes("10"),
    );
  }
});

Deno.test("sticky knows its cookies after a restart by the secret, and within the process without", () => {
  const list = candidates("abcd");
  for (const options of [{ secret: "s" }, {}]) {
    const policy = sticky(options);
    pick(policy, list);
    const { id, cookies } = pick(policy, list);
    const again = pick(sticky(options), list, pair(cookies[0]));
    assertEquals(again, { id, cookies: [] });
  }
});

Deno.test("sticky gives a new cookie for one that is wrong in any place", () => {
  const policy = sticky();
  const list = candidates("a");
  const good = pair(pick(policy, list).cookies[0]);
  const start = "meerkat=".length;
  const wrong = ["meerkat=", "meerkat=x", `${good}x`, good.slice(0, -1), "x=y"];
  for (let i = start; i < good.length; i++) {
    const other = good[i] === "A" ? "B" : "A";
    wrong.push(good.slice(0, i) + other + good.slice(i + 1));
  }
  // One who finds a candidate by another's proof.
  const [b] = pick(policy, candidates("b")).cookies;
  wrong.push(good.slice(0, start + 11) + pair(b).slice(start + 11));
  for (const cookie of wrong) {
    const { id, cookies } = pick(policy, list, cookie);
    assertEquals([id, cookies.map(pair)], ["a", [good]], cookie);
  }
});

Deno.test("sticky does not take a cookie that was signed with another secret", () => {
  const list = candidates("ab");
  const { cookies } = pick(sticky({ secret: "t" }), list);
  const { cookies: own } = pick(sticky(), list, pair(cookies[0]));
  assertEquals(own.length, 1);
  assertNotEquals(own, cookies);
});

Deno.test("sticky gives a client another candidate when its own is gone", () => {
  const policy = sticky();
  const list = candidates("abc");
  const cookie = pair(pick(policy, list).cookies[0]);
  const gone = pick(policy, list.slice(1), cookie);
  assertEquals([gone.id, gone.cookies.length], ["b", 1]);
  // Who comes with the old one still finds the old one when it is back.
  assertEquals(pick(policy, list, cookie), { id: "a", cookies: [] });
  const idle = [candidate("a", { weight: 0 }), list[2]!];
  assertEquals(pick(policy, idle, cookie).id, "c");
});

Deno.test("sticky follows a candidate that is made anew under its id", () => {
  const policy = sticky();
  const cookie = pair(pick(policy, candidates("ab")).cookies[0]);
  const [a] = candidates("a");
  assert(policy.pick([a!], request({ Cookie: cookie })) === a);
});

Deno.test("sticky remembers clients while many candidates come and go", () => {
  const policy = sticky();
  const stays = candidate("stays");
  const cookie = pair(pick(policy, [stays]).cookies[0]);
  for (let i = 0; i < 100; i++) {
    const list = [candidate(`${i}`), stays];
    assertEquals(pick(policy, list, cookie), { id: "stays", cookies: [] });
  }
});

Deno.test("sticky sets no cookie when nobody is there", () => {
  assertEquals(pick(sticky(), []), { id: undefined, cookies: [] });
  assertEquals(picks(sticky(), candidates("a", { weight: 0 }), 1), "-");
});
