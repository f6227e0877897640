/**
 * Which metrics there are, and which figure each of them shows.
 *
 * @module
 */

import { total } from "./histogram.ts";
import {
  type BackendSnapshot,
  type BalancerSnapshot,
  type HistogramSnapshot,
  LATENCY_BOUNDS,
  type RouteSnapshot,
  type UpstreamSnapshot,
} from "./snapshot.ts";

/** Names and values of labels. */
export type Labels = Readonly<Record<string, string>>;

/** One of several values of a metric. */
export interface Sample {
  /** What a histogram's parts have behind the metric's name. */
  readonly suffix?: string;
  /** Labels that tell it from the others. */
  readonly labels?: Labels;
  readonly value: number;
}

/** A metric of a `T`. */
export interface Metric<T> {
  /** The name without what all have in front. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Gives its value, or its values. */
  readonly read: (thing: T) => number | readonly Sample[];
}

/** Metrics of the whole. */
export const BALANCER_METRICS: readonly Metric<BalancerSnapshot>[] = [
  {
    name: "start_time_seconds",
    type: "gauge",
    help: "When the balancer started, in seconds since the epoch.",
    read: (balancer) => balancer.startedAt / 1000,
  },
  {
    name: "client_connections",
    type: "gauge",
    help: "Connections of clients that are open.",
    read: (balancer) => balancer.connections,
  },
  {
    name: "client_connections_total",
    type: "counter",
    help: "Connections of clients that were accepted.",
    read: (balancer) => balancer.accepted,
  },
  {
    name: "unrouted_requests_total",
    type: "counter",
    help: "Requests that no route was for.",
    read: (balancer) => balancer.unrouted,
  },
  {
    name: "client_left_requests_total",
    type: "counter",
    help: "Requests whose client left before the response was complete.",
    read: (balancer) => balancer.clientLeft,
  },
  {
    name: "websockets",
    type: "gauge",
    help: "WebSocket connections that are open.",
    read: (balancer) => balancer.websockets,
  },
  {
    name: "reloads_total",
    type: "counter",
    help: "New configurations, by what was done with them.",
    read: (balancer) => [
      { labels: { result: "applied" }, value: balancer.reloads },
      { labels: { result: "refused" }, value: balancer.reloadsRefused },
    ],
  },
  {
    name: "draining",
    type: "gauge",
    help: "1 while the balancer shuts down.",
    read: (balancer) => Number(balancer.draining),
  },
];

/** Metrics of each route. */
export const ROUTE_METRICS: readonly Metric<RouteSnapshot>[] = [
  {
    name: "requests_total",
    type: "counter",
    help: "Requests by the class of the status that the client got.",
    read: (route) => byClass(route.statuses, "code_class"),
  },
  {
    name: "in_flight",
    type: "gauge",
    help: "Requests that are under way.",
    read: (route) => route.inFlight,
  },
  {
    name: "rate_limited_total",
    type: "counter",
    help: "Requests that were refused for the rate limit.",
    read: (route) => route.rateLimited,
  },
  {
    name: "overloaded_total",
    type: "counter",
    help: "Requests that were refused because too many were under way.",
    read: (route) => route.overloaded,
  },
  {
    name: "request_duration_seconds",
    type: "histogram",
    help: "Time from the head of a request to the end of its response.",
    read: (route) => buckets(route.duration),
  },
];

/** Metrics of each upstream. */
export const UPSTREAM_METRICS: readonly Metric<UpstreamSnapshot>[] = [
  {
    name: "retries_total",
    type: "counter",
    help: "Requests that were sent again.",
    read: (upstream) => upstream.retries,
  },
  {
    name: "hedges_total",
    type: "counter",
    help: "Requests that were sent to a second backend at the same time.",
    read: (upstream) => upstream.hedges,
  },
  {
    name: "budget_refused_total",
    type: "counter",
    help: "Retries and hedges that the retry budget did not allow.",
    read: (upstream) => upstream.budgetRefused,
  },
  {
    name: "panic",
    type: "gauge",
    help: "1 while so few backends are available that all are tried.",
    read: (upstream) => Number(upstream.panic),
  },
];

/** Metrics of each backend. */
export const BACKEND_METRICS: readonly Metric<BackendSnapshot>[] = [
  {
    name: "backend_requests_total",
    type: "counter",
    help: "Requests that a backend was given.",
    read: (backend) => backend.requests,
  },
  {
    name: "backend_responses_total",
    type: "counter",
    help: "Responses of a backend by the class of their status.",
    read: (backend) => byClass(backend.statuses, "class"),
  },
  {
    name: "backend_errors_total",
    type: "counter",
    help: "Failures of a backend by their code.",
    read: (backend) =>
      Object.entries(backend.errors).map(([code, value]) => ({
        labels: { code },
        value,
      })),
  },
  {
    name: "backend_latency_seconds",
    type: "histogram",
    help: "Time to the first byte of a backend's response.",
    read: (backend) => buckets(backend.latency),
  },
  {
    name: "backend_in_flight",
    type: "gauge",
    help: "Requests and WebSocket connections that are under way.",
    read: (backend) => backend.inFlight,
  },
  {
    name: "backend_websockets",
    type: "gauge",
    help: "WebSocket connections that are open.",
    read: (backend) => backend.websockets,
  },
  {
    name: "backend_queued",
    type: "gauge",
    help: "Requests that wait for a connection.",
    read: (backend) => backend.queued,
  },
  {
    name: "backend_connections",
    type: "gauge",
    help: "Open connections to a backend by what they do.",
    // Apart, so that they can be added up.
    read: (backend) => [
      {
        labels: { state: "active" },
        value: backend.openConnections - backend.idleConnections,
      },
      { labels: { state: "idle" }, value: backend.idleConnections },
    ],
  },
  {
    name: "backend_connects_total",
    type: "counter",
    help: "Connections that were opened to a backend.",
    read: (backend) => backend.connects,
  },
  {
    name: "backend_retries_total",
    type: "counter",
    help: "Requests of a backend that were sent again.",
    read: (backend) => backend.retries,
  },
  {
    name: "backend_ejections_total",
    type: "counter",
    help: "How often a backend was left alone because it had failed requests.",
    read: (backend) => backend.ejections,
  },
  {
    name: "backend_request_bytes_total",
    type: "counter",
    help: "Bytes of the bodies of requests.",
    read: (backend) => backend.bytesIn,
  },
  {
    name: "backend_response_bytes_total",
    type: "counter",
    help: "Bytes of the bodies of responses.",
    read: (backend) => backend.bytesOut,
  },
  {
    name: "backend_up",
    type: "gauge",
    help: "1 while a backend gets requests.",
    read: ({ state }) => Number(state === "up" || state === "starting"),
  },
  {
    name: "backend_weight",
    type: "gauge",
    help: "The share of a backend, relative to the others'.",
    read: (backend) => backend.weight,
  },
];

/** Responses by class: 1xx to 5xx. */
function byClass(statuses: readonly number[], label: string): Sample[] {
  return statuses.map((value, i) => ({
    labels: { [label]: `${i + 1}xx` },
    value,
  }));
}

/** A histogram as Prometheus has it: cumulative, in seconds. */
function buckets(histogram: HistogramSnapshot): Sample[] {
  const count = total(histogram);
  const samples: Sample[] = [];
  let sum = 0;
  for (const [i, bound] of LATENCY_BOUNDS.entries()) {
    sum += histogram.counts[i]!;
    const le = String(bound / 1000);
    samples.push({ suffix: "_bucket", labels: { le }, value: sum });
  }
  samples.push(
    { suffix: "_bucket", labels: { le: "+Inf" }, value: count },
    { suffix: "_sum", value: histogram.sum / 1000 },
    { suffix: "_count", value: count },
  );
  return samples;
}
