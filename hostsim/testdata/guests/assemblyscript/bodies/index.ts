// Holds each body until all of it is there, and says what it holds; the SDK cannot change bodies.
export * from "@solo-io/proxy-runtime/proxy";
import { Context, FilterDataStatusValues, FilterHeadersStatusValues, LogLevelValues, RootContext, log, registerRootContext, stream_context } from "@solo-io/proxy-runtime";
import { BufferTypeValues, get_buffer_bytes, get_buffer_status } from "@solo-io/proxy-runtime/runtime";

class Root extends RootContext {
  createContext(id: u32): Context {
    return new Bodies(id, this);
  }
}

class Bodies extends Context {
  seen: u32 = 0;

  constructor(id: u32, root: Root) {
    super(id, root);
  }

  tell(kind: BufferTypeValues, name: string, size: u32): void {
    const status = get_buffer_status(kind);
    log(LogLevelValues.info, name + ": " + size.toString() + " bytes, status " + (status.result as u32).toString() + ", length " + status.length.toString() + ", flags " + status.flags.toString());
    const body = get_buffer_bytes(kind, 0, size);
    log(LogLevelValues.info, name + " is " + String.UTF8.decode(body));
    log(LogLevelValues.info, "from 2: " + String.UTF8.decode(get_buffer_bytes(kind, 2, 3)) + ", past the end: " + get_buffer_bytes(kind, size + 1, 5).byteLength.toString() + " bytes");
  }

  onRequestHeaders(count: u32, end: bool): FilterHeadersStatusValues {
    log(LogLevelValues.info, "request, end " + end.toString());
    return FilterHeadersStatusValues.Continue;
  }

  onRequestBody(size: usize, end: bool): FilterDataStatusValues {
    if (!end) {
      return FilterDataStatusValues.StopIterationAndBuffer;
    }
    this.tell(BufferTypeValues.HttpRequestBody, "request body", size as u32);
    this.seen = size as u32;
    return FilterDataStatusValues.Continue;
  }

  onResponseHeaders(count: u32, end: bool): FilterHeadersStatusValues {
    stream_context.headers.response.add("x-request-bytes", this.seen.toString());
    return FilterHeadersStatusValues.Continue;
  }

  onResponseBody(size: usize, end: bool): FilterDataStatusValues {
    if (!end) {
      return FilterDataStatusValues.StopIterationAndBuffer;
    }
    this.tell(BufferTypeValues.HttpResponseBody, "response body", size as u32);
    return FilterDataStatusValues.Continue;
  }
}

registerRootContext((id: u32) => { return new Root(id); }, "guest");
