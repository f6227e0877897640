// How each peer that is a program is started.

import { PeerProcess, testdata } from "./_peer_test_util.ts";

/** The package `ws` on Node. */
export async function startWsPackage(node: string): Promise<PeerProcess> {
  // For the import Deno downloads it; Node is told where it is.
  await import("ws");
  const { pathname } = new URL(import.meta.resolve("ws"));
  return new PeerProcess(node, [testdata("ws_peer.mjs"), pathname]);
}

/** Python's websockets. */
export function startWebsockets(python: string): PeerProcess {
  return new PeerProcess(python, [testdata("websockets_peer.py")]);
}

/** Deno, with one of its clients. */
export function startDeno(
  client: "WebSocket" | "WebSocketStream",
): PeerProcess {
  return new PeerProcess(Deno.execPath(), [
    ...["run", "--quiet", "--no-config", "--no-lock", "--allow-net"],
    ...["--unstable-net", testdata("deno_peer.js"), client],
  ]);
}
