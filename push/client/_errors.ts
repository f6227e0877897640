/**
 * What goes wrong with a client of a hub.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { ErrorMessage } from "../wire/protocol.ts";

/** The close code of a client that may not be there any more. */
export const NOT_ALLOWED = 4403;

/** The hub refused a command. */
export function refused(
  { code, message }: Pick<ErrorMessage, "code" | "message">,
): ConnError {
  return new ConnError(message, { code, side: "remote" });
}

/** There is a subscription by this filter. */
export function alreadySubscribed(filter: string): ConnError {
  return new ConnError(
    `Cannot subscribe to "${filter}": there is a subscription, expected one for each filter`,
    { code: "already_subscribed", side: "local" },
  );
}

/** The client is over, by the program's will. */
export function clientClosed(): ConnError {
  return new ConnError("Cannot reach the hub: the client is closed", {
    code: "closed",
    side: "local",
  });
}

/** The hub closed the connection with a code that is final. */
export function closedByHub(code: number, reason: string): ConnError {
  return new ConnError(
    `The hub closed the connection with ${code} "${reason}"`,
    {
      code: code === NOT_ALLOWED ? "forbidden" : "closed",
      side: "remote",
      reply: code,
    },
  );
}

/** The server speaks something else. */
export function notAHub(subprotocol: string): ConnError {
  return new ConnError(
    `Cannot talk to the server: it agreed on the subprotocol "${subprotocol}", expected that of a hub`,
    { code: "not_a_hub", side: "remote", reply: 1002 },
  );
}

/** The hub sent what is no message of the protocol. */
export function messageInvalid(cause?: unknown): ConnError {
  return new ConnError(
    "Cannot read the hub's message: expected a JSON object with a type",
    { code: "message_invalid", side: "remote", reply: 1007, cause },
  );
}

/** The hub closed the connection over a message of this length. */
export function messageTooLarge(size: number): ConnError {
  return new ConnError(
    `Cannot send a message of ${size} bytes: the hub takes no message as long`,
    { code: "message_too_large", side: "local" },
  );
}

/** The value is nothing that JSON knows. */
export function valueInvalid(cause?: unknown): ConnError {
  return new ConnError(
    "Cannot publish the value: expected one that JSON can say",
    { code: "value_invalid", side: "local", cause },
  );
}

/** Too much waits for the hub's answers. */
export function queueFull(size: number, max: number): ConnError {
  return new ConnError(
    `Cannot queue the message: ${size} bytes would wait for answers, expected at most ${max}`,
    { code: "send_queue_full", side: "local" },
  );
}
