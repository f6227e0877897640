/**
 * The client's half of the opening handshake, RFC 6455 §4.1.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { Fields, type FieldsInit } from "../../http/codec/fields.ts";
import type { ResponseHead } from "../../http/codec/message.ts";
import { listMembers } from "../../http/codec/wire_fields.ts";
import { acceptKey } from "./accept_key.ts";
import { addExtraFields } from "./_extra_fields.ts";
import { checkProtocols } from "./_lists.ts";

/** What a client asks for. */
export interface UpgradeRequest {
  /** The key, as {@linkcode makeKey} makes it: a new one for each request. */
  key: string;
  /**
   * The subprotocols that it speaks, the best one first.
   *
   * @default None
   */
  protocols?: readonly string[];
  /**
   * The value of `Sec-WebSocket-Extensions`.
   *
   * @default None
   */
  extensions?: string | undefined;
  /**
   * Further fields: `Origin`, `Cookie`, `Authorization`.
   *
   * @default None
   */
  fields?: FieldsInit | undefined;
}

/** What the server's answer has to fit. */
export type ExpectedResponse = Pick<UpgradeRequest, "key" | "protocols">;

/** What the server chose. */
export interface UpgradeResponse {
  /** The subprotocol; empty for none, also if some were offered. */
  readonly subprotocol: string;
  /** The value of `Sec-WebSocket-Extensions`, as it came. */
  readonly extensions: string | undefined;
}

/**
 * Makes the fields of a request to open a WebSocket, RFC 6455 §4.1, all but
 * `Host`.
 *
 * @param request What to ask for.
 * @returns The fields.
 * @throws {ConnError} With code `"subprotocol_invalid"` if a subprotocol is no
 * token or there twice; `"reserved_field"` if one of the further fields is the
 * handshake's own or tells of a body; `"bad_field_name"` or `"bad_field_value"`.
 */
export function upgradeFields(request: UpgradeRequest): Fields {
  const { key, protocols = [], extensions } = request;
  checkProtocols(protocols);
  const fields = new Fields({
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Version": "13",
  });
  if (protocols.length > 0) {
    fields.append("Sec-WebSocket-Protocol", protocols.join(", "));
  }
  if (extensions !== undefined) {
    fields.append("Sec-WebSocket-Extensions", extensions);
  }
  addExtraFields(fields, request.fields);
  return fields;
}

function invalid(problem: string): ConnError {
  return new ConnError(`Cannot open the WebSocket: ${problem}`, {
    code: "handshake_invalid",
    side: "remote",
  });
}

function shown(value: string | undefined): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}

function checkSwitch({ status, version, fields }: ResponseHead): void {
  if (status !== 101 || version !== "1.1") {
    throw invalid(
      `the server answered ${status} in HTTP/${version}, expected 101 in HTTP/1.1`,
    );
  }
  const upgrade = fields.get("upgrade");
  if (upgrade?.toLowerCase() !== "websocket") {
    throw invalid(`"Upgrade" is ${shown(upgrade)}, expected "websocket"`);
  }
  const connection = fields.get("connection");
  if (!listMembers(connection ?? "").includes("upgrade")) {
    throw invalid(
      `"Connection" is ${shown(connection)}, expected "Upgrade" in it`,
    );
  }
}

/**
 * Checks a server's answer, RFC 6455 §4.1. Whether it agrees on no extension but
 * those that were offered is for who made the offer to say.
 *
 * @param head The answer.
 * @param expected The key and the subprotocols that were sent.
 * @returns What the server chose.
 * @throws {ConnError} With code `"handshake_invalid"`.
 */
export function checkResponse(
  head: ResponseHead,
  expected: ExpectedResponse,
): UpgradeResponse {
  checkSwitch(head);
  const { fields } = head;
  const wanted = acceptKey(expected.key);
  const accept = fields.get("sec-websocket-accept");
  if (accept !== wanted) {
    throw invalid(
      `"Sec-WebSocket-Accept" is ${shown(accept)}, expected "${wanted}"`,
    );
  }
  // Two of them are joined by a comma here, which no token has.
  const subprotocol = fields.get("sec-websocket-protocol");
  const { protocols = [] } = expected;
  if (subprotocol !== undefined && !protocols.includes(subprotocol)) {
    throw invalid(
      `"Sec-WebSocket-Protocol" is ${
        shown(subprotocol)
      }, expected one that was offered, or none`,
    );
  }
  return {
    subprotocol: subprotocol ?? "",
    extensions: fields.get("sec-websocket-extensions"),
  };
}
