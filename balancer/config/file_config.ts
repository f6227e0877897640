/**
 * What the file of a balancer program has.
 *
 * @module
 */

import type { HttpLimits } from "../../http/codec/limits.ts";
import type { AccessLogFormat } from "../telemetry/access_log.ts";
import type { BalancerConfig } from "./config.ts";

/**
 * A balancer, and what a program that runs one needs beside it. Paths of files
 * begin at the program's working directory.
 */
export interface FileConfig extends BalancerConfig {
  /** Where clients connect. */
  listen?: ListenConfig;
  /** The admin API and its page. Left out: none. */
  admin?: AdminConfig;
  /** Where requests are logged. Left out: nowhere. */
  accessLog?: AccessLogConfig;
  /**
   * How many threads serve clients.
   *
   * @default {1}
   */
  workers?: number;
}

/** Where clients connect. */
export interface ListenConfig {
  /**
   * The address to listen on.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string;
  /**
   * The port; 0 for any that is free.
   *
   * @default {8000}
   */
  port?: number;
  /** The file with the certificate chain, PEM, for HTTPS. Left out: HTTP. */
  certFile?: string;
  /**
   * The file with the certificate's key, PEM.
   *
   * @default The file of the certificate
   */
  keyFile?: string;
  /**
   * Whether each connection begins with the PROXY protocol, v1 or v2. Then all
   * must. Not with a certificate.
   *
   * @default {false}
   */
  proxyProtocol?: boolean;
  /** What clients may send, and how long they may take. */
  limits?: ListenLimits;
}

/** What clients may send, and how long they may take. */
export interface ListenLimits extends
  Pick<
    HttpLimits,
    | "maxStartLine"
    | "maxHeaderSection"
    | "maxFields"
    | "maxRequests"
    | "headTimeout"
    | "keepAliveTimeout"
    | "minBodyRate"
  > {
  /**
   * How many connections may be open, in each thread. Beyond it others wait.
   *
   * @default {Infinity} In a file: left out.
   */
  maxConnections?: number;
}

/** The admin API and its page. Exactly one of `token` and `tokenFile` is needed. */
export interface AdminConfig {
  /**
   * The address to listen on.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /** The port; 0 for any that is free. */
  port: number;
  /** What a client must know. */
  token?: string;
  /** The file that has it; white space around it does not count. */
  tokenFile?: string;
}

/** Where requests are logged. */
export interface AccessLogConfig {
  /**
   * How a request is written: the time, the request line and the backend
   * (`"seed"`); as web servers have long done (`"combined"`); or as JSON with all
   * that is known (`"json"`).
   *
   * @default {"seed"}
   */
  format?: AccessLogFormat;
  /**
   * The file, which is appended to; `"-"` for the standard output.
   *
   * @default {"-"}
   */
  file?: string;
}
