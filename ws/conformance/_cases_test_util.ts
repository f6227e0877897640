/**
 * What a conformance case is, and what it expects of the machine.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { DeflateAgreement } from "../deflate/params.ts";
import type { WsOptions } from "../machine/limits.ts";
import { WsMachine } from "../machine/machine.ts";
import type { Frame, Item } from "./_frames_test_util.ts";

/** Which side of the connection the machine under test is. */
export type Role = "server" | "client";

/** Both, for loops. */
export const ROLES: readonly Role[] = ["server", "client"];

/** What the peer sends at once, and what must come back before it goes on. */
export interface Stage {
  readonly sends: readonly Item[];
  /** The frames that come back, all of them, in this order. */
  readonly replies?: readonly Frame[];
  /**
   * The machine fails the connection here: after the replies comes a close frame
   * with this code, then the end of the stream, and nothing is heard any more.
   */
  readonly fails?: number;
}

/**
 * A case: whom the peer plays against is an echo. If the stages leave the
 * connection open, it is closed with 1000 at the end.
 */
export interface Case {
  /** The number that it has in Autobahn's test suite; empty for our own. */
  readonly id: string;
  readonly fact: string;
  readonly stages: readonly Stage[];
  /** The payloads of the pongs that the handler is told of. */
  readonly pongs?: readonly string[];
  /** What is set for the machine. */
  readonly options?: WsOptions;
  /** What the opening handshake agreed on about compression. */
  readonly deflate?: DeflateAgreement;
  /** The only role of the machine for which the case makes sense. */
  readonly only?: Role;
}

/** How a test is named. */
export function nameOf(one: Case, role: Role): string {
  return `${one.id} ${one.fact} (as a ${role})`.trimStart();
}

/** The machine under test. */
export function machineOf(one: Case, role: Role): WsMachine {
  return new WsMachine(role, one.options, one.deflate);
}

/** A case in which one stage has replies, and the connection stays open. */
export function echoes(
  id: string,
  fact: string,
  sends: readonly Item[],
  replies: readonly Frame[],
): Case {
  return { id, fact, stages: [{ sends, replies }] };
}

/** A case that ends in a failure. */
export function fails(
  id: string,
  fact: string,
  code: number,
  sends: readonly Item[],
  replies: readonly Frame[] = [],
): Case {
  return { id, fact, stages: [{ sends, replies, fails: code }] };
}

/** The code with which the case fails the connection. */
export function failureOf(one: Case): number | undefined {
  return one.stages.find((stage) => stage.fails !== undefined)?.fails;
}

/** Whether the case has a closing handshake of its own. */
export function closesItself(one: Case): boolean {
  return one.stages.some((stage) =>
    stage.replies?.some((reply) => reply.opcode === 8)
  );
}

/** The events that the handler must have got, in short; pongs are apart. */
export function expectedEvents(one: Case): string[] {
  const events = ["open"];
  const replies = one.stages.flatMap((stage) => stage.replies ?? []);
  for (const { opcode, payload } of replies) {
    if (opcode === 1) events.push(`text ${payload.length}`);
    if (opcode === 2) events.push(`binary ${payload.length}`);
    if (opcode === 8) events.push(`closing ${codeOf(payload) ?? 1005}`);
    if (opcode === 10) events.push(`ping ${payload.length}`);
  }
  const open = failureOf(one) === undefined && !closesItself(one);
  return [...events, ...(open ? ["closing 1000"] : []), "close"];
}

/** The code in a close frame. */
export function codeOf(payload: Uint8Array): number | undefined {
  return payload.length < 2 ? undefined : payload[0]! << 8 | payload[1]!;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  // A comparison that explains itself takes minutes on 16 MiB.
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A frame on one line, a long payload by its length. */
export function show({ opcode, fin, rsv, payload }: Frame): string {
  const long = payload.length > 200;
  const shown = long ? `${payload.length} bytes` : payload.toHex();
  return `${opcode}${fin ? "" : " more"}${rsv ? ` rsv=${rsv}` : ""}: ${shown}`;
}

/** Checks what came back in a stage. */
export function checkReplies(
  stage: Stage,
  got: readonly Frame[],
  where: string,
): void {
  const replies = [...stage.replies ?? []];
  const shown = got.map(show);
  const rest = got.slice(replies.length);
  assertEquals(shown.slice(0, replies.length), replies.map(show), where);
  for (const [i, { payload }] of replies.entries()) {
    assert(equalBytes(got[i]!.payload, payload), `${where}: reply ${i}`);
  }
  if (stage.fails === undefined) return assertEquals(rest.map(show), [], where);
  assertEquals(rest.length, 1, `${where}: ${shown.join("; ")}`);
  checkFailure(rest[0]!, stage.fails, where);
}

/** The close frame of a failure: the code, and a reason in words. */
function checkFailure(frame: Frame, code: number, where: string): void {
  const { opcode, fin, rsv, payload } = frame;
  assertEquals({ opcode, fin, rsv }, { opcode: 8, fin: true, rsv: 0 }, where);
  assertEquals(codeOf(payload), code, `${where}: ${show(frame)}`);
  assert(payload.length <= 125, where);
  new TextDecoder("utf-8", { fatal: true }).decode(payload.subarray(2));
}
