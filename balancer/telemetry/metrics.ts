/**
 * The figures of a balancer as Prometheus reads them.
 *
 * @module
 */

import {
  BACKEND_METRICS,
  BALANCER_METRICS,
  type Labels,
  type Metric,
  ROUTE_METRICS,
  type Sample,
  UPSTREAM_METRICS,
} from "./metric_table.ts";
import type { BalancerSnapshot } from "./snapshot.ts";

/** All names begin with this. */
const PREFIX = "meerkat_balancer_";

/** The media type of what {@linkcode renderMetrics} returns. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A metric, with all of its samples. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Labels;
    readonly value: number;
  }[];
}

/**
 * Writes the figures in the text format 0.0.4 of Prometheus. Names begin with
 * `meerkat_balancer_`, times are in seconds.
 *
 * The text is made here and not by a client library of Prometheus: those count by
 * themselves, and the one for JavaScript brings files along that `deno compile`
 * cannot read.
 *
 * @param snapshot The figures.
 * @returns The text, for a response of the type {@linkcode METRICS_TYPE}.
 */
export function renderMetrics(snapshot: BalancerSnapshot): string {
  return collect(snapshot).map(renderFamily).join("\n");
}

function renderFamily({ name, help, type, samples }: Family): string {
  let text = `# HELP ${name} ${escape(help)}\n# TYPE ${name} ${type}\n`;
  for (const { name, labels, value } of samples) {
    const pairs = Object.entries(labels).map(([label, value]) =>
      `${label}="${escape(value).replaceAll('"', '\\"')}"`
    );
    text += name + (pairs.length > 0 ? `{${pairs.join(",")}}` : "") +
      ` ${value}\n`;
  }
  return text;
}

/** What a line may not hold as it is. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function collect(snapshot: BalancerSnapshot): Family[] {
  const { routes, upstreams } = snapshot;
  const backends = upstreams.flatMap(({ name, backends }) =>
    backends.map((backend) => ({ upstream: name, ...backend }))
  );
  return [
    ...families(BALANCER_METRICS, [snapshot], () => ({})),
    ...families(ROUTE_METRICS, routes, ({ name }) => ({ route: name })),
    ...families(UPSTREAM_METRICS, upstreams, ({ name }) => ({
      upstream: name,
    })),
    ...families(BACKEND_METRICS, backends, ({ upstream, id }) => ({
      upstream,
      backend: id,
    })),
  ];
}

/** Reads a table's metrics from each thing that has them. */
function families<T>(
  metrics: readonly Metric<T>[],
  things: readonly T[],
  labelsOf: (thing: T) => Labels,
): Family[] {
  return metrics.map(({ name, help, type, read }) => ({
    name: PREFIX + name,
    help,
    type,
    samples: things.flatMap((thing) => {
      const figure = read(thing);
      const samples: readonly Sample[] = typeof figure === "number"
        ? [{ value: figure }]
        : figure;
      return samples.map((sample) => ({
        name: PREFIX + name + (sample.suffix ?? ""),
        labels: { ...labelsOf(thing), ...sample.labels },
        value: sample.value,
      }));
    }),
  }));
}
