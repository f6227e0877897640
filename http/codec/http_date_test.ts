import { assertEquals } from "@std/assert";
import { formatHttpDate, parseHttpDate } from "./http_date.ts";

const NOW = Date.UTC(2026, 5, 1);

Deno.test("parseHttpDate reads the three forms of RFC 9110 §5.6.7", () => {
  const seconds = 784111777;
  for (
    const text of [
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
    ]
  ) {
    assertEquals(parseHttpDate(text, NOW), seconds, text);
  }
});

Deno.test("parseHttpDate takes a two-digit year at most 50 years ahead", () => {
  const year = (text: string): number =>
    new Date((parseHttpDate(text, NOW) ?? 0) * 1000).getUTCFullYear();
  assertEquals(year("Sunday, 06-Nov-76 08:49:37 GMT"), 2076);
  assertEquals(year("Sunday, 06-Nov-77 08:49:37 GMT"), 1977);
});

Deno.test("parseHttpDate refuses everything else", () => {
  for (
    const text of [
      "",
      "0",
      "1",
      "2026",
      "2026-06-01T00:00:00Z",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 +0000",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 31 Feb 1994 08:49:37 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nix 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:00 GMT",
      "sun, 06 nov 1994 08:49:37 gmt",
      " Sun, 06 Nov 1994 08:49:37 GMT",
    ]
  ) {
    assertEquals(parseHttpDate(text, NOW), undefined, text);
  }
});

Deno.test("parseHttpDate reads what formatHttpDate writes", () => {
  for (const time of [0, NOW, 784111777_000, Date.UTC(2000, 1, 29)]) {
    assertEquals(parseHttpDate(formatHttpDate(time), NOW), time / 1000);
  }
});
