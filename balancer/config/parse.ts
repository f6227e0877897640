/**
 * Reads configuration files: JSON with comments and trailing commas.
 *
 * @module
 */

import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { ConfigError, type ConfigProblem } from "./config_error.ts";
import type { FileConfig } from "./file_config.ts";
import { type Finding, formatPath, type Path } from "./_report.ts";
import { validateConfig } from "./validate.ts";

/**
 * Reads the text of a configuration file, and checks all that can be checked
 * without asking anybody else.
 *
 * @param text JSON; comments and trailing commas are allowed (JSONC).
 * @param file The file's name, for messages.
 * @returns The configuration, as it was written.
 * @throws {ConfigError} With all that is wrong, each with its line and column; a
 * text that is not JSONC has one problem, the first.
 *
 * @example A mistake, and where it is
 * ```ts
 * import { ConfigError, parseConfig } from "@meerkat/net/balancer";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const text = `{
 *   // Everything goes to one backend.
 *   "routes": [{ "upstream": { "backend": ["127.0.0.1:8910"] } }],
 * }`;
 * const error = assertThrows(() => parseConfig(text, "lb.jsonc"), ConfigError);
 * assertEquals(error.message.split("\n"), [
 *   "lb.jsonc:3:28: routes[0].upstream: " +
 *   'Cannot do without "backends": expected a list of backends',
 *   "lb.jsonc:3:30: routes[0].upstream.backend: " +
 *   'Cannot use the unknown option "backend": did you mean "backends"?',
 * ]);
 * ```
 */
export function parseConfig(text: string, file?: string): FileConfig {
  const options = file === undefined ? {} : { file };
  // Some editors put a byte order mark in front, which JSON does not know.
  const json = text.startsWith("\ufeff") ? text.slice(1) : text;
  const errors: ParseError[] = [];
  // Of an empty file there is an error, too, so without one there is a tree.
  const tree = parseTree(json, errors, { allowTrailingComma: true })!;
  if (errors[0] !== undefined) {
    throw new ConfigError([syntaxProblem(json, errors[0])], options);
  }
  const config: unknown = getNodeValue(tree);
  const findings = [...repeatedKeys(tree, []), ...validateConfig(config)];
  if (findings.length > 0) {
    throw new ConfigError(placed(findings, tree, json), options);
  }
  return config as FileConfig;
}

/** What the parser misses, for people. */
const EXPECTED: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a value, in quotes (") if it is a text',
  InvalidNumberFormat: "a number",
  PropertyNameExpected: 'the name of an option in quotes (")',
  ValueExpected: "a value",
  ColonExpected: 'a colon (":")',
  CommaExpected: 'a comma (",")',
  CloseBraceExpected: 'a closing brace ("}")',
  CloseBracketExpected: 'a closing bracket ("]")',
  EndOfFileExpected: "nothing after the first value",
  UnexpectedEndOfComment: 'the end of the comment ("*/")',
  UnexpectedEndOfString: 'the end of the text (")',
  UnexpectedEndOfNumber: "a digit",
  InvalidUnicode: "four hexadecimal digits",
  InvalidEscapeCharacter: "an escape that JSON has",
  InvalidCharacter: "no control characters in a text",
};

function syntaxProblem(
  json: string,
  error: ParseError,
): ConfigProblem {
  const { offset, length } = error;
  const expected = EXPECTED[printParseErrorCode(error.error)] ?? "JSON";
  const found = json.slice(offset, offset + length);
  const what = found === "" ? "the end" : JSON.stringify(found.slice(0, 40));
  return {
    path: "",
    message: `Cannot read ${what}: expected ${expected}`,
    ...positionAt(json, offset),
  };
}

/** Options that are there twice: JSON would silently take the last. */
function repeatedKeys(node: Node, path: Path): (Finding & { node: Node })[] {
  const found: (Finding & { node: Node })[] = [];
  const keys = new Set<string>();
  for (const [i, child] of (node.children ?? []).entries()) {
    if (child.type !== "property") {
      found.push(...repeatedKeys(child, [...path, i]));
      continue;
    }
    const [name, value] = child.children!;
    const key: string = name!.value;
    const at = [...path, key];
    if (keys.has(key)) {
      const message = `Cannot use ${JSON.stringify(key)} twice`;
      found.push({ path: at, message, node: name! });
    }
    keys.add(key);
    found.push(...repeatedKeys(value!, at));
  }
  return found;
}

/** Adds to findings where they are in the file, and puts them in that order. */
function placed(
  findings: readonly (Finding & { node?: Node })[],
  tree: Node,
  json: string,
): ConfigProblem[] {
  return findings.map(({ path, message, key, node }) => {
    const value = node ?? findNodeAtLocation(tree, [...path]) ?? tree;
    const offset = key ? value.parent!.offset : value.offset;
    const problem = {
      path: formatPath(path),
      message,
      ...positionAt(json, offset),
    };
    return { offset, problem };
  }).sort((a, b) => a.offset - b.offset).map(({ problem }) => problem);
}

function positionAt(
  json: string,
  offset: number,
): { line: number; column: number } {
  const before = json.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: before.at(-1)!.length + 1 };
}
