// A line on the terminal that shows how far a download is.

import { format } from "@std/fmt/bytes";

/** How far it is. */
export interface Download {
  /** Bytes that have come. */
  readonly received: number;
  /** Bytes that are to come in all, if that is known. */
  readonly total: number | undefined;
  /** Milliseconds since it began. */
  readonly elapsed: number;
}

/** Milliseconds between two drawings. */
const INTERVAL = 100;

/**
 * Draws a download in one line.
 *
 * @param download How far it is.
 * @param columns The terminal's width.
 * @returns The line, not longer than the width.
 */
export function progressLine(download: Download, columns: number): string {
  const { received, total, elapsed } = download;
  const rate = elapsed > 0 ? received / elapsed * 1000 : 0;
  const speed = `${bytes(rate)}/s`;
  if (total === undefined) {
    return `${bytes(received)}  ${speed}`.slice(0, columns);
  }
  const done = total > 0 ? Math.min(received / total, 1) : 1;
  const percent = `${Math.floor(done * 100)} %`.padStart(5);
  const text = `${percent}  ${bytes(received)} of ${bytes(total)}  ${speed}`;
  const width = Math.min(40, columns - text.length - 3);
  if (width < 5) return text.slice(0, columns);
  const filled = Math.floor(done * width);
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${text}`;
}

/** Draws over the same line of standard error, a few times a second. */
export class ProgressBar {
  readonly #start = performance.now();
  #drawnAt = -Infinity;
  #drawn = false;
  #last: Omit<Download, "elapsed"> | undefined;

  /** Takes how far the download is, and draws that if it is time. */
  update(received: number, total: number | undefined): void {
    this.#last = { received, total };
    if (performance.now() - this.#drawnAt >= INTERVAL) this.#draw();
  }

  /** Draws the last state, and leaves the line. */
  finish(): void {
    this.#draw();
    if (this.#drawn) write("\n");
  }

  #draw(): void {
    if (this.#last === undefined) return;
    const now = performance.now();
    this.#drawnAt = now;
    this.#drawn = true;
    const download = { ...this.#last, elapsed: now - this.#start };
    // Back to the line's begin, and what was longer before is erased.
    write(`\r${progressLine(download, columns())}\x1b[K`);
  }
}

function bytes(count: number): string {
  return format(Math.round(count), { binary: true });
}

function columns(): number {
  try {
    return Deno.consoleSize().columns - 1;
  } catch {
    return 79;
  }
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
