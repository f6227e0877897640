/**
 * What is wrong with a configuration.
 *
 * @module
 */

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Where: `"routes[1].upstream"`; `""` for the configuration as a whole. */
  readonly path: string;
  /** What failed, and what was expected. */
  readonly message: string;
  /** The line in the file, from 1. Left out if there is no file. */
  readonly line?: number;
  /** The column in that line, from 1, in UTF-16 code units. */
  readonly column?: number;
}

/** Options of {@linkcode ConfigError}. */
export interface ConfigErrorOptions extends ErrorOptions {
  /** The file that the configuration is from. */
  file?: string;
}

/**
 * Why a configuration is refused: all that is wrong with it at once. The message
 * has a line for each problem, as compilers write them.
 *
 * @example The message
 * ```ts
 * import { ConfigError } from "@meerkat/net/balancer";
 * import { assertEquals } from "@std/assert";
 *
 * const problem = {
 *   path: "routes[0].prefix",
 *   message: 'Cannot use "api": expected a path that begins with "/"',
 *   line: 3,
 *   column: 15,
 * };
 * const error = new ConfigError([problem], { file: "balancer.jsonc" });
 * assertEquals(
 *   error.message,
 *   "balancer.jsonc:3:15: routes[0].prefix: " +
 *     'Cannot use "api": expected a path that begins with "/"',
 * );
 * ```
 */
export class ConfigError extends Error {
  /** `"ConfigError"`. */
  override readonly name = "ConfigError";
  /** What is wrong, in the order of the configuration; at least one. */
  readonly problems: readonly ConfigProblem[];
  /** The file that the configuration is from, if it is from one. */
  readonly file?: string;

  /**
   * Creates an error.
   *
   * @param problems What is wrong.
   * @param options The file, and the cause.
   */
  constructor(
    problems: readonly ConfigProblem[],
    options: ConfigErrorOptions = {},
  ) {
    const lines = problems.map((problem) => line(problem, options.file));
    super(lines.join("\n"), options);
    this.problems = problems;
    if (options.file !== undefined) this.file = options.file;
  }
}

function line(problem: ConfigProblem, file: string | undefined): string {
  let at = file ?? "";
  if (problem.line !== undefined) {
    at += `${at === "" ? "" : ":"}${problem.line}:${problem.column ?? 1}`;
  }
  return [at, problem.path, problem.message]
    .filter((part) => part !== "").join(": ");
}
