import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { FakeNet } from "./client_test_util.ts";

async function fails(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, ConnError)).code;
}

Deno.test("Client follows redirects, over the same connection within an origin", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request("http://a.test/1");
  const peer = await net.next();
  await peer.serve("moved", "Location: /2\r\n", "302 Found");
  assertStringIncludes(await peer.head(), "GET /2 HTTP/1.1\r\n");
  await peer.reply("here");
  const response = await promise;
  assertEquals(await response.body.text(), "here");
  assertEquals(response.url, "http://a.test/2");
  assertEquals(response.redirects, ["http://a.test/1"]);
  assertEquals(net.requests.length, 1);
});

Deno.test("Client never tells another origin who is asking", async () => {
  const net = new FakeNet();
  await using client = net.client({
    fields: { Authorization: "Basic Y2xpZW50", "X-Client": "1" },
  });
  const promise = client.request("http://a.test/", {
    fields: { Cookie: "a=1", "X-Own": "1", "Host": "virtual.test" },
  });
  const first = await net.next();
  const head = await first.serve("", "Location: http://b.test/\r\n", "307 T");
  assertStringIncludes(head, "Authorization: Basic Y2xpZW50\r\n");
  assertStringIncludes(head, "Host: virtual.test\r\n");
  const second = await net.next();
  const there = await second.serve(
    "",
    "Location: http://a.test/back\r\n",
    "302 F",
  );
  assertStringIncludes(there, "Host: b.test\r\n");
  assertStringIncludes(there, "X-Own: 1\r\n");
  assertStringIncludes(there, "X-Client: 1\r\n");
  assertEquals(/authorization|cookie/i.test(there), false, there);
  const back = await first.serve("done");
  assertEquals(/authorization|cookie/i.test(back), false, back);
  assertEquals(await (await promise).body.text(), "done");
});

Deno.test("Client keeps a URL's login within its origin, and only there", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request("http://me:pw@a.test/");
  const first = await net.next();
  await first.serve("", "Location: /x\r\n", "302 F");
  const again = await first.serve(
    "",
    "Location: https://a.test/x\r\n",
    "302 F",
  );
  assertStringIncludes(again, "Authorization: Basic bWU6cHc=\r\n");
  const second = await net.next();
  assertEquals((await second.serve("")).includes("Authorization"), false);
  assertEquals(second.request.port, 443);
  await promise;
});

Deno.test("Client turns POST into GET on 303, and drops what describes the body", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request("http://a.test/form", {
    method: "POST",
    body: "a=1",
    fields: { "Content-Type": "x/y", "Content-Language": "en" },
  });
  const peer = await net.next();
  await peer.head();
  await peer.until("a=1");
  await peer.reply("", "Location: /done\r\n", "303 See Other");
  const head = await peer.serve("done");
  assertStringIncludes(head, "GET /done HTTP/1.1\r\n");
  assertEquals(/content-/i.test(head), false, head);
  assertEquals(await (await promise).body.text(), "done");
});

Deno.test("Client sends method and body again on 307 and 308", async () => {
  for (const status of ["307 T", "308 P"]) {
    const net = new FakeNet();
    await using client = net.client();
    const promise = client.request("http://a.test/", {
      method: "POST",
      body: "data",
    });
    const peer = await net.next();
    await peer.until("data");
    await peer.reply("", "Location: /2\r\n", status);
    assertStringIncludes(await peer.until("data"), "POST /2 HTTP/1.1\r\n");
    await peer.reply("ok");
    await promise;
  }
});

Deno.test("Client cannot send a stream twice, but what makes streams it can", async () => {
  async function* words() {
    yield "data";
    await Promise.resolve();
  }
  const net = new FakeNet();
  await using client = net.client();
  const once = client.request("http://a.test/", {
    method: "POST",
    body: words(),
  });
  once.catch(() => {});
  const peer = await net.next();
  await peer.until("0\r\n\r\n");
  await peer.reply("", "Location: /2\r\n", "307 T");
  assertEquals(await fails(once), "body_gone");
  const anew = client.request("http://a.test/", {
    method: "POST",
    body: () => words(),
  });
  await peer.until("0\r\n\r\n");
  await peer.reply("", "Location: /2\r\n", "307 T");
  assertStringIncludes(await peer.until("0\r\n\r\n"), "POST /2 ");
  await peer.reply("ok");
  await anew;
});

Deno.test("Client gives the redirect to who wants it, or fails for who does not", async () => {
  const net = new FakeNet();
  await using client = net.client({ redirect: "manual" });
  const manual = client.request("http://a.test/");
  const peer = await net.next();
  await peer.serve("look there", "Location: /2\r\n", "302 F");
  const response = await manual;
  assertEquals(response.status, 302);
  assertEquals(await response.body.text(), "look there");
  const strict = client.request("http://a.test/", { redirect: "error" });
  strict.catch(() => {});
  await peer.serve("look there", "Location: /2\r\n", "302 F");
  assertEquals(await fails(strict), "redirect_refused");
  const plain = client.request("http://a.test/", { redirect: "follow" });
  await peer.serve("no location", "", "302 F");
  assertEquals((await plain).status, 302);
});

Deno.test("Client stops at loops, at the maximum, and at what is no URL", async () => {
  const table: [string, string][] = [
    ["/", "redirect_loop"],
    ["/2", "too_many_redirects"],
    ["ftp://a.test/", "redirect_invalid"],
  ];
  for (const [location, code] of table) {
    const net = new FakeNet();
    await using client = net.client();
    const promise = client.request("http://a.test/", {
      maxRedirects: code === "too_many_redirects" ? 0 : 5,
    });
    promise.catch(() => {});
    const peer = await net.next();
    await peer.serve("x", `Location: ${location}\r\n`, "302 F");
    assertEquals(await fails(promise), code);
  }
});

Deno.test("Client does not wait for the large body of a redirect", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request("http://a.test/");
  const first = await net.next();
  await first.head();
  await first.send(
    "HTTP/1.1 302 F\r\nLocation: /2\r\nContent-Length: 9999999\r\n\r\n",
  );
  const second = await net.next();
  await second.serve("here");
  assertEquals(await (await promise).body.text(), "here");
});
