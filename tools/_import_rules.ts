/**
 * Checks who imports whom and who touches the outside world, on the syntax tree
 * that `deno lint` gives its plugins. Only `deno test` has this API.
 *
 * @module
 */

/** What the rules are. */
export interface Rules {
  /** Per module (a folder, `"."` for the root) the modules that it may import. */
  readonly layers: Readonly<Record<string, readonly string[]>>;
  /** Per module the dependencies that it may import, as prefixes. */
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
  /** Files that may use `Deno`, timers, workers and the clock. */
  readonly outside: readonly string[];
  /** Files that may read the wall clock, and that any file may import. */
  readonly wallClock: readonly string[];
  /** Files that may import those of `outside`; each `mod.ts` is one. */
  readonly shell: readonly string[];
}

/** Modules that make up the package; programs and tools are freer. */
const LIBRARY = [".", "conn", "http", "ws", "balancer", "push"];

/** Globals that reach outside, or make time pass by itself. */
const GLOBALS = [
  "Deno",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "performance",
  "Worker",
];

/** Built-in modules that do what only files of `outside` may. */
const OUTSIDE_MODULES =
  /^node:(fs|dns|net|tls|http|https|http2|dgram|child_process|worker_threads|timers|os)\b/;

/** Nodes whose identifiers are names, not uses. */
const NAMING = [
  "ExportSpecifier",
  "ImportSpecifier",
  "MethodDefinition",
  "TSAbstractMethodDefinition",
  "TSAbstractPropertyDefinition",
  "TSMethodSignature",
  "TSPropertySignature",
  "TSQualifiedName",
  "TSTypeQuery",
  "TSTypeReference",
];

/**
 * Finds where a file breaks the rules.
 *
 * @param path The file, relative to the repository's folder.
 * @param source Its text.
 * @param rules The rules.
 * @returns A line for each break, in the order of the source; the same once.
 */
export function breaks(path: string, source: string, rules: Rules): string[] {
  const found = new Set<string>();
  const report: Report = (what) => found.add(`${path} ${what}`);
  const create = () => ({
    ...importVisitor(path, rules, report),
    ...(isLibrary(path) ? touchVisitor(path, rules, report) : {}),
  });
  const plugin = { name: "meerkat", rules: { imports: { create } } };
  Deno.lint.runPlugin(plugin, path, source);
  return [...found];
}

type Report = (what: string) => unknown;

/** Sees each import, and each declaration in a `mod.ts`. */
function importVisitor(
  path: string,
  rules: Rules,
  report: Report,
): Deno.lint.LintVisitor {
  const check = (specifier: unknown, kind: "type" | "value") =>
    checkImport(path, specifier, kind, rules, report);
  return {
    ImportDeclaration: (node) => check(node.source.value, node.importKind),
    ExportAllDeclaration: (node) => check(node.source.value, node.exportKind),
    ExportNamedDeclaration: (node) => {
      if (node.source) check(node.source.value, node.exportKind);
      else if (isModFile(path)) report("declares something: mod.ts re-exports");
    },
    ImportExpression: ({ source }) =>
      check("value" in source ? source.value : undefined, "value"),
  };
}

/** Sees each use of what only some files may. */
function touchVisitor(
  path: string,
  rules: Rules,
  report: Report,
): Deno.lint.LintVisitor {
  const mayTouch = rules.outside.includes(path);
  const mayReadClock = mayTouch || rules.wallClock.includes(path);
  const refuse = (what: string, table: string) =>
    report(`touches "${what}", which only files of "${table}" may`);
  return {
    Identifier: (node) => {
      if (mayTouch || !GLOBALS.includes(node.name) || isHarmless(node)) return;
      refuse(node.name, "outside");
    },
    MemberExpression: ({ object, property }) => {
      if (object.type !== "Identifier" || property.type !== "Identifier") {
        return;
      }
      const name = `${object.name}.${property.name}`;
      if (name === "Date.now" && !mayReadClock) refuse(name, "wallClock");
      if (name === "AbortSignal.timeout" && !mayTouch) refuse(name, "outside");
    },
    NewExpression: ({ callee, arguments: args }) => {
      if (mayReadClock || callee.type !== "Identifier") return;
      if (callee.name !== "Date" || args.length > 0) return;
      refuse("new Date()", "wallClock");
    },
  };
}

function checkImport(
  path: string,
  specifier: unknown,
  kind: "type" | "value",
  rules: Rules,
  report: Report,
): void {
  if (typeof specifier !== "string") {
    if (isLibrary(path)) report("imports a computed specifier");
    return;
  }
  const target = resolve(path, specifier);
  if (target === undefined) {
    checkDependency(path, specifier, rules, report);
  } else if (checkLayer(path, target, rules, report)) {
    if (isLibrary(path) && kind === "value") {
      checkPurity(path, target, rules, report);
    }
  }
}

/** The module that a file belongs to: its first folder, or `"."`. */
export function moduleOf(path: string): string {
  const slash = path.indexOf("/");
  return slash === -1 ? "." : path.slice(0, slash);
}

/** The file that a specifier means, or `undefined` for a dependency. */
function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) {
    return new URL(specifier, `file:///${from}`).pathname.slice(1);
  }
  if (specifier === "@meerkat/net") return "mod.ts";
  if (specifier.startsWith("@meerkat/net/")) {
    return `${specifier.slice("@meerkat/net/".length)}/mod.ts`;
  }
  return undefined;
}

function checkDependency(
  path: string,
  specifier: string,
  rules: Rules,
  report: Report,
): void {
  if (isTestFile(path)) return;
  const module = moduleOf(path);
  const allowed = rules.dependencies[module] ?? [];
  if (!allowed.some((prefix) => specifier.startsWith(prefix))) {
    report(`imports "${specifier}", which is no dependency of "${module}"`);
  } else if (
    isLibrary(path) && OUTSIDE_MODULES.test(specifier) &&
    !rules.outside.includes(path)
  ) {
    report(`imports "${specifier}", which only files of "outside" may`);
  }
}

function checkLayer(
  path: string,
  target: string,
  rules: Rules,
  report: Report,
): boolean {
  const from = moduleOf(path);
  const to = moduleOf(target);
  if (from === to) return true;
  const isHelp = to === "tools" && isTestFile(path);
  if (!isHelp && !rules.layers[from]?.includes(to)) {
    report(`imports "${target}": "${from}" may not import "${to}"`);
    return false;
  }
  if (target.includes("/_")) {
    report(`imports "${target}", which is private to "${to}"`);
    return false;
  }
  return true;
}

function checkPurity(
  path: string,
  target: string,
  rules: Rules,
  report: Report,
): void {
  if (isModFile(path)) return;
  if (rules.outside.includes(path) || rules.shell.includes(path)) return;
  const reaches = isModFile(target) || rules.outside.includes(target) ||
    rules.shell.includes(target);
  if (reaches) {
    report(`imports "${target}", which reaches outside: it must stay pure`);
  }
}

/** What is published: neither a program, nor a tool, nor a test. */
function isLibrary(path: string): boolean {
  return LIBRARY.includes(moduleOf(path)) && !isTestFile(path);
}

/** Tests, and what they share. */
function isTestFile(path: string): boolean {
  return /_test(_util)?\.ts$/.test(path);
}

function isModFile(path: string): boolean {
  return path === "mod.ts" || path.endsWith("/mod.ts");
}

/** Whether an identifier is but a name, or `Deno.errors`, which does nothing. */
function isHarmless(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  const is = (other: { range: [number, number] }) =>
    other.range[0] === node.range[0] && other.range[1] === node.range[1];
  switch (parent.type) {
    case "MemberExpression":
      if (!parent.computed && is(parent.property)) return true;
      return node.name === "Deno" && parent.property.type === "Identifier" &&
        parent.property.name === "errors";
    case "Property":
      return !parent.shorthand && !parent.computed && is(parent.key);
    case "PropertyDefinition":
      return !parent.computed && is(parent.key);
    default:
      return NAMING.includes(parent.type);
  }
}
