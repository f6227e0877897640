const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
const LENGTH = 12;

/** A new name for a sequence of offsets, by chance: 60 bits of it. */
export function newEpoch(): string {
  let epoch = "";
  // 32 of the letters, so that each is as likely as the others.
  for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
    epoch += LETTERS[byte & 31];
  }
  return epoch;
}
