// The network, as the client's connector.

import type { Clock } from "../../conn/clock.ts";
import { connect, startTls } from "../../conn/connect.ts";
import type { InspectHook } from "../../conn/inspect.ts";
import type { Connector } from "./_connector.ts";

/** Opens sockets. */
export function socketConnector(
  clock: Clock,
  inspect: InspectHook | undefined,
): Connector {
  const common = { clock, ...(inspect && { inspect }) };
  return {
    connect: ({ hostname, port, unix, tls, ...rest }) =>
      connect({
        ...(unix === undefined ? { hostname, port } : { path: unix }),
        ...(tls && { tls }),
        ...rest,
        ...common,
      }),
    startTls: (transport, { hostname, tls, tlsTimeout, signal }) =>
      startTls(transport, { hostname, tls, tlsTimeout, signal, ...common }),
  };
}
