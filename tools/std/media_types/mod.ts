/**
 * `@std/media-types` from npm's `deno-std`, for machines that cannot reach JSR.
 *
 * @module
 */

// @ts-types="./mod.d.ts"
export * from "npm:deno-std@1.4.0/media_types/mod.js";
