// Text from elsewhere, for a terminal.

/** Leaves nothing in a text that a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
