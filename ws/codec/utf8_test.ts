import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { decodeText, TextPieces, utf8Length } from "./utf8.ts";

const encoder = new TextEncoder();

/** Bytes that are no UTF-8, and where the first wrong one is. */
const WRONG: [number[], number][] = [
  [[0x80], 0],
  [[0xff], 0],
  [[0xc0, 0x80], 0],
  [[0xc3, 0x28], 1],
  [[0xe0, 0x80, 0x80], 1],
  [[0xed, 0xa0, 0x80], 1],
  [[0xf4, 0x90, 0x80, 0x80], 1],
  [[0xf5, 0x80, 0x80, 0x80], 0],
  [[0xe2, 0x82, 0x28], 2],
];

function assertInvalid(act: () => unknown): void {
  const error = assertThrows(act, ConnError, "not UTF-8");
  assertEquals([error.code, error.side, error.reply], [
    "utf8_invalid",
    "remote",
    1007,
  ]);
}

Deno.test("decodeText decodes all of Unicode, a byte order mark too", () => {
  for (const text of ["", "abc", "é€😀", "\ufeffabc", "\0", "\u{10ffff}"]) {
    assertEquals(decodeText(encoder.encode(text)), text);
  }
});

Deno.test("decodeText refuses what is not UTF-8, and works on afterwards", () => {
  for (const [bytes] of WRONG) {
    assertInvalid(() => decodeText(new Uint8Array(bytes)));
  }
  // Half a character.
  assertInvalid(() => decodeText(new Uint8Array([0xe2, 0x82])));
  assertEquals(decodeText(encoder.encode("€")), "€");
});

Deno.test("TextPieces joins characters that pieces split anywhere", () => {
  const text = "\ufeffaé€😀\ufeffz";
  const bytes = encoder.encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const pieces = new TextPieces();
    let all = "";
    for (let at = 0; at < bytes.length; at += size) {
      all += pieces.decode(bytes.subarray(at, at + size), false);
    }
    all += pieces.decode(new Uint8Array(0), true);
    assertEquals(all, text);
  }
});

Deno.test("TextPieces gives what is complete at once", () => {
  const pieces = new TextPieces();
  const [a, b, c] = encoder.encode("€");
  assertEquals(pieces.decode(new Uint8Array([97, a!, b!]), false), "a");
  assertEquals(pieces.decode(new Uint8Array([c!, 98]), false), "€b");
  assertEquals(pieces.decode(new Uint8Array(0), true), "");
});

Deno.test("TextPieces fails at the first byte that is wrong, and not before", () => {
  for (const [bytes, wrong] of WRONG) {
    const pieces = new TextPieces();
    pieces.decode(encoder.encode("good €"), false);
    for (let i = 0; i < wrong; i++) {
      assertEquals(pieces.decode(new Uint8Array([bytes[i]!]), false), "");
    }
    assertInvalid(() => pieces.decode(new Uint8Array([bytes[wrong]!]), false));
  }
});

Deno.test("TextPieces fails at an end inside a character", () => {
  for (const last of [new Uint8Array(0), new Uint8Array([0xe2, 0x82])]) {
    const pieces = new TextPieces();
    if (last.length === 0) pieces.decode(new Uint8Array([0xf0, 0x9f]), false);
    assertInvalid(() => pieces.decode(last, true));
  }
});

Deno.test("TextPieces begins anew with the next text", () => {
  const pieces = new TextPieces();
  for (let i = 0; i < 3; i++) {
    const [first, ...rest] = encoder.encode("€uro");
    assertEquals(pieces.decode(new Uint8Array([first!]), false), "");
    assertEquals(pieces.decode(new Uint8Array(rest), true), "€uro");
  }
});

Deno.test("utf8Length counts as the encoder does", () => {
  const texts = [
    "",
    "abc",
    "\u007f\u0080\u07ff\u0800\uffff",
    "a🦦b",
    "\ud83e",
    "\udda6\ud83e",
    "\ud83e\ud83e\udda6x",
  ];
  for (const text of texts) {
    assertEquals(utf8Length(text), encoder.encode(text).length, text);
  }
});
