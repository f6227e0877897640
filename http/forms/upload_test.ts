import { assert, assertEquals, assertRejects } from "@std/assert";
import { toFileUrl } from "@std/path";
import { ConnError } from "../../conn/error.ts";
import {
  type SavedUploads,
  saveUploads,
  type SaveUploadsOptions,
} from "./upload.ts";

type Item = [field: string, value: string, filename?: string];

function request(items: Item[]): Request {
  const body = new FormData();
  for (const [field, value, filename] of items) {
    if (filename === undefined) body.append(field, value);
    else body.append(field, new File([value], filename, { type: "x/y" }));
  }
  return new Request("http://h/", { method: "POST", body });
}

async function inDirectory(
  run: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function list(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory), (entry) => entry.name).sort();
}

function read(saved: SavedUploads): string[] {
  return saved.files.map((file) => Deno.readTextFileSync(file.path));
}

Deno.test("saveUploads writes files and lists fields", async () => {
  await inDirectory(async (directory) => {
    const saved = await saveUploads(
      request([
        ["title", "é"],
        ["f", "one", "a.txt"],
        ["title", "two"],
        ["g", "", "empty"],
      ]),
      directory,
    );
    assertEquals([...saved.fields], [["title", "é"], ["title", "two"]]);
    assertEquals(saved.files, [
      {
        field: "f",
        filename: "a.txt",
        type: "x/y",
        path: `${directory}/a.txt`,
        size: 3,
      },
      {
        field: "g",
        filename: "empty",
        type: "x/y",
        path: `${directory}/empty`,
        size: 0,
      },
    ]);
    assertEquals(read(saved), ["one", ""]);
  });
});

Deno.test("saveUploads takes the directory as a URL", async () => {
  await inDirectory(async (directory) => {
    const form = request([["f", "one", "a b%20c.txt"]]);
    const saved = await saveUploads(form, toFileUrl(directory));
    assertEquals(saved.files[0]?.path, `${directory}/a b%20c.txt`);
    assertEquals(list(directory), ["a b%20c.txt"]);
  });
});

Deno.test("saveUploads writes nothing outside the directory", async () => {
  await inDirectory(async (directory) => {
    const inside = `${directory}/inside`;
    Deno.mkdirSync(inside);
    const names = [
      "../x",
      "/etc/x",
      "..\\x",
      "..",
      ".hidden",
      "a/../../x",
      ":x",
    ];
    const saved = await saveUploads(
      request(names.map((name) => ["f", name, name])),
      inside,
    );
    assertEquals(read(saved), names);
    assertEquals(list(directory), ["inside"]);
    assertEquals(list(inside), [
      "_x",
      "file",
      "hidden",
      "x",
      "x-1",
      "x-2",
      "x-3",
    ]);
  });
});

Deno.test("saveUploads overwrites no file and follows no link", async () => {
  await inDirectory(async (directory) => {
    Deno.writeTextFileSync(`${directory}/a.tar.gz`, "old");
    Deno.symlinkSync(`${directory}/elsewhere`, `${directory}/link`);
    Deno.mkdirSync(`${directory}/dir`);
    const saved = await saveUploads(
      request([["f", "1", "a.tar.gz"], ["f", "2", "link"], ["f", "3", "dir"]]),
      directory,
    );
    assertEquals(read(saved), ["1", "2", "3"]);
    assertEquals(list(directory), [
      "a.tar-1.gz",
      "a.tar.gz",
      "dir",
      "dir-1",
      "link",
      "link-1",
    ]);
    assertEquals(Deno.readTextFileSync(`${directory}/a.tar.gz`), "old");
  });
});

Deno.test("saveUploads names many files of one name", async () => {
  await inDirectory(async (directory) => {
    const items = Array.from(
      { length: 15 },
      (_, i): Item => ["f", `${i}`, "a.b"],
    );
    const saved = await saveUploads(request(items), directory);
    assertEquals(read(saved), items.map(([, value]) => value));
    assertEquals(new Set(saved.files.map((file) => file.path)).size, 15);
    assert(list(directory).every((name) => /^a(-.+)?\.b$/.test(name)));
  });
});

Deno.test("saveUploads leaves out a file input without a file", async () => {
  await inDirectory(async (directory) => {
    const saved = await saveUploads(
      request([["f", "", ""], ["f", "content", ""]]),
      directory,
    );
    assertEquals(saved.files.map((file) => file.path), [`${directory}/file`]);
    assertEquals(read(saved), ["content"]);
  });
});

const LIMITS: [what: string, options: SaveUploadsOptions][] = [
  ["a file", { maxFileBytes: 99 }],
  ["the body", { maxBytes: 500 }],
  ["the files", { maxFiles: 1 }],
  ["a field", { maxFieldBytes: 4 }],
  ["the parts", { maxParts: 2 }],
];

for (const [what, options] of LIMITS) {
  Deno.test(`saveUploads limits ${what} and removes what it wrote`, async () => {
    await inDirectory(async (directory) => {
      Deno.writeTextFileSync(`${directory}/a`, "old");
      const items: Item[] = [
        ["f", "x".repeat(90), "a"],
        ["f", "y".repeat(100), "b"],
        ["t", "field"],
      ];
      const error = await assertRejects(
        () => saveUploads(request(items), directory, options),
        ConnError,
      );
      assertEquals([error.code, error.reply], ["content_too_large", 413]);
      assertEquals(list(directory), ["a"]);
      assertEquals(
        (await saveUploads(request(items), directory)).files.length,
        2,
      );
    });
  });
}

Deno.test("saveUploads removes what it wrote when the body is cut short", async () => {
  await inDirectory(async (directory) => {
    const whole = request([["f", "x".repeat(500), "a"], ["g", "y", "b"]]);
    const bytes = await whole.bytes();
    for (const length of [bytes.length - 3, bytes.length - 100, 400]) {
      const cut = new Request("http://h/", {
        method: "POST",
        headers: whole.headers,
        body: bytes.slice(0, length),
      });
      const error = await assertRejects(
        () => saveUploads(cut, directory),
        ConnError,
      );
      assertEquals(error.code, "bad_multipart");
      assertEquals(list(directory), []);
    }
  });
});

Deno.test("saveUploads fails if the directory is missing", async () => {
  await inDirectory(async (directory) => {
    await assertRejects(
      () => saveUploads(request([["f", "x", "a"]]), `${directory}/missing`),
      Deno.errors.NotFound,
    );
  });
});
