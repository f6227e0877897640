import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { bodySourceOf, sourceResponse } from "../server/body_source.ts";
import { FileSource, readSmall } from "./_file_source.ts";
import type { FilePart, FoundFile } from "./_file_source.ts";

const CONTENT = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

async function withFile(
  test: (found: FoundFile) => void | Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/file`;
    await Deno.writeFile(path, CONTENT);
    await test({ path, info: await Deno.lstat(path) });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function drain(source: FileSource, size: number): Promise<Uint8Array> {
  const all: number[] = [];
  const buffer = new Uint8Array(size);
  for (;;) {
    const count = await source.pull(buffer);
    if (count === 0) return Uint8Array.from(all);
    all.push(...buffer.subarray(0, count));
  }
}

Deno.test("FileSource gives parts and what is between, in any steps", () =>
  withFile(async (found) => {
    const parts: FilePart[] = [
      Uint8Array.of(1, 2, 3),
      { start: 900, end: 1000 },
      Uint8Array.of(4),
      { start: 10, end: 20 },
    ];
    const expected = Uint8Array.from(
      parts.flatMap((part) =>
        part instanceof Uint8Array
          ? [...part]
          : [...CONTENT.subarray(part.start, part.end)]
      ),
    );
    for (const step of [1, 7, 100, 4096]) {
      const source = new FileSource(found, parts);
      assertEquals(source.size, expected.length);
      assertEquals(await drain(source, step), expected);
    }
  }));

Deno.test("FileSource fails when the file shrinks, before or while it is read", () =>
  withFile(async (found) => {
    const whole = [{ start: 0, end: 1000 }];
    const source = new FileSource(found, whole);
    await source.pull(new Uint8Array(600));
    await Deno.truncate(found.path, 600);
    await assertRejects(
      () => source.pull(new Uint8Array(600)),
      ConnError,
      "it has become shorter",
    );
    await assertRejects(
      () => new FileSource(found, whole).pull(new Uint8Array(9)),
      ConnError,
      "it is not the file that was announced",
    );
  }));

Deno.test("FileSource sends what was announced of a file that grows", () =>
  withFile(async (found) => {
    const source = new FileSource(found, [{ start: 0, end: 1000 }]);
    await Deno.writeFile(found.path, CONTENT, { append: true });
    assertEquals(await drain(source, 700), CONTENT);
  }));

Deno.test("FileSource fails when another file has taken the name", () =>
  withFile(async (found) => {
    const other = `${found.path}.new`;
    await Deno.writeFile(other, new Uint8Array(2000));
    await Deno.rename(other, found.path);
    const source = new FileSource(found, [{ start: 0, end: 1000 }]);
    await assertRejects(() => source.pull(new Uint8Array(9)), ConnError);
  }));

Deno.test("FileSource leaves nothing open after cancel", () =>
  withFile(async (found) => {
    const source = new FileSource(found, [{ start: 0, end: 1000 }]);
    await source.pull(new Uint8Array(10));
    source.cancel();
    source.cancel();
    await assertRejects(() => source.pull(new Uint8Array(10)), ConnError);
    const opening = new FileSource(found, [{ start: 0, end: 1000 }]);
    const pull = opening.pull(new Uint8Array(10));
    opening.cancel();
    await assertRejects(() => pull, ConnError);
  }));

Deno.test("readSmall reads a range, the first time and when it is cached", () =>
  withFile(async (found) => {
    for (const [start, end] of [[5, 15], [0, 1000], [0, 1000], [5, 15]]) {
      const range = { start: start as number, end: end as number };
      const bytes = await readSmall(found, range, (b) => b.slice());
      assertEquals(bytes, CONTENT.slice(start, end));
    }
  }));

Deno.test("readSmall gives nothing of a file that is not as it was found", () =>
  withFile(async (found) => {
    await Deno.truncate(found.path, 999);
    const range = { start: 0, end: 1000 };
    assertEquals(await readSmall(found, range, () => true), undefined);
  }));

Deno.test("bodySourceOf gives the source once, and the stream is spent", () =>
  withFile(async (found) => {
    const make = (): Response =>
      sourceResponse(new FileSource(found, [{ start: 0, end: 1000 }]), {});
    const response = make();
    const source = bodySourceOf(response);
    assertEquals(source?.size, 1000);
    assertEquals(bodySourceOf(response), undefined);
    await assertRejects(() => response.bytes(), TypeError, "was taken");

    const wrapped = new Response(make().body, { status: 203 });
    assert(wrapped.body && bodySourceOf(wrapped.body));
  }));

Deno.test("bodySourceOf gives nothing of a body that someone reads", () =>
  withFile(async (found) => {
    const make = (): Response =>
      sourceResponse(new FileSource(found, [{ start: 0, end: 1000 }]), {});
    assertEquals(bodySourceOf(new Response("text")), undefined);

    const read = make();
    assertEquals(await read.bytes(), CONTENT);
    assertEquals(bodySourceOf(read), undefined);

    const cloned = make();
    const copy = cloned.clone();
    assertEquals(bodySourceOf(cloned), undefined);
    assertEquals(await cloned.bytes(), CONTENT);
    assertEquals(await copy.bytes(), CONTENT);

    const cancelled = make();
    await cancelled.body?.cancel();
    assertEquals(bodySourceOf(cancelled), undefined);
  }));
