// Where the data comes from, in a thread of its own: it knows nothing of clients,
// and what it computes delays none of them.

import { producer } from "@meerkat/net/push";
import { Plant } from "./_hvac_plant.ts";
import {
  ALARMS,
  LUCKY_NUMBER,
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

const source = producer();
const plant = new Plant(Math.random() * 2 ** 32, Date.now());
/** Topics with a value under way, and the next, which waits for that. */
const busy = new Map<string, unknown>();

globalThis.addEventListener(
  "message",
  ({ data }: MessageEvent<SetPointMessage>) => {
    if (data.type === "set-point") plant.setPoint(data.unit, data.celsius);
  },
);
luckyNumber();
sample();
setInterval(sample, SAMPLE_INTERVAL);

function luckyNumber(): void {
  const number = Math.floor(100 * Math.random());
  keep(LUCKY_NUMBER, `The lucky number is ${number}.`);
  const [shortest, longest] = LUCKY_INTERVAL;
  setTimeout(luckyNumber, shortest + Math.random() * (longest - shortest));
}

let alarms: unknown;

function sample(): void {
  plant.advance(Date.now());
  for (const unit of plant.units) {
    keep(topicOf(unit, STATES), plant.state(unit));
  }
  if (alarms === plant.alarms.active) return;
  alarms = plant.alarms.active;
  keep(ALARMS, alarms);
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
