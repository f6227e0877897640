export function encodeBase64Url(
  data: ArrayBuffer | Uint8Array | string,
): string;
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer>;
