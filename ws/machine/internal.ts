/**
 * Commands that `WsConn` gives to its machine, and no program.
 *
 * @module
 */

import type { PingCommand, WsCommand } from "./message.ts";

/** Has the handler told, by a `drain` event, that it may go on sending. */
export const DRAINED: WsCommand = { type: "drained" } as unknown as WsCommand;

/** A ping that is waited for. */
export interface AwaitedPing extends PingCommand {
  /**
   * Called when the ping is answered, by its own pong or that of a later ping,
   * with the milliseconds since it was sent. Must not throw.
   */
  onPong?: (latency: number) => void;
}
