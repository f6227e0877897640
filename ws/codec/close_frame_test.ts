import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import {
  ABNORMAL,
  fitReason,
  isCloseCode,
  MAX_REASON,
  NO_STATUS,
  readClose,
  writeClose,
} from "./close_frame.ts";

Deno.test("isCloseCode takes the defined and the private codes, and no other", () => {
  const ranges: [number, number][] = [];
  for (let code = 0; code < 70_000; code++) {
    if (!isCloseCode(code)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  }
  assertEquals(ranges, [[1000, 1003], [1007, 1014], [3000, 4999]]);
  assertEquals([NO_STATUS, ABNORMAL, 1015].filter(isCloseCode), []);
  assertEquals([-1, NaN, Infinity, 1000.5, 3000.5].filter(isCloseCode), []);
});

Deno.test("readClose gives back what writeClose wrote", () => {
  const reasons = ["", "bye", "é€😀", "x".repeat(MAX_REASON), "\ufeffmark"];
  for (const code of [1000, 1003, 1007, 1014, 3000, 4999]) {
    for (const reason of reasons) {
      assertEquals(readClose(writeClose(code, reason)), { code, reason });
    }
  }
  assertEquals(writeClose(1000), new Uint8Array([3, 232]));
  assertEquals(writeClose(undefined), new Uint8Array(0));
  assertEquals(readClose(new Uint8Array(0)), { code: NO_STATUS, reason: "" });
});

Deno.test("readClose refuses half a code, forbidden codes and bad text", () => {
  const cases: [number[], string, number][] = [
    [[3], "close_invalid", 1002],
    [[0, 0], "close_invalid", 1002],
    [[3, 236], "close_invalid", 1002],
    [[3, 237], "close_invalid", 1002],
    [[3, 238], "close_invalid", 1002],
    [[3, 247], "close_invalid", 1002],
    [[19, 136], "close_invalid", 1002],
    [[255, 255], "close_invalid", 1002],
    [[3, 232, 0xff], "utf8_invalid", 1007],
    [[3, 232, 0xe2, 0x82], "utf8_invalid", 1007],
  ];
  for (const [bytes, code, reply] of cases) {
    const error = assertThrows(
      () => readClose(new Uint8Array(bytes)),
      ConnError,
    );
    assertEquals([error.code, error.reply, error.side], [
      code,
      reply,
      "remote",
    ]);
  }
});

Deno.test("writeClose refuses what readClose would", () => {
  const cases: [number | undefined, string, string][] = [
    [1005, "", "the code is 1005, expected 1000 to 1003, 1007 to 1014 or"],
    [999, "", "the code is 999"],
    [undefined, "why", "the code is missing"],
    [1000, "x".repeat(124), "the reason is over 123 bytes"],
    [1000, "€".repeat(42), "the reason is over 123 bytes"],
  ];
  for (const [code, reason, message] of cases) {
    const error = assertThrows(
      () => writeClose(code, reason),
      ConnError,
      `Cannot close: ${message}`,
    );
    assertEquals([error.code, error.side], ["close_invalid", "local"]);
  }
});

Deno.test("fitReason cuts between characters, as late as it can", () => {
  const cases: [string, string][] = [
    ["", ""],
    ["short", "short"],
    ["x".repeat(123), "x".repeat(123)],
    ["x".repeat(124), "x".repeat(123)],
    ["€".repeat(41), "€".repeat(41)],
    ["€".repeat(42), "€".repeat(41)],
    ["😀".repeat(31), "😀".repeat(30)],
    ["x" + "😀".repeat(31), "x" + "😀".repeat(30)],
  ];
  for (const [text, expected] of cases) {
    assertEquals(fitReason(text), expected);
    writeClose(1000, fitReason(text));
  }
});
