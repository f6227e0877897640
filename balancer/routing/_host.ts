// Hosts as they are compared.

const DOT = 0x2e, COLON = ":", OPEN = 0x5b;

/**
 * The host of an authority: in lower case, without the port and without the dot
 * that ends a name. An IPv6 address is in brackets, also if it was not.
 */
export function hostName(authority: string): string {
  let end = authority.length;
  if (authority.charCodeAt(0) === OPEN) {
    end = authority.indexOf("]") + 1 || end;
  } else {
    const colon = authority.indexOf(COLON);
    if (colon !== -1) {
      if (authority.includes(COLON, colon + 1)) {
        return `[${authority.toLowerCase()}]`;
      }
      end = colon;
    }
  }
  if (authority.charCodeAt(end - 1) === DOT) end--;
  return authority.slice(0, end).toLowerCase();
}
