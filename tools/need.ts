/**
 * Programs that only some tests need. A test whose program is not installed is
 * left out, loudly; where `CI` is `true` it fails instead.
 *
 * @module
 */

/** The programs, and the Debian package of each. */
const PACKAGES = {
  chromium: "chromium",
  curl: "curl",
  haproxy: "haproxy",
  nginx: "nginx",
  node: "nodejs",
  openssl: "openssl",
  "python3-websockets": "python3-websockets",
  "redis-server": "redis-server",
  wrk: "wrk",
} as const;

/**
 * Tools that are a part of another program, and how to see that it has them: of
 * several such programs in PATH, the first that has it is found.
 */
const PARTS: Record<string, { program: string; probe?: string[] }> = {
  "python3-websockets": {
    program: "python3",
    probe: ["-c", "import websockets"],
  },
};

/** A program that tests may need. */
export type Tool = keyof typeof PACKAGES;

/** A test that was left out. */
export interface LeftOut {
  /** The program that it needs. */
  tool: Tool;
  /** The test's name, or what the tests show. */
  what: string;
}

/** Names the file that {@linkcode need} notes in what was left out. */
export const LEFT_OUT_FILE = "MEERKAT_LEFT_OUT";

/**
 * Finds a program, and notes that tests are left out if it is not there.
 *
 * @param tool The program's name.
 * @param what The name of the test, or what the tests show.
 * @returns Its path, or `undefined` if it is not installed.
 * @throws {Error} If it is not installed and `CI` is `true`.
 */
export function need(tool: Tool, what: string): string | undefined {
  const path = find(tool);
  if (path !== undefined) return path;
  if (Deno.env.get("CI") === "true") {
    throw new Error(
      `Cannot find "${tool}", which "${what}" needs: in CI, nothing is left out`,
    );
  }
  const note: LeftOut = { tool, what };
  const file = Deno.env.get(LEFT_OUT_FILE);
  if (file === undefined) console.warn(summary([note]));
  else {
    Deno.writeTextFileSync(file, JSON.stringify(note) + "\n", { append: true });
  }
  return undefined;
}

/**
 * Declares a test that needs a program.
 *
 * @param tool The program's name.
 * @param name The test's name.
 * @param fn The test; it gets the program's path.
 */
export function testWith(
  tool: Tool,
  name: string,
  fn: (path: string, t: Deno.TestContext) => void | Promise<void>,
): void {
  const path = need(tool, name);
  Deno.test({
    name,
    ignore: path === undefined,
    fn: (t) => fn(path!, t),
  });
}

/**
 * Says what was left out, and how to get it.
 *
 * @param leftOut What {@linkcode need} noted.
 * @returns Lines for a terminal.
 */
export function summary(leftOut: readonly LeftOut[]): string {
  const tools = [...new Set(leftOut.map(({ tool }) => tool))].sort();
  const lines = ["", "NOT RUN, because a program is not installed:"];
  for (const tool of tools) {
    lines.push(`  ${tool}`);
    for (const each of leftOut) {
      if (each.tool === tool) lines.push(`    - ${each.what}`);
    }
  }
  const packages = tools.map((tool) => PACKAGES[tool]).join(" ");
  lines.push(`To run them too: sudo apt-get install -y ${packages}`, "");
  return lines.join("\n");
}

/** What was found, as a probe takes its time. */
const found = new Map<string, string | undefined>();

function find(tool: string): string | undefined {
  const path = Deno.env.get("PATH") ?? "";
  const key = `${tool} in ${path}`;
  if (!found.has(key)) found.set(key, lookFor(tool, path));
  return found.get(key);
}

/** Looks in PATH, and where Debian puts servers, which PATH often leaves out. */
function lookFor(tool: string, path: string): string | undefined {
  const { program, probe } = PARTS[tool] ?? { program: tool };
  for (const folder of [...path.split(":"), "/usr/sbin", "/sbin"]) {
    if (folder === "") continue;
    const file = `${folder}/${program}`;
    try {
      if (!Deno.statSync(file).isFile) continue;
    } catch {
      continue; // Not here, or not ours to see: the next folder may have it.
    }
    if (probe === undefined || succeeds(file, probe)) return file;
  }
  return undefined;
}

function succeeds(file: string, args: string[]): boolean {
  try {
    const options = { args, stdout: "null", stderr: "null" } as const;
    return new Deno.Command(file, options).outputSync().success;
  } catch {
    return false; // Not to be run by us.
  }
}
