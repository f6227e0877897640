/**
 * Describes what a value may be, so that the description must match a type: an
 * option that is in the type and not in the description, or with another type,
 * does not compile.
 *
 * @module
 */

import type { Path, Report } from "./_report.ts";
import { suggest } from "./_suggest.ts";

/** What a value looks like. */
interface Check {
  /** What is expected, for messages: `"a list"`. */
  readonly expected: string;
  /** Whether the value is of the kind that this is about. */
  accepts(value: unknown): boolean;
  /** Reports what is wrong in a value that is accepted. */
  inspect?(value: unknown, path: Path, report: Report): void;
}

/** What a value of type `T` looks like. */
export interface Shape<T> extends Check {
  /** Never there: makes shapes of different types different, both ways. */
  readonly type?: (value: T) => T;
}

/** A shape for an option that may not be left out. */
export type RequiredShape<T> = Shape<T> & { readonly required: true };

/** A shape for each option, with `required` where the type has no `?`. */
export type Shapes<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? Shape<Exclude<T[K], undefined>>
    : RequiredShape<T[K]>;
};

/**
 * Says what is expected in place of a text that is wrong; `undefined` if it is
 * right.
 */
export type TextRule = (text: string) => string | undefined;

/** Reports what is wrong with a value. */
export function inspect(
  shape: Check,
  value: unknown,
  path: Path,
  report: Report,
): void {
  if (!shape.accepts(value)) report.refuse(path, value, shape.expected);
  else shape.inspect?.(value, path, report);
}

/** Makes an option one that may not be left out. */
export function required<T>(shape: Shape<T>): RequiredShape<T> {
  return { ...shape, required: true };
}

/** A text; with a rule, only some. */
export function text(rule?: TextRule): Shape<string> {
  return {
    expected: "a text",
    accepts: (value) => typeof value === "string",
    inspect: (value, path, report) => {
      const expected = rule?.(value as string);
      if (expected !== undefined) report.refuse(path, value, expected);
    },
  };
}

/** `true` or `false`. */
export const flag: Shape<boolean> = {
  expected: "true or false",
  accepts: (value) => typeof value === "boolean",
};

/** One value, and no other. */
export function only<T extends string | boolean>(one: T): Shape<T> {
  return { expected: JSON.stringify(one), accepts: (value) => value === one };
}

/** One of some texts. */
export function oneOf<T extends string>(...texts: T[]): Shape<T> {
  return {
    expected: alternatives(texts.map((text) => JSON.stringify(text))),
    accepts: (value) => texts.includes(value as T),
  };
}

/** One of some numbers. */
export function oneNumberOf(...numbers: number[]): Shape<number> {
  return {
    expected: alternatives(numbers.map(String)),
    accepts: (value) => numbers.includes(value as number),
  };
}

/** What {@linkcode number} and {@linkcode whole} take. */
export interface NumberRange {
  /** The least that it may be. @default {-Infinity} */
  min?: number;
  /** What it must be more than. @default {-Infinity} */
  above?: number;
  /** The most that it may be. @default {Number.MAX_VALUE} `Infinity` is too much. */
  max?: number;
}

/** A number. */
export function number(range: NumberRange): Shape<number> {
  const { min = -Infinity, above = -Infinity, max = Number.MAX_VALUE } = range;
  return {
    expected: `a number${describe(range)}`,
    accepts: (value) =>
      typeof value === "number" && value >= min && value > above &&
      value <= max,
  };
}

/** A whole number, or `Infinity` if the range has it. */
export function whole(range: NumberRange): Shape<number> {
  const base = number(range);
  return {
    expected: `a whole number${describe(range)}`,
    accepts: (value) =>
      base.accepts(value) && (Number.isInteger(value) || value === Infinity),
  };
}

/** Several of the same; `[]` is none. */
export function list<T>(of: Shape<T>, expected = "a list"): Shape<T[]> {
  return {
    expected,
    accepts: (value) => Array.isArray(value),
    inspect: (value, path, report) => {
      for (const [i, item] of (value as unknown[]).entries()) {
        inspect(of, item, [...path, i], report);
      }
    },
  };
}

/** Values by names that are free but for a rule. */
export function map<T>(
  of: Shape<T>,
  rule?: TextRule,
): Shape<Record<string, T>> {
  return {
    expected: "an object",
    accepts: isObject,
    inspect: (value, path, report) => {
      for (const [key, item] of Object.entries(value as object)) {
        const expected = rule?.(key);
        if (expected !== undefined) {
          const name = JSON.stringify(key);
          const message = `Cannot use the name ${name}: expected ${expected}`;
          report.refuseKey([...path, key], message);
        }
        inspect(of, item, [...path, key], report);
      }
    },
  };
}

/** An object with these options. */
export function object<T extends object>(shapes: Shapes<T>): Shape<T> {
  const entries = Object.entries(shapes) as [string, Check][];
  const known = entries.map(([key]) => key);
  return {
    expected: "an object",
    accepts: isObject,
    inspect: (value, path, report) => {
      const options = value as Record<string, unknown>;
      for (const [key, shape] of entries) {
        // What every object inherits is no option.
        const option = Object.hasOwn(options, key) ? options[key] : undefined;
        if (option !== undefined) {
          inspect(shape, option, [...path, key], report);
        } else if ("required" in shape) {
          report.add(
            path,
            `Cannot do without "${key}": expected ${shape.expected}`,
          );
        }
      }
      for (const key of Object.keys(options)) {
        if (known.includes(key)) continue;
        report.refuseKey([...path, key], unknownOption(key, known));
      }
    },
  };
}

/** Either of two, told apart by their kinds. */
export function either<A, B>(a: Shape<A>, b: Shape<B>): Shape<A | B> {
  return {
    expected: `${a.expected}, or ${b.expected}`,
    accepts: (value) => a.accepts(value) || b.accepts(value),
    inspect: (value, path, report) =>
      (a.accepts(value) ? a : b).inspect?.(value, path, report),
  };
}

/** An object whose options depend on its `type`. */
export function byType<T extends { type: string }>(
  shapes: {
    readonly [K in T["type"]]: T extends { type: infer N }
      ? K extends N ? Shape<T> : never
      : never;
  },
): Shape<T> {
  const byName = new Map<unknown, Shape<T>>(Object.entries(shapes));
  const type = oneOf(...Object.keys(shapes));
  return {
    expected: 'an object with a "type"',
    accepts: isObject,
    inspect: (value, path, report) => {
      const named = (value as { type?: unknown }).type;
      const shape = byName.get(named);
      if (shape !== undefined) shape.inspect?.(value, path, report);
      else if (named !== undefined) {
        inspect(type, named, [...path, "type"], report);
      } else {
        report.add(path, `Cannot do without "type": expected ${type.expected}`);
      }
    },
  };
}

/** A function. No file has one, so `expected` speaks of the other alternative. */
export function orFunction<T, F>(shape: Shape<T>): Shape<T | F> {
  return {
    expected: shape.expected,
    accepts: (value) => typeof value === "function" || shape.accepts(value),
    inspect: (value, path, report) => {
      if (typeof value !== "function") shape.inspect?.(value, path, report);
    },
  };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unknownOption(key: string, known: readonly string[]): string {
  const near = suggest(key, known);
  const hint = near === undefined
    ? `expected ${alternatives(known.map((name) => `"${name}"`))}`
    : `did you mean "${near}"?`;
  return `Cannot use the unknown option ${JSON.stringify(key)}: ${hint}`;
}

function alternatives(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : `one of ${texts.join(", ")}`;
}

function describe({ min, above, max }: NumberRange): string {
  const to = max === undefined || max === Infinity ? "" : ` to ${max}`;
  if (above !== undefined) return ` above ${above}${to && ` up${to}`}`;
  if (min === undefined) return "";
  return to === "" ? ` of at least ${min}` : ` from ${min}${to}`;
}
