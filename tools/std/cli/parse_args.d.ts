/** Options of {@linkcode parseArgs}. `B`, `S`, `C` and `N` are the names given. */
export interface ParseOptions<
  B extends string,
  S extends string,
  C extends string,
  N extends string,
> {
  "--"?: boolean;
  alias?: Readonly<Record<string, string | readonly string[]>>;
  boolean?: B | readonly B[];
  collect?: C | readonly C[];
  default?: Readonly<Partial<Record<NoInfer<B | S | C>, unknown>>>;
  negatable?: N | readonly N[];
  stopEarly?: boolean;
  string?: S | readonly S[];
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** A key of `D` always has a value, so it is not optional in the result. */
type Value<K, T, C, N, D> =
  | (K extends C ? T[] : T)
  | (K extends N ? false : never)
  | (K extends keyof D | C ? never : undefined);

/** What the code may rely on: a part of what the real type says. */
export type Args<
  B extends string,
  S extends string,
  C extends string,
  N extends string,
  D,
> =
  & { [K in B]: K extends C ? boolean[] : boolean }
  & { [K in S]: Value<K, string, C, N, D> }
  & { _: (string | number)[]; "--"?: string[] };

export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
  const N extends string = never,
  const D = object,
>(
  args: readonly string[],
  options?: ParseOptions<B, S, C, N> & { default?: D },
): Args<B, S, C, N, D>;
