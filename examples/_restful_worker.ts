// One thread of the RESTful server.

import { workerMain } from "@meerkat/net/conn";
import { serve } from "@meerkat/net/http";
import { type Options, restfulApi } from "./_restful_api.ts";

workerMain<Options>(({ listen, data: { root, tls } }) =>
  serve({ ...listen, ...tls }, restfulApi(root))
);
