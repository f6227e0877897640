// A publisher and subscribers, for hubs.
//
// open PORTS COUNT FORMAT STALLED PATH -> opened
//                                          PORTS: joined by commas
//                                          FORMAT: value, envelope
//                                          STALLED: so many do not read
// flood WINDOW MILLISECONDS -> DELIVERIES MILLISECONDS
// pace RATE MILLISECONDS MODE -> DELIVERIES MILLISECONDS P50 P99
//                                          MODE: every, latest
// resume -> DELIVERIES                     to them, until each has the newest
// alive -> CONNECTIONS
// close -> closed

import { obey } from "../_program.mjs";
import { Audience, type Outcome, type Seats } from "./_audience.ts";

/** How subscribers ask, and how many bytes follow a value in what they get. */
const FORMATS: Readonly<Record<string, Partial<Seats>>> = {
  value: {},
  envelope: {
    fields: "Sec-WebSocket-Protocol: meerkat.push.v1\r\n",
    command: JSON.stringify({
      type: "subscribe",
      filter: "default",
      mode: "every",
    }),
    tail: `"}`.length,
  },
};

let audience: Audience | undefined;
/** Hubs keep the last message: no other may have its number. */
let sent = 0;

function words({ deliveries, milliseconds }: Outcome): string {
  return `${deliveries} ${milliseconds}`;
}

await obey("ready", {
  open: (ports, count, format, stalled, path) => {
    audience = new Audience({
      ...FORMATS[format!],
      ports: ports!.split(",").map(Number),
      count: Number(count),
      path: path!,
      stalled: Number(stalled),
    }, sent);
    return "opened";
  },
  flood: (window, milliseconds) =>
    words(audience!.flood(Number(window), Number(milliseconds))),
  pace: (rate, milliseconds, mode) => {
    const latest = mode === "latest";
    const outcome = audience!.pace(Number(rate), Number(milliseconds), latest);
    const { times } = audience!;
    return `${words(outcome)} ${times.quantile(0.5)} ${times.quantile(0.99)}`;
  },
  resume: () => audience!.resume(),
  alive: () => audience!.alive,
  close: () => {
    sent = audience?.sent ?? sent;
    audience?.[Symbol.dispose]();
    audience = undefined;
    return "closed";
  },
});
