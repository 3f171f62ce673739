//! Asks the cluster of its configuration about each request: 200 lets the request pass, with the answer's x-user and
//! body; anything else is the client's answer. Two headers ask for more: x-twice for a call to the configuration's second
//! cluster at the same time, x-late for a call that nobody waits for.

use log::{info, warn};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root { clusters: vec![] }));
}}

const TIMEOUT: Duration = Duration::from_millis(500);

struct Root {
    clusters: Vec<String>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        self.clusters = String::from_utf8_lossy(&text).split_whitespace().map(String::from).collect();
        !self.clusters.is_empty()
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Callout { clusters: self.clusters.clone(), open: 0, waiting: false }))
    }
}

struct Callout {
    clusters: Vec<String>,
    open: u32,
    waiting: bool,
}

impl Callout {
    fn ask(&mut self, cluster: usize, path: &str, body: Option<&[u8]>) -> bool {
        let headers = vec![(":method", "POST"), (":path", path), (":authority", "auth.example.com"), ("x-from", "rust")];
        match self.dispatch_http_call(&self.clusters[cluster], headers, body, vec![], TIMEOUT) {
            Ok(_) => {
                self.open += 1;
                true
            }
            Err(status) => {
                warn!("no call: {:?}", status);
                false
            }
        }
    }
}

impl Context for Callout {
    fn on_http_call_response(&mut self, _: u32, headers: usize, body: usize, trailers: usize) {
        self.open -= 1;
        info!("answer: {} headers, {} bytes, {} trailers, {} open", headers, body, trailers, self.open);
        if headers == 0 {
            // The connection broke. To ask for a header now would panic: the SDK does not know the host's answer.
            if self.waiting {
                self.waiting = false;
                self.send_http_response(502, vec![], Some(b"broken"));
            }
            return;
        }
        let status = self.get_http_call_response_header(":status").unwrap_or_default();
        let text = self.get_http_call_response_body(0, body).unwrap_or_default();
        info!("status {:?}, {} headers read, {} bytes read", status, self.get_http_call_response_headers().len(), text.len());
        if !self.waiting {
            return;
        }
        if status != "200" {
            self.waiting = false;
            let code = status.parse().unwrap_or(502);
            self.send_http_response(code, vec![("x-refused-by", "rust")], Some(b"refused"));
            return;
        }
        if let Some(user) = self.get_http_call_response_header("x-user") {
            self.add_http_request_header("x-user", &user);
        }
        self.add_http_request_header("x-answer", &String::from_utf8_lossy(&text));
        if self.open == 0 {
            self.waiting = false;
            self.resume_http_request();
        }
    }
}

impl HttpContext for Callout {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let key = self.get_http_request_header("x-key").unwrap_or_default();
        let late = self.get_http_request_header("x-late").is_some();
        let mut asked = self.ask(0, "/check", Some(key.as_bytes()));
        if asked && self.clusters.len() > 1 && self.get_http_request_header("x-twice").is_some() {
            asked = self.ask(1, "/check-again", None);
        }
        if late {
            return Action::Continue;
        }
        if !asked {
            self.send_http_response(500, vec![], Some(b"cannot ask"));
        } else {
            self.waiting = true;
        }
        Action::Pause
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.add_http_response_header("x-open", &self.open.to_string());
        Action::Continue
    }
}
