// Our fetch().

import { fetch } from "@meerkat/net/http";
import { drive } from "../_program.mjs";

await drive(async (url) => {
  const response = await fetch(url);
  await response.text();
});
