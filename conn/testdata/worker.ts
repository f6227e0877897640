// The worker of workers_test.ts: answers with its index, and misbehaves on demand.

import { listen } from "../listen.ts";
import { workerMain } from "../worker_main.ts";

workerMain<string | undefined>((context) => {
  if (context.data === "fail") throw new Error("Cannot start today");
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
