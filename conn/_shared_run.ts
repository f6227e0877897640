/**
 * Bytes that are queued on many connections.
 *
 * @module
 */

/** A write of so many bytes is large enough. */
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
  #pieces: Uint8Array[] = [];

  /** Whether nothing is left. */
  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Adds a piece. */
  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
  }

  /** Takes as many pieces as make a write; `undefined` if none is left. */
  take(): Uint8Array | undefined {
    const pieces = this.#pieces;
    let count = 0;
    let size = 0;
    while (count < pieces.length && size < WRITE_SIZE) {
      size += pieces[count++]!.length;
    }
    if (count <= 1) return pieces.shift();
    const taken = count === pieces.length ? pieces : pieces.slice(0, count);
    this.#pieces = count === pieces.length ? [] : pieces.slice(count);
    return joined(taken, size);
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
