// One air handling unit and the room that it serves, as physics has it: the room
// stores heat, gains it from people, machines and the weather, and the unit's air
// takes it away. A controller holds the set point; now and then something breaks.

import type { Random } from "./_hvac_random.ts";

/** What a unit is like, and its room. */
export interface UnitSpec {
  /** The unit's name in topics. */
  readonly id: string;
  /** What it serves. */
  readonly area: string;
  /** In degrees Celsius, as are all temperatures. */
  readonly setPoint: number;
  /** The heat that warms the room by one degree, in kJ/K. */
  readonly capacity: number;
  /** How fast heat comes in from outside, in kW/K. */
  readonly leakage: number;
  /** The heat of people and machines, in kW: the least and the most. */
  readonly load: readonly [least: number, most: number];
  /** The most air that it moves, in kg/s. */
  readonly airflow: number;
  /** What its fan takes at full speed, in kW. */
  readonly fanPower: number;
}

/** What can break: the valve is stuck, the belt slips, or the compressor rests. */
export type Fault = "valve" | "fan" | "compressor";

const FAULTS: readonly Fault[] = ["valve", "fan", "compressor"];

/** The heat capacity of air, in kJ/(kg K). */
const AIR = 1.006;
/** How much of the supply air comes from outside; the rest is return air. */
const FRESH = 0.15;
/** The coldest and the warmest air that the coil makes. */
const COLDEST = 12;
const WARMEST = 38;
/** Heat moved for each kW of electricity. */
const COP = 3.2;
/** The controller: for each degree off, and how soon it makes up, in s. */
const GAIN = 0.3;
const RESET_TIME = 1_200;
/** How fast things follow, in s. */
const COIL_TIME = 90;
const VALVE_TIME = 45;
const FAN_TIME = 20;
/** They are where they should be if they are no farther off. */
const TOLERANCE = 0.1;
/** The fan never stands still. */
const LEAST_FAN = 0.3;
/** How long a new filter lasts at full speed, in s, and until it is changed. */
const FILTER_LIFE = 6 * 3_600;
const FILTER_CHANGE = 1_200;
/** The pressure that the air loses in a new filter at full speed, in Pa. */
const FILTER_PRESSURE = 110;
/** How often a unit breaks on average, and for how long, in s. */
const FAULT_INTERVAL = 5_400;
const FAULT_TIME: readonly [number, number] = [500, 1_200];
/** The load wanders to another level so often on average, in s. */
const LOAD_INTERVAL = 2_400;
const LOAD_TIME = 400;

/** A unit that runs. */
export class Unit {
  readonly spec: UnitSpec;
  readonly #random: Random;
  /** What the room shall have. */
  setPoint: number;
  /** What the air from the room has. */
  room: number;
  /** What the air to the room has. */
  supply: number;
  /** How far heating (-1) or cooling (1) is open, and how far it should be. */
  valve = 0;
  demand = 0;
  /** The fan's speed, from 0 to 1, and what it should be. */
  fan = LEAST_FAN;
  fanDemand = LEAST_FAN;
  /** For how long valve and fan have not been where they should be, in s. */
  valveAstray = 0;
  fanAstray = 0;
  /** What the filter holds: 1 is all that it should. */
  dirt: number;
  /** What is broken. */
  fault: Fault | undefined;
  #faultLeft = 0;
  #filterDue = FILTER_CHANGE;
  #integral = 0;
  #load: number;
  #loadGoal: number;
  #outside = 0;

  constructor(spec: UnitSpec, random: Random) {
    this.spec = spec;
    this.#random = random;
    this.setPoint = spec.setPoint;
    this.room = spec.setPoint + random.between(-1, 1);
    this.supply = spec.setPoint - 4;
    this.dirt = random.between(0.1, 0.99);
    this.#load = this.#loadGoal = random.between(...spec.load);
  }

  /** The pressure that the air loses in the filter, in Pa. */
  get filterPressure(): number {
    return FILTER_PRESSURE * (1 + 1.5 * this.dirt) * this.fan ** 2;
  }

  /** What it takes, in kW. */
  get power(): number {
    const fan = this.spec.fanPower * this.fan ** 3 * (1 + 0.2 * this.dirt);
    const coil = Math.abs(this.#heatFlow(this.#mixed - this.supply)) / COP;
    return 0.2 + fan + coil;
  }

  /**
   * Goes on.
   *
   * @param seconds For how long; a few, so that the parts move together.
   * @param outside The temperature outside.
   */
  step(seconds: number, outside: number): void {
    this.#outside = outside;
    this.#break(seconds);
    this.#control(seconds);
    this.#wear(seconds);
    this.supply += (this.#coilGoal() - this.supply) * lag(seconds, COIL_TIME);
    const { capacity, leakage } = this.spec;
    const gain = this.#load + leakage * (outside - this.room) +
      this.#heatFlow(this.supply - this.room);
    this.room += gain * seconds / capacity;
  }

  /** Breaks something, now and then, and mends it. */
  #break(seconds: number): void {
    if (this.fault !== undefined) {
      this.#faultLeft -= seconds;
      if (this.#faultLeft <= 0) this.fault = undefined;
    } else if (this.#random.happens(seconds, FAULT_INTERVAL)) {
      this.fault = FAULTS[Math.floor(this.#random.between(0, FAULTS.length))];
      this.#faultLeft = this.#random.between(...FAULT_TIME);
    }
  }

  /** A PI controller: it acts on how far the room is off, and for how long. */
  #control(seconds: number): void {
    const off = this.room - this.setPoint;
    const wanted = GAIN * off + this.#integral;
    this.demand = clamp(wanted, -1, 1);
    // At its limits it learns nothing more, or it would overshoot later.
    if (wanted === this.demand || Math.sign(off) !== Math.sign(wanted)) {
      this.#integral += GAIN * off * seconds / RESET_TIME;
    }
    if (this.fault !== "valve") {
      this.valve += (this.demand - this.valve) * lag(seconds, VALVE_TIME);
    }
    this.fanDemand = LEAST_FAN + (1 - LEAST_FAN) * Math.abs(this.demand);
    const goal = this.fanDemand * (this.fault === "fan" ? 0.4 : 1);
    this.fan += (goal - this.fan) * lag(seconds, FAN_TIME);
    const astray = (off: number, time: number) =>
      Math.abs(off) > TOLERANCE ? time + seconds : 0;
    this.valveAstray = astray(this.demand - this.valve, this.valveAstray);
    this.fanAstray = astray(this.fanDemand - this.fan, this.fanAstray);
  }

  /** The filter fills, and is changed when it is full; the load wanders. */
  #wear(seconds: number): void {
    this.dirt += this.fan * seconds / FILTER_LIFE;
    if (this.dirt >= 1) this.#filterDue -= seconds;
    if (this.#filterDue <= 0) [this.dirt, this.#filterDue] = [0, FILTER_CHANGE];
    if (this.#random.happens(seconds, LOAD_INTERVAL)) {
      this.#loadGoal = this.#random.between(...this.spec.load);
    }
    this.#load += (this.#loadGoal - this.#load) * lag(seconds, LOAD_TIME);
  }

  /** What reaches the coil: return air with some from outside. */
  get #mixed(): number {
    return this.room + FRESH * (this.#outside - this.room);
  }

  #coilGoal(): number {
    const mixed = this.#mixed;
    if (this.fault === "compressor") return mixed;
    return this.valve >= 0
      ? mixed - this.valve * Math.max(0, mixed - COLDEST)
      : mixed - this.valve * Math.max(0, WARMEST - mixed);
  }

  /** The heat in the air that it moves, in kW, for a difference in K. */
  #heatFlow(difference: number): number {
    return this.spec.airflow * this.fan * AIR * difference;
  }
}

/** How much of the way to its goal something goes that follows with a delay. */
function lag(seconds: number, time: number): number {
  return 1 - Math.exp(-seconds / time);
}

function clamp(value: number, from: number, to: number): number {
  return Math.min(to, Math.max(from, value));
}
