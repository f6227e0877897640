/**
 * The encodings of a hub.
 *
 * @module
 */

import type { Encodings } from "../delivery/client.ts";
import type { EpochOf } from "./envelope.ts";
import {
  EventStreamEnvelopes,
  EventStreamValues,
} from "./event_stream_encoding.ts";
import { LocalItems } from "./local_encoding.ts";
import { PolledItems } from "./poll_encoding.ts";
import { WsEnvelopes, WsValues } from "./ws_encoding.ts";

/** What goes over the wire: values alone, or messages of the protocol. */
export type Format = "value" | "envelope";

/** One of each, by transport and format. */
export class EncodingSet {
  readonly websocket: Readonly<Record<Format, Encodings>>;
  readonly eventStream: Readonly<Record<Format, Encodings>>;
  readonly poll: Encodings;
  readonly local: Encodings;

  constructor(epoch: EpochOf) {
    this.websocket = {
      value: same(new WsValues(0)),
      envelope: {
        whole: new WsEnvelopes(1, false, epoch),
        delta: new WsEnvelopes(2, true, epoch),
      },
    };
    this.eventStream = {
      value: same(new EventStreamValues(3, epoch)),
      envelope: {
        whole: new EventStreamEnvelopes(4, false, epoch),
        delta: new EventStreamEnvelopes(5, true, epoch),
      },
    };
    this.poll = same(new PolledItems(6, epoch));
    this.local = same(new LocalItems(7, epoch));
  }
}

/** For a format that has no patches. */
function same(encoding: Encodings["whole"]): Encodings {
  return { whole: encoding, delta: encoding };
}
