// The worker of workers_test.ts: answers with its index, and misbehaves on demand.

import { ConnError } from "../error.ts";
import { listen } from "../listen.ts";
import { workerMain } from "../worker_main.ts";

workerMain<string | undefined>((context) => {
  if (context.data === "fail") throw new Error("Cannot start today");
  if (context.data !== "deaf") {
    context.onRequest((message) => answer(context.index, message));
  }
  context.onFinished(async () => {
    if (context.data?.startsWith("/")) {
      await Deno.writeTextFile(context.data, "bye\n", { append: true });
    }
  });
  return listen({ ...context.listen }, (event, conn) => {
    if (event.type === "open") {
      conn.send(`${context.index}/${context.workers}\n`);
    }
    if (event.type !== "bytes") return;
    const text = new TextDecoder().decode(event.bytes);
    // Thrown outside the handler, it ends the thread.
    if (text === "crash") {
      setTimeout(() => {
        throw new Error("As asked");
      }, 0);
    } else conn.send(event.bytes);
  });
});

function answer(index: number, message: unknown): unknown {
  if (message === "throw") throw new Error("Not today");
  if (message === "refuse" && index === 1) {
    throw new ConnError("Cannot find it", {
      code: "unknown",
      side: "remote",
      reply: 404,
    });
  }
  if (message === "wait") return new Promise(() => {});
  return Promise.resolve([index, message]);
}
