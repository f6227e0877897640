/**
 * Measuring programs in turns, so that what else the machine does hits all alike.
 *
 * @module
 */

/** One short measurement. */
export interface Sample {
  /** Requests, or whatever is counted, per second. */
  rate: number;
  /** CPU time of the program for one of them, in microseconds. */
  cpu: number;
  /** How much of the time the program had a processor: 1 is one processor. */
  busy: number;
  /** The same of what made the load, where that is known. */
  load?: number;
}

/** Something to measure. */
export interface Subject {
  /** What it is called in tables. */
  label: string;
  /** Measures once, for so many seconds. */
  measure(seconds: number): Promise<Sample>;
}

/** All samples of one subject, in the order of the rounds. */
export interface Series {
  /** What was measured. */
  label: string;
  /** One sample a round. */
  samples: Sample[];
}

/** How often and how long to measure. */
export interface Rounds {
  /** How many rounds. */
  rounds: number;
  /** How long each subject is measured in a round, in whole seconds. */
  seconds: number;
}

/** The middle of some values, and the outermost. */
export interface Spread {
  /** Half of the values are below it. */
  median: number;
  /** The least. */
  min: number;
  /** The greatest. */
  max: number;
}

/**
 * Measures subjects in turns: A B C, B C A, C A B, and so on, after a round that
 * warms them up and does not count.
 *
 * @param subjects What to measure.
 * @param plan How often, and how long.
 * @returns A series for each subject, in their order.
 */
export async function sideBySide(
  subjects: readonly Subject[],
  plan: Rounds,
): Promise<Series[]> {
  for (const subject of subjects) await subject.measure(plan.seconds);
  const all = subjects.map(({ label }): Series => ({ label, samples: [] }));
  for (let round = 0; round < plan.rounds; round++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      const index = (round + turn) % subjects.length;
      const sample = await subjects[index]!.measure(plan.seconds);
      all[index]!.samples.push(sample);
    }
  }
  return all;
}

/** Compares values round by round: how many times `b` is `a`. */
export function ratio(a: readonly number[], b: readonly number[]): Spread {
  return spread(a.map((value, round) => value / b[round]!));
}

/** Sums values up. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return {
    median: sorted.length % 2 === 1
      ? sorted[half]!
      : (sorted[half - 1]! + sorted[half]!) / 2,
    min: sorted[0]!,
    max: sorted.at(-1)!,
  };
}
