import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { createHmac } from "node:crypto";
import { ConnError } from "../../conn/error.ts";
import { serve } from "../../http/server/serve.ts";
import type { ClientInfo, Grant, HubOptions } from "../options.ts";
import { jwt, type JwtKey, type JwtOptions } from "./jwt.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const HS: JwtOptions = { key: { secret: SECRET }, algorithms: ["HS256"] };

/** A token made without the library. */
function token(
  claims: unknown,
  header: unknown = { alg: "HS256" },
  secret = SECRET,
): string {
  const part = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value))
      .toBase64({ alphabet: "base64url", omitPadding: true });
  const signed = `${part(header)}.${part(claims)}`;
  const signature = createHmac("sha256", secret).update(signed);
  return `${signed}.${signature.digest("base64url")}`;
}

/** Seconds from now, as claims have them. */
function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function request(token: string): Request {
  return new Request("http://hub/push", {
    headers: { authorization: `Bearer ${token}` },
  });
}

async function granted(options: JwtOptions, token: string): Promise<Grant> {
  const grant = await jwt(options).onConnect(request(token));
  assert(!(grant instanceof Response), "refused");
  return grant;
}

/** The challenge with which a token is refused. */
async function refused(options: JwtOptions, token: string): Promise<string> {
  const response = await jwt(options).onConnect(request(token));
  assert(response instanceof Response, "granted");
  assertEquals(response.status, 401);
  assertEquals(await response.text(), "Unauthorized\n");
  return response.headers.get("www-authenticate")!;
}

const INVALID =
  'Bearer error="invalid_token", error_description="The token is invalid"';
const EXPIRED =
  'Bearer error="invalid_token", error_description="The token has expired"';

Deno.test("jwt gives the hooks of a hub", () => {
  const hooks: Required<Pick<HubOptions, "onConnect" | "onAuthorize">> = jwt(
    HS,
  );
  assertEquals(Object.keys(hooks), ["onConnect", "onAuthorize"]);
});

Deno.test("jwt makes a grant of the claims", async () => {
  const exp = inSeconds(60);
  const claims = {
    sub: "vera",
    exp,
    subscribe: ["plant/#", "news"],
    publish: ["plant/+/set-point"],
    more: { a: 1 },
  };
  assertEquals(await granted(HS, token(claims)), {
    user: "vera",
    expires: exp * 1000,
    subscribe: ["plant/#", "news"],
    publish: ["plant/+/set-point"],
    data: claims,
  });
  assertEquals(await granted(HS, token({})), { data: {} });
  const none = { subscribe: [], publish: [] };
  assertEquals(await granted(HS, token(none)), { ...none, data: none });
});

Deno.test("jwt reads claims by other names", async () => {
  const options = {
    ...HS,
    claims: { user: "email", subscribe: "read", publish: "write" },
  };
  const claims = { sub: 7, email: "v@x", read: ["a"], write: ["b"] };
  assertEquals(await granted(options, token(claims)), {
    user: "v@x",
    subscribe: ["a"],
    publish: ["b"],
    data: claims,
  });
});

Deno.test("jwt refuses claims of wrong types, and filters that are none", async () => {
  for (
    const claims of [
      { sub: 7 },
      { sub: null },
      { subscribe: "plant/#" },
      { subscribe: [1] },
      { subscribe: null },
      { publish: ["a", "b/#/c"] },
      { publish: [""] },
      { exp: "tomorrow" },
      { nbf: "yesterday" },
    ]
  ) assertEquals(await refused(HS, token(claims)), INVALID);
});

Deno.test("jwt takes the token from the field or the query, the field first", async () => {
  const { onConnect } = jwt(HS);
  const of = async (url: string, authorization?: string) => {
    const headers = authorization === undefined ? [] : [
      ["authorization", authorization],
    ] as [string, string][];
    const made = await onConnect(new Request(url, { headers }));
    return made instanceof Response ? made.status : made.user;
  };
  const [vera, otto] = [token({ sub: "vera" }), token({ sub: "otto" })];
  assertEquals(await of(`http://hub/push?topic=a&token=${vera}`), "vera");
  assertEquals(await of("http://hub/push", `bearer ${vera}`), "vera");
  assertEquals(
    await of(`http://hub/push?token=${otto}`, `Bearer ${vera}`),
    "vera",
  );
  assertEquals(await of(`http://hub/push?token=${vera}`, "Bearer x"), 401);
  // Basic is for somebody else on the way.
  assertEquals(await of(`http://hub/push?token=${vera}`, "Basic YTpi"), "vera");
});

Deno.test("jwt asks who shows no token for one, without an error", async () => {
  const response = await jwt(HS).onConnect(new Request("http://hub/push"));
  assert(response instanceof Response);
  assertEquals(response.status, 401);
  assertEquals(response.headers.get("www-authenticate"), "Bearer");
});

Deno.test("jwt refuses tokens out of their time", async () => {
  assertEquals(await refused(HS, token({ exp: inSeconds(-1) })), EXPIRED);
  assertEquals(await refused(HS, token({ exp: 0 })), EXPIRED);
  assertEquals(await refused(HS, token({ nbf: inSeconds(60) })), INVALID);
});

Deno.test("jwt lets clocks be apart, and grants as long", async () => {
  const options = { ...HS, clockTolerance: 60_000 };
  const exp = inSeconds(-30);
  const grant = await granted(options, token({ exp, nbf: inSeconds(30) }));
  assertEquals(grant.expires, exp * 1000 + 60_000);
  assertEquals(await refused(options, token({ exp: exp - 60 })), EXPIRED);
  for (const clockTolerance of [-1, NaN, Infinity]) {
    assertThrows(() => jwt({ ...HS, clockTolerance }), RangeError);
  }
});

Deno.test("jwt accepts tokens without end unless told otherwise", async () => {
  assertEquals((await granted(HS, token({}))).expires, undefined);
  const options = { ...HS, requireExp: true };
  assertEquals(await refused(options, token({})), INVALID);
  await granted(options, token({ exp: inSeconds(60) }));
});

Deno.test("jwt checks issuer and audience", async () => {
  for (const [name, claim] of [["issuer", "iss"], ["audience", "aud"]]) {
    for (const wanted of ["a", ["a", "b"]]) {
      const options = { ...HS, [name!]: wanted };
      await granted(options, token({ [claim!]: "a" }));
      assertEquals(await refused(options, token({})), INVALID);
      assertEquals(await refused(options, token({ [claim!]: "c" })), INVALID);
    }
  }
  const options = { ...HS, audience: "a" };
  await granted(options, token({ aud: ["x", "a"] }));
});

Deno.test("jwt refuses what is not signed with its key", async () => {
  const claims = { sub: "vera" };
  const good = token(claims);
  const [head, body, signature] = good.split(".") as [string, string, string];
  const other = token({ sub: "otto" }).split(".")[1]!;
  for (
    const bad of [
      "",
      "x",
      "a.b.c",
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${other}.${signature}`,
      `${good}.`,
      token(claims, { alg: "HS256" }, "another secret, and a long one at that"),
      token(claims, { alg: "HS384" }),
      token(claims, { alg: "none" }),
      token(claims, { alg: "HS256", crit: ["x"], x: 1 }),
      new UnsecuredJWT(claims).encode(),
      token(["no object"]),
    ]
  ) {
    const { onAuthorize } = jwt(HS);
    assertEquals(await onAuthorize(bad, client({})), undefined, bad);
  }
});

Deno.test("jwt refuses whatever is no token, and throws nothing", async () => {
  const good = token({ sub: "vera" });
  const { onAuthorize } = jwt(HS);
  const changed = fc.tuple(
    fc.nat(good.length - 1),
    fc.string({ unit: "binary", minLength: 1, maxLength: 3 }),
  ).map(([at, text]) => good.slice(0, at) + text + good.slice(at + 1))
    .filter((text) => text !== good);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(changed, fc.string({ unit: "binary" })),
      async (text) => {
        const grant = await onAuthorize(text, client({ user: "vera" }));
        // The last character of a signature has bits that say nothing.
        if (grant !== undefined) {
          assertEquals(text.slice(0, -1), good.slice(0, -1));
        }
      },
    ),
    { numRuns: 300 },
  );
});

function client(grant: Grant): ClientInfo {
  return {
    id: "1",
    grant,
    remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
    transport: "websocket",
  };
}

Deno.test("A later token is of the same user, or of nobody again", async () => {
  const { onAuthorize } = jwt(HS);
  const exp = inSeconds(60);
  const vera = client({ user: "vera" });
  const fresh = await onAuthorize(token({ sub: "vera", exp }), vera);
  assertEquals([fresh?.user, fresh?.expires], ["vera", exp * 1000]);
  for (const claims of [{ sub: "otto" }, {}, { sub: "vera", exp: 1 }]) {
    assertEquals(await onAuthorize(token(claims), vera), undefined);
  }
  assertEquals(await onAuthorize(token({}), client({})), { data: {} });
  assertEquals(await onAuthorize(token({ sub: "x" }), client({})), undefined);
});

async function signed(
  claims: JWTPayload,
  alg: string,
  key: CryptoKey,
  kid?: string,
): Promise<string> {
  const header = kid === undefined ? { alg } : { alg, kid };
  return await new SignJWT(claims).setProtectedHeader(header).sign(key);
}

Deno.test("jwt checks tokens by a public key in PEM", async () => {
  for (const alg of ["RS256", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"]) {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    const pem = await exportSPKI(publicKey);
    const options: JwtOptions = { key: { pem }, algorithms: [alg] };
    const good = await signed({ sub: "vera" }, alg, privateKey);
    assertEquals((await granted(options, good)).user, "vera");
    const { privateKey: other } = await generateKeyPair(alg);
    assertEquals(
      await refused(options, await signed({}, alg, other)),
      INVALID,
    );
    // The public key is no secret.
    for (const secret of [pem, pem.trim()]) {
      assertEquals(
        await refused(options, token({}, { alg: "HS256" }, secret)),
        INVALID,
      );
    }
  }
});

Deno.test("jwt takes several algorithms of one key", async () => {
  const { publicKey, privateKey } = await generateKeyPair("RS256", {
    extractable: true,
  });
  const pem = await exportSPKI(publicKey);
  const jwk = await exportJWK(privateKey);
  const { onAuthorize } = jwt({ key: { pem }, algorithms: ["RS256", "PS256"] });
  for (const alg of ["RS256", "PS256", "RS256"]) {
    const key = await crypto.subtle.importKey(
      "jwk",
      { ...jwk, alg } as JsonWebKey,
      {
        name: alg === "RS256" ? "RSASSA-PKCS1-v1_5" : "RSA-PSS",
        hash: "SHA-256",
      },
      false,
      ["sign"],
    );
    const grant = await onAuthorize(await signed({}, alg, key), client({}));
    assertEquals(grant, { data: {} });
  }
});

/** A set of public keys, and tokens of them. */
async function keySet(...kids: string[]) {
  const pairs = await Promise.all(kids.map(() => generateKeyPair("ES256")));
  const keys = await Promise.all(
    pairs.map(async ({ publicKey }, i) => ({
      ...await exportJWK(publicKey),
      kid: kids[i]!,
      alg: "ES256",
    })),
  );
  const of = (i: number, kid = kids[i]!) =>
    signed({ sub: kids[i]! }, "ES256", pairs[i]!.privateKey, kid);
  return { jwks: { keys: keys as JsonWebKey[] }, of };
}

Deno.test("jwt finds the key of a set by the token's kid", async () => {
  const { jwks, of } = await keySet("one", "two");
  const options: JwtOptions = { key: { jwks }, algorithms: ["ES256"] };
  for (const i of [0, 1]) {
    assertEquals(
      (await granted(options, await of(i))).user,
      ["one", "two"][i],
    );
  }
  assertEquals(await refused(options, await of(0, "two")), INVALID);
  assertEquals(await refused(options, await of(0, "three")), INVALID);
});

Deno.test("jwt fetches a set of keys once, and again when it could not", async () => {
  const { jwks, of } = await keySet("one");
  let requests = 0;
  let down = true;
  await using server = serve({ hostname: "127.0.0.1", port: 0 }, () => {
    requests++;
    return down ? new Response("down", { status: 500 }) : Response.json(jwks);
  });
  const { port } = server.addr as Deno.NetAddr;
  const { onConnect, onAuthorize } = jwt({
    key: { jwks: new URL(`http://127.0.0.1:${port}/jwks.json`) },
    algorithms: ["ES256"],
  });
  const good = await of(0);
  for (
    const call of [
      () => onConnect(request(good)),
      () => onAuthorize(good, client({})),
    ]
  ) {
    const error = await assertRejects(call, ConnError);
    assertEquals([error.code, error.reply], ["jwt_key_unavailable", 503]);
  }
  assertEquals(requests, 2);
  down = false;
  for (let i = 0; i < 5; i++) {
    const grant = await onConnect(request(good));
    assert(!(grant instanceof Response));
    assertEquals(grant.user, "one");
  }
  assertEquals(requests, 3);
});

Deno.test("jwt says so if its key is of no use", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys: JwtKey[] = [
    { pem: "no key" },
    { pem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" },
    { jwks: { keys: "none" } as never },
  ];
  for (const key of keys) {
    const { onConnect } = jwt({ key, algorithms: ["ES256"] });
    const good = await signed({}, "ES256", privateKey);
    for (let i = 0; i < 2; i++) {
      const error = await assertRejects(
        () => onConnect(request(good)),
        ConnError,
      );
      assertEquals([error.code, error.side], ["jwt_key_unavailable", "local"]);
    }
  }
  // A key for another curve is no key for the token.
  const pem = await exportSPKI(publicKey);
  const { privateKey: other } = await generateKeyPair("ES384");
  await assertRejects(
    async () => {
      const { onConnect } = jwt({ key: { pem }, algorithms: ["ES384"] });
      await onConnect(request(await signed({}, "ES384", other)));
    },
    ConnError,
  );
});

Deno.test("jwt refuses algorithms that do not belong to the key", () => {
  const jwks = { keys: [] };
  const wrong: [JwtKey, string[]][] = [
    [{ secret: SECRET }, []],
    [{ secret: SECRET }, ["none"]],
    [{ secret: SECRET }, ["hs256"]],
    [{ secret: SECRET }, ["toString"]],
    [{ secret: SECRET }, ["RS256"]],
    [{ secret: SECRET }, ["HS256", "RS256"]],
    [{ secret: "" }, ["HS256"]],
    [{ secret: new Uint8Array(0) }, ["HS256"]],
    [{ pem: "x" }, ["HS256"]],
    [{ pem: "x" }, ["RS256", "HS256"]],
    [{ pem: "x" }, ["RS256", "ES256"]],
    [{ pem: "x" }, ["ES256", "ES384"]],
    [{ jwks }, ["HS256"]],
    [{ jwks }, ["ES256", "HS512"]],
    [{ jwks }, []],
  ];
  for (const [key, algorithms] of wrong) {
    const error = assertThrows(() => jwt({ key, algorithms }), RangeError);
    assert(error.message.startsWith("Cannot check tokens: "), error.message);
  }
  jwt({ key: { jwks }, algorithms: ["RS256", "ES256", "EdDSA"] });
  jwt({ key: { secret: new Uint8Array(32) }, algorithms: ["HS256", "HS512"] });
});
