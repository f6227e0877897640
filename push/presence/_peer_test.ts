import { assertEquals } from "@std/assert";
import type { HubMessage, Presenter } from "./_messages.ts";
import { Peer } from "./_peer.ts";
import { Roster } from "./_roster.ts";

const hub = "a";
const parts = 2;

function newPeer(): Peer {
  return new Peer(new Roster(() => {}), 0);
}

function presenters(...clients: string[]): Presenter[] {
  return clients.map((client) => ({ topic: "room", member: { client } }));
}

function joined(number: number, client: string): HubMessage {
  return { type: "joined", hub, number, members: presenters(client) };
}

function left(number: number, client: string): HubMessage {
  return { type: "left", hub, number, members: presenters(client) };
}

function state(
  number: number,
  clients: string[],
  { state = 1, part = 0, parts = 1 } = {},
): HubMessage {
  const members = presenters(...clients);
  return { type: "state", hub, number, state, part, parts, members };
}

/** Gives a peer messages, and says who is there then. */
function receive(peer: Peer, ...messages: HubMessage[]): string {
  for (const message of messages) peer.receive(message);
  return [...peer.roster.members("room")].map(({ client }) => client)
    .sort().join(" ");
}

Deno.test("nothing counts before the first state, which is asked for once", () => {
  const peer = newPeer();
  assertEquals(receive(peer, joined(1, "x"), joined(2, "y")), "");
  assertEquals([peer.takeAsk(), peer.takeAsk()], [true, false]);
  receive(peer, joined(3, "z"));
  assertEquals(peer.takeAsk(), false);
  assertEquals(receive(peer, state(3, ["x", "y", "z"])), "x y z");
  assertEquals(receive(peer, left(4, "x")), "y z");
});

Deno.test("a state that comes unasked needs no question", () => {
  const peer = newPeer();
  assertEquals(receive(peer, state(0, [])), "");
  assertEquals(peer.takeAsk(), false);
});

Deno.test("a beat asks again, as the answer may be lost", () => {
  const peer = newPeer();
  assertEquals(peer.takeAsk(), true);
  receive(peer, { type: "beat", hub, number: 0 });
  assertEquals(peer.takeAsk(), true);
  receive(peer, state(0, []), { type: "beat", hub, number: 0 });
  assertEquals(peer.takeAsk(), false);
  receive(peer, { type: "beat", hub, number: 1 });
  assertEquals(peer.takeAsk(), true);
});

Deno.test("changes that come twice count once", () => {
  const peer = newPeer();
  receive(peer, state(0, []));
  const messages = [joined(1, "x"), left(2, "x")];
  assertEquals(receive(peer, ...messages, messages[0]!), "");
  assertEquals(peer.takeAsk(), false);
  assertEquals(receive(peer, joined(3, "y")), "y");
});

Deno.test("who is there stays while a state is asked for", () => {
  const peer = newPeer();
  receive(peer, state(0, ["x"]));
  assertEquals(receive(peer, left(2, "x"), joined(3, "y")), "x");
  assertEquals(peer.takeAsk(), true);
  assertEquals(receive(peer, joined(1, "z")), "x");
  assertEquals(receive(peer, state(3, ["y", "z"], { state: 2 })), "y z");
});

Deno.test("a state counts when all its parts are there, in any order", () => {
  const peer = newPeer();
  const second = state(5, ["y"], { part: 1, parts });
  assertEquals(receive(peer, second, second), "");
  assertEquals(receive(peer, state(5, ["x"], { parts })), "x y");
});

Deno.test("parts of different states are not put together", () => {
  const peer = newPeer();
  const first = (n: number) => state(5, [`x${n}`], { state: n, parts });
  const second = (n: number) =>
    state(5, [`y${n}`], { state: n, part: 1, parts });
  assertEquals(receive(peer, first(1), second(2), second(1)), "");
  assertEquals(receive(peer, first(1), first(2)), "x2 y2");
});

Deno.test("a state that is older than what is known does not count", () => {
  const peer = newPeer();
  receive(peer, state(1, ["x"], { state: 2 }), left(2, "x"));
  assertEquals(receive(peer, state(1, ["x"], { state: 3 })), "");
  assertEquals(receive(peer, state(2, ["x"], { state: 3 })), "");
  // Nor does it when one is asked for.
  receive(peer, joined(4, "y"));
  assertEquals(receive(peer, state(1, ["x"], { state: 3 })), "");
  assertEquals(peer.takeAsk(), true);
});

Deno.test("a state that another hub has asked for is of use, too", () => {
  const peer = newPeer();
  receive(peer, state(1, ["x"]));
  assertEquals(receive(peer, state(3, ["y"], { state: 2 })), "y");
  assertEquals(receive(peer, joined(4, "z")), "y z");
});

Deno.test("what comes after a hub has ended does not count", () => {
  const peer = newPeer();
  receive(peer, state(0, ["x"]));
  assertEquals(receive(peer, { type: "gone", hub }), "");
  assertEquals(receive(peer, joined(1, "y")), "");
  assertEquals(receive(peer, state(9, ["x"], { state: 2 })), "");
  receive(peer, { type: "beat", hub, number: 9 });
  assertEquals(peer.takeAsk(), false);
});
