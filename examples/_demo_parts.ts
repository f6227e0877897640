// What the demo shows, and what is to come of it.

import { HUB, PUSH } from "./_demo_push.ts";
import {
  at,
  HTTP,
  type Part,
  type Step,
  talk,
  type Urls,
  WS,
} from "./_demo_step.ts";

const RESTFUL: readonly Step[] = [
  {
    title: "A greeting, with the head of the reply",
    client: HTTP,
    args: at("/hello", "--show-headers"),
    stdout: /^HTTP\/1\.1 200 OK\n(.+\n)+\nHello world\n$/,
  },
  {
    title: "A sum: a form goes there, JSON comes back in chunks",
    client: HTTP,
    args: at("/api/v1/sum", "--show-headers", "-d", "n1=1", "-d", "n2=2"),
    stdout:
      /^Transfer-Encoding: chunked\n(.+\n)*\n\{ "result": 3\.000000 \}$/im,
  },
  {
    title: "A sum of what is no number: the server says so, with status 400",
    client: HTTP,
    args: at("/api/v1/sum", "--show-headers", "-d", "n1=one&n2=2"),
    stdout: /^HTTP\/1\.1 400 /,
  },
  {
    title: "An echo, with its content type, and all bytes that travel",
    client: HTTP,
    args: at(
      "/echo",
      ...["--hexdump", "-", "-H", "Content-Type: text/x-meerkat"],
      ...["-d", "They stand guard in turn."],
    ),
    stdout: /^They stand guard in turn\.$/,
    stderr: /^-- .* -> [^]*POST \/echo[^]*^-- .* <- [^]*HTTP\/1\.1 200/m,
  },
  {
    title: "Something for the server to print",
    client: HTTP,
    args: at("/printcontent", "-d", "Hello from the client"),
    stdout: /^Printed 21 bytes\n$/,
    printed: () => /^Hello from the client$/,
  },
  {
    title: "How long each phase takes",
    client: HTTP,
    args: at("/?sort=name", "--timing", "-X", "HEAD"),
    stdout: /^$/,
    stderr: /^connect +\d+\.\d ms\n(.+\n)*total +\d+\.\d ms\n$/m,
  },
  {
    title: "Nobody there: the client says so, and ends with status 1",
    client: HTTP,
    args: () => ["http://127.0.0.1:1/"],
    code: 1,
    stdout: /^$/,
    stderr: /^connect\(\) failed: .+\n$/,
  },
];

const WEBSOCKET: readonly Step[] = [
  {
    title: "A message over WebSocket, and its echo",
    client: WS,
    args: talk("/websocket"),
    stdout: /^GOT ECHO REPLY: \[hello\]\n$/,
  },
  {
    title: "A session: each line is sent, and a ping is timed",
    client: WS,
    args: talk("/websocket", "-i"),
    input: "They stand guard in turn.\nGuten Morgen, Erdmännchen\n/ping\n",
    stdout:
      /^(?=[^]*^< They stand guard in turn\.\n< Guten Morgen, Erdmännchen$)(?=[^]*^pong after \d+\.\d ms$)/m,
    stderr: /^Connected; .+\n$/,
  },
  {
    title: "Plain HTTP on the same port",
    client: HTTP,
    args: at("/rest"),
    stdout: /^\{"result": 123\}\n$/,
  },
  {
    title: "No WebSocket there: the client says so, and ends with status 1",
    client: WS,
    args: talk("/rest"),
    code: 1,
    stdout: /^$/,
    stderr: /^handshake failed: .+\n$/,
  },
];

const FIRST = "RESTful server";
const SECOND = "second RESTful server";
const ECHO = "WebSocket server";

/** A greeting by one of the RESTful servers, which the balancer's log tells. */
function greeting(
  title: string,
  by: string,
  more: Pick<Step, "ends" | "restarts"> = {},
): Step {
  return {
    title,
    ...more,
    client: HTTP,
    args: at("/hello"),
    stdout: /^Hello world\n$/,
    printed: logged("/hello", by),
  };
}

/** The line of a request in the balancer's log. */
function logged(path: string, by: string): (urls: Urls) => RegExp {
  return (urls) =>
    new RegExp(`^\\d+ GET ${path} backend=${address(urls, by)}$`);
}

function address(urls: Urls, title: string): string {
  return urls[title]!.replace("http://", "");
}

const BALANCER: readonly Step[] = [
  greeting("The first request goes to the first server", FIRST),
  greeting("The next one goes to the other", SECOND),
  {
    title: "A WebSocket through it",
    client: WS,
    args: talk("/websocket"),
    stdout: /^GOT ECHO REPLY: \[hello\]\n$/,
    printed: logged("/websocket", ECHO),
  },
  {
    title: "A probe on its admin port: it can take requests",
    client: HTTP,
    args: (_, adminUrl) => [`${adminUrl}readyz`],
    stdout: /^ready\n$/,
  },
  greeting("A server ends: the other one goes on", FIRST, { ends: SECOND }),
  greeting(
    "Who would have got the one that has ended sees nothing of it",
    FIRST,
  ),
  greeting("It is started again, and takes its turns again", SECOND, {
    restarts: SECOND,
  }),
  greeting("So does the first server", FIRST),
  {
    title: "The data push server is behind it, too",
    client: HTTP,
    args: at("/push"),
    stdout: /^"The lucky number is \d+\."\n$/,
    printed: logged("/push", HUB),
  },
  {
    title: "So are its WebSockets",
    client: WS,
    args: talk("/push", "-i"),
    until: /^< The .+\n/m,
    stdout: /^< Hi \S+!\n< The lucky number is \d+\.\n/,
    stderr: /^Connected; .+\n$/,
    printed: logged("/push", HUB),
  },
];

const RESTFUL_SERVER: Pick<Part, "program" | "args" | "says" | "url"> = {
  program: {
    name: "restful_server",
    permissions: ["--allow-net=127.0.0.1", "--allow-read=."],
  },
  args: (port) => ["-p", `127.0.0.1:${port}`],
  says: /^Starting RESTful server on port (\d+), /,
  url: (port) => `http://127.0.0.1:${port}`,
};

/** All of it. */
export const PARTS: readonly Part[] = [
  {
    title: FIRST,
    port: 8910,
    ...RESTFUL_SERVER,
    pages: (url) => [`${url}/`],
    steps: RESTFUL,
  },
  {
    title: ECHO,
    program: {
      name: "websocket_server",
      permissions: ["--allow-net=localhost", "--allow-read=."],
    },
    port: 8000,
    args: (port) => ["-url", `ws://localhost:${port}`],
    says: /^Starting WS listener on ws:\/\/localhost:(\d+)\/websocket$/,
    url: (port) => `http://localhost:${port}`,
    pages: (url) => [`${url}/test.html`],
    steps: WEBSOCKET,
  },
  {
    title: SECOND,
    port: 8911,
    ...RESTFUL_SERVER,
    pages: () => [],
    steps: [],
  },
  PUSH,
  {
    title: "load balancer",
    program: {
      name: "load_balancer",
      permissions: ["--allow-net=127.0.0.1,localhost"],
    },
    port: 8080,
    args: (port, urls) => [
      ...["-p", `127.0.0.1:${port}`, "-l", "-", "--admin", "127.0.0.1:0"],
      ...[FIRST, SECOND].flatMap((title) => ["-b", "/", address(urls, title)]),
      ...["-b", "/websocket", address(urls, ECHO)],
      ...["/push", "/push.js", "/plant/=/"]
        .flatMap((prefix) => ["-b", prefix, address(urls, HUB)]),
    ],
    says: /^Starting LB on port (\d+)\nAdmin page on (\S+)$/m,
    url: (port) => `http://127.0.0.1:${port}`,
    pages: (url, adminUrl) => [`${url}/`, `${url}/plant/`, adminUrl],
    steps: BALANCER,
  },
];
