/**
 * `deno task bench SUITE [FIGURES...] [--quick]`: measures against peers, side by
 * side, and prints ratios.
 *
 * @module
 */

import { need } from "../tools/need.ts";
import { describeMachine } from "./_machine.ts";
import { type Claim, claimTable } from "./_report.ts";
import type { Context, Suite } from "./_suite.ts";

/** The suites, loaded when they are asked for. */
const SUITES: Readonly<Record<string, () => Promise<Suite>>> = {
  http: async () => (await import("./http/suite.ts")).suite,
  ws: async () => (await import("./ws/suite.ts")).suite,
  balancer: async () => (await import("./balancer/suite.ts")).suite,
  push: async () => (await import("./push/suite.ts")).suite,
};

const QUICK = { rounds: 2, seconds: 1 };
const FULL = { rounds: 5, seconds: 2 };

async function main(args: readonly string[]): Promise<number> {
  const quick = args.includes("--quick");
  const [name = "", ...wanted] = args.filter((arg) => !arg.startsWith("-"));
  const unknownFlags = args.some((arg) =>
    arg.startsWith("-") && arg !== "--quick"
  );
  const suite = await SUITES[name]?.();
  const figures = wanted.length > 0 ? wanted : Object.keys(suite ?? {});
  if (!suite || unknownFlags || figures.some((name) => !(name in suite))) {
    console.error(await usage());
    return 2;
  }
  const left: string[] = [];
  const context = makeContext(quick, name, left);
  console.log(describeMachine(context.node));
  const claims: Claim[] = [];
  for (const figure of figures) {
    const { title, run } = suite[figure]!;
    console.log(`\n## ${figure}: ${title}\n`);
    claims.push(...await run(context));
  }
  console.log(`\n## All figures\n\n${claimTable(claims)}`);
  for (const what of left) console.log(`\nLEFT OUT: ${what}`);
  return 0;
}

function makeContext(quick: boolean, name: string, left: string[]): Context {
  return {
    quick,
    plan: quick ? QUICK : FULL,
    wrk: need("wrk", `bench ${name}: load by wrk`),
    node: need("node", `bench ${name}: peers on Node`),
    print: (text) => console.log(text),
    skip: (what) => {
      left.push(what);
      console.log(`LEFT OUT: ${what}\n`);
    },
  };
}

async function usage(): Promise<string> {
  const lines = ["Usage: deno task bench SUITE [FIGURES...] [--quick]"];
  for (const [name, load] of Object.entries(SUITES)) {
    lines.push("", `${name}:`);
    for (const [figure, { title }] of Object.entries(await load())) {
      lines.push(`  ${figure.padEnd(10)} ${title}`);
    }
  }
  return lines.join("\n");
}

Deno.exit(await main(Deno.args));
