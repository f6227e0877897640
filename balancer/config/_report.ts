/**
 * What is found while a configuration is checked.
 *
 * @module
 */

/** The way to a value: keys and indices. */
export type Path = readonly (string | number)[];

/** Something that is wrong. */
export interface Finding {
  /** Where. */
  readonly path: Path;
  /** What. */
  readonly message: string;
  /** Whether it is the key that is wrong, not its value. */
  readonly key?: boolean;
}

/** Collects what is wrong. */
export class Report {
  /** What was found so far. */
  readonly findings: Finding[] = [];

  /**
   * Adds that a value cannot be used.
   *
   * @param path Where it is.
   * @param value The value.
   * @param expected What was expected in its place.
   */
  refuse(path: Path, value: unknown, expected: string): void {
    this.add(path, `Cannot use ${show(value)}: expected ${expected}`);
  }

  /** Adds that a key cannot be used. */
  refuseKey(path: Path, message: string): void {
    this.findings.push({ path, message, key: true });
  }

  /** Adds anything else. */
  add(path: Path, message: string): void {
    this.findings.push({ path, message });
  }

  /** Whether nothing is wrong with a value, and with what is in it. */
  isClean(path: Path): boolean {
    return !this.findings.some((finding) =>
      finding.path.length >= path.length &&
      path.every((part, i) => part === finding.path[i])
    );
  }
}

/** Writes a path as in a program: `routes[1].upstream`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!/^[A-Za-z_$][\w$]*$/.test(part)) {
      text += `[${JSON.stringify(part)}]`;
    } else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** Writes a value for people: short, and no more than what kind it is if it is large. */
function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
}
