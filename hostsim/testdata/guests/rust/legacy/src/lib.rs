//! A guest of ABI 0.1.0, made with the SDK's last version that speaks it: headers, configuration, a callout, a local
//! reply, a tick.

use log::info;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use std::time::Duration;

#[no_mangle]
pub fn _start() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(Root { cluster: String::new() }) });
}

struct Root {
    cluster: String,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let text = self.get_configuration().unwrap_or_default();
        info!("configured with {} of {} bytes", text.len(), size);
        self.cluster = String::from_utf8_lossy(&text).trim().to_string();
        self.set_tick_period(Duration::from_millis(100));
        true
    }

    fn on_tick(&mut self) {
        info!("tick");
        self.set_tick_period(Duration::from_millis(0));
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Legacy { cluster: self.cluster.clone() }))
    }
}

struct Legacy {
    cluster: String,
}

impl Context for Legacy {
    fn on_http_call_response(&mut self, _: u32, headers: usize, body: usize, _: usize) {
        info!("answer: {} headers, {} bytes", headers, body);
        if self.get_http_call_response_header(":status").as_deref() == Some("200") {
            self.add_http_request_header("x-user", "legacy");
            self.resume_http_request();
        } else {
            self.send_http_response(403, vec![("x-by", "legacy")], Some(b"no"));
        }
    }
}

impl HttpContext for Legacy {
    fn on_http_request_headers(&mut self, count: usize) -> Action {
        info!("{} headers, absent: {:?}", count, self.get_http_request_header("x-absent"));
        let headers = vec![(":method", "GET"), (":path", "/check"), (":authority", "auth.example.com")];
        match self.dispatch_http_call(&self.cluster, headers, None, vec![], Duration::from_millis(500)) {
            Ok(_) => Action::Pause,
            Err(status) => {
                info!("no call: {:?}", status);
                Action::Continue
            }
        }
    }

    fn on_http_response_headers(&mut self, _: usize) -> Action {
        self.set_http_response_header("x-abi", Some("0.1.0"));
        Action::Continue
    }
}
