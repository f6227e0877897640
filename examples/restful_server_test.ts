import { assert, assertEquals, assertMatch } from "@std/assert";
import { testWith } from "../tools/need.ts";
import { run, type Running, startServer } from "./_test_util.ts";

const TESTDATA = new URL("../conn/testdata/", import.meta.url);

/** Asks the server in plain text, and reads the answer to the end. */
async function exchange(port: number, request: string): Promise<string> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(request));
  return await new Response(conn.readable).text();
}

/** Waits until nobody listens any more. */
async function untilRefused(port: number): Promise<void> {
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return;
      // It stood in line when the listener closed.
      if (error instanceof Deno.errors.ConnectionReset) continue;
      throw error;
    }
  }
}

async function endsInOrder(server: Running): Promise<void> {
  server.kill("SIGTERM");
  assertEquals(await server.ended(), 0);
}

Deno.test("restful_server answers what its API promises", async (t) => {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/sub`);
  await Deno.writeTextFile(`${root}/sub/note.txt`, "a note\n");
  const started = await startServer("-d", root);
  await using server = started.server;
  const { port, line } = started;
  const url = `http://127.0.0.1:${port}`;
  const post = (path: string, body: BodyInit): Promise<Response> =>
    fetch(url + path, { method: "POST", body });

  await t.step("it says where it is", () => {
    assertEquals(
      line,
      `Starting RESTful server on port ${port}, serving ${root}\n`,
    );
  });

  await t.step("GET / is the index page", async () => {
    const response = await fetch(url);
    const page = await response.text();
    assertEquals(
      response.headers.get("content-type"),
      "text/html; charset=UTF-8",
    );
    assertMatch(page, /<title>RESTful API demo<\/title>/);
    assertMatch(page, /action="\/api\/v1\/sum"/);
  });

  await t.step("POST /api/v1/sum answers JSON in chunks", async () => {
    const answer = await exchange(
      port,
      "POST /api/v1/sum HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
        "Content-Type: application/x-www-form-urlencoded\r\n" +
        "Content-Length: 9\r\n\r\nn1=1&n2=2",
    );
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    assertMatch(head, /^HTTP\/1\.1 200 OK\r\n/);
    assertMatch(head, /^content-type: application\/json\r?$/im);
    assertMatch(head, /^transfer-encoding: chunked\r?$/im);
    assertMatch(body, /^[0-9a-f]+\r\n/);
    const sum = await post(
      "/api/v1/sum",
      new URLSearchParams({ n1: "1", n2: "2" }),
    );
    assertEquals(await sum.text(), '{ "result": 3.000000 }');
  });

  await t.step("POST /api/v1/sum adds numbers of all kinds", async () => {
    const cases: [string, string, string][] = [
      ["-1.5", "0.25", "-1.250000"],
      ["1e21", "0", "1000000000000000000000.000000"],
      ["0.0000001", "0", "0.000000"],
      [" 7 ", "+1", "8.000000"],
    ];
    for (const [n1, n2, result] of cases) {
      const sum = await post("/api/v1/sum", new URLSearchParams({ n1, n2 }));
      assertEquals(await sum.text(), `{ "result": ${result} }`);
    }
  });

  await t.step("POST /api/v1/sum refuses what is no number", async () => {
    for (const form of ["n1=1", "n1=1&n2=", "n1=a&n2=1", "n1=Infinity&n2=1"]) {
      const sum = await post("/api/v1/sum", new URLSearchParams(form));
      assertEquals(sum.status, 400, form);
      await sum.body?.cancel();
    }
    const json = await post("/api/v1/sum", new Blob(["{}"], { type: "a/b" }));
    assertEquals(json.status, 415);
    await json.body?.cancel();
  });

  await t.step("GET /hello is plain text", async () => {
    const response = await fetch(`${url}/hello`);
    assertMatch(response.headers.get("content-type") ?? "", /^text\/plain/);
    assertEquals(await response.text(), "Hello world\n");
  });

  await t.step("a method that is not meant gets 405", async () => {
    const get = await fetch(`${url}/api/v1/sum`);
    assertEquals([get.status, get.headers.get("allow")], [405, "POST"]);
    await get.body?.cancel();
    const hello = await post("/hello", "");
    assertEquals([hello.status, hello.headers.get("allow")], [
      405,
      "GET, HEAD",
    ]);
    await hello.body?.cancel();
  });

  await t.step("/echo answers the body with its type", async () => {
    const bytes = new Uint8Array(300_000).map((_, i) => i * 7);
    const response = await fetch(`${url}/echo`, {
      method: "PUT",
      headers: { "content-type": "image/x-test" },
      body: bytes,
    });
    assertEquals(response.headers.get("content-type"), "image/x-test");
    assertEquals(await response.bytes(), bytes);
  });

  await t.step("/echo sends each piece back as it comes", async () => {
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    const first = writer.write(new Uint8Array([1]));
    const response = await fetch(`${url}/echo`, {
      method: "POST",
      body: readable,
    });
    await first;
    const reader = response.body!.getReader();
    assertEquals((await reader.read()).value, new Uint8Array([1]));
    await writer.write(new Uint8Array([2]));
    assertEquals((await reader.read()).value, new Uint8Array([2]));
    await writer.close();
    assertEquals((await reader.read()).done, true);
  });

  await t.step("POST /printcontent prints, but obeys no terminal", async () => {
    const response = await post("/printcontent", "one\ntwo \x1b[31m");
    assertEquals(await response.text(), "Printed 13 bytes\n");
    await server.until(/^one\ntwo \\x1b\[31m\n/);
    const large = await post("/printcontent", new Uint8Array(1024 * 1024 + 1));
    assertEquals(large.status, 413);
    await large.body?.cancel();
  });

  await t.step("all else is a file, or a list of files", async () => {
    const file = await fetch(`${url}/sub/note.txt`);
    assertEquals(await file.text(), "a note\n");
    const list = await fetch(`${url}/sub/`);
    assertMatch(await list.text(), /note\.txt/);
    const top = await fetch(`${url}/?sort=name`);
    assertMatch(await top.text(), /Index of \/[^]*sub\//);
    const nothing = await fetch(`${url}/nothing`);
    assertEquals(nothing.status, 404);
    await nothing.body?.cancel();
  });

  await endsInOrder(server);
  await Deno.remove(root, { recursive: true });
});

Deno.test("restful_server ends a request in flight before it ends itself", async (t) => {
  for (const workers of ["1", "2"]) {
    await t.step(`with ${workers} threads`, () => drain("-w", workers));
  }
});

/** Lets the server end while an echo is half done. */
async function drain(...args: string[]): Promise<void> {
  const started = await startServer(...args);
  await using server = started.server;
  const { port } = started;
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const send = (text: string) => conn.write(new TextEncoder().encode(text));
  await send(
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" +
      "\r\n5\r\nfirst\r\n",
  );
  const reader = conn.readable.pipeThrough(new TextDecoderStream()).getReader();
  let answer = "";
  while (!answer.includes("first")) answer += (await reader.read()).value;
  server.kill("SIGTERM");
  await untilRefused(port);
  await send("4\r\nlast\r\n0\r\n\r\n");
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    answer += value;
  }
  assertMatch(answer, /first\r\n4\r\nlast\r\n0\r\n\r\n$/);
  assertEquals(await server.ended(), 0);
}

Deno.test("restful_server ends with status 0 on SIGINT", async () => {
  const { server } = await startServer();
  await using running = server;
  running.kill("SIGINT");
  assertEquals(await running.ended(), 0);
});

Deno.test("restful_server answers from several threads with -w", async () => {
  const started = await startServer("-w", "2");
  await using server = started.server;
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      exchange(
        started.port,
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      )),
  );
  for (const answer of answers) assertMatch(answer, /Hello world\n$/);
  await endsInOrder(server);
});

Deno.test("restful_server serves HTTPS with -s", async (t) => {
  const read = (name: string) => Deno.readTextFileSync(new URL(name, TESTDATA));
  const pem = await Deno.makeTempFile({ suffix: ".pem" });
  await Deno.writeTextFile(pem, read("server.pem") + read("server.key.pem"));
  using client = Deno.createHttpClient({ caCerts: [read("ca.pem")] });
  for (const workers of ["1", "2"]) {
    await t.step(`with ${workers} threads`, async () => {
      const started = await startServer("-s", pem, "-w", workers);
      await using server = started.server;
      const url = `https://localhost:${started.port}/hello`;
      const response = await fetch(url, { client });
      assertEquals(await response.text(), "Hello world\n");
      await endsInOrder(server);
    });
  }
  await Deno.remove(pem);
});

Deno.test("restful_server tells what is wrong, and ends with status 1", async (t) => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const cases: [string[], RegExp][] = [
    [["-x"], /^Unknown option "-x"\n\nUsage: /],
    [["more"], /^Unknown option "more"\n\nUsage: /],
    [["-p", "http"], /^Option -p is "http", expected a port .*\n\nUsage: /],
    [["-p", "65536"], /^Option -p is "65536"/],
    [["-w", "0"], /^Option -w is "0"/],
    [["-d"], /^Options -d and -s need a value\n\nUsage: /],
    [["-d", "no/such/folder"], /no\/such\/folder/],
    [["-s", "no/such.pem"], /no\/such\.pem/],
    [["-p", `127.0.0.1:${port}`], /^Cannot listen .*\n$/],
    [["-w", "2", "-p", `127.0.0.1:${port}`], /Cannot listen .*\n$/],
  ];
  for (const [args, message] of cases) {
    await t.step(args.join(" "), async () => {
      const { code, stdout, stderr } = await run(
        "restful_server",
        args,
        args.includes("-w") ? ["--unstable-net"] : [],
      );
      assertMatch(stderr, message);
      assertEquals([code, stdout], [1, ""]);
    });
  }
});

Deno.test("restful_server --help prints its usage", async () => {
  const { code, stdout } = await run("restful_server", ["--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Usage: restful_server \[-p PORT\] \[-d ROOT\]/);
});

testWith("curl", "restful_server takes what curl sends", async (curl) => {
  const started = await startServer();
  await using server = started.server;
  const url = `http://127.0.0.1:${started.port}`;
  const ask = async (...args: string[]): Promise<string> => {
    const command = new Deno.Command(curl, { args: ["-sS", ...args] });
    const { success, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    assert(success, decoder.decode(stderr));
    return decoder.decode(stdout);
  };
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "0123456789".repeat(200_000));
  assertEquals(
    await ask("-d", "n1=1", "-d", "n2=2", `${url}/api/v1/sum`),
    '{ "result": 3.000000 }',
  );
  const back = await ask("-T", file, `${url}/echo`);
  assertEquals(back.length, 2_000_000);
  assertEquals(back, await Deno.readTextFile(file));
  await Deno.remove(file);
  await endsInOrder(server);
});

testWith(
  "chromium",
  "restful_server's page calls the API",
  async (chromium) => {
    const { chromium: driver } = await import("playwright-core");
    const started = await startServer();
    await using server = started.server;
    const browser = await driver.launch({
      executablePath: chromium,
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
        ...["--no-first-run", "--disable-background-networking"],
        ...["--disable-component-update", "--disable-sync"],
      ],
    });
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.goto(`http://127.0.0.1:${started.port}/`);
      assertEquals(await page.title(), "RESTful API demo");
      await page.fill("#sum input[name=n2]", "2.5");
      await page.click("#sum button");
      assertEquals(await page.textContent("#sum + output .result"), "= 3.5");
      assertEquals(
        await page.textContent("#sum + output pre"),
        '{ "result": 3.500000 }',
      );
      await page.click("#echo button");
      assertEquals(
        await page.textContent("#echo + output pre"),
        "Hello, meerkat!",
      );
      await page.click("#hello button");
      assertEquals(
        await page.textContent("#hello + output pre"),
        "Hello world\n",
      );
      await page.click("footer a");
      assertMatch(await page.title(), /^Index of \//);
      assertEquals(complaints, []);
    } finally {
      await browser.close();
    }
    await endsInOrder(server);
  },
);
