import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { portOf } from "./_socket_test_util.ts";
import { TestClock } from "./clock.ts";
import { dial } from "./dial.ts";
import { ConnError } from "./error.ts";
import {
  serveWorkers,
  type ServeWorkersOptions,
  workerMain,
} from "./workers.ts";

const hostname = "127.0.0.1";
const module = new URL("testdata/worker.ts", import.meta.url);

// Sharing a port is unstable in Deno, and spreads connections on Linux only.
const ignore = !("listenDatagram" in Deno) || Deno.build.os !== "linux";

function serve(options: Partial<ServeWorkersOptions> = {}) {
  return serveWorkers({ module, hostname, workers: 2, ...options });
}

/** Connects, and gives the worker's greeting. */
async function greeting(port: number): Promise<string> {
  const conn = await dial({ hostname, port });
  for await (const event of conn) {
    if (event.type !== "bytes") continue;
    conn.close();
    return new TextDecoder().decode(event.bytes).trim();
  }
  return "";
}

Deno.test({
  name: "serveWorkers runs the listener in each thread, on one free port",
  ignore,
  async fn() {
    await using server = await serve();
    assertEquals(server.workers, 2);
    const port = portOf(server);
    assert(port > 0);
    const greetings = await Promise.all(
      Array.from({ length: 32 }, () => greeting(port)),
    );
    assertEquals([...new Set(greetings)].sort(), ["0/2", "1/2"]);
  },
});

Deno.test({
  name: "serveWorkers shuts down in order in each thread",
  ignore,
  async fn() {
    const server = await serve();
    const port = portOf(server);
    const greeted = Promise.withResolvers<void>();
    const conn = await dial({ hostname, port }, (event) => {
      if (event.type === "bytes") greeted.resolve();
    });
    await greeted.promise;
    await server.shutdown();
    await server.finished;
    assertEquals(await conn.closed, undefined);
    const error = await assertRejects(
      () => dial({ hostname, port }),
      ConnError,
    );
    assertEquals(error.code, "connect_refused");
  },
});

Deno.test({
  name: "serveWorkers closes at once when it is told to",
  ignore,
  async fn() {
    const server = await serve();
    const greeted = Promise.withResolvers<void>();
    const conn = await dial({ hostname, port: portOf(server) }, (event) => {
      if (event.type === "bytes") greeted.resolve();
    });
    await greeted.promise;
    server.close();
    await server.finished;
    await conn.closed;
  },
});

Deno.test({
  name: "serveWorkers reports a worker that crashed and starts another one",
  ignore,
  async fn() {
    const crashed = Promise.withResolvers<ConnError>();
    const clock = new TestClock();
    await using server = await serve({
      workers: 1,
      clock,
      onError: crashed.resolve,
    });
    const port = portOf(server);
    const conn = await dial({ hostname, port }, (event, conn) => {
      if (event.type === "open") conn.send("crash");
    });
    const error = await crashed.promise;
    assertEquals(error.code, "worker_failed");
    assert(error.message.includes("As asked"), error.message);
    await conn.closed;
    await assertRejects(() => dial({ hostname, port }), ConnError);
    await clock.advance(100);
    // The successor listens on the same port, once it has loaded.
    let found = "";
    for (let tries = 0; found === "" && tries < 200; tries++) {
      found = await greeting(port).catch((error) => {
        assertEquals(error.code, "connect_refused");
        return new Promise<string>((resolve) => setTimeout(resolve, 10, ""));
      });
    }
    assertEquals(found, "0/1");
  },
});

Deno.test({
  name: "serveWorkers gives up a worker that crashes too often",
  ignore,
  async fn() {
    const server = await serve({
      maxRestarts: 0,
      onError: () => {
        throw new Error("It was not to be started again");
      },
    });
    const conn = await dial({ hostname, port: portOf(server) }, (event, c) => {
      if (event.type === "open") c.send("crash");
    });
    const error = await assertRejects(() => server.finished, ConnError);
    assertEquals(error.code, "worker_failed");
    await conn.closed;
    await server.shutdown();
  },
});

Deno.test({
  name: "serveWorkers rejects if a worker cannot start",
  ignore,
  async fn() {
    const error = await assertRejects(() => serve({ data: "fail" }), ConnError);
    assertEquals(error.code, "worker_failed");
    assert(error.message.includes("Cannot start today"), error.message);
  },
});

Deno.test("serveWorkers rejects if the worker's module is missing", async () => {
  const error = await assertRejects(
    () => serve({ module: new URL("testdata/none.ts", import.meta.url) }),
    ConnError,
  );
  assertEquals(error.code, "worker_failed");
});

Deno.test("workerMain refuses to run in the main thread", () => {
  const error = assertThrows(
    () =>
      workerMain(() => {
        throw new Error("It was run");
      }),
    ConnError,
  );
  assertEquals(error.code, "not_a_worker");
});

Deno.test({
  name:
    "WorkerServer.request asks all threads, and gives their replies in order",
  ignore,
  async fn() {
    await using server = await serve();
    const message = { bytes: new Uint8Array([1, 2]) };
    assertEquals(await server.request(message), [[0, message], [1, message]]);
  },
});

Deno.test({
  name: "WorkerServer.request rejects with what a thread threw",
  ignore,
  async fn() {
    await using server = await serve();
    const refused = await assertRejects(
      () => server.request("refuse"),
      ConnError,
      "Cannot find it",
    );
    const { code, side, reply } = refused;
    assertEquals([code, side, reply], ["unknown", "remote", 404]);
    const failed = await assertRejects(
      () => server.request("throw"),
      ConnError,
      "Not today",
    );
    assertEquals([failed.code, failed.side], ["worker_failed", "local"]);
    assertEquals(await server.request(1), [[0, 1], [1, 1]]);
  },
});

Deno.test({
  name: "WorkerServer.request rejects if a worker takes no requests",
  ignore,
  async fn() {
    await using server = await serve({ workers: 1, data: "deaf" });
    const error = await assertRejects(() => server.request(1), ConnError);
    assertEquals(error.code, "not_handled");
  },
});

Deno.test({
  name: "WorkerServer.request does not wait for longer than 10 seconds",
  ignore,
  async fn() {
    const clock = new TestClock();
    await using server = await serve({ workers: 1, clock });
    const reply = server.request("wait");
    reply.catch(() => {});
    await clock.advance(10_000);
    const error = await assertRejects(() => reply, ConnError);
    assertEquals(error.code, "worker_timeout");
    assertEquals(await server.request(1), [[0, 1]]);
  },
});

Deno.test({
  name: "WorkerServer.request leaves out a thread that crashed",
  ignore,
  async fn() {
    const crashed = Promise.withResolvers<ConnError>();
    const clock = new TestClock();
    await using server = await serve({
      workers: 1,
      clock,
      onError: crashed.resolve,
    });
    const waiting = server.request("wait");
    const conn = await dial({ hostname, port: portOf(server) }, (event, c) => {
      if (event.type === "open") c.send("crash");
    });
    await crashed.promise;
    assertEquals(await waiting, []);
    assertEquals(await server.request(1), []);
    await conn.closed;
  },
});

Deno.test({
  name: "a worker does what is left to do before its thread ends",
  ignore,
  async fn() {
    const file = await Deno.makeTempFile();
    const server = await serve({ data: file });
    await server.shutdown();
    assertEquals(await Deno.readTextFile(file), "bye\nbye\n");
    await Deno.remove(file);
  },
});
