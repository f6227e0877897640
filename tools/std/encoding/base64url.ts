/**
 * `@std/encoding/base64url` from npm's `deno-std`, for machines that cannot reach
 * JSR.
 *
 * @module
 */

// @ts-types="./base64url.d.ts"
export * from "npm:deno-std@1.4.0/encoding/base64url.js";
