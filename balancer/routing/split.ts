/**
 * Dividing the requests of a route among several upstreams.
 *
 * @module
 */

import type { RouteTarget } from "../config/settings.ts";

/**
 * Picks one of the targets of a route, each as often as its weight says.
 *
 * @param targets At least one; if they are several, one has a weight over 0. A
 * weight of 0 is never picked then.
 * @param random A number from 0 to 1, 1 not included.
 */
export function pickTarget(
  targets: readonly RouteTarget[],
  random: () => number,
): RouteTarget {
  if (targets.length === 1) return targets[0]!;
  let total = 0;
  for (let i = 0; i < targets.length; i++) total += targets[i]!.weight;
  let left = random() * total;
  let picked = targets[0]!;
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!;
    if (target.weight === 0) continue;
    picked = target;
    left -= target.weight;
    if (left < 0) break;
  }
  // Rounding may leave a tiny rest: then it is the last one.
  return picked;
}
