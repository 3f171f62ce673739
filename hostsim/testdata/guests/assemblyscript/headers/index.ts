// Reads and changes request and response headers in the ways of the SDK, and says what it saw. Its configuration
// is the value that it gives to x-greeting.
export * from "@solo-io/proxy-runtime/proxy";
import { Context, FilterHeadersStatusValues, LogLevelValues, RootContext, log, registerRootContext, stream_context } from "@solo-io/proxy-runtime";

class Root extends RootContext {
  createContext(id: u32): Context {
    return new Headers(id, this);
  }
}

function text(b: ArrayBuffer): string {
  return String.UTF8.decode(b);
}

class Headers extends Context {
  constructor(id: u32, root: Root) {
    super(id, root);
  }

  onRequestHeaders(count: u32, end: bool): FilterHeadersStatusValues {
    const request = stream_context.headers.request;
    const all = request.get_headers();
    log(LogLevelValues.info, "request: " + count.toString() + " headers counted, " + all.length.toString() + " read, end " + end.toString());
    for (let i = 0; i < all.length; i++) {
      if (text(all[i].key) == "x-tag") {
        log(LogLevelValues.info, "tag " + text(all[i].value));
      }
    }
    log(LogLevelValues.info, "first tag " + request.get("x-tag") + ", absent '" + request.get("x-absent") + "', path " + request.get(":path"));
    request.add("x-tag", "added");
    request.replace("x-replaced", this.root_context.getConfiguration());
    request.remove("x-secret");
    request.remove("x-never-there");
    return FilterHeadersStatusValues.Continue;
  }

  onResponseHeaders(count: u32, end: bool): FilterHeadersStatusValues {
    const response = stream_context.headers.response;
    log(LogLevelValues.info, "response: " + count.toString() + " headers, status " + response.get(":status") + ", end " + end.toString());
    log(LogLevelValues.warn, "request path now '" + stream_context.headers.request.get(":path") + "'");
    response.add("x-greeting", this.root_context.getConfiguration());
    response.remove("x-internal");
    if (response.get("x-teapot") != "") {
      response.replace(":status", "418");
    }
    return FilterHeadersStatusValues.Continue;
  }

  onLog(): void {
    log(LogLevelValues.info, "log: status " + stream_context.headers.response.get(":status") + ", path " + stream_context.headers.request.get(":path"));
  }
}

registerRootContext((id: u32) => { return new Root(id); }, "guest");
