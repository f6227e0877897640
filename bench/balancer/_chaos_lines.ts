/**
 * What a program prints, by lines.
 *
 * @module
 */

import { TextLineStream } from "@std/streams";
