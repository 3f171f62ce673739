// Answers requests by itself: without the key of its configuration with 401, and as the header x-reply says with "body",
// "response", "grpc", "twice" or "abort". Without a configuration it refuses to start.
export * from "@solo-io/proxy-runtime/proxy";
import { Context, FilterDataStatusValues, FilterHeadersStatusValues, GrpcStatusValues, HeaderPair, LogLevelValues, RootContext, log, registerRootContext, send_local_response, stream_context } from "@solo-io/proxy-runtime";

class Root extends RootContext {
  onConfigure(size: u32): bool {
    if (size == 0) {
      log(LogLevelValues.error, "configuration: is missing");
      return false;
    }
    return super.onConfigure(size);
  }

  createContext(id: u32): Context {
    return new Replies(id, this);
  }
}

function reply(code: u32, details: string, body: string): void {
  const headers = [new HeaderPair(String.UTF8.encode("x-by"), String.UTF8.encode("assemblyscript"))];
  send_local_response(code, details, String.UTF8.encode(body), headers, GrpcStatusValues.InvalidCode);
}

class Replies extends Context {
  from: string = "";

  constructor(id: u32, root: Root) {
    super(id, root);
  }

  onRequestHeaders(count: u32, end: bool): FilterHeadersStatusValues {
    const request = stream_context.headers.request;
    if (request.get("x-key") != this.root_context.getConfiguration()) {
      reply(401, "no such key", "no such key\n");
      return FilterHeadersStatusValues.StopIteration;
    }
    this.from = request.get("x-reply");
    if (this.from == "grpc") {
      send_local_response(200, "grpc", new ArrayBuffer(0), [], GrpcStatusValues.PermissionDenied);
      return FilterHeadersStatusValues.StopIteration;
    }
    if (this.from == "twice") {
      reply(403, "first", "first");
      reply(404, "second", "second");
      return FilterHeadersStatusValues.StopIteration;
    }
    if (this.from == "abort") {
      throw new Error("asked to");
    }
    return FilterHeadersStatusValues.Continue;
  }

  onRequestBody(size: usize, end: bool): FilterDataStatusValues {
    if (this.from != "body") {
      return FilterDataStatusValues.Continue;
    }
    if (end) {
      reply(413, "too much", size.toString());
    }
    return FilterDataStatusValues.StopIterationAndBuffer;
  }

  onResponseHeaders(count: u32, end: bool): FilterHeadersStatusValues {
    stream_context.headers.response.add("x-seen", "1");
    if (this.from == "response") {
      this.from = "";
      reply(502, "bad backend", "bad backend");
      return FilterHeadersStatusValues.StopIteration;
    }
    return FilterHeadersStatusValues.Continue;
  }
}

registerRootContext((id: u32) => { return new Root(id); }, "guest");
