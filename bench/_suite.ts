/**
 * What a suite of figures is.
 *
 * @module
 */

import type { Claim } from "./_report.ts";
import type { Rounds } from "./_rounds.ts";

/** What a figure may use. */
export interface Context {
  /** How often and how long to measure. */
  readonly plan: Rounds;
  /** Whether all is to be smaller than it should: a smoke test. */
  readonly quick: boolean;
  /** The path of `wrk`, if it is installed. */
  readonly wrk: string | undefined;
  /** The path of Node, if it is installed. */
  readonly node: string | undefined;
  /** Prints. */
  print(text: string): void;
  /** Says loudly what is left out, and why; once more at the end. */
  skip(what: string): void;
}

/** Something to measure: prints what it sees and returns what it claims. */
export interface Figure {
  /** What it shows, in a line. */
  title: string;
  /** Measures. */
  run(context: Context): Promise<Claim[]>;
}

/** Figures by the names that the command line knows. */
export type Suite = Readonly<Record<string, Figure>>;
