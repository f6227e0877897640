// Load for WebSocket servers.
//
// open PORT CONNECTIONS OFFER -> EXTENSIONS  OFFER: none, browser, no_context
// check KIND SIZE -> checked                 one echo on each connection
// run KIND SIZE ANSWERS MILLISECONDS -> MESSAGES MILLISECONDS
// alive -> CONNECTIONS
// close -> closed

import { obey } from "../_program.mjs";
import { Crowd } from "./_crowd.ts";
import type { Kind } from "./_frames.ts";

const OFFERS: Readonly<Record<string, string>> = {
  none: "",
  // What Chromium, Firefox and Safari send.
  browser: "permessage-deflate; client_max_window_bits",
  no_context: "permessage-deflate; server_no_context_takeover; " +
    "client_no_context_takeover",
};

let crowd: Crowd | undefined;

await obey("ready", {
  open: (port, count, offer = "none") => {
    crowd = new Crowd(Number(port), Number(count), OFFERS[offer]);
    return crowd.extensions;
  },
  check: (kind, size) => {
    crowd!.check(kind as Kind, Number(size));
    return "checked";
  },
  run: (kind, ...numbers) => {
    const [size = 0, answers = 1, milliseconds = 0] = numbers.map(Number);
    const task = { kind: kind as Kind, size, answers, milliseconds };
    return crowd!.run(task).join(" ");
  },
  alive: () => crowd!.alive,
  close: () => {
    crowd?.[Symbol.dispose]();
    crowd = undefined;
    return "closed";
  },
});
