/**
 * Uploads: files of a multipart form, streamed to a directory.
 *
 * @module
 */

import { join } from "@std/path";
import { safeFileName, splitName } from "./_file_name.ts";
import { formTooLarge } from "./_form_head.ts";
import { multipart, type MultipartOptions, type Part } from "./multipart.ts";

/** Options of {@linkcode saveUploads}. */
export interface SaveUploadsOptions
  extends Omit<MultipartOptions, "maxBufferedBytes"> {
  /**
   * Most bytes of one file.
   *
   * @default {16777216} (16 MiB)
   */
  maxFileBytes?: number;
  /**
   * Most bytes of the whole body.
   *
   * @default {67108864} (64 MiB)
   */
  maxBytes?: number;
  /**
   * Most files.
   *
   * @default {100}
   */
  maxFiles?: number;
  /**
   * Most bytes of one field that is not a file.
   *
   * @default {1048576} (1 MiB)
   */
  maxFieldBytes?: number;
}

/** A file that {@linkcode saveUploads} wrote. */
export interface SavedFile {
  /** The name of the form's field. */
  field: string;
  /** The file's name as the client gave it: not safe to use as one. */
  filename: string;
  /** The media type that the client gave. */
  type: string;
  /** Where the file is. */
  path: string;
  /** Its size in bytes. */
  size: number;
}

/** What {@linkcode saveUploads} found in a form. */
export interface SavedUploads {
  /** The fields that are not files, in order. */
  fields: URLSearchParams;
  /** The files, in order. */
  files: SavedFile[];
}

/**
 * Receives a `multipart/form-data` body and writes its files to a directory as
 * they arrive, at the pace at which they can be written.
 *
 * A file gets the last part of the name that the client gave, without control
 * characters, leading dots and what else a file system may take amiss. No file is
 * ever overwritten: where the name is taken, `-1` and so on is put behind it. If
 * anything fails, all files that this call wrote are removed again.
 *
 * @param source A request, or its body with {@linkcode MultipartOptions.boundary}.
 * @param directory Where the files go. It must exist.
 * @param options Limits.
 * @returns What the form held. A file input that was left empty is not in it.
 * @throws {ConnError} Like {@linkcode multipart}; with code
 * `"content_too_large"` (reply 413) over a limit.
 * @throws {Deno.errors.NotFound} If there is no such directory, and other system
 * errors.
 *
 * @example Receiving an upload
 * ```ts
 * import { saveUploads } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const body = new FormData();
 * body.append("title", "Sentries");
 * body.append("photo", new File(["(a photo)"], "../../.sentry.jpg"));
 * const request = new Request("http://localhost/", { method: "POST", body });
 *
 * const directory = await Deno.makeTempDir();
 * const { fields, files } = await saveUploads(request, directory);
 * assertEquals(fields.get("title"), "Sentries");
 * assertEquals(files[0]?.path, `${directory}/sentry.jpg`);
 * assertEquals(await Deno.readTextFile(`${directory}/sentry.jpg`), "(a photo)");
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export async function saveUploads(
  source: Request | AsyncIterable<Uint8Array>,
  directory: string | URL,
  options: SaveUploadsOptions = {},
): Promise<SavedUploads> {
  const {
    maxFileBytes = 16 * 1024 * 1024,
    maxBytes = 64 * 1024 * 1024,
    maxFiles = 100,
    maxFieldBytes = 1024 * 1024,
    ...others
  } = options;
  const limits = { ...others, maxBytes, maxBufferedBytes: maxFieldBytes };
  const fields = new URLSearchParams();
  const files: SavedFile[] = [];
  try {
    for await (const part of multipart(source, limits)) {
      if (part.filename === undefined) {
        fields.append(part.name, await part.text());
        continue;
      }
      if (files.length === maxFiles) {
        throw formTooLarge(`it has over ${maxFiles} files`);
      }
      const file = await saveFile(part, directory, maxFileBytes);
      if (file !== undefined) files.push(file);
    }
  } catch (error) {
    for (const file of files) await remove(file.path);
    throw error;
  }
  return { fields, files };
}

async function saveFile(
  part: Part,
  directory: string | URL,
  maxBytes: number,
): Promise<SavedFile | undefined> {
  const { name: field, filename = "", type } = part;
  let target: Target | undefined;
  let size = 0;
  try {
    for await (const bytes of part) {
      size += bytes.length;
      if (size > maxBytes) {
        throw formTooLarge(`the file "${filename}" is over ${maxBytes} bytes`);
      }
      target ??= await createFile(directory, filename);
      await writeAll(target.file, bytes);
    }
    // A file input where nothing was chosen is sent as no bytes without a name.
    if (target === undefined && filename === "") return undefined;
    target ??= await createFile(directory, filename);
  } catch (error) {
    target?.file.close();
    if (target !== undefined) await remove(target.path);
    throw error;
  }
  target.file.close();
  return { field, filename, type, path: target.path, size };
}

interface Target {
  readonly file: Deno.FsFile;
  readonly path: string;
}

async function createFile(
  directory: string | URL,
  filename: string,
): Promise<Target> {
  const name = safeFileName(filename);
  const [stem, extension] = splitName(name);
  for (let attempt = 0;; attempt++) {
    // Not counted on for ever: a thousand files of one name would take half a
    // million attempts.
    const mark = attempt < 10 ? attempt : crypto.randomUUID();
    const path = join(
      directory,
      attempt === 0 ? name : `${stem}-${mark}${extension}`,
    );
    try {
      // createNew also refuses to follow a symbolic link.
      const file = await Deno.open(path, { write: true, createNew: true });
      return { file, path };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // The first error is the one to report.
  }
}
