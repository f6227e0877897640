/**
 * What compression is tried on: five kinds of data, like those of Autobahn's
 * categories 12 and 13, made here, the same every time.
 *
 * @module
 */

/** How much there is of each kind, in bytes or, for text, in UTF-16 units. */
const SIZE = 192 * 1024;

/** A kind of data. Text is sent as text, and counted in UTF-16 units. */
export interface Corpus {
  /** Autobahn's sub-category of 12. */
  readonly category: string;
  readonly what: string;
  readonly data: string | Uint8Array;
}

/** Numbers from 0 up to 1, the same for the same seed. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    // Mulberry32: small, and random enough to be hard to compress.
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

const WORDS =
  ("habe nun ach Philosophie Juristerei und Medizin und leider auch " +
    "Theologie durchaus studiert mit heißem Bemühn da steh ich nun ich armer Tor " +
    "und bin so klug als wie zuvor heiße Magister heiße Doktor gar und ziehe schon " +
    "an die zehen Jahr herauf herab und quer und krumm meine Schüler an der Nase " +
    "herum und sehe daß wir nichts wissen können").split(" ");

function grown(seed: number, piece: (random: () => number) => string): string {
  const random = numbers(seed);
  let text = "";
  while (text.length < SIZE) text += piece(random);
  return text.slice(0, SIZE);
}

function words(random: () => number, count: number): string {
  const picked = Array.from(
    { length: count },
    () => WORDS[Math.floor(random() * WORDS.length)],
  );
  return picked.join(" ");
}

function json(): string {
  let id = 0;
  return grown(1, (random) =>
    JSON.stringify({
      id: ++id,
      name: words(random, 2),
      tags: words(random, 4).split(" "),
      score: random(),
      active: random() < 0.5,
    }) + ",\n");
}

function html(): string {
  return grown(
    2,
    (random) =>
      `<div class="row"><a href="/p/${Math.floor(random() * 1e6)}">${
        words(random, 3)
      }</a>\n  <p>${words(random, 12)} – ©</p></div>\n`,
  );
}

function prose(): Uint8Array {
  const text = grown(3, (random) => `${words(random, 8)},\n`);
  return new TextEncoder().encode(text);
}

/** Grey values that change slowly, with some noise. */
function picture(): Uint8Array {
  const random = numbers(4);
  return Uint8Array.from({ length: SIZE }, (_, i) => {
    const [x, y] = [i % 512, Math.floor(i / 512)];
    return 128 + 60 * Math.sin(x / 40) + 50 * Math.cos(y / 25) + random() * 6;
  });
}

/** Streams that cannot be compressed, with a little text between them. */
function document(): Uint8Array {
  const random = numbers(5);
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(SIZE);
  for (let at = 0; at < SIZE;) {
    const head = encoder.encode(
      `${at} 0 obj\n<</Length 3000/Filter/FlateDecode>>\nstream\n`,
    );
    bytes.set(head.subarray(0, SIZE - at), at);
    at += head.length;
    const end = Math.min(SIZE, at + 3000);
    while (at < end) bytes[at++] = random() * 256;
  }
  return bytes;
}

/** All kinds. */
export const corpora: readonly Corpus[] = [
  { category: "12.1", what: "JSON", data: json() },
  { category: "12.2", what: "a picture", data: picture() },
  { category: "12.3", what: "prose as bytes", data: prose() },
  { category: "12.4", what: "HTML", data: html() },
  { category: "12.5", what: "a document with streams", data: document() },
];

const encoder = new TextEncoder();

/** So many messages of a length, one after the other through the data. */
export function messagesOf(
  { data }: Corpus,
  length: number,
  count: number,
): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const from = i * length % (data.length - length + 1);
    return typeof data === "string"
      ? encoder.encode(data.slice(from, from + length))
      : data.slice(from, from + length);
  });
}
