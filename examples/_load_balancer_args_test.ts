import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Options, parse } from "./_load_balancer_args.ts";
import { UsageError } from "./_usage.ts";

function options(line: string): Options {
  const job = parse(line.split(" "));
  assert(job.type === "options");
  return job.options;
}

Deno.test("-r and -v are for the next -b only", () => {
  const { backends } = options(
    "-r -v a.com -b /x=/y h:1 -b /x h:2 -v b.com -p 80 -b / h:3",
  );
  assertEquals(backends, [
    {
      vhost: "a.com",
      prefix: "/x",
      replacement: "/y",
      redirect: true,
      address: "h:1",
    },
    {
      vhost: "",
      prefix: "/x",
      replacement: "/x",
      redirect: false,
      address: "h:2",
    },
    {
      vhost: "b.com",
      prefix: "/",
      replacement: "/",
      redirect: false,
      address: "h:3",
    },
  ]);
});

Deno.test("an empty host is any host, an empty replacement is /", () => {
  const job = parse(["-v", "", "-b", "/api=", "h:1"]);
  assert(job.type === "options");
  const { config, backends } = job.options;
  assertEquals([backends[0]?.vhost, backends[0]?.replacement], ["", "/"]);
  assertEquals(config.routes, [{
    prefix: "/api",
    replacement: "/",
    upstream: { backends: ["h:1"] },
  }]);
});

Deno.test("backends of one host and prefix share a route", () => {
  const { config } = options(
    "-v a.com -b / h:1 -b / h:2 -v A.com -b / h:3 -b / h:4 -r -b /r h:5",
  );
  assertEquals(config.routes, [
    { prefix: "/", hosts: ["a.com"], upstream: { backends: ["h:1", "h:3"] } },
    { prefix: "/", upstream: { backends: ["h:2", "h:4"] } },
    { prefix: "/r", redirect: 302, upstream: { backends: ["h:5"] } },
  ]);
});

Deno.test("options become a configuration", () => {
  assertEquals(options("-b / h:1").config, {
    listen: { port: 8000 },
    routes: [{ prefix: "/", upstream: { backends: ["h:1"] } }],
  });
  const all = "-p [::1]:80 -l - -s c.pem --no-keepalive -w 2 " +
    "--admin 81 --token t -b / h:1";
  assertEquals(options(all).config, {
    listen: { hostname: "::1", port: 80, certFile: "c.pem" },
    routes: [{
      prefix: "/",
      upstream: { backends: ["h:1"], pool: { maxIdle: 0 } },
    }],
    accessLog: { format: "seed", file: "-" },
    workers: 2,
    admin: { port: 81, tokenFile: "t" },
  });
});

Deno.test("-k keeps connections, as without it", () => {
  const [plain, kept, last] = ["", "-k ", "--no-keepalive -k "].map((flags) =>
    options(`${flags}-b / h:1`)
  );
  assertEquals(kept, plain);
  assertEquals(last, plain);
});

Deno.test("--admin without --token makes a new token each time", () => {
  const [a, b] = [1, 2].map(() => options("--admin 81 -b / h:1"));
  assert(a?.newToken && a.newToken.length >= 16);
  assert(a.newToken !== b?.newToken);
  assertEquals(a.config.admin, { port: 81, token: a.newToken });
});

Deno.test("--config stands in place of other options", () => {
  assertEquals(parse(["--config", "f"]), {
    type: "file",
    file: "f",
    check: false,
  });
  assertEquals(parse(["--check", "--config", "f"]), {
    type: "file",
    file: "f",
    check: true,
  });
  assertEquals(parse(["--help", "-b", "/", "h:1"]), { type: "help" });
});

const WRONG: [line: string, message: string][] = [
  ["-p 80", "Nothing to do: expected -b, or --config"],
  ["-x -b / h:1", 'Unknown option "-x"'],
  ["h:1", 'Unknown option "h:1"'],
  ["-b / h:1 more", 'Unknown option "more"'],
  ["-b /", "Option -b needs a prefix and a backend"],
  ["-b / h:1 -p", "Option -p needs a value"],
  ["-b / h:1 -r", "Options -r and -v are for a -b behind them"],
  ["-b / h:1 -v a.com", "Options -r and -v are for a -b behind them"],
  [
    "-p 70000 -b / h:1",
    'Option -p is "70000", expected a port from 0 to 65535',
  ],
  [
    "-w 0 -b / h:1",
    'Option -w is "0", expected a number of threads from 1 to 1024',
  ],
  ["--check -b / h:1", "Option --check needs --config"],
  ["--config f -b / h:1", "Option -b and --config do not go together"],
  ["-p 80 --config f", "Option -p and --config do not go together"],
  ["--config", "Option --config needs a value"],
  ["--token f -b / h:1", "Option --token needs --admin"],
  [
    "-v a.com -b /x h:1 -r -v a.com -b /x h:2",
    'Backends for "a.com/x" differ in -r or in the replacement',
  ],
  [
    "-b /x=/y h:1 -b /x h:2",
    'Backends for "/x" differ in -r or in the replacement',
  ],
];

for (const [line, message] of WRONG) {
  Deno.test(`"${line}" is refused`, () => {
    const error = assertThrows(() => parse(line.split(" ")), UsageError);
    assertEquals(error.message, message);
  });
}
