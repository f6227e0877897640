/**
 * Header and trailer fields.
 *
 * @module
 */

import { checkFieldName, checkFieldValue, sameName } from "./field_rules.ts";
import type { WireFields } from "./wire_fields.ts";

/**
 * What {@linkcode Fields} can be made of: other fields, a standard `Headers`,
 * pairs of name and value, or an object whose values are a string or several.
 */
export type FieldsInit =
  | Fields
  | Headers
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[]>>;

/** Calls `each` for all fields of an init, in order, unchecked. */
export function eachField(
  init: FieldsInit,
  each: (name: string, value: string) => void,
): void {
  if (init instanceof Headers) {
    // Its iterator takes several times as long.
    init.forEach((value, name) => each(name, value));
    return;
  }
  if (Symbol.iterator in init) {
    for (const [name, value] of init as Iterable<readonly [string, string]>) {
      each(name, value);
    }
    return;
  }
  const record = init as Readonly<Record<string, string | readonly string[]>>;
  for (const name of Object.keys(record)) {
    const value = record[name]!;
    if (typeof value === "string") each(name, value);
    else for (const one of value) each(name, one);
  }
}

/** The list of fields that have none of their own; never changed. */
const NO_FIELDS: string[] = [];

/**
 * Makes fields of a checked head.
 *
 * @param head The head as a string, a character for each byte.
 * @param at Where the first field, or the empty line, begins.
 * @param wide Whether they have characters that are not ASCII.
 */
export let fieldsOfHead: (head: string, at: number, wide: boolean) => Fields;
/** The fields as they were sent last, if they have not been changed since. */
export let cachedWire: (fields: Fields) => WireFields | undefined;
/** Keeps the fields as they are sent. */
export let cacheWire: (fields: Fields, wire: WireFields) => void;
/**
 * Where a peer's fields are in its head: the head, and four offsets a field (of
 * its name, and of its value); `undefined` if they are not a peer's, or were
 * changed.
 */
export let sourceOf: (fields: Fields) => FieldsSource | undefined;

/** See {@linkcode sourceOf}. */
export interface FieldsSource {
  readonly head: string;
  readonly offsets: readonly number[];
  /** Whether they have characters that are not ASCII. */
  readonly wide: boolean;
}

/**
 * An ordered list of fields. Names keep their case and are found whatever their
 * case; several fields may have the same name.
 *
 * Names and values are checked when they come in, so that none can bring in a
 * field of its own by a line break. Fields that a peer sent are sliced out of its
 * message only when somebody asks for them.
 *
 * @example Order, case and several of a name
 * ```ts
 * import { Fields } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const fields = new Fields({ "Content-Type": "text/plain" });
 * fields.append("Set-Cookie", "a=1");
 * fields.append("set-cookie", "b=2");
 * assertEquals(fields.get("content-type"), "text/plain");
 * assertEquals(fields.getAll("Set-Cookie"), ["a=1", "b=2"]);
 * assertEquals([...fields][2], ["set-cookie", "b=2"]);
 * ```
 */
export class Fields {
  /** The head that a peer sent, if the fields are still only there. */
  #head: string | undefined;
  /** Where the fields begin in it. */
  #at = 0;
  #wide = false;
  /** Four offsets a field, once asked for: of its name, and of its value. */
  #offsets: number[] | undefined;
  /** Names and values in turn, if the fields are not a peer's, or were changed. */
  #list: string[] = NO_FIELDS;
  #wire: WireFields | undefined;

  static {
    fieldsOfHead = (head, at, wide) => {
      const fields = new Fields();
      fields.#head = head;
      fields.#at = at;
      fields.#wide = wide;
      return fields;
    };
    cachedWire = (fields) => fields.#wire;
    cacheWire = (fields, wire) => fields.#wire = wire;
    sourceOf = (fields) => {
      const head = fields.#head;
      return head === undefined
        ? undefined
        : { head, offsets: fields.#index(head), wide: fields.#wide };
    };
  }

  /**
   * Creates fields.
   *
   * @param init What they are at first, by default none.
   * @throws {ConnError} With code `"bad_field_name"` or `"bad_field_value"`.
   */
  constructor(init?: FieldsInit) {
    if (init === undefined) return;
    eachField(init, (name, value) => this.append(name, value));
  }

  /** How many fields there are. */
  get size(): number {
    return this.#head === undefined
      ? this.#list.length / 2
      : this.#index(this.#head).length / 4;
  }

  /**
   * The value of the fields of that name, joined by `", "` if they are several
   * (which is wrong for `Set-Cookie`: see {@linkcode Fields.getAll}).
   *
   * @param name In any case.
   * @returns The value, or `undefined` if there is no such field.
   */
  get(name: string): string | undefined {
    let result: string | undefined;
    const list = this.#list;
    const head = this.#head;
    if (head === undefined) {
      for (let i = 0; i < list.length; i += 2) {
        if (!sameName(list[i]!, 0, list[i]!.length, name)) continue;
        result = result === undefined
          ? list[i + 1]!
          : `${result}, ${list[i + 1]!}`;
      }
      return result;
    }
    const offsets = this.#index(head);
    for (let i = 0; i < offsets.length; i += 4) {
      if (!sameName(head, offsets[i]!, offsets[i + 1]!, name)) continue;
      const value = head.slice(offsets[i + 2], offsets[i + 3]);
      result = result === undefined ? value : `${result}, ${value}`;
    }
    return result;
  }

  /**
   * The values of all fields of that name, in order.
   *
   * @param name In any case.
   */
  getAll(name: string): string[] {
    const values: string[] = [];
    for (const [other, value] of this) {
      if (sameName(other, 0, other.length, name)) values.push(value);
    }
    return values;
  }

  /**
   * Whether there is a field of that name.
   *
   * @param name In any case.
   */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /**
   * Gives a field a value, in the place of the first of that name, and takes the
   * others of that name away.
   *
   * @param name Kept in the case it has here.
   * @param value Sent as Latin-1.
   * @throws {ConnError} With code `"bad_field_name"` or `"bad_field_value"`.
   */
  set(name: string, value: string): void {
    checkFieldName(name);
    const checked = checkFieldValue(value);
    const old = this.#own();
    const list: string[] = [];
    let found = false;
    for (let i = 0; i < old.length; i += 2) {
      if (!sameName(old[i]!, 0, old[i]!.length, name)) {
        list.push(old[i]!, old[i + 1]!);
      } else if (!found) {
        list.push(name, checked);
        found = true;
      }
    }
    if (!found) list.push(name, checked);
    this.#list = list;
  }

  /**
   * Adds a field after all others.
   *
   * @param name Kept in the case it has here.
   * @param value Sent as Latin-1.
   * @throws {ConnError} With code `"bad_field_name"` or `"bad_field_value"`.
   */
  append(name: string, value: string): void {
    checkFieldName(name);
    const checked = checkFieldValue(value);
    this.#own().push(name, checked);
  }

  /**
   * Takes all fields of that name away.
   *
   * @param name In any case.
   * @returns Whether there were any.
   */
  delete(name: string): boolean {
    const old = this.#own();
    const list: string[] = [];
    for (let i = 0; i < old.length; i += 2) {
      if (sameName(old[i]!, 0, old[i]!.length, name)) continue;
      list.push(old[i]!, old[i + 1]!);
    }
    this.#list = list;
    return list.length < old.length;
  }

  /** Goes through all fields as pairs of name and value, in order. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    const head = this.#head;
    if (head === undefined) {
      const list = this.#list;
      for (let i = 0; i < list.length; i += 2) yield [list[i]!, list[i + 1]!];
      return;
    }
    const offsets = this.#index(head);
    for (let i = 0; i < offsets.length; i += 4) {
      yield [
        head.slice(offsets[i], offsets[i + 1]),
        head.slice(offsets[i + 2], offsets[i + 3]),
      ];
    }
  }

  /** The list, which the caller is about to change. */
  #own(): string[] {
    this.#wire = undefined;
    if (this.#head === undefined) {
      if (this.#list === NO_FIELDS) this.#list = [];
      return this.#list;
    }
    const list: string[] = [];
    for (const [name, value] of this) list.push(name, value);
    this.#head = this.#offsets = undefined;
    return this.#list = list;
  }

  /** Finds the fields of a head; it was checked when it was received. */
  #index(head: string): number[] {
    if (this.#offsets !== undefined) return this.#offsets;
    const offsets: number[] = [];
    let at = this.#at;
    for (;;) {
      const end = head.indexOf("\r", at);
      if (end <= at) break;
      const colon = head.indexOf(":", at);
      let from = colon + 1;
      let to = end;
      while (from < to && head.charCodeAt(from) <= 0x20) from++;
      while (to > from && head.charCodeAt(to - 1) <= 0x20) to--;
      offsets.push(at, colon, from, to);
      at = end + 2;
    }
    return this.#offsets = offsets;
  }
}
