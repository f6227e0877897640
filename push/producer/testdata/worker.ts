// A worker that publishes what its owner says, and listens to other messages.

import { producer } from "../producer.ts";

const source = producer();

globalThis.addEventListener("message", async ({ data }) => {
  if (!Array.isArray(data)) return;
  const [topic, value] = data;
  try {
    const { cursor } = await source.publish(topic, value);
    globalThis.postMessage(["published", cursor]);
  } catch (error) {
    globalThis.postMessage(["refused", (error as { code: string }).code]);
  }
});
