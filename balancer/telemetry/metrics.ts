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

/** A metric's samples, as the library's registry collects them. */
interface Collected {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly values: {
    readonly metricName: string;
    readonly labels: Labels;
    readonly value: number;
  }[];
}

/**
 * Writes the figures in the text format 0.0.4 of Prometheus. Names begin with
 * `meerkat_balancer_`, times are in seconds.
 *
 * @param snapshot The figures.
 * @returns The text, for a response of the type {@linkcode METRICS_TYPE}.
 */
export async function renderMetrics(
  snapshot: BalancerSnapshot,
): Promise<string> {
  // Loaded by who asks for metrics, and by nobody else.
  const { Registry } = await import("prom-client");
  const registry = new Registry();
  for (const collected of collect(snapshot)) {
    // Its own metrics count by themselves; the registry asks no more of one than
    // a name and a `get`.
    const metric = { ...collected, get: () => Promise.resolve(collected) };
    registry.registerMetric(
      metric as unknown as Parameters<typeof registry.registerMetric>[0],
    );
  }
  return await registry.metrics();
}

function collect(snapshot: BalancerSnapshot): Collected[] {
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
): Collected[] {
  return metrics.map(({ name, help, type, read }) => ({
    name: PREFIX + name,
    help,
    type,
    values: things.flatMap((thing) => {
      const figure = read(thing);
      const samples: readonly Sample[] = typeof figure === "number"
        ? [{ value: figure }]
        : figure;
      return samples.map((sample) => ({
        metricName: PREFIX + name + (sample.suffix ?? ""),
        labels: { ...labelsOf(thing), ...sample.labels },
        value: sample.value,
      }));
    }),
  }));
}
