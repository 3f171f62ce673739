//! Changes bodies: the header x-request-body says what to do with the request's, x-response-body what with the
//! response's. Each is "pass", or "hold" to wait for all of it and then "replace", "prepend", "append", "cut" (to ten
//! bytes) or "empty" it.

use log::info;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        info!("context {}", id);
        Some(Box::new(Bodies::default()))
    }
}

#[derive(Default)]
struct Bodies {
    request: String,
    response: String,
    request_size: usize,
    response_size: usize,
}

const MARK: &[u8] = b"[rust]";
const REPLACED: &[u8] = b"replaced by rust";

/// What to write where: start, length and data of a change, by its name.
fn change(what: &str, size: usize) -> Option<(usize, usize, &'static [u8])> {
    match what {
        "replace" => Some((0, size, REPLACED)),
        "prepend" => Some((0, 0, MARK)),
        "append" => Some((size, 0, MARK)),
        "cut" => Some((0, size, b"ten bytes.")),
        "empty" => Some((0, size, b"")),
        _ => None,
    }
}

impl Context for Bodies {}

impl HttpContext for Bodies {
    fn on_http_request_headers(&mut self, _: usize, end: bool) -> Action {
        self.request = self.get_http_request_header("x-request-body").unwrap_or_default();
        self.response = self.get_http_request_header("x-response-body").unwrap_or_default();
        if !end && change(&self.request, 0).is_some() {
            self.set_http_request_header("content-length", None);
        }
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        self.request_size = size;
        if !end {
            return if self.request == "pass" { Action::Continue } else { Action::Pause };
        }
        let body = self.get_http_request_body(0, size);
        info!("request body: {} bytes, read {:?}", size, body.map(|b| b.len()));
        info!("from 2: {:?}, past the end: {:?}", self.get_http_request_body(2, 3), self.get_http_request_body(size + 1, 5));
        if let Some((start, length, data)) = change(&self.request, size) {
            self.set_http_request_body(start, length, data);
            info!("request body now: {:?}", self.get_http_request_body(0, 1 << 20).map(|b| b.len()));
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, end: bool) -> Action {
        info!("response headers, end {}", end);
        if change(&self.response, 0).is_some() {
            self.set_http_response_header("content-length", None);
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.response_size = size;
        if !end {
            return if self.response == "pass" { Action::Continue } else { Action::Pause };
        }
        if let Some(body) = self.get_http_response_body(0, size) {
            info!("response body: {} bytes: {}", body.len(), String::from_utf8_lossy(&body));
        }
        if let Some((start, length, data)) = change(&self.response, size) {
            self.set_http_response_body(start, length, data);
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        info!("log: request body {} bytes, response body {} bytes", self.request_size, self.response_size);
    }
}
