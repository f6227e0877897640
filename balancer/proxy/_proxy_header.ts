// Connections that begin with the PROXY protocol: before TLS, so that is begun
// here as well.

import {
  type Connected,
  type ConnectOptions,
  startTls,
} from "../../conn/connect.ts";
import { writeAll } from "../../conn/write_all.ts";
import { encodeProxyHeader } from "../proxy_protocol/encode.ts";
import type { ClientAddress } from "./_attempt.ts";

/** Opens a connection. */
export type Connect = (options: ConnectOptions) => Promise<Connected>;

/**
 * Opens a connection that begins with the PROXY protocol.
 *
 * @param client Who is told about. Left out: this end itself, as for a health
 * check.
 */
export async function connectWithHeader(
  connect: Connect,
  version: "v1" | "v2",
  options: ConnectOptions,
  client?: ClientAddress,
): Promise<Connected> {
  const { tls, ...plain } = options;
  const connected = await connect(plain);
  const { transport } = connected;
  try {
    const { localAddr, remoteAddr } = transport;
    const { source, destination } = client ??
      { source: localAddr, destination: remoteAddr };
    await writeAll(transport, encodeProxyHeader(version, source, destination));
  } catch (error) {
    transport.close();
    throw error;
  }
  if (tls === undefined || tls === false) return connected;
  const { timings, ...secured } = await startTls(transport, {
    ...plain,
    hostname: options.hostname ?? "127.0.0.1",
    tls: tls === true ? {} : tls,
  });
  const { connect: connectTime } = connected.timings;
  return { ...secured, timings: { ...timings, connect: connectTime } };
}
