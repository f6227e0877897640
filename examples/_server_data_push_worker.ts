// Where the data comes from, in a thread of its own: it knows nothing of clients,
// and what it computes delays none of them.

import { producer } from "@meerkat/net/push";
import { Plant } from "./_hvac_plant.ts";
import {
  ALARMS,
  LUCKY_NUMBER,
  READY,
  type SetPointMessage,
  STATES,
  topicOf,
} from "./_server_data_push_topics.ts";

/** From sample to sample, in milliseconds. */
const SAMPLE_INTERVAL = 250;
/** From lucky number to lucky number, in milliseconds. */
const LUCKY_INTERVAL: readonly [shortest: number, longest: number] = [
  1_000,
  10_000,
];

/** The way to the thread that serves. */
const port = globalThis as unknown as Worker;
const source = producer();
const plant = new Plant(Math.random() * 2 ** 32, Date.now());
/** Topics with a value under way, and the next, which waits for that. */
const busy = new Map<string, unknown>();
/** The alarms that were published last. */
let alarms: unknown;

port.addEventListener(
  "message",
  ({ data }: MessageEvent<SetPointMessage>) => {
    if (data.type === "set-point") plant.setPoint(data.unit, data.celsius);
  },
);
setInterval(sample, SAMPLE_INTERVAL);
await Promise.all([luckyNumber(), sample()]);
port.postMessage(READY);

async function luckyNumber(): Promise<void> {
  const [shortest, longest] = LUCKY_INTERVAL;
  setTimeout(luckyNumber, shortest + Math.random() * (longest - shortest));
  const number = Math.floor(100 * Math.random());
  await keep(LUCKY_NUMBER, `The lucky number is ${number}.`);
}

async function sample(): Promise<void> {
  plant.advance(Date.now());
  const kept = plant.units.map((unit) =>
    keep(topicOf(unit, STATES), plant.state(unit))
  );
  if (alarms !== plant.alarms.active) {
    alarms = plant.alarms.active;
    kept.push(keep(ALARMS, alarms));
  }
  await Promise.all(kept);
}

/**
 * Publishes the newest value of a topic. One at a time: while the engine is out
 * of reach, only the newest waits.
 */
async function keep(topic: string, value: unknown): Promise<void> {
  if (busy.has(topic)) {
    busy.set(topic, value);
    return;
  }
  for (let next = value; next !== undefined; next = busy.get(topic)) {
    busy.set(topic, undefined);
    try {
      await source.publish(topic, next);
    } catch {
      // The hub says what is wrong with its engine. A newer value is due soon, but
      // a list of alarms stays what it is until one comes or goes.
      if (topic === ALARMS && busy.get(topic) === undefined) alarms = undefined;
    }
  }
  busy.delete(topic);
}
