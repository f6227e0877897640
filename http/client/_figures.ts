// When what happened to a request, and how many bytes have moved.

import type { ClientConn } from "./_client_conn.ts";
import type { Progress } from "./client_options.ts";
import type { RequestTimings } from "./client_response.ts";

/** What is measured of a request. Times are milliseconds on the client's clock. */
export class Figures {
  readonly startedAt: number;
  /** When the present attempt began to wait for a connection. */
  queuedAt = 0;
  /** When it got one. */
  assignedAt = 0;
  /** When the head of the reply was there. */
  headAt = 0;
  /** When everything was over. */
  endedAt: number | undefined;
  /** Bytes of the request's body. */
  sent = 0;
  /** Bytes of the reply's body. */
  received = 0;
  /** The length of the reply's body, if it is known. */
  length: number | undefined;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  /**
   * How long each phase took.
   *
   * @param conn The connection, if it was opened for this.
   */
  timings(conn: ClientConn | undefined): RequestTimings {
    const { connect, tls } = conn?.opened ?? { connect: 0, tls: 0 };
    const { endedAt } = this;
    return {
      queue: Math.max(0, this.assignedAt - this.queuedAt - connect - tls),
      connect,
      tls,
      firstByte: this.headAt - this.assignedAt,
      total: endedAt === undefined ? undefined : endedAt - this.startedAt,
    };
  }

  /** How far the bodies are. */
  progress(): Progress {
    const { sent, received, length: total } = this;
    return { sent, received, total };
  }
}
