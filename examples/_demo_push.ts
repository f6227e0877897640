// What the demo shows of the data push server.

import { at, HTTP, type Part, type Step, talk, WS } from "./_demo_step.ts";

/** What the server is called. */
export const HUB = "data push server";

/** Who shows this may publish; the demo keeps no secret. */
const TOKEN = "demo";

/** Publishes a note, once however often it is tried. */
const PUBLISH: Step["args"] = at(
  "/publish?topic=note&key=delivery-1",
  ...["-H", `Authorization: Bearer ${TOKEN}`],
  ...["-H", "Content-Type: application/json"],
  ...["-d", '{"text":"New filters are here"}'],
);

const STEPS: readonly Step[] = [
  {
    title: "The newest value by a plain request, with its version",
    client: HTTP,
    args: at("/push", "--show-headers"),
    stdout:
      /^ETag: "[a-z0-9]+\.\d+"\n(.+\n)*\n"The lucky number is \d+\."\n$/im,
  },
  {
    title: "A WebSocket that only listens is greeted, and told the newest",
    client: WS,
    args: talk("/", "-i"),
    until: /^< The .+\n/m,
    stdout: /^< Hi \S+!\n< The lucky number is \d+\.\n/,
    stderr: /^Connected; .+\n$/,
    printed: () => /^127\.0\.0\.1:\d+ joined$/,
  },
  {
    title: "An event stream, from a unit of the plant",
    client: HTTP,
    args: at(
      "/push?topic=plant/ahu-1/state",
      ...["-H", "Accept: text/event-stream"],
    ),
    until: /(^data: \{.+\}\n[^]*){3}/m,
    stdout: /^id: [a-z0-9]+\.\d+\n/m,
  },
  {
    title: "A value is published",
    client: HTTP,
    args: PUBLISH,
    stdout: /^\{"cursor":"[a-z0-9]+\.\d+","duplicate":false\}\n$/,
  },
  {
    title: "And again, with the same key: it is there once",
    client: HTTP,
    args: PUBLISH,
    stdout: /^\{"cursor":"[a-z0-9]+\.\d+","duplicate":true\}\n$/,
  },
  {
    title: "Who comes back with that cursor gets what has come since, in order",
    client: HTTP,
    args: (url, _, before) => {
      const [, cursor = ""] = /"cursor":"([^"]+)"/.exec(before) ?? [];
      const query = `topic=plant/ahu-2/state&mode=every&format=envelope`;
      return [`${url}/push?${query}&since=${cursor}&wait=10`];
    },
    stdout: /^\[\{"type":"value","topic":"plant\/ahu-2\/state",[^]+\}\]\n$/,
  },
  {
    title: "Who comes with a cursor of another life is told so",
    client: HTTP,
    args: at("/push?format=envelope&since=gone.7"),
    stdout:
      /^\[\{"type":"reset",.+"epoch"\},\n\{"type":"value",.+"The lucky number is \d+\."\}\]\n$/,
  },
];

/** The server, and what is shown of it. */
export const PUSH: Part = {
  title: HUB,
  program: {
    name: "server_data_push",
    permissions: ["--allow-net=127.0.0.1", "--allow-read"],
  },
  port: 8090,
  args: (port) => ["-p", `127.0.0.1:${port}`, "--publish", TOKEN],
  says: /^Listening on (\d+)$/,
  url: (port) => `http://127.0.0.1:${port}`,
  pages: (url) => [`${url}/`],
  steps: STEPS,
};
