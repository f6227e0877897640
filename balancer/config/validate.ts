/**
 * Checks that something is a configuration.
 *
 * @module
 */

import type { FileConfig } from "./file_config.ts";
import { checkReferences } from "./_references.ts";
import { type Finding, Report } from "./_report.ts";
import { fileShape } from "./_config_shape.ts";
import { inspect } from "./_shape.ts";

/**
 * Checks a configuration, from a file or from a program.
 *
 * @param config What may be a {@linkcode FileConfig}, or less than that: a
 * {@linkcode BalancerConfig}.
 * @returns All that is wrong with it; none if it is right.
 */
export function validateConfig(config: unknown): readonly Finding[] {
  const report = new Report();
  inspect(fileShape, config, [], report);
  if (fileShape.accepts(config)) {
    checkReferences(config as FileConfig, report);
  }
  return report.findings;
}
