// With Deno's own WebSockets, which compress nothing, and send neither
// fragments nor pings at the program's will.

import { type Abilities, exercise } from "./_exercise_test_util.ts";
import { peerConnects, peerListens } from "./_link_test_util.ts";
import { startDeno } from "./_peers_test_util.ts";

const CAN: Abilities = {
  fragments: false,
  ping: false,
  abort: true,
  refusal: {},
  closesWith: 1005,
  // The standard says 1006.
  cutCode: 0,
};

for (const client of ["WebSocket", "WebSocketStream"] as const) {
  Deno.test(`serve works with Deno's ${client}`, async (t) => {
    await using peer = startDeno(client);
    const cutCode = client === "WebSocket" ? 0 : 1006;
    const options = { ours: { deflate: true } };
    await exercise(t, peerConnects(peer), { ...CAN, cutCode }, options);
  });
}

Deno.test("connect works with Deno.upgradeWebSocket", async (t) => {
  await using peer = startDeno("WebSocket");
  const refusal = { status: 401, body: "Who are you?" };
  await exercise(t, peerListens(peer), { ...CAN, refusal });
});
