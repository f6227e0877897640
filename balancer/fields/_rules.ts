// Header rules, made ready to be applied to every message.

import { isAscii } from "../../http/codec/encode.ts";
import type { RelayOptions } from "../../http/codec/relay.ts";
import { ConnError } from "../../conn/error.ts";
import {
  checkFieldName,
  checkFieldValue,
} from "../../http/codec/field_rules.ts";
import type { FieldRules } from "../config/config.ts";

/** Fields that mean something to the connection, or that have an option. */
const REFUSED = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** Rules that were checked. */
export interface CompiledRules {
  /**
   * Names in lower case of the fields that are taken away or given a value:
   * neither what came nor what the balancer would write is sent.
   */
  readonly taken: readonly string[];
  /** The lines to add. */
  readonly lines: string;
  /** How they are to be relayed: in a message that changes its protocol, or not. */
  readonly options: Readonly<Record<"upgrade" | "plain", RelayOptions>>;
}

/**
 * Checks rules.
 *
 * @throws {ConnError} With code `"bad_field_rule"`.
 */
export function compileRules(
  { remove, set, add }: Readonly<Required<FieldRules>>,
): CompiledRules {
  const taken = new Set<string>();
  for (const name of remove) taken.add(checkedName(name));
  const given = new Set<string>();
  let lines = "";
  for (const [name, value] of Object.entries(set)) {
    const lower = checkedName(name);
    if (given.has(lower)) throw bad(name, "it is set more than once");
    given.add(lower);
    taken.add(lower);
    lines += line(name, value);
  }
  for (const [name, value] of Object.entries(add)) {
    checkedName(name);
    lines += line(name, value);
  }
  const wide = !isAscii(lines);
  const options = { upgrade: { upgrade: true, wide }, plain: { wide } };
  return { taken: [...taken], lines, options };
}

function checkedName(name: string): string {
  try {
    checkFieldName(name);
  } catch (cause) {
    throw bad(name, "expected a token as its name", cause);
  }
  const lower = name.toLowerCase();
  if (lower === "host") throw bad(name, 'expected the option "host" instead');
  if (REFUSED.has(lower)) throw bad(name, "it belongs to the connection");
  return lower;
}

function line(name: string, value: string): string {
  try {
    return `${name}: ${checkFieldValue(value)}\r\n`;
  } catch (cause) {
    throw bad(
      name,
      `the value ${JSON.stringify(value)} has a character that cannot be sent`,
      cause,
    );
  }
}

function bad(name: string, problem: string, cause?: unknown): ConnError {
  return new ConnError(
    `Cannot use a rule for the field ${JSON.stringify(name)}: ${problem}`,
    { code: "bad_field_rule", side: "local", cause },
  );
}
