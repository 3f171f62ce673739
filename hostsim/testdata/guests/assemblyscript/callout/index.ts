// Asks the cluster of its configuration about each request: 200 lets the request pass, with the answer's x-user; anything
// else is the client's answer.
export * from "@solo-io/proxy-runtime/proxy";
import { Context, FilterHeadersStatusValues, GrpcStatusValues, HeaderPair, LogLevelValues, RootContext, WasmResultValues, log, registerRootContext, send_local_response, stream_context } from "@solo-io/proxy-runtime";
import { BufferTypeValues, get_buffer_bytes } from "@solo-io/proxy-runtime/runtime";

const TIMEOUT_MS: u32 = 500;

class Root extends RootContext {
  createContext(id: u32): Context {
    return new Callout(id, this);
  }
}

function pair(name: string, value: string): HeaderPair {
  return new HeaderPair(String.UTF8.encode(name), String.UTF8.encode(value));
}

function answered(context: Context, headers: u32, body: usize, trailers: u32): void {
  const answer = stream_context.headers.http_callback;
  const status = answer.get(":status");
  const text = String.UTF8.decode(get_buffer_bytes(BufferTypeValues.HttpCallResponseBody, 0, body as u32));
  log(LogLevelValues.info, "answer: " + headers.toString() + " headers, status " + status + ", " + body.toString() + " bytes: " + text + ", " + trailers.toString() + " trailers");
  if (status != "200") {
    send_local_response(403, "refused by the answer", String.UTF8.encode("refused"), [pair("x-refused-by", "assemblyscript")], GrpcStatusValues.InvalidCode);
    return;
  }
  stream_context.headers.request.add("x-user", answer.get("x-user"));
  context.continueRequest();
}

class Callout extends Context {
  constructor(id: u32, root: Root) {
    super(id, root);
  }

  onRequestHeaders(count: u32, end: bool): FilterHeadersStatusValues {
    const cluster = this.root_context.getConfiguration();
    const headers = [pair(":method", "POST"), pair(":path", "/check"), pair(":authority", "auth.example.com")];
    const key = String.UTF8.encode(stream_context.headers.request.get("x-key"));
    const result = this.root_context.httpCall(cluster, headers, key, [], TIMEOUT_MS, this, answered);
    if (result != WasmResultValues.Ok) {
      send_local_response(500, "no call", String.UTF8.encode("cannot ask"), [], GrpcStatusValues.InvalidCode);
    }
    return FilterHeadersStatusValues.StopIteration;
  }
}

registerRootContext((id: u32) => { return new Root(id); }, "guest");
