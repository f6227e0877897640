/**
 * What a measurement was made on.
 *
 * @module
 */

/**
 * Describes the machine and the runtimes.
 *
 * @param node The path of Node, if it is installed.
 * @returns Lines to print.
 */
export function describeMachine(node: string | undefined): string {
  return [
    `Processor: ${processor()}, ${navigator.hardwareConcurrency} cores`,
    `System: ${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}, load ${
      Deno.loadavg()[0]!.toFixed(2)
    }`,
    `Deno ${Deno.version.deno}, V8 ${Deno.version.v8}${
      node === undefined ? "" : `, Node ${nodeVersion(node).join(".")}`
    }`,
  ].join("\n");
}

/**
 * Asks Node for its version.
 *
 * @param node Its path.
 * @returns Its parts: `[22, 19, 0]`.
 */
export function nodeVersion(node: string): number[] {
  const { stdout } = new Deno.Command(node, { args: ["--version"] })
    .outputSync();
  return new TextDecoder().decode(stdout).trim().slice(1).split(".").map(
    Number,
  );
}

function processor(): string {
  try {
    const text = Deno.readTextFileSync("/proc/cpuinfo");
    return /^model name\s*: (.*)$/m.exec(text)?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}
