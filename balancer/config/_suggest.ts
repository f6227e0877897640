/**
 * "Did you mean": the nearest of several words.
 *
 * @module
 */

/**
 * Finds the word that was probably meant.
 *
 * @param word What was written.
 * @param known What could have been.
 * @returns The nearest, or `undefined` if none is near.
 */
export function suggest(
  word: string,
  known: readonly string[],
): string | undefined {
  const plain = simplify(word);
  let best: string | undefined;
  // A third of the letters may be wrong.
  let least = Math.floor(Math.max(word.length, 3) / 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(plain, simplify(candidate));
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** `max_idle`, `max-idle` and `MaxIdle` are all meant for `maxIdle`. */
function simplify(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
