/**
 * A WebSocket connection through the balancer.
 *
 * @module
 */

import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { drainConn } from "../../conn/loop.ts";
import {
  splice,
  type SpliceEnd,
  type SpliceResult,
} from "../../conn/splice.ts";
import { fitReason, writeClose } from "../../ws/codec/close_frame.ts";
import type { WebSocketSettings } from "../config/settings.ts";
import { type HalfOwner, TunnelHalf, type TunnelSide } from "./_half.ts";

export type { TunnelSide };

/** The endpoint goes away, RFC 6455 §7.4.1. */
const GOING_AWAY = 1001;
/** A gateway got something invalid from behind it, in IANA's registry. */
const BAD_GATEWAY = 1014;

/** Options of {@linkcode tunnelWebSocket}. */
export interface TunnelOptions {
  /** What is enforced, if frames are to be looked into. */
  readonly settings: WebSocketSettings;
  /**
   * How long the two ends may take to close once the balancer takes leave of them,
   * and how long nothing may come once one of them has ended its side of the
   * stream, in milliseconds on the connections' clocks.
   *
   * @default {5000}
   */
  readonly closeTimeout?: number;
  /**
   * How long nothing may pass, either way, in milliseconds; then the balancer takes
   * leave of both ends.
   *
   * @default {Infinity}
   */
  readonly idleTimeout?: number;
  /**
   * Gets the code of a close frame that the backend sent before the client sent
   * one, if it counts as a failure (`failureCodes`).
   */
  readonly onFailure?: (code: number) => void;
  /**
   * Is told when one of the connections is to be drained, as all are when their
   * server shuts down.
   *
   * @default {goAway} Of the tunnel, at once.
   */
  readonly onDrain?: (tunnel: WebSocketTunnel) => void;
}

/** What a tunnel carried, and how it ended. */
export interface TunnelResult {
  /** Bytes from the client, frame heads included. */
  bytesIn: number;
  /** Bytes from the backend. */
  bytesOut: number;
  /** Messages from the client, as far as its frames could be told apart. */
  messagesIn: number;
  /** Messages from the backend, likewise. */
  messagesOut: number;
  /**
   * Who ended it: by the first close frame, by breaking a rule that is enforced,
   * by ending or breaking its connection.
   */
  endedBy: TunnelSide | "balancer";
  /**
   * The code of the close frame that ended it: 1005 if it had none. `undefined` if
   * there was no close frame.
   */
  code?: number;
  /** Why it did not end in order. */
  error?: ConnError;
}

/** A WebSocket connection through the balancer. */
export interface WebSocketTunnel {
  /** Resolves when both connections have closed, whatever the reason. */
  readonly closed: Promise<TunnelResult>;
  /**
   * Takes leave of both ends: each gets a close frame behind the frame that is
   * under way, and its own answer is awaited, for a bounded time. What else comes
   * is dropped. If an end has said goodbye already, both just get that time; if
   * frames cannot be told apart, the connection closes without a close frame.
   *
   * @param code The close code, by default 1001.
   * @param reason At most 123 bytes of UTF-8.
   * @throws {ConnError} With code `"close_invalid"`.
   */
  goAway(code?: number, reason?: string): void;
  /** Cuts both connections. */
  abort(error?: ConnError): void;
}

/**
 * Ties a client's connection to a backend's after both have spoken 101. Bytes
 * pass as they are, with back-pressure and each direction's end; the frames are
 * followed by their heads, so that messages are counted and a close frame can be
 * put in between.
 *
 * If the settings say so, frames are looked into. Who breaks a rule gets the close
 * code that belongs to it (1002 for framing, 1007, 1008 for the rate, 1009 for the
 * limits) and is not listened to any more; the other one gets 1001 if it is the
 * backend, 1014 if it is the client. Otherwise such frames pass, and are not
 * counted from there on.
 *
 * When one end breaks without a close frame the other is cut, too, and gets none:
 * messages may be lost, and 1006, which no frame may carry, is how RFC 6455 §7.1.5
 * has a WebSocket tell that. A close frame would make the end look clean.
 *
 * @param client The client's connection; its view is detached.
 * @param backend The backend's; its view is detached.
 * @param options What is enforced, and how long the end may take.
 * @returns The tunnel. It never throws: if a connection is closed or detached
 * already, the other is cut, and the result says so.
 */
export function tunnelWebSocket<E1, C1, E2, C2>(
  client: Conn<E1, C1>,
  backend: Conn<E2, C2>,
  options: TunnelOptions,
): WebSocketTunnel {
  return new Tunnel(client, backend, options);
}

class Tunnel<E1, C1, E2, C2> implements WebSocketTunnel, HalfOwner {
  readonly closed: Promise<TunnelResult>;
  course: "open" | "ending" | "leaving" = "open";
  readonly #client: TunnelHalf;
  readonly #backend: TunnelHalf;
  readonly #options: TunnelOptions;
  #endedBy: TunnelSide | "balancer" | undefined;
  #code: number | undefined;
  #error: ConnError | undefined;
  /** Both ends stand. */
  #isOpen = false;
  /** What to do then. */
  #atOpen: (() => void) | undefined;

  constructor(
    client: Conn<E1, C1>,
    backend: Conn<E2, C2>,
    options: TunnelOptions,
  ) {
    const { settings, closeTimeout = 5000, idleTimeout = Infinity } = options;
    this.#options = options;
    // One of them watches both.
    const watching = { closeTimeout, idleTimeout };
    const other = { closeTimeout, idleTimeout: Infinity };
    this.#client = new TunnelHalf("client", settings, watching, this);
    this.#backend = new TunnelHalf("backend", settings, other, this);
    this.#client.other = this.#backend;
    this.#backend.other = this.#client;
    this.closed = this.#run(client, backend);
  }

  async #run(
    client: Conn<E1, C1>,
    backend: Conn<E2, C2>,
  ): Promise<TunnelResult> {
    const gone = client.state === "open" ? "backend" : "client";
    let passed: SpliceResult = { aToB: 0, bToA: 0 };
    try {
      passed = await splice(client, backend, {
        machines: [this.#client, this.#backend],
        onOpen: (client, backend) => this.#open(client, backend),
      });
    } catch (error) {
      if (!(error instanceof ConnError)) throw error;
      this.#endedBy ??= gone;
      this.#error ??= error;
    }
    return this.#result(passed);
  }

  #open(client: SpliceEnd, backend: SpliceEnd): void {
    this.#client.conn = client;
    this.#backend.conn = backend;
    this.#isOpen = true;
    this.#atOpen?.();
  }

  #result({ aToB, bToA }: SpliceResult): TunnelResult {
    const result: TunnelResult = {
      bytesIn: aToB,
      bytesOut: bToA,
      messagesIn: this.#client.messages,
      messagesOut: this.#backend.messages,
      endedBy: this.#endedBy ?? "balancer",
    };
    if (this.#code !== undefined) result.code = this.#code;
    if (this.#error !== undefined) result.error = this.#error;
    return result;
  }

  goAway(code: number = GOING_AWAY, reason = ""): void {
    const payload = writeClose(code, reason);
    if (!this.#isOpen) {
      this.#atOpen ??= () => this.goAway(code, reason);
      return;
    }
    if (this.course !== "open") return;
    const isOver = this.#client.isOver || this.#backend.isOver;
    if (isOver) {
      this.course = "ending";
    } else {
      this.course = "leaving";
      this.#endedBy ??= "balancer";
      this.#code ??= code;
      this.#client.farewell = this.#backend.farewell = payload;
    }
    this.#drain();
  }

  abort(error?: ConnError): void {
    this.#endedBy ??= "balancer";
    if (error !== undefined) this.#error ??= error;
    this.#client.conn?.abort(error);
    this.#backend.conn?.abort(error);
  }

  #drain(): void {
    for (const { conn } of [this.#client, this.#backend]) {
      if (conn !== undefined) drainConn(conn);
    }
  }

  // What the halves tell.

  drained(): void {
    const { onDrain } = this.#options;
    if (onDrain === undefined) this.goAway();
    else onDrain(this);
  }

  closePassed({ side }: TunnelHalf, code: number): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = side;
    this.#code = code;
    const { settings, onFailure } = this.#options;
    const fails = side === "backend" && settings.inspect &&
      settings.failureCodes.includes(code);
    if (fails) onFailure?.(code);
  }

  broke(half: TunnelHalf, error: ConnError): void {
    const code = error.reply ?? 1002;
    if (this.#endedBy === undefined) {
      this.#endedBy = half.side;
      this.#code = code;
    }
    this.#error ??= error;
    half.farewell = writeClose(code, fitReason(error.message));
    half.other.farewell = writeClose(
      half.side === "client" ? GOING_AWAY : BAD_GATEWAY,
    );
    half.ignore();
    this.course = "leaving";
    this.#drain();
  }

  ended({ side }: TunnelHalf, error: ConnError | undefined): void {
    if (!this.#isOpen) return;
    this.#endedBy ??= error?.side === "local" ? "balancer" : side;
    if (error !== undefined) this.#error ??= error;
  }
}
