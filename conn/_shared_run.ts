/**
 * Bytes that are queued on many connections.
 *
 * @module
 */

/** What is joined for one write: a larger piece is written as it is. */
const WRITE_SIZE = 64 * 1024;

/** The pieces that were joined last, and what they came to. */
let lastPieces: readonly Uint8Array[] = [];
let lastJoined = new Uint8Array(0);

/**
 * Pieces that follow each other in a queue and that other queues hold, too. They
 * are kept as they are until they are written. Then they are joined for one write;
 * queues in which the same ones follow each other share what they come to, so a
 * broadcast is copied once and not for each connection.
 */
export class SharedRun {
  #pieces: Uint8Array[];
  #from = 0;

  constructor(piece: Uint8Array) {
    this.#pieces = [piece];
  }

  /** Whether nothing is left. */
  get isEmpty(): boolean {
    return this.#from === this.#pieces.length;
  }

  /** Adds a piece. */
  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
  }

  /** Takes as many pieces as make a write; there must be one. */
  take(): Uint8Array {
    const pieces = this.#pieces;
    const from = this.#from;
    let size = pieces[from]!.length;
    let end = from + 1;
    while (end < pieces.length) {
      const { length } = pieces[end]!;
      if (size + length > WRITE_SIZE) break;
      size += length;
      end++;
    }
    const taken = from === 0 && end === pieces.length
      ? pieces
      : pieces.slice(from, end);
    this.#drop(end);
    return taken.length === 1 ? taken[0]! : joined(taken, size);
  }

  /** Drops what is before `end`; the array is cut when half of it is. */
  #drop(end: number): void {
    const { length } = this.#pieces;
    if (end === length) this.#pieces = [];
    else if (end * 2 > length) this.#pieces = this.#pieces.slice(end);
    this.#from = this.#pieces.length < length ? 0 : end;
  }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  if (isSame(pieces, lastPieces)) return lastJoined;
  const bytes = new Uint8Array(size);
  let end = 0;
  for (const piece of pieces) {
    bytes.set(piece, end);
    end += piece.length;
  }
  lastPieces = pieces;
  lastJoined = bytes;
  return bytes;
}

function isSame(
  a: readonly Uint8Array[],
  b: readonly Uint8Array[],
): boolean {
  if (a.length !== b.length) return false;
  // The newest differ first.
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}
