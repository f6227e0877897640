import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { safeFileName } from "./_file_name.ts";

for (
  const [name, expected] of [
    ["photo.jpg", "photo.jpg"],
    ["Früh stück 日本.txt", "Früh stück 日本.txt"],
    ["../../etc/passwd", "passwd"],
    ["/etc/passwd", "passwd"],
    ["C:\\Users\\vera\\a.txt", "a.txt"],
    ["a/b\\c", "c"],
    ["dir/", "file"],
    ["", "file"],
    [".", "file"],
    ["..", "file"],
    ["...", "file"],
    [".htaccess", "htaccess"],
    [". .bashrc", "bashrc"],
    ["a.txt. . ", "a.txt"],
    ["a\0b.txt", "a_b.txt"],
    ["a\r\nb", "a__b"],
    ["exe\u202egnp.txt", "exe_gnp.txt"],
    ["a.txt:stream", "a.txt_stream"],
    ['<script>|?*"', "_script_____"],
    ["con", "_con"],
    ["NUL.txt", "_NUL.txt"],
    ["com1.tar.gz", "_com1.tar.gz"],
    ["console.log", "console.log"],
    ["e\u0301.txt", "é.txt"],
    ["\ud800.txt", "_.txt"],
    ["%2e%2e%2fa", "%2e%2e%2fa"],
  ] as const
) {
  Deno.test(`safeFileName makes ${JSON.stringify(name)} ${expected}`, () => {
    assertEquals(safeFileName(name), expected);
  });
}

Deno.test("safeFileName shortens the stem and keeps the extension", () => {
  const encoder = new TextEncoder();
  for (const character of ["a", "é", "日", "😀"]) {
    const name = safeFileName(`${character.repeat(500)}.tar.gz`);
    assert(name.endsWith(".gz") && name.startsWith(character.repeat(40)), name);
    assert(encoder.encode(name).length <= 200, name);
  }
  const noExtension = safeFileName(`a.${"b".repeat(500)}`);
  assertEquals(noExtension.length, 200);
});

Deno.test("safeFileName makes a safe name of anything", () => {
  const anything = fc.string({ unit: "binary", maxLength: 300 });
  const nasty = fc.array(
    fc.constantFrom("/", "\\", ".", "..", "\0", " ", "a", "con", "\u202e"),
  ).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.oneof(anything, nasty), (name) => {
      const safe = safeFileName(name);
      assert(safe.length > 0 && new TextEncoder().encode(safe).length <= 200);
      assert(!/[/\\\p{Cc}:]|^\.|[. ]$/u.test(safe), JSON.stringify(safe));
      assertEquals(safeFileName(safe), safe);
    }),
  );
});
