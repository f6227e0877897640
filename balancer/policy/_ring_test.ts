import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { hashText, Ring, type RingMember } from "./_ring.ts";

/** Members with their weights. */
function members(...weights: number[]): RingMember[] {
  return weights.map((weight, i) => ({ id: `10.0.0.${i}:80`, weight }));
}

/** How many of `count` keys each member gets. */
function shares(ring: Ring, count = 20_000): number[] {
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const owner = ring.owners[ring.find(hashText(`192.0.2.${i}`))]!;
    found[owner] = (found[owner] ?? 0) + 1;
  }
  return found;
}

Deno.test("a ring gives equal members about the same", () => {
  for (const share of shares(new Ring(members(...Array(10).fill(1))))) {
    assert(share > 0.8 * 2000 && share < 1.2 * 2000, `${share}`);
  }
});

Deno.test("a ring gives members by their weights, whatever the unit", () => {
  for (const unit of [0.001, 1, 700]) {
    const ring = new Ring(members(unit, 2 * unit, 5 * unit));
    assert(ring.owners.length < 3 * 512);
    shares(ring).forEach((share, i) => {
      const due = 20_000 * [1, 2, 5][i]! / 8;
      assert(share > 0.8 * due && share < 1.2 * due, `${i}: ${share}`);
    });
  }
});

Deno.test("a ring gives a tiny weight a point, too", () => {
  assert(new Ring(members(1e-6, 1e6)).owners.includes(0));
});

Deno.test("a ring is the same in whatever order its members come", () => {
  const list = members(1, 3, 2);
  const ring = new Ring(list);
  const turned = new Ring([...list].reverse());
  assertEquals(
    Array.from(turned.owners, (owner) => 2 - owner),
    [...ring.owners],
  );
});

Deno.test("a ring finds points in their order, and the first behind the last", () => {
  const ring = new Ring(members(1, 1));
  const hash = fc.nat({ max: 2 ** 32 - 1 });
  assertEquals([ring.find(0), ring.find(2 ** 32 - 1)], [0, 0]);
  fc.assert(fc.property(hash, hash, (one, other) => {
    const low = ring.find(Math.min(one, other));
    const high = ring.find(Math.max(one, other));
    assert(low <= high || high === 0, `${low} ${high}`);
  }));
});

Deno.test("a ring without members finds nothing", () => {
  const ring = new Ring([]);
  assertEquals(ring.owners.length, 0);
  assertEquals(ring.find(5), 0);
});

Deno.test("hashes are 32 bits, and half of them differ for the next text", () => {
  let different = 0;
  for (let i = 0; i < 1000; i++) {
    const one = hashText(`10.0.0.${i}`);
    assertEquals(one, one >>> 0);
    let bits = (one ^ hashText(`10.0.0.${i + 1}`)) >>> 0;
    for (; bits !== 0; bits &= bits - 1) different++;
  }
  assert(different > 15_500 && different < 16_500, `${different}`);
});
