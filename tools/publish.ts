/**
 * `deno task publish`: publishes the package from a copy that has neither
 * `links` nor `tools/`, so that it depends on JSR's `@std`. What comes after it
 * goes to `deno publish`: `deno task publish --dry-run`.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { ROOT } from "./_steps.ts";

const folder = await Deno.makeTempDir({ prefix: "meerkat-publish-" });
try {
  const changed = await git("status", "--porcelain");
  if (changed.length > 0) {
    throw new Error(
      `Cannot publish: "${
        changed[0]
      }" is not committed, expected a clean checkout`,
    );
  }
  for (const path of await git("ls-files", "-z")) {
    if (/^(tools|\.ci|deno\.json|deno\.lock)/.test(path)) continue;
    const parent = path.split("/").slice(0, -1).join("/");
    await Deno.mkdir(`${folder}/${parent}`, { recursive: true });
    await Deno.copyFile(new URL(path, ROOT), `${folder}/${path}`);
  }
  const { links: _, ...rest } = config;
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify(rest, undefined, 2) + "\n",
  );
  const command = new Deno.Command(Deno.execPath(), {
    // The copy is no git repository; that the original is clean was checked.
    args: ["publish", "--allow-dirty", ...Deno.args],
    cwd: folder,
  });
  Deno.exitCode = (await command.spawn().status).code;
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function git(...args: string[]): Promise<string[]> {
  const command = new Deno.Command("git", { args, cwd: ROOT });
  const { success, stdout, stderr } = await command.output();
  if (!success) {
    const reason = new TextDecoder().decode(stderr).trim();
    throw new Error(`Cannot run "git ${args.join(" ")}": ${reason}`);
  }
  return new TextDecoder().decode(stdout).split(/[\0\n]/).filter(Boolean);
}
