import { assert, assertEquals } from "@std/assert";
import { METRICS_TYPE, renderMetrics } from "./metrics.ts";
import {
  backendOf,
  histogramOf,
  routeOf,
  snapshotOf,
  TIME,
  upstreamOf,
} from "./telemetry_test_util.ts";

interface Family {
  help: string;
  type: string;
  /** Values by name and labels, as they are written. */
  samples: Map<string, number>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{((?:${LABEL})(?:,${LABEL})*)\\})? (\\S+)$`,
);

/** Reads the text format 0.0.4, strictly. */
function parse(text: string): Map<string, Family> {
  assert(text.endsWith("\n"), "the last line ends");
  const families = new Map<string, Family>();
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const help = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line);
    if (help) {
      current = help[1]!;
      assert(!families.has(current), `one HELP: ${current}`);
      families.set(current, { help: help[2]!, type: "", samples: new Map() });
      continue;
    }
    const family = families.get(current);
    assert(family, `HELP comes first: ${line}`);
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      assertEquals([type[1], family.type], [current, ""], "one TYPE");
      family.type = type[2]!;
      continue;
    }
    readSample(line, current, family);
  }
  return families;
}

function readSample(line: string, name: string, family: Family): void {
  const match = SAMPLE.exec(line);
  assert(match, `a sample: ${line}`);
  const suffix = match[1]!.slice(name.length);
  assert(match[1]!.startsWith(name), `of its family: ${line}`);
  const suffixes = family.type === "histogram"
    ? ["_bucket", "_sum", "_count"]
    : [""];
  assert(suffixes.includes(suffix), `of its type: ${line}`);
  const series = match[2] === undefined ? suffix : `${suffix}{${match[2]}}`;
  assert(!family.samples.has(series), `once: ${line}`);
  const value = Number(match[3]);
  assert(Number.isFinite(value) && value >= 0, `a value: ${line}`);
  family.samples.set(series, value);
}

function metricsOf(rest: Parameters<typeof snapshotOf>[0] = {}) {
  const families = parse(renderMetrics(snapshotOf(rest)));
  return (name: string) => {
    const family = families.get(`meerkat_balancer_${name}`);
    assert(family, name);
    return Object.fromEntries(family.samples);
  };
}

/** Two routes, and two upstreams of two backends, with something in each. */
const FULL = {
  routes: ["a", "b"].map((name) =>
    routeOf({ name, duration: histogramOf(3), statuses: [0, 1, 0, 0, 0] })
  ),
  upstreams: ["x", "y"].map((name) =>
    upstreamOf({
      name,
      backends: ["b1", "b2"].map((id) =>
        backendOf({ id, errors: { reset: 1, head_timeout: 2 } })
      ),
    })
  ),
};

Deno.test("the text is what Prometheus reads, with each series once", () => {
  const families = parse(renderMetrics(snapshotOf(FULL)));
  assertEquals(families.size, 32);
  for (const [name, { samples }] of families) assert(samples.size > 0, name);
  assertEquals(METRICS_TYPE, "text/plain; version=0.0.4; charset=utf-8");
});

Deno.test("a balancer without routes has text that Prometheus reads, too", () => {
  parse(renderMetrics(snapshotOf()));
});

Deno.test("names and help are as Prometheus wants them", () => {
  for (const [name, family] of parse(renderMetrics(snapshotOf(FULL)))) {
    assert(/^meerkat_balancer_[a-z_]+$/.test(name), name);
    assert(/^[A-Z1].*\.$/.test(family.help), family.help);
    assertEquals(name.endsWith("_total"), family.type === "counter", name);
    assert(!/_(count|sum|bucket|info)$/.test(name), name);
    assert(!/_(counter|gauge|histogram)(_|$)/.test(name), name);
    assert(!/_(ms|msec|milliseconds|kb|minutes|hours)(_|$)/.test(name), name);
    assert(family.type !== "histogram" || name.endsWith("_seconds"), name);
  }
});

Deno.test("metrics of the whole show their figures", () => {
  const metric = metricsOf({
    startedAt: TIME,
    connections: 1,
    accepted: 2,
    unrouted: 3,
    clientLeft: 4,
    websockets: 5,
    reloads: 6,
    reloadsRefused: 7,
    draining: true,
  });
  assertEquals(metric("start_time_seconds"), { "": 1465813260.007 });
  assertEquals(metric("client_connections"), { "": 1 });
  assertEquals(metric("client_connections_total"), { "": 2 });
  assertEquals(metric("unrouted_requests_total"), { "": 3 });
  assertEquals(metric("client_left_requests_total"), { "": 4 });
  assertEquals(metric("websockets"), { "": 5 });
  assertEquals(metric("reloads_total"), {
    '{result="applied"}': 6,
    '{result="refused"}': 7,
  });
  assertEquals(metric("draining"), { "": 1 });
});

Deno.test("metrics of a route show its figures", () => {
  const metric = metricsOf({
    routes: [routeOf({
      name: "api",
      inFlight: 1,
      statuses: [0, 2, 3, 4, 5],
      rateLimited: 6,
      overloaded: 7,
    })],
  });
  assertEquals(metric("requests_total"), {
    '{route="api",code_class="1xx"}': 0,
    '{route="api",code_class="2xx"}': 2,
    '{route="api",code_class="3xx"}': 3,
    '{route="api",code_class="4xx"}': 4,
    '{route="api",code_class="5xx"}': 5,
  });
  assertEquals(metric("in_flight"), { '{route="api"}': 1 });
  assertEquals(metric("rate_limited_total"), { '{route="api"}': 6 });
  assertEquals(metric("overloaded_total"), { '{route="api"}': 7 });
});

Deno.test("metrics of an upstream show its figures", () => {
  const metric = metricsOf({
    upstreams: [
      upstreamOf({ retries: 1, hedges: 2, budgetRefused: 3, panic: true }),
    ],
  });
  assertEquals(metric("retries_total"), { '{upstream="app"}': 1 });
  assertEquals(metric("hedges_total"), { '{upstream="app"}': 2 });
  assertEquals(metric("budget_refused_total"), { '{upstream="app"}': 3 });
  assertEquals(metric("panic"), { '{upstream="app"}': 1 });
});

Deno.test("metrics of a backend show its figures", () => {
  const labels = 'upstream="app",backend="b1"';
  const metric = metricsOf({
    upstreams: [upstreamOf({
      backends: [backendOf({
        weight: 2.5,
        inFlight: 1,
        websockets: 2,
        queued: 3,
        openConnections: 9,
        idleConnections: 4,
        requests: 5,
        statuses: [0, 6, 0, 0, 7],
        errors: { reset: 8 },
        connects: 10,
        retries: 11,
        ejections: 12,
        bytesIn: 13,
        bytesOut: 14,
      })],
    })],
  });
  const single = {
    requests_total: 5,
    in_flight: 1,
    websockets: 2,
    queued: 3,
    connects_total: 10,
    retries_total: 11,
    ejections_total: 12,
    request_bytes_total: 13,
    response_bytes_total: 14,
    up: 1,
    weight: 2.5,
  };
  for (const [name, value] of Object.entries(single)) {
    assertEquals(metric(`backend_${name}`), { [`{${labels}}`]: value }, name);
  }
  assertEquals(metric("backend_connections"), {
    [`{${labels},state="active"}`]: 5,
    [`{${labels},state="idle"}`]: 4,
  });
  assertEquals(metric("backend_errors_total"), {
    [`{${labels},code="reset"}`]: 8,
  });
  const responses = metric("backend_responses_total");
  assertEquals(responses[`{${labels},class="2xx"}`], 6);
  assertEquals(responses[`{${labels},class="5xx"}`], 7);
});

Deno.test("a backend is up while it gets requests", () => {
  const states = {
    up: 1,
    starting: 1,
    trial: 0,
    ejected: 0,
    down: 0,
    draining: 0,
  } as const;
  for (const [state, up] of Object.entries(states)) {
    const metric = metricsOf({
      upstreams: [upstreamOf({
        backends: [backendOf({ state: state as keyof typeof states })],
      })],
    });
    assertEquals(Object.values(metric("backend_up")), [up], state);
  }
});

Deno.test("histograms are cumulative, in seconds, and end with all", () => {
  const metric = metricsOf({
    routes: [routeOf({ duration: histogramOf(0.25, 2, 2, 7000, 60_000) })],
    upstreams: [upstreamOf({
      backends: [backendOf({ latency: histogramOf(1, 10) })],
    })],
  });
  const duration = metric("request_duration_seconds");
  const bounds = Object.keys(duration).flatMap((series) =>
    /^_bucket\{route="all",le="(.*)"\}$/.exec(series)?.[1] ?? []
  );
  assertEquals(bounds, [
    ..."0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10"
      .split(" "),
    "+Inf",
  ]);
  assertEquals(
    Object.values(duration).slice(0, 15),
    [1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5],
  );
  assertEquals(duration['_sum{route="all"}'], 67.00425);
  assertEquals(duration['_count{route="all"}'], 5);
  const latency = metric("backend_latency_seconds");
  assertEquals(latency['_sum{upstream="app",backend="b1"}'], 0.011);
});

Deno.test("names with quotes, backslashes and line feeds stay in their label", () => {
  const name = 'a"b\\c\nd",x="}é';
  const metric = metricsOf({ routes: [routeOf({ name })] });
  assertEquals(metric("in_flight"), {
    '{route="a\\"b\\\\c\\nd\\",x=\\"}é"}': 0,
  });
});

Deno.test("names that look like labels do not mix backends up", () => {
  const metric = metricsOf({
    upstreams: [
      upstreamOf({
        name: "c",
        backends: [backendOf({ id: "a,upstream:b", requests: 1 })],
      }),
      upstreamOf({
        name: "b,upstream:c",
        backends: [backendOf({ id: "a", requests: 2 })],
      }),
    ],
  });
  assertEquals(Object.values(metric("backend_requests_total")), [1, 2]);
});
