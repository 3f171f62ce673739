//! Answers requests by itself. The configuration has a line "key VALUE" for each key that lets a request pass; any other
//! line is refused. The header x-reply asks for an answer from elsewhere: "body", "response", "response-body", "grpc",
//! "empty", "twice", "reset" or "panic".

use log::{error, info};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, GrpcStatusCode, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root { keys: vec![] }));
}}

struct Root {
    keys: Vec<String>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        for (n, line) in String::from_utf8_lossy(&text).lines().enumerate() {
            match line.split_once(' ') {
                Some(("key", value)) if !value.trim().is_empty() => self.keys.push(value.trim().to_string()),
                _ => {
                    error!("configuration, line {}: want \"key VALUE\"", n + 1);
                    return false;
                }
            }
        }
        info!("{} keys", self.keys.len());
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Replies { keys: self.keys.clone(), from: String::new() }))
    }
}

struct Replies {
    keys: Vec<String>,
    from: String,
}

impl Context for Replies {}

impl HttpContext for Replies {
    fn on_http_request_headers(&mut self, _: usize, end: bool) -> Action {
        let key = self.get_http_request_header("x-key").unwrap_or_default();
        if !self.keys.contains(&key) {
            self.send_http_response(401, vec![("www-authenticate", "Key realm=\"rust\""), ("x-by", "rust")], Some(b"no such key\n"));
            return Action::Pause;
        }
        self.remove_http_request_header("x-key");
        self.from = self.get_http_request_header("x-reply").unwrap_or_default();
        info!("key accepted, reply from {:?}, end {}", self.from, end);
        match self.from.as_str() {
            "grpc" => self.send_grpc_response(GrpcStatusCode::PermissionDenied, Some("not for you"), vec![]),
            "empty" => self.send_http_response(204, vec![], None),
            "twice" => {
                self.send_http_response(403, vec![], Some(b"first"));
                self.send_http_response(404, vec![], Some(b"second"));
            }
            "continue" => {
                // The answer counts, whatever is returned.
                self.send_http_response(403, vec![], Some(b"and on"));
                return Action::Continue;
            }
            "reset" => self.reset_http_request(),
            "panic" => panic!("asked to"),
            _ => return Action::Continue,
        }
        Action::Pause
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if self.from != "body" {
            return Action::Continue;
        }
        if !end {
            return Action::Pause;
        }
        self.send_http_response(413, vec![("x-size", &size.to_string())], Some(b"too much"));
        Action::Pause
    }

    fn on_http_response_headers(&mut self, count: usize, end: bool) -> Action {
        info!("response: {} headers, end {}", count, end);
        self.add_http_response_header("x-seen", "1");
        if self.from == "response" {
            self.from.clear(); // the reply comes by here again
            self.send_http_response(502, vec![], Some(b"bad backend"));
            return Action::Pause;
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        info!("response body: {} bytes, end {}", size, end);
        if self.from != "response-body" {
            return Action::Continue;
        }
        if !end {
            return Action::Pause;
        }
        self.from.clear();
        self.send_http_response(503, vec![], Some(b"bad body"));
        Action::Pause
    }

    fn on_log(&mut self) {
        info!("log: status {:?}", self.get_http_response_header(":status"));
    }
}
