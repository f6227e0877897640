// The program's own fields of a handshake.

import { ConnError } from "../../conn/error.ts";
import { Fields, type FieldsInit } from "../../http/codec/fields.ts";

/** Fields that say that, and how, the protocol is switched, or frame a body. */
const OWN =
  /^(?:connection|upgrade|sec-websocket-.*|content-length|transfer-encoding)$/i;

/**
 * Adds the program's fields to those of the handshake.
 *
 * @throws {ConnError} With code `"reserved_field"` for one that is the
 * handshake's, or that tells of a body, which it has not; with code
 * `"bad_field_name"` or `"bad_field_value"`.
 */
export function addExtraFields(
  fields: Fields,
  extra: FieldsInit | undefined,
): void {
  if (extra === undefined) return;
  for (const [name, value] of new Fields(extra)) {
    if (OWN.test(name)) {
      throw new ConnError(
        `Cannot add the field "${name}" to the handshake: expected none of those that it makes or has no body for`,
        { code: "reserved_field", side: "local" },
      );
    }
    fields.append(name, value);
  }
}
