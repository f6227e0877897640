// A worker that publishes what its owner says, and listens to other messages.

import { producer } from "../producer.ts";

const source = producer();
// Checked as a module of the package, which knows of no worker.
const scope = globalThis as unknown as Worker;

scope.addEventListener("message", async ({ data }) => {
  if (!Array.isArray(data)) return;
  const [topic, value] = data;
  try {
    const { cursor } = await source.publish(topic, value);
    scope.postMessage(["published", cursor]);
  } catch (error) {
    scope.postMessage(["refused", (error as { code: string }).code]);
  }
});
