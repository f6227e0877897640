import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ServerMessage } from "../wire/protocol.ts";
import { Site } from "./site_test_util.ts";

/** What a client got, and what it comes back with. */
interface Part {
  values: unknown[];
  cursor: string | undefined;
}

/** Connects with a cursor, and takes at most so many values of those there are. */
type Take = (
  site: Site,
  since: string | undefined,
  most: number,
) => Promise<Part>;

const ALL = "/push?topic=a/%23&topic=b&mode=every";
const ONE = "/push?topic=b&mode=every";

function partOf(messages: ServerMessage[], since: string | undefined): Part {
  const part: Part = { values: [], cursor: since };
  for (const message of messages) {
    if (message.type !== "value") throw new Error(message.type);
    part.values.push(message.value);
    part.cursor = message.cursor;
  }
  return part;
}

function sinceOf(since: string | undefined): string {
  return since === undefined ? "&since=oldest" : `&since=${since}`;
}

/** All of them, by what they are. */
const TRANSPORTS: Record<string, Take> = {
  websocket: async (site, since, most) => {
    const path = `${ALL}&format=envelope${sinceOf(since)}`;
    const client = await site.bare(path);
    assertEquals(await client.brief(2), ["hello", "subscribed a/#,b"]);
    const part = partOf(await client.take(most), since);
    await client.leave();
    return part;
  },
  "event stream of messages": async (site, since, most) => {
    const headers: Record<string, string> = since === undefined
      ? {}
      : { "last-event-id": since };
    const path = `${ALL}&format=envelope&since=oldest`;
    const stream = await site.stream(path, headers);
    const part: Part = { values: [], cursor: since };
    while (part.values.length < most) {
      const { id, data } = (await stream.next())!;
      part.values.push(JSON.parse(data!).value);
      part.cursor = id;
    }
    await stream.leave();
    return part;
  },
  "event stream of values": async (site, since, most) => {
    const stream = await site.stream(`${ALL}${sinceOf(since)}`);
    const part: Part = { values: [], cursor: since };
    while (part.values.length < most) {
      const { id, data } = (await stream.next())!;
      part.values.push(JSON.parse(data!));
      part.cursor = id;
    }
    await stream.leave();
    return part;
  },
  "poll of messages": async (site, since) => {
    const path = `${ALL}&format=envelope`;
    const [status, body, etag] = since === undefined
      ? await site.get(`${path}&since=oldest`)
      : await site.get(path, { "if-none-match": `"${since}"` });
    const messages = status === 304 ? [] : JSON.parse(body);
    return { ...partOf(messages, since), cursor: etag!.slice(1, -1) };
  },
  "poll of values": async (site, since) => {
    const [status, body, etag] = await site.get(`${ONE}${sinceOf(since)}`);
    const values = status === 304 ? [] : [JSON.parse(body)];
    return { values, cursor: etag!.slice(1, -1) };
  },
};

for (const [name, take] of Object.entries(TRANSPORTS)) {
  const topics = name === "poll of values"
    ? ["b", "c"]
    : ["a", "a/x", "b", "c"];
  Deno.test(`who comes back by ${name} gets each value once, in order`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            fc.array(fc.constantFrom(...topics), { maxLength: 5 }),
            fc.nat({ max: 4 }),
          ),
          { maxLength: 8 },
        ),
        async (rounds) => {
          await using site = await Site.open({
            topics: { "#": { history: true } },
          });
          const published: number[] = [];
          const got: unknown[] = [];
          let since: string | undefined;
          let n = 0;
          const next = async (most: number) => {
            const there = published.length - got.length;
            const part = await take(site, since, Math.min(most, there));
            got.push(...part.values);
            since = part.cursor;
          };
          for (const [topics, most] of rounds) {
            for (const topic of topics) {
              site.hub.publish(topic, ++n);
              if (topic !== "c") published.push(n);
            }
            await next(most);
            assertEquals(got, published.slice(0, got.length));
          }
          while (got.length < published.length) await next(Infinity);
          assertEquals(got, published);
          assertEquals(site.errors, []);
        },
      ),
      { numRuns: 15 },
    );
  });
}
