// Collecting the output of compression, without knowing its length.

/** How much one call of the engine gives at most. */
const SIZE = 64 * 1024;
const NOTHING = new Uint8Array(0);

let shared: Uint8Array | undefined;

/**
 * Output on its way. The bytes are in one array that all engines share: nothing
 * but a single synchronous call may use a collector.
 */
export class Collector {
  readonly scratch: Uint8Array = shared ??= new Uint8Array(SIZE);
  /** How much of the scratch is filled. */
  at = 0;
  /** What was filled before. */
  #full: Uint8Array[] | undefined;

  /** How much of the scratch is free, at least 1. */
  space(): number {
    if (this.at === SIZE) {
      (this.#full ??= []).push(this.scratch.slice());
      this.at = 0;
    }
    return SIZE - this.at;
  }

  /** All that was collected but for so many bytes at its end, in a new array. */
  finish(strip: number): Uint8Array {
    const full = this.#full;
    if (full === undefined) {
      return this.at === strip
        ? NOTHING
        : this.scratch.slice(0, this.at - strip);
    }
    const all = new Uint8Array(full.length * SIZE + this.at - strip);
    for (let i = 0; i < full.length; i++) {
      const from = i * SIZE;
      const piece = full[i]!;
      // The end to leave out may begin in what was filled before.
      const most = all.length - from;
      all.set(piece.length > most ? piece.subarray(0, most) : piece, from);
    }
    const from = full.length * SIZE;
    if (all.length > from) {
      all.set(this.scratch.subarray(0, all.length - from), from);
    }
    return all;
  }
}
