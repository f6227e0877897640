// Messages with mistakes at random places, in random pieces, and a random course of
// things: whatever comes, who reads by the letter can read what the balancer
// sends, every client gets its own answers, and nothing is left at the end.

import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import {
  chunks,
  field,
  type Message,
  post,
  readMessage,
  request,
  respond,
  settle,
  type Wire,
} from "./proxy_test_util.ts";

const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** What mistakes are made of. */
const SCRAPS = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "0",
  "1",
  "ffffffffffffffff",
  "-",
  "+",
  "0x",
  "Content-Length: 3\r\n",
  "Content-Length: 0\r\n",
  CHUNKED,
  "Transfer-Encoding: identity\r\n",
  "Host: evil\r\n",
  "Connection: close\r\n",
  "Connection: Content-Length\r\n",
  "Upgrade: websocket\r\nConnection: Upgrade\r\n",
  "Expect: 100-continue\r\n",
  "HTTP/1.1",
  "HTTP/1.0",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  "\x80",
  "\xff",
  "\x0b",
];

/** Puts a scrap in place of some characters. */
const mistake = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  drop: fc.integer({ min: 0, max: 4 }),
  scrap: fc.constantFrom(...SCRAPS),
});

type Mistake = typeof mistake extends fc.Arbitrary<infer T> ? T : never;

function spoil(text: string, mistakes: readonly Mistake[]): string {
  for (const { at, drop, scrap } of mistakes) {
    const index = Math.floor(at * text.length);
    text = text.slice(0, index) + scrap + text.slice(index + drop);
  }
  return text;
}

const spoilt = (...texts: string[]) =>
  fc.tuple(
    fc.constantFrom(...texts),
    fc.array(mistake, { minLength: 0, maxLength: 3 }),
  ).map(([text, mistakes]) => spoil(text, mistakes));

const cuts = fc.array(fc.integer({ min: 1, max: 40 }), {
  minLength: 1,
  maxLength: 4,
});

/** Reads pieces of these sizes in turn. */
function inPieces(sizes: readonly number[]): () => number {
  let next = 0;
  return () => sizes[next++ % sizes.length]!;
}

/** All messages that a text begins with; throws where one could be misread. */
function readAll(text: string, method?: string): Message[] {
  const all: Message[] = [];
  for (let at = 0;;) {
    const read = readMessage(text.slice(at), method);
    if (read === undefined) return all;
    all.push(read[0]);
    at += read[1];
  }
}

const REQUESTS = [
  post("abc") + request("/2"),
  request("/", CHUNKED, "POST") + chunks("ab", "cde") + request("/2"),
  request("/", `${CHUNKED}Trailer: X\r\n`, "PUT") +
  "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n" + post("x"),
  request("/a?b", "Connection: X-A\r\nX-A: b\r\nTE: trailers\r\n"),
  request("http://example.com/", "", "HEAD") + request("*", "", "OPTIONS"),
  "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + request(),
];

Deno.test("whatever a client sends, a backend can read it in one way only", async () => {
  await fc.assert(
    fc.asyncProperty(spoilt(...REQUESTS), cuts, async (sent, sizes) => {
      await using t = new Bench({ backends: 1 });
      // Each request is sent once, so that all of them can be counted.
      const ids = new Set<string>();
      t.a.answer = (request) => {
        const id = field(request, "x-request-id")!;
        assert(!ids.has(id), "a request came twice");
        ids.add(id);
        return respond(request.start.startsWith("HEAD ") ? "" : "ok");
      };
      const client = t.client();
      t.a.take = catching(t.a.take, t.errors);
      client.send(sent);
      await settle();
      await client.end();
      await t.clock.advance(100_000);
      for (const { received } of t.a.wires) readAll(received);
      const most = sent.split("HTTP/1.").length - 1;
      assert(ids.size <= most, `${ids.size} requests of ${most}`);
      for (let i = 0; i < sizes.length; i++) await settle();
    }),
    { numRuns: 400, seed: 1 },
  );
});

/** What a listener throws would be lost. */
function catching(
  take: (wire: Wire) => void,
  errors: unknown[],
): (wire: Wire) => void {
  return (wire) => {
    try {
      take(wire);
    } catch (error) {
      errors.push(error);
      wire.close();
    }
  };
}

const RESPONSES = [
  respond("hello"),
  respond("x".repeat(70_000)),
  `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n` + chunks("ab", "cde"),
  `HTTP/1.1 200 OK\r\n${CHUNKED}Trailer: X\r\n\r\n2;a\r\nab\r\n0\r\nX: y\r\n\r\n`,
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + respond("a"),
  "HTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nhello",
  respond("", 302, "Location: /x\r\nSet-Cookie: a=b; Path=/\r\n"),
];

Deno.test("whatever a backend sends, a client can read it in one way only", async () => {
  await fc.assert(
    fc.asyncProperty(
      spoilt(...RESPONSES),
      fc.boolean(),
      fc.constantFrom("GET", "POST"),
      async (sent, ends, method) => {
        await using t = new Bench({ backends: 1 });
        t.a.answer = (request, wire) => {
          if (!request.start.includes("/bad")) return respond("good");
          wire.send(sent);
          if (ends) wire.end();
          return undefined;
        };
        const client = t.client();
        await client.ask(request("/bad", "Content-Length: 0\r\n", method));
        await t.clock.advance(100_000);
        readAll(client.received, method);
        // The next one gets what is for him.
        const [next] = readAll(await t.ask(request("/good")), "GET");
        assertEquals(next?.body, "good");
      },
    ),
    { numRuns: 400, seed: 1 },
  );
});

Deno.test("bodies are the same in whatever pieces they come", async () => {
  const bodies = fc.array(fc.string({ unit: "binary-ascii", maxLength: 300 }), {
    maxLength: 5,
  }).map((pieces) => pieces.filter((piece) => piece !== ""));
  await fc.assert(
    fc.asyncProperty(bodies, bodies, cuts, cuts, async (up, down, a, b) => {
      await using t = new Bench({ backends: 1, chunk: inPieces(a) });
      t.a.answer = () => `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n` + chunks(...down);
      const client = t.client({ chunk: inPieces(b) });
      client.send(request("/", CHUNKED, "POST") + chunks(...up));
      for (let i = 0; i < 3; i++) await settle();
      assertEquals(t.a.requests[0]?.body, up.join(""));
      const [reply] = readAll(client.received, "GET");
      assertEquals(reply?.body, down.join(""));
    }),
    { numRuns: 200, seed: 1 },
  );
});

/** Something that happens. */
const event = fc.record({
  what: fc.constantFrom(
    "get",
    "get",
    "post",
    "post",
    "half",
    "rest",
    "answer",
    "answer",
    "answer",
    "stream",
    "error",
    "leave",
    "vanish",
    "reset",
    "cut",
    "refuse",
    "accept",
    "wait",
    "reload",
    "drain",
    "restore",
  ),
  who: fc.nat({ max: 7 }),
});

/** The course of one bench: clients, what they sent, and what backends saw. */
class Course {
  readonly t = new Bench({
    backends: 3,
    config: () => this.config(0),
    http: { minBodyRate: 0 },
  });
  readonly clients: { wire: Wire; sent: string[]; rest: string }[] = [];
  readonly open: { request: Message; wire: Wire }[] = [];
  readonly posts = new Map<string, number>();
  #count = 0;

  constructor() {
    for (const backend of this.t.backends) {
      backend.answer = (request, wire) => {
        this.open.push({ request, wire });
        const [method, target] = request.start.split(" ");
        assertEquals(request.body, method === "POST" ? target : "");
        if (method !== "POST") return;
        this.posts.set(target!, (this.posts.get(target!) ?? 0) + 1);
      };
      backend.take = catching(backend.take, this.t.errors);
    }
  }

  /** One of a few configurations. */
  config(which: number) {
    const addresses = ["127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"];
    return {
      upstreams: {
        u: {
          backends: addresses.slice(which % 2),
          pool: { maxConnections: 2, queueTimeout: which > 5 ? 900 : 1000 },
        },
      },
      routes: [{
        upstream: "u",
        hedgeAfter: 300,
        timeouts: { head: 1500, request: 5000 },
        retries: { statuses: [503], holdBack: which > 3 ? 0 : 100 },
        responseFields: { set: { "X-Config": `${which}` } },
      }],
    };
  }

  async step({ what, who }: { what: string; who: number }): Promise<void> {
    const { t, open } = this;
    const backend = t.backends[who % 3]!;
    const client = this.clients[who % Math.max(1, this.clients.length)];
    const [work] = open.length > 0 ? open.splice(who % open.length, 1) : [];
    switch (what) {
      case "get":
      case "post":
      case "half":
        this.#send(what, who);
        break;
      case "rest":
        client?.wire.send(client.rest);
        if (client !== undefined) client.rest = "";
        break;
      case "answer":
        work?.wire.send(respond(targetOf(work.request)));
        break;
      case "stream":
        work?.wire.send(
          `HTTP/1.1 200 X\r\n${CHUNKED}\r\n` + chunks(targetOf(work.request)),
        );
        break;
      case "error":
        work?.wire.send(
          respond(targetOf(work.request), who % 2 ? 500 : 503),
        );
        break;
      case "cut":
        work?.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n/");
        await work?.wire.end();
        break;
      case "leave":
        await client?.wire.end();
        break;
      case "vanish":
        client?.wire.close();
        break;
      case "reset":
        backend.wires.at(-1)?.transport.reset();
        break;
      case "refuse":
        backend.mode = who % 2 ? "refusing" : "silent";
        break;
      case "accept":
        backend.mode = "up";
        break;
      case "wait":
        await t.clock.advance(who * who * 60);
        break;
      case "reload":
        t.balancer.update(this.config(who));
        break;
      default:
        if (t.upstream().backends.some(({ id }) => id === backend.address)) {
          t.balancer.setDraining("u", backend.address, what === "drain");
        }
    }
    await settle();
  }

  #send(what: string, who: number): void {
    const idle = this.clients.filter(({ wire, rest }) =>
      wire.ended === "no" && !wire.transport.closed && rest === ""
    );
    let client = idle[who];
    if (client === undefined) {
      client = { wire: this.t.client(), sent: [], rest: "" };
      this.clients.push(client);
    }
    const target = `/${this.#count++}`;
    client.sent.push(target);
    if (what === "get") return client.wire.send(request(target));
    const text = post(target, "", target);
    const cut = what === "half" ? text.length - 1 : text.length;
    client.wire.send(text.slice(0, cut));
    client.rest = text.slice(cut);
  }

  /** Each client got answers to what it sent, in order, and to nothing else. */
  check(): void {
    for (const { wire, sent } of this.clients) {
      const replies = readAll(wire.received, "GET");
      assert(replies.length <= sent.length, "more answers than requests");
      for (const [i, { start, body }] of replies.entries()) {
        if (/ (?:200|500|503) X/.test(start)) assertEquals(body, sent[i]);
      }
    }
    for (const [id, count] of this.posts) {
      assertEquals(count, 1, `POST ${id} came ${count} times`);
    }
  }
}

const targetOf = ({ start }: Message) => start.split(" ")[1]!;

Deno.test("whatever happens, each gets its own answer and nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 10, maxLength: 60 }),
      async (events) => {
        const course = new Course();
        await using t = course.t;
        for (const each of events) {
          await course.step(each);
          course.check();
        }
        for (const backend of t.backends) backend.mode = "up";
        await t.clock.advance(20_000);
        course.check();
        for (const { inFlight } of t.balancer.snapshot().routes) {
          assertEquals(inFlight, 0, "requests that have no end");
        }
      },
    ),
    { numRuns: 150, seed: 1 },
  );
});
