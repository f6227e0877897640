// What is wrong in the plant: an alarm appears when a limit is passed, and clears
// only well within it, so that it does not flicker.

import type { Unit } from "./_hvac_unit.ts";

/** Something that is wrong. */
export interface Alarm {
  readonly unit: string;
  /** What kind it is: one of a kind for each unit. */
  readonly kind: string;
  readonly severity: "warning" | "critical";
  /** For who reads it. */
  readonly text: string;
  /** When it appeared, in milliseconds since the epoch. */
  readonly since: number;
}

/** How a kind of alarm comes and goes. */
interface Rule extends Pick<Alarm, "kind" | "severity" | "text"> {
  /** What is looked at. */
  readonly of: (unit: Unit) => number;
  readonly appears: number;
  readonly clears: number;
}

const RULES: readonly Rule[] = [
  {
    kind: "temperature-high",
    severity: "critical",
    text: "Return air far above the set point",
    of: ({ room, setPoint }) => room - setPoint,
    appears: 2,
    clears: 1,
  },
  {
    kind: "temperature-low",
    severity: "critical",
    text: "Return air far below the set point",
    of: ({ room, setPoint }) => setPoint - room,
    appears: 2,
    clears: 1,
  },
  {
    kind: "compressor",
    severity: "critical",
    text: "Compressor tripped",
    of: ({ fault }) => fault === "compressor" ? 1 : 0,
    appears: 1,
    clears: 0,
  },
  {
    kind: "valve",
    severity: "warning",
    text: "Coil valve does not follow",
    of: ({ valveAstray }) => valveAstray,
    appears: 180,
    clears: 0,
  },
  {
    kind: "fan",
    severity: "warning",
    text: "Fan slower than it should be",
    of: ({ fanAstray }) => fanAstray,
    appears: 120,
    clears: 0,
  },
  {
    kind: "filter",
    severity: "warning",
    text: "Filter full",
    of: ({ dirt }) => dirt,
    appears: 1,
    clears: 0.9,
  },
];

/** Keeps the alarms of all units. */
export class AlarmPanel {
  #active: readonly Alarm[] = [];

  /** The alarms that have not cleared, the oldest first; another list if they change. */
  get active(): readonly Alarm[] {
    return this.#active;
  }

  /** Looks at the units, at a time in milliseconds since the epoch. */
  look(units: Iterable<Unit>, now: number): void {
    const all = [...units].flatMap((unit) =>
      RULES.map((rule) => this.#check(unit, rule, now))
    );
    const active = all.filter((alarm) => alarm !== undefined);
    const same = active.length === this.#active.length &&
      active.every((alarm) => this.#active.includes(alarm));
    if (!same) this.#active = active.sort((a, b) => a.since - b.since);
  }

  /** The alarm, as long as there is one. */
  #check(unit: Unit, rule: Rule, now: number): Alarm | undefined {
    const { kind, severity, text, of, appears, clears } = rule;
    const { id } = unit.spec;
    const active = this.#active.find((alarm) =>
      alarm.unit === id && alarm.kind === kind
    );
    const value = of(unit);
    if (active !== undefined) return value > clears ? active : undefined;
    if (value < appears) return undefined;
    return { unit: id, kind, severity, text, since: now };
  }
}
