/**
 * The levels that filters are made of, as a tree.
 *
 * @module
 */

/** A level of filters. */
export interface FilterNode<T> {
  /** The value of the filter that ends here. */
  value: T | undefined;
  /** The value of the filter that goes on with `#`. */
  rest: T | undefined;
  /** Those that go on with `+`. */
  any: FilterNode<T> | undefined;
  /** Those that go on with a name. */
  readonly named: Map<string, FilterNode<T>>;
}

/** A level that no filter goes through yet. */
export function newNode<T>(): FilterNode<T> {
  return {
    value: undefined,
    rest: undefined,
    any: undefined,
    named: new Map(),
  };
}

/** The value of a filter. */
export function find<T>(root: FilterNode<T>, filter: string): T | undefined {
  const { levels, slot } = parse(filter);
  let node: FilterNode<T> | undefined = root;
  for (const level of levels) {
    node = next(node, level);
    if (node === undefined) return undefined;
  }
  return node[slot];
}

/** Sets the value of a filter, and gives the one before. */
export function put<T>(
  root: FilterNode<T>,
  filter: string,
  value: T,
): T | undefined {
  const { levels, slot } = parse(filter);
  let node = root;
  for (const level of levels) node = next(node, level) ?? add(node, level);
  const before = node[slot];
  node[slot] = value;
  return before;
}

/**
 * Drops a filter, with the nodes that it alone has needed, and gives the value
 * that it had.
 */
export function take<T>(root: FilterNode<T>, filter: string): T | undefined {
  const { levels, slot } = parse(filter);
  const path = [root];
  let node = root;
  for (const level of levels) {
    const deeper = next(node, level);
    if (deeper === undefined) return undefined;
    path.push(node = deeper);
  }
  const before = node[slot];
  node[slot] = undefined;
  prune(path, levels);
  return before;
}

/** Collects the values of the filters that match from a level on. */
export function collect<T>(
  node: FilterNode<T>,
  levels: readonly string[],
  depth: number,
  found: T[],
): void {
  // "#" is for the level above it, too.
  if (node.rest !== undefined) found.push(node.rest);
  const level = levels[depth];
  if (level === undefined) {
    if (node.value !== undefined) found.push(node.value);
    return;
  }
  const named = node.named.get(level);
  if (named !== undefined) collect(named, levels, depth + 1, found);
  if (node.any !== undefined) collect(node.any, levels, depth + 1, found);
}

/** The levels of a filter before its `#`, and where the last node has its value. */
function parse(filter: string): { levels: string[]; slot: "value" | "rest" } {
  const levels = filter.split("/");
  if (levels.at(-1) !== "#") return { levels, slot: "value" };
  levels.pop();
  return { levels, slot: "rest" };
}

function next<T>(
  node: FilterNode<T>,
  level: string,
): FilterNode<T> | undefined {
  return level === "+" ? node.any : node.named.get(level);
}

function add<T>(node: FilterNode<T>, level: string): FilterNode<T> {
  const added = newNode<T>();
  if (level === "+") node.any = added;
  else node.named.set(level, added);
  return added;
}

/** Drops the nodes at the end of a path that no filter needs any more. */
function prune<T>(
  path: readonly FilterNode<T>[],
  levels: readonly string[],
): void {
  for (let i = levels.length; i > 0 && isEmpty(path[i]!); i--) {
    const level = levels[i - 1]!;
    if (level === "+") path[i - 1]!.any = undefined;
    else path[i - 1]!.named.delete(level);
  }
}

function isEmpty<T>(node: FilterNode<T>): boolean {
  return node.value === undefined && node.rest === undefined &&
    node.any === undefined && node.named.size === 0;
}
