import { ConnError } from "../../conn/error.ts";

/**
 * Makes the error of an engine that cannot do what it is asked to.
 *
 * @param message What failed.
 * @param cause What the engine's store has said, if that is why.
 */
export function unavailable(message: string, cause?: unknown): ConnError {
  return new ConnError(message, {
    code: "engine_unavailable",
    side: "local",
    reply: 503,
    ...(cause === undefined ? {} : { cause }),
  });
}
