// Ticks three times after its start, and counts in metrics; answers requests with its count.
export * from "@solo-io/proxy-runtime/proxy";
import { Context, Counter, FilterHeadersStatusValues, Gauge, GrpcStatusValues, HeaderPair, LogLevelValues, RootContext, log, registerRootContext, send_local_response } from "@solo-io/proxy-runtime";
import { get_current_time_nanoseconds, set_tick_period_milliseconds } from "@solo-io/proxy-runtime/runtime";

const TICKS: u32 = 3;

class Root extends RootContext {
  ticks: u32 = 0;

  createContext(id: u32): Context {
    return new Ticks(id, this);
  }

  onStart(size: usize): bool {
    set_tick_period_milliseconds(100);
    return true;
  }

  onTick(): void {
    this.ticks += 1;
    log(LogLevelValues.info, "tick " + this.ticks.toString() + ", time known " + (get_current_time_nanoseconds() > 0).toString());
    const counter = new Counter("assemblyscript.ticks");
    counter.increment(1);
    counter.increment(0);
    new Gauge("assemblyscript.level").increment(2);
    if (this.ticks == TICKS) {
      set_tick_period_milliseconds(0);
    }
  }
}

class Ticks extends Context {
  constructor(id: u32, root: Root) {
    super(id, root);
  }

  onRequestHeaders(count: u32, end: bool): FilterHeadersStatusValues {
    const ticks = changetype<Root>(this.root_context).ticks.toString();
    const headers = [new HeaderPair(String.UTF8.encode("x-ticks"), String.UTF8.encode(ticks))];
    send_local_response(200, "ticks", String.UTF8.encode("ticks"), headers, GrpcStatusValues.InvalidCode);
    return FilterHeadersStatusValues.StopIteration;
  }
}

registerRootContext((id: u32) => { return new Root(id); }, "guest");
