/**
 * `@std/fmt/duration` from npm's `deno-std`, for machines that cannot reach JSR.
 *
 * @module
 */

// @ts-types="./duration.d.ts"
export * from "npm:deno-std@1.4.0/fmt/duration.js";
