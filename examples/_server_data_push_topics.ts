// What the threads of the data push server agree on: topics and messages.

/** What clients get that name no topic. */
export const LUCKY_NUMBER = "lucky-number";

/** The alarms of all units, as a list. */
export const ALARMS = "plant/alarms";

/** What is measured at each unit. */
export const STATES = "plant/+/state";

/** What a client may publish: the temperature that a room shall have. */
export const SET_POINTS = "plant/+/set-point";

/** The topic of a unit, for one of the patterns above. */
export function topicOf(unit: string, pattern: string): string {
  return pattern.replace("+", unit);
}

/** The unit whose set point a topic is. */
export function unitOf(topic: string): string | undefined {
  return /^plant\/([^/]+)\/set-point$/.exec(topic)?.[1];
}

/** Tells the producer what a room shall have. */
export interface SetPointMessage {
  readonly type: "set-point";
  readonly unit: string;
  readonly celsius: number;
}

/** What the producer says when every topic has its first value. */
export const READY = "ready";
