import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import {
  multipartBoundary,
  MultipartParser,
  type MultipartParserOptions,
} from "./multipart_parser.ts";

/** A part as `[name, filename, content type, body]`. */
type Seen = [string, string | undefined, string | undefined, string];

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function* cut(bytes: Uint8Array, cuts: Iterable<number>) {
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b)) {
    yield bytes.slice(from, to);
    from = to;
  }
  yield bytes.slice(from);
}

function parse(
  pieces: Iterable<Uint8Array>,
  options: MultipartParserOptions = {},
  boundary = "X",
): Seen[] {
  const parser = new MultipartParser(boundary, options);
  const parts: Seen[] = [];
  let open: Seen | undefined;
  for (const piece of pieces) {
    for (const event of parser.push(piece)) {
      if (event.type === "part") {
        assert(open === undefined);
        const type = event.fields.get("content-type");
        open = [event.name, event.filename, type, ""];
      } else if (event.type === "body") {
        assert(open !== undefined && event.bytes.length > 0);
        open[3] += latin1(event.bytes);
      } else {
        assert(open !== undefined);
        parts.push(open);
        open = undefined;
      }
    }
  }
  parser.end();
  assertEquals(open, undefined);
  return parts;
}

const NAME = "Content-Disposition: form-data; name=a\r\n";
const none = undefined;

const GOOD: [name: string, form: string, parts: Seen[]][] = [
  ["no part", "--X--\r\n", []],
  ["no line end behind it", "--X--", []],
  ["one field", `--X\r\n${NAME}\r\nv\r\n--X--\r\n`, [["a", none, none, "v"]]],
  [
    "two parts",
    `--X\r\n${NAME}\r\n1\r\n--X\r\n${NAME}\r\n2\r\n--X--`,
    [["a", none, none, "1"], ["a", none, none, "2"]],
  ],
  ["an empty body", `--X\r\n${NAME}\r\n\r\n--X--`, [["a", none, none, ""]]],
  ["no body at all", `--X\r\n${NAME}\r\n--X--`, [["a", none, none, ""]]],
  [
    "line ends at both ends of a body",
    `--X\r\n${NAME}\r\n\r\n\r\nv\r\n\r\n\r\n--X--`,
    [["a", none, none, "\r\n\r\nv\r\n\r\n"]],
  ],
  [
    "what nearly is a delimiter",
    `--X\r\n${NAME}\r\na--X\n--X--\r--X\r\n-X\r\n-\r\n--\r\n--Y\r\n--x\r\n--X--`,
    [["a", none, none, "a--X\n--X--\r--X\r\n-X\r\n-\r\n--\r\n--Y\r\n--x"]],
  ],
  [
    "a preamble and an epilogue",
    `pre\r\n--amble\r\n--X\r\n${NAME}\r\nv\r\n--X--\r\nepi\r\n--X\r\nlogue`,
    [["a", none, none, "v"]],
  ],
  ["a line end in front", `\r\n--X\r\n${NAME}\r\nv\r\n--X--`, [[
    "a",
    none,
    none,
    "v",
  ]]],
  [
    "white space behind delimiters",
    `--X \t\r\n${NAME}\r\nv\r\n--X-- \t\r\n`,
    [["a", none, none, "v"]],
  ],
  [
    "a file and its type",
    "--X\r\ncontent-type: image/png \r\n" +
    'CONTENT-DISPOSITION:Form-Data; filename="b c.png"; name="a"\r\n' +
    "X-Other:\r\n\r\n\x00\x7f\r\n--X--",
    [["a", "b c.png", "image/png", "\x00\x7f"]],
  ],
  [
    "UTF-8 and escaped names",
    '--X\r\nContent-Disposition: form-data; name="é%22%0d%0A%41"; ' +
    'filename="a\\"b%22日"\r\n\r\n--X--',
    [['é"\r\n%41', 'a"b"日', none, ""]],
  ],
  [
    "empty names",
    '--X\r\nContent-Disposition: form-data; name=""; filename=""\r\n\r\n--X--',
    [["", "", none, ""]],
  ],
  [
    "a harmless transfer encoding",
    `--X\r\n${NAME}Content-Transfer-Encoding: Binary\r\n\r\nv\r\n--X--`,
    [["a", none, none, "v"]],
  ],
];

for (const [name, form, expected] of GOOD) {
  const bytes = bytesOf(form);

  Deno.test(`MultipartParser reads a form with ${name}`, () => {
    assertEquals(parse([bytes]), expected);
  });

  Deno.test(`MultipartParser reads a form with ${name} byte by byte`, () => {
    assertEquals(parse(cut(bytes, bytes.keys())), expected);
  });

  Deno.test(`MultipartParser reads a form with ${name} cut in two`, () => {
    for (const at of bytes.keys()) {
      assertEquals(parse(cut(bytes, [at])), expected);
    }
  });
}

const BAD: [name: string, form: string][] = [
  ["nothing", ""],
  ["no delimiter", "hello"],
  ["no closing delimiter", `--X\r\n${NAME}\r\nv\r\n`],
  ["a part and no closing delimiter", `--X\r\n${NAME}\r\nv\r\n--X\r\n`],
  ["half a closing delimiter", `--X\r\n${NAME}\r\nv\r\n--X-`],
  ["a CR behind the closing delimiter", "--X--\r"],
  ["a header section cut short", `--X\r\n${NAME}`],
  ["a longer boundary", `--XY\r\n${NAME}\r\nv\r\n--X--`],
  ["a longer boundary in a body", `--X\r\n${NAME}\r\nv\r\n--XY\r\n\r\n--X--`],
  ["one dash behind the boundary", `--X\r\n${NAME}\r\nv\r\n--X-\r\n`],
  ["white space in the closing delimiter", "--X --\r\n"],
  ["text behind the closing delimiter", "--X--a"],
  ["a bare LF behind a delimiter", `--X\n${NAME}\r\nv\r\n--X--`],
  ["a bare CR behind a delimiter", `--X\r${NAME}\r\nv\r\n--X--`],
  ["a bare LF behind the closing delimiter", "--X--\n"],
  ["no header section", "--X\r\n\r\nv\r\n--X--"],
  ["no disposition", "--X\r\nContent-Type: text/plain\r\n\r\nv\r\n--X--"],
  ["two dispositions", `--X\r\n${NAME}${NAME}\r\nv\r\n--X--`],
  ["another disposition", `--X\r\n${NAME.replace("form-", "")}\r\n\r\n--X--`],
  ["no name", "--X\r\nContent-Disposition: form-data\r\n\r\nv\r\n--X--"],
  ["two names", `--X\r\n${NAME.trimEnd()}; name=b\r\n\r\nv\r\n--X--`],
  [
    "an open quote",
    '--X\r\nContent-Disposition: form-data; name="a\r\n\r\nv\r\n--X--',
  ],
  ["a bare LF in the header section", `--X\r\n${NAME}X: y\n\r\nv\r\n--X--`],
  ["a bare CR in the header section", `--X\r\n${NAME}X: \ry\r\n\r\nv\r\n--X--`],
  ["a NUL in the header section", `--X\r\n${NAME}X: \0y\r\n\r\nv\r\n--X--`],
  ["a folded line", `--X\r\n${NAME}X: y\r\n z\r\n\r\nv\r\n--X--`],
  ["a space before the colon", `--X\r\n${NAME}X : y\r\n\r\nv\r\n--X--`],
  ["a line without colon", `--X\r\n${NAME}X\r\n\r\nv\r\n--X--`],
  ["a line without name", `--X\r\n${NAME}: y\r\n\r\nv\r\n--X--`],
  [
    "a coded part",
    `--X\r\n${NAME}Content-Transfer-Encoding: base64\r\n\r\ndg==\r\n--X--`,
  ],
];

function assertFails(
  parseIt: () => unknown,
  code: string,
  reply: number,
) {
  const error = assertThrows(parseIt, ConnError);
  assertEquals([error.code, error.side, error.reply], [code, "remote", reply]);
}

for (const [name, form] of BAD) {
  Deno.test(`MultipartParser rejects ${name} however it is cut`, () => {
    const bytes = bytesOf(form);
    assertFails(() => parse([bytes]), "bad_multipart", 400);
    assertFails(
      () => parse(cut(bytes, bytes.keys())),
      "bad_multipart",
      400,
    );
    for (const at of bytes.keys()) {
      assertFails(() => parse(cut(bytes, [at])), "bad_multipart", 400);
    }
  });
}

Deno.test("MultipartParser reads any bodies at random splits", () => {
  const boundary = "--aXb";
  const near = fc.array(
    fc.constantFrom("\r\n", "\r", "\n", "--", "-", "--aX", "\r\n----aX", "z"),
    { maxLength: 12 },
  ).map((pieces) => pieces.join(""));
  const form = fc.array(fc.oneof(near, fc.string({ unit: "binary-ascii" })), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(
      form,
      fc.array(fc.nat(400), { maxLength: 8 }),
      (bodies, cuts) => {
        const text =
          bodies.map((body) => `--${boundary}\r\n${NAME}\r\n${body}\r\n`).join(
            "",
          ) + `--${boundary}--\r\n`;
        const bytes = bytesOf(text);
        const at = cuts.map((cut) => Math.min(cut, bytes.length));
        assertEquals(
          parse(cut(bytes, at), {}, boundary),
          bodies.map((body): Seen => ["a", none, none, body]),
        );
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("MultipartParser reads what FormData writes", async () => {
  const form = new FormData();
  form.append('na"me\r\n', "välue\r\n");
  form.append("file", new File(["\0\r\n--"], 'a\\"b.bin', { type: "x/y" }));
  const response = new Response(form);
  const boundary = multipartBoundary(response.headers.get("content-type"));
  const seen = parse([await response.bytes()], {}, boundary);
  assertEquals(seen.map(([name, filename, type]) => [name, filename, type]), [
    ['na"me\r\n', none, none],
    ["file", 'a\\"b.bin', "x/y"],
  ]);
  assertEquals(seen[1]?.[3], "\0\r\n--");
});

Deno.test("MultipartParser takes nothing after an error or the end", () => {
  const failed = new MultipartParser("X");
  const rest = bytesOf(`--X\r\n${NAME}\r\nv\r\n--X--`);
  assertFails(() => failed.push(bytesOf("--XY")), "bad_multipart", 400);
  assertFails(() => failed.push(rest), "bad_multipart", 400);
  assertFails(() => failed.end(), "bad_multipart", 400);
  const ended = new MultipartParser("X");
  ended.push(rest);
  ended.end();
  assertFails(() => ended.push(rest), "bad_multipart", 400);
});

Deno.test("MultipartParser limits parts, header sections and the rest", () => {
  const part = `--X\r\n${NAME}\r\nv\r\n`;
  const options = { maxParts: 2, maxHeaderBytes: 60 };
  const good = `${part}${part}--X--`;
  assertEquals(parse([bytesOf(good)], options).length, 2);
  for (
    const form of [
      part + good,
      `--X\r\n${NAME}X: ${"y".repeat(100)}\r\n\r\nv\r\n--X--`,
      `--X\r\n${NAME}${"X: y\r\n".repeat(10)}\r\nv\r\n--X--`,
      `--X\r\n${"y".repeat(100)}`,
      `${"y".repeat(100)}`,
      `${"\r\n--".repeat(30)}`,
      `--X${" ".repeat(100)}`,
      `${good}\r\n${"y".repeat(100)}`,
    ]
  ) {
    const bytes = bytesOf(form);
    assertFails(() => parse([bytes], options), "content_too_large", 413);
    assertFails(
      () => parse(cut(bytes, bytes.keys()), options),
      "content_too_large",
      413,
    );
  }
});

Deno.test("multipartBoundary reads valid boundaries", () => {
  for (
    const [type, boundary] of [
      ["multipart/form-data; boundary=X", "X"],
      ["Multipart/Form-Data;charset=utf-8;BOUNDARY=----b.7", "----b.7"],
      ['multipart/form-data; boundary="a b:(c)"', "a b:(c)"],
      [`multipart/form-data; boundary=${"a".repeat(70)}`, "a".repeat(70)],
    ] as const
  ) assertEquals(multipartBoundary(type), boundary);
});

Deno.test("multipartBoundary rejects other types and bad boundaries", () => {
  for (const type of [null, "", "text/plain", "multipart/mixed; boundary=X"]) {
    assertFails(() => multipartBoundary(type), "unsupported_media_type", 415);
  }
  for (
    const parameters of [
      "",
      ";boundary",
      ";boundary=",
      ';boundary=""',
      ';boundary="a "',
      ';boundary="a\\"b"',
      ";boundary=a b",
      ";boundary=a;boundary=b",
      ';boundary="é"',
      ';boundary="a\tb"',
      `;boundary=${"a".repeat(71)}`,
    ]
  ) {
    assertFails(
      () => multipartBoundary(`multipart/form-data${parameters}`),
      "bad_multipart",
      400,
    );
  }
  for (const boundary of ["", "a ", "é", "a\r\nb", "a".repeat(71)]) {
    assertFails(() => new MultipartParser(boundary), "bad_multipart", 400);
  }
});
