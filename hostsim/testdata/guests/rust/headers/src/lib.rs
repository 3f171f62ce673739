//! Reads and changes request and response headers in every way that the SDK has, and says what it saw. Its
//! configuration is the value that it gives to x-greeting.

use log::{info, warn};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Debug);
    proxy_wasm::set_root_context(|_| Box::new(Root { greeting: String::new() }));
}}

struct Root {
    greeting: String,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_vm_start(&mut self, size: usize) -> bool {
        info!("vm configuration: {} bytes, read: {}", size, self.get_vm_configuration().is_some());
        true
    }

    fn on_configure(&mut self, size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        self.greeting = String::from_utf8_lossy(&text).trim().to_string();
        info!("configured with {} bytes", size);
        size == text.len()
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Headers { greeting: self.greeting.clone() }))
    }
}

struct Headers {
    greeting: String,
}

impl Headers {
    fn tell_property(&self, path: &[&str]) {
        match self.get_property(path.to_vec()) {
            Some(value) => info!("property {}: {} bytes", path.join("."), value.len()),
            None => info!("property {}: none", path.join(".")),
        }
    }
}

impl Context for Headers {
    fn on_done(&mut self) -> bool {
        info!("done");
        true
    }
}

impl HttpContext for Headers {
    fn on_http_request_headers(&mut self, count: usize, end: bool) -> Action {
        let all = self.get_http_request_headers();
        info!("request: {} headers counted, {} read, end {}", count, all.len(), end);
        let tags: Vec<&str> = all.iter().filter(|(n, _)| n == "x-tag").map(|(_, v)| v.as_str()).collect();
        info!("tags: {}; the first: {:?}", tags.join("|"), self.get_http_request_header("x-tag"));
        info!("absent: {:?}, empty: {:?}", self.get_http_request_header("x-absent"), self.get_http_request_header("x-empty"));
        for name in [":method", ":path", ":authority", ":scheme"] {
            info!("{} is {:?}", name, self.get_http_request_header(name));
        }
        self.add_http_request_header("x-tag", "added");
        self.add_http_request_header("x-seen-by", "rust");
        self.set_http_request_header("x-replaced", Some(&self.greeting));
        self.set_http_request_header("x-empty", Some(""));
        self.set_http_request_header("x-secret", None);
        self.remove_http_request_header("x-never-there");
        if let Some(to) = self.get_http_request_header("x-go-to") {
            self.set_http_request_header(":path", Some(&to));
            self.remove_http_request_header("x-go-to");
        }
        self.tell_property(&["request", "path"]);
        self.tell_property(&["request", "protocol"]);
        self.tell_property(&["plugin_root_id"]);
        self.tell_property(&["request", "headers", "x-tag"]);
        self.tell_property(&["no", "such", "thing"]);
        self.set_property(vec!["told"], Some(b"by rust"));
        self.tell_property(&["told"]);
        if let Some(set) = self.get_http_request_header("x-only") {
            let path = self.get_http_request_header(":path").unwrap_or_default();
            self.set_http_request_headers(vec![
                (":method", "GET"), (":path", &path), (":authority", "only.example.com"), (":scheme", "http"), ("x-only", &set),
            ]);
            info!("only {} headers are left", self.get_http_request_headers().len());
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, count: usize, end: bool) -> Action {
        let all = self.get_http_response_headers();
        info!("response: {} headers counted, {} read, end {}", count, all.len(), end);
        info!("status {:?}, type {:?}", self.get_http_response_header(":status"), self.get_http_response_header("content-type"));
        self.add_http_response_header("x-greeting", &self.greeting);
        self.set_http_response_header("x-internal", None);
        if self.get_http_response_header("x-teapot").is_some() {
            self.set_http_response_header(":status", Some("418"));
        }
        self.tell_property(&["response", "code"]);
        self.tell_property(&["request", "method"]);
        if self.get_http_request_headers().is_empty() {
            warn!("the request's headers are gone");
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        info!("log: request path {:?}", self.get_http_request_header(":path"));
        info!("log: status {:?}, greeting {:?}", self.get_http_response_header(":status"), self.get_http_response_header("x-greeting"));
        self.tell_property(&["response", "code"]);
        self.tell_property(&["response", "code_details"]);
        self.tell_property(&["told"]);
    }
}
