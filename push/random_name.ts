/**
 * Names that nobody else has.
 *
 * @module
 */

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
const LENGTH = 12;

/** A new name, for an epoch or a hub, by chance: 60 bits of it. */
export function randomName(): string {
  let name = "";
  // 32 of the letters, so that each is as likely as the others.
  for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
    name += LETTERS[byte & 31];
  }
  return name;
}
