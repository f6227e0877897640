/**
 * The ring of consistent hashing.
 *
 * @module
 */

/** A ring has this many points for the largest weight, up to twice as many. */
const POINTS = 256;

/** Room for a member's number beside a 32-bit hash in the 53 bits of a number. */
const MEMBERS = 2 ** 20;

/** What has points on the ring. */
export interface RingMember {
  /** Determines where its points are. */
  readonly id: string;
  /** Determines how many they are, relative to the others'. */
  readonly weight: number;
}

/**
 * Points on a circle of 32-bit numbers, in order. Each member has its own by its
 * id alone, so that others' stay where they are when one comes or goes.
 */
export class Ring {
  /** Where the points are. */
  readonly #points: Uint32Array;
  /** Whose they are: indexes of members. */
  readonly owners: Uint32Array;

  /**
   * Lays the points out.
   *
   * @param members Their weights are above 0.
   */
  constructor(members: readonly RingMember[]) {
    const marks: number[] = [];
    // Powers of two: a change of the largest weight mostly leaves the rest alone.
    const most = members.reduce((max, { weight }) => Math.max(max, weight), 0);
    const unit = 2 ** Math.floor(Math.log2(most));
    members.forEach(({ id, weight }, member) => {
      const seed = hashText(id);
      const count = Math.max(1, Math.round(weight / unit * POINTS));
      for (let i = 0; i < count; i++) {
        marks.push(mix(seed ^ mix(i + 1)) * MEMBERS + member);
      }
    });
    const sorted = Float64Array.from(marks).sort();
    this.#points = Uint32Array.from(sorted, (mark) => mark / MEMBERS);
    this.owners = Uint32Array.from(sorted, (mark) => mark % MEMBERS);
  }

  /** The index of the first point at a hash or behind it, around the circle. */
  find(hash: number): number {
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]! >= hash) high = middle;
      else low = middle + 1;
    }
    return low < points.length ? low : 0;
  }
}

/** Hashes a text to 32 bits: FNV-1a, and then mixed. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return mix(hash);
}

/** The last step of MurmurHash3: each bit in changes half of the bits out. */
function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
