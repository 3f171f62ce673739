//! Ticks three times after each configuration and counts in shared data and metrics; answers requests with its counts.
//! The configuration is the period in milliseconds.

use log::info;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MetricType, Status};
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(Root { id, ticks: 0, counter: 0 }));
}}

const TICKS: u32 = 3;

struct Root {
    id: u32,
    ticks: u32,
    counter: u32,
}

impl Context for Root {
    fn on_done(&mut self) -> bool {
        info!("root {} is done", self.id);
        true
    }
}

impl RootContext for Root {
    fn on_vm_start(&mut self, _: usize) -> bool {
        self.counter = hostcalls::define_metric(MetricType::Counter, "rust.ticks").unwrap_or_default();
        info!("no such key: {:?}", self.get_shared_data("never set").0);
        self.set_shared_data("last", Some(b"started"), None).is_ok()
    }

    fn on_configure(&mut self, _: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        match String::from_utf8_lossy(&text).trim().parse() {
            Ok(period) => {
                self.set_tick_period(Duration::from_millis(period));
                true
            }
            Err(err) => {
                info!("period: {}", err);
                false
            }
        }
    }

    fn on_tick(&mut self) {
        self.ticks += 1;
        let last = self.get_shared_data("last").0;
        info!("tick {}, the last was {} bytes", self.ticks, last.unwrap_or_default().len());
        if let Err(status) = self.set_shared_data("last", Some(b"ticked!"), None) {
            info!("shared data: {:?}", status);
        }
        let _ = hostcalls::increment_metric(self.counter, 1);
        if self.ticks == TICKS {
            self.set_tick_period(Duration::from_millis(0));
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Ticks { ticks: self.ticks }))
    }
}

struct Ticks {
    ticks: u32,
}

impl Context for Ticks {}

impl HttpContext for Ticks {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let (last, cas) = self.get_shared_data("last");
        let last = last.unwrap_or_default();
        for turn in ["first", "second"] {
            match self.set_shared_data("last", Some(b"asked"), cas) {
                Ok(()) => info!("the {} write took", turn),
                Err(Status::CasMismatch) => info!("the {} write came too late", turn),
                Err(status) => info!("shared data: {:?}", status),
            }
        }
        let ticks = self.ticks.to_string();
        self.send_http_response(200, vec![("x-ticks", &ticks)], Some(&last));
        Action::Pause
    }
}
