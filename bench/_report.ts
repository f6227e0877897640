/**
 * What the bench prints.
 *
 * @module
 */

import { ratio, type Series, type Spread, spread } from "./_rounds.ts";

/** A figure that was measured, and what it should be. */
export interface Claim {
  /** What is measured: `"http.listen / Deno.serve"`. */
  what: string;
  /** What came out. */
  value: Spread;
  /** The same by CPU time instead of throughput, if that makes sense. */
  byCpu?: Spread;
  /** What it should at least be. */
  atLeast?: number;
  /** What it should at most be. */
  atMost?: number;
}

/**
 * Compares two series.
 *
 * @param ours The series on top of the ratio.
 * @param peer The other one.
 * @param atLeast What the ratio should at least be; left out for one that is
 * only shown.
 * @returns The ratio of throughputs, and of what a second of CPU time does.
 */
export function compare(ours: Series, peer: Series, atLeast?: number): Claim {
  const of = (series: Series, pick: "rate" | "cpu") =>
    series.samples.map((sample) => sample[pick]);
  return {
    what: `${ours.label} / ${peer.label}`,
    value: ratio(of(ours, "rate"), of(peer, "rate")),
    byCpu: ratio(of(peer, "cpu"), of(ours, "cpu")),
    ...(atLeast === undefined ? {} : { atLeast }),
  };
}

/**
 * Makes a table of what each subject did.
 *
 * @param all The subjects.
 * @param unit What was counted.
 * @returns The table.
 */
export function seriesTable(all: readonly Series[], unit = "request"): string {
  const head = ["", `${unit}s/s`, "min..max", `CPU µs/${unit}`, "busy"];
  const rows = all.map(({ label, samples }) => {
    const rate = spread(samples.map((sample) => sample.rate));
    const { median: cpu } = spread(samples.map((sample) => sample.cpu));
    return [
      label,
      thousands(rate.median),
      `${thousands(rate.min)}..${thousands(rate.max)}`,
      cpu.toFixed(cpu < 10 ? 2 : 1),
      percent(samples.map((sample) => sample.busy)),
    ];
  });
  const loads = all.map(({ samples }) =>
    samples.map(({ load }) => load ?? NaN)
  );
  if (loads.flat().every(Number.isNaN)) return table([head, ...rows]);
  rows.forEach((row, i) => row.push(percent(loads[i]!)));
  return table([[...head, "load busy"], ...rows]);
}

function percent(values: readonly number[]): string {
  return `${(spread(values).median * 100).toFixed(0)} %`;
}

/** Makes a table of claims. */
export function claimTable(claims: readonly Claim[]): string {
  const head = ["", "median", "min..max", "by CPU time", "wanted", ""];
  const rows = claims.map((claim) => {
    const { value, byCpu } = claim;
    return [
      claim.what,
      value.median.toFixed(2),
      `${value.min.toFixed(2)}..${value.max.toFixed(2)}`,
      byCpu === undefined ? "" : byCpu.median.toFixed(2),
      wanted(claim),
      verdict(claim),
    ];
  });
  return table([head, ...rows]);
}

function wanted({ atLeast, atMost }: Claim): string {
  if (atLeast !== undefined) return `≥ ${atLeast}`;
  return atMost === undefined ? "" : `≤ ${atMost}`;
}

function verdict({ value, atLeast, atMost }: Claim): string {
  if (atLeast === undefined && atMost === undefined) return "";
  const holds = value.median >= (atLeast ?? -Infinity) &&
    value.median <= (atMost ?? Infinity);
  return holds ? "ok" : "SHORT";
}

/** A Markdown table that is as easy to read where it is not rendered. */
function table(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
      ).join(" | ")
    } |`;
  const rule = widths.map((width, i) =>
    i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [rows[0]!, rule, ...rows.slice(1)].map(line).join("\n");
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString("en");
}
