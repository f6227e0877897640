// TLS that asks clients for certificates: Deno's own listener cannot.

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Listener } from "@meerkat/net/conn";
import { TlsTransport } from "./_tls_transport.ts";

/** Where to listen, and the texts of PEM files. */
export interface MutualTlsOptions {
  readonly hostname: string;
  readonly port: number;
  /** The server's certificate chain. */
  readonly cert: string;
  /** The private key to it. */
  readonly key: string;
  /** The authorities; one must have signed a client's certificate. */
  readonly ca: string;
}

/**
 * Listens for clients that show a certificate. With all others the handshake
 * fails.
 *
 * @throws {Error} If the address or a PEM text is no good.
 */
export function listenMutualTls(options: MutualTlsOptions): Listener {
  const { hostname, port, cert, key, ca } = options;
  try {
    checkTexts(cert, key, ca);
    const tls = { cert, key, ca };
    const listener = Deno.listen({ hostname, port });
    return {
      addr: listener.addr,
      accept: async () => new TlsTransport(await listener.accept(), tls),
      close: () => listener.close(),
    };
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot listen on "${hostname}:${port}": ${text}`, {
      cause,
    });
  }
}

/** Otherwise mistakes show only in that no handshake succeeds. */
function checkTexts(cert: string, key: string, ca: string): void {
  parse("authority", () => new X509Certificate(ca));
  const server = parse("certificate", () => new X509Certificate(cert));
  const pair = parse("private key", () => createPrivateKey(key));
  if (server.checkPrivateKey(pair)) return;
  throw new Error("the private key is not that of the certificate");
}

function parse<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Error(`the ${what} is not valid PEM`, { cause });
  }
}
