// A plant of several air handling units, which runs faster than a true one: what
// takes half an hour there takes a minute here.

import { AlarmPanel } from "./_hvac_alarms.ts";
import { Random } from "./_hvac_random.ts";
import { Unit, type UnitSpec } from "./_hvac_unit.ts";

/** What is measured at a unit. Temperatures are in degrees Celsius. */
export interface UnitState {
  /** What the unit serves. */
  readonly area: string;
  /** Which sample this is, from 1: what is missing between two was left out. */
  readonly sample: number;
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  readonly mode: "cooling" | "heating" | "fan only";
  readonly setPoint: number;
  /** The air to the room. */
  readonly supply: number;
  /** The air from the room. */
  readonly return: number;
  readonly outside: number;
  /** The fan's speed, in percent. */
  readonly fan: number;
  /** What it takes, in kW. */
  readonly power: number;
  /** The pressure that the air loses in the filter, in Pa. */
  readonly filter: number;
}

/** The set points that a unit takes. */
export const SET_POINTS: readonly [lowest: number, highest: number] = [16, 28];

const SPECS: readonly UnitSpec[] = [
  {
    id: "ahu-1",
    area: "Offices",
    setPoint: 22,
    capacity: 9_000,
    leakage: 0.5,
    load: [3, 16],
    airflow: 4,
    fanPower: 3,
  },
  {
    id: "ahu-2",
    area: "Production hall",
    setPoint: 19,
    capacity: 26_000,
    leakage: 1.6,
    load: [6, 45],
    airflow: 11,
    fanPower: 9,
  },
  {
    id: "ahu-3",
    area: "Laboratory",
    setPoint: 21,
    capacity: 5_000,
    leakage: 0.25,
    load: [2, 9],
    airflow: 2.6,
    fanPower: 2.2,
  },
  {
    id: "crac-1",
    area: "Server room",
    setPoint: 24,
    capacity: 5_000,
    leakage: 0.08,
    load: [14, 24],
    airflow: 4.2,
    fanPower: 3.5,
  },
];

/** How much faster than the clock on the wall. */
const SPEED = 30;
/** No step is longer, in seconds of the plant. */
const LONGEST_STEP = 5;
/** After a pause of the machine it does not catch up more, in milliseconds. */
const LONGEST_GAP = 2_000;
/** It has run for so long before, in seconds: the rooms are near their set points. */
const WARM_UP = 3_600;
const DAY = 86_400;

/** A plant that runs. */
export class Plant {
  readonly #random: Random;
  readonly #units: ReadonlyMap<string, Unit>;
  readonly #alarms = new AlarmPanel();
  /** Since midnight, in seconds of the plant. */
  #time = 10 * 3_600;
  #now: number;
  #sample = 0;

  /**
   * @param seed Makes it this one of many plants.
   * @param now The time, in milliseconds since the epoch.
   */
  constructor(seed: number, now: number) {
    this.#random = new Random(seed);
    this.#now = now;
    this.#units = new Map(
      SPECS.map((spec) => [spec.id, new Unit(spec, this.#random)]),
    );
    this.#run(WARM_UP);
  }

  /** The names of the units. */
  get units(): readonly string[] {
    return [...this.#units.keys()];
  }

  /** What is wrong now. */
  get alarms(): AlarmPanel {
    return this.#alarms;
  }

  /** Goes on to a time, in milliseconds since the epoch, and takes a sample. */
  advance(now: number): void {
    const gap = Math.min(Math.max(0, now - this.#now), LONGEST_GAP);
    this.#now = now;
    this.#sample++;
    this.#run(SPEED * gap / 1000);
    this.#alarms.look(this.#units.values(), now);
  }

  /** What the last sample of a unit shows; nothing if there is no such unit. */
  state(id: string): UnitState | undefined {
    const unit = this.#units.get(id);
    if (unit === undefined) return undefined;
    const { spec, setPoint, valve } = unit;
    return {
      area: spec.area,
      sample: this.#sample,
      at: this.#now,
      mode: Math.abs(valve) < 0.02
        ? "fan only"
        : valve > 0
        ? "cooling"
        : "heating",
      setPoint,
      supply: this.#measured(unit.supply, 0.05),
      return: this.#measured(unit.room, 0.03),
      outside: rounded(this.#outside, 1),
      fan: rounded(100 * unit.fan, 1),
      power: rounded(unit.power, 2),
      filter: rounded(unit.filterPressure, 0),
    };
  }

  /** Sets what a room shall have; `false` if there is no such unit or value. */
  setPoint(id: string, celsius: unknown): boolean {
    const unit = this.#units.get(id);
    if (unit === undefined || !isSetPoint(celsius)) return false;
    unit.setPoint = rounded(celsius, 1);
    return true;
  }

  /** Lets everything run, in seconds of the plant. */
  #run(seconds: number): void {
    const steps = Math.ceil(seconds / LONGEST_STEP);
    for (let i = 0; i < steps; i++) {
      this.#time += seconds / steps;
      for (const unit of this.#units.values()) {
        unit.step(seconds / steps, this.#outside);
      }
    }
  }

  /** The weather: coldest at four in the morning. */
  get #outside(): number {
    return 17 - 8 * Math.cos(2 * Math.PI * (this.#time - DAY / 6) / DAY);
  }

  /** What a sensor says that scatters. */
  #measured(value: number, deviation: number): number {
    return rounded(value + deviation * this.#random.normal(), 2);
  }
}

/** Whether this is a temperature that a room can be told to have. */
export function isSetPoint(value: unknown): value is number {
  const [lowest, highest] = SET_POINTS;
  return typeof value === "number" && value >= lowest && value <= highest;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
