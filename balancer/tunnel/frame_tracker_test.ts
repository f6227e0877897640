import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { concat, frame, status } from "./_tunnel_test_util.ts";
import { FrameTracker } from "./frame_tracker.ts";

function tracker(masked = false): FrameTracker {
  return new FrameTracker({
    masked,
    maxFrame: Infinity,
    maxMessage: Infinity,
    rate: undefined,
  });
}

/** Feeds bytes as a connection does: what was not followed comes again. */
function feed(frames: FrameTracker, bytes: Uint8Array, cuts: number[]) {
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut > at) at += frames.follow(bytes.subarray(at, cut), 0);
    if (frames.error !== undefined || frames.close !== undefined) break;
  }
  return at;
}

const messages = fc.array(
  fc.record({
    sizes: fc.array(fc.constantFrom(0, 1, 125, 126, 300), {
      minLength: 1,
      maxLength: 4,
    }),
    ping: fc.boolean(),
  }),
  { maxLength: 6 },
);

/** The frames of some messages, pings between their fragments. */
function framesOf(
  all: { sizes: number[]; ping: boolean }[],
  masked: boolean,
): Uint8Array[] {
  return all.flatMap(({ sizes, ping }) =>
    sizes.flatMap((size, i) => {
      const first = (i === 0 ? 2 : 0) | (i === sizes.length - 1 ? 0x80 : 0);
      const data = frame(first, new Uint8Array(size).fill(0x88), masked);
      return ping ? [data, frame(0x89, "ping", masked)] : [data];
    })
  );
}

Deno.test("FrameTracker finds the same in frames, however they come", () => {
  fc.assert(
    fc.property(
      messages,
      fc.boolean(),
      fc.array(fc.nat(4000)),
      (all, masked, somewhere) => {
        const parts = framesOf(all, masked);
        const close = frame(0x88, status(3999, "bye"), masked);
        const bytes = concat([...parts, close, Uint8Array.of(1, 2, 3)]);
        const frames = tracker(masked);
        const cuts = somewhere.map((cut) => cut % bytes.length)
          .sort((a, b) => a - b);
        const end = feed(frames, bytes, cuts);
        assertEquals(frames.error, undefined);
        assertEquals(end, bytes.length - 3);
        assertEquals(frames.messages, all.length);
        assertEquals(frames.close, { code: 3999, reason: "bye" });
        assert(frames.atBoundary);
      },
    ),
  );
});

Deno.test("FrameTracker knows where frames end, and takes no part of a head", () => {
  fc.assert(
    fc.property(messages, fc.boolean(), fc.nat(4000), (all, masked, cut) => {
      const parts = framesOf(all, masked);
      const bytes = concat(parts);
      const upTo = Math.min(cut, bytes.length);
      const frames = tracker(masked);
      const end = frames.follow(bytes.subarray(0, upTo), 0);
      let start = 0;
      const ends = [0, ...parts.map(({ length }) => start += length)];
      assertEquals(frames.atBoundary, ends.includes(end));
      // Either all is followed, or the rest is less than a head.
      assert(end === upTo || (frames.atBoundary && upTo - end < 8));
      const rest = frames.finish(bytes.subarray(end));
      assertEquals(end + rest, ends.find((at) => at >= end) ?? end);
    }),
  );
});

Deno.test("FrameTracker stops in front of what is wrong", () => {
  const good = frame(0x81, "good", false);
  const bad = [
    frame(0x83, "", false),
    frame(0xf1, "", false),
    frame(0x80, "", false),
    frame(0x81, "", true),
    frame(0x88, "x", false),
    frame(0x88, status(1005), false),
    Uint8Array.of(0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0),
    Uint8Array.of(0x82, 126, 0, 125),
  ];
  for (const wrong of bad) {
    const frames = tracker();
    const bytes = concat([good, wrong, good]);
    assertEquals(frames.follow(bytes, 0), good.length);
    assertEquals(frames.error?.reply, 1002);
    assertEquals([frames.messages, frames.close], [1, undefined]);
  }
});
