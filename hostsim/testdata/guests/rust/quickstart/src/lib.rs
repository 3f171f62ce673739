use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root { greeting: String::new() }));
}}

struct Root {
    greeting: String,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        self.greeting = String::from_utf8(self.get_plugin_configuration().unwrap_or_default()).unwrap_or_default();
        if self.greeting.is_empty() {
            log::error!("greeting: is missing");
        }
        !self.greeting.is_empty()
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Hello { greeting: self.greeting.clone() }))
    }
}

struct Hello {
    greeting: String,
}

impl Context for Hello {}

impl HttpContext for Hello {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        match self.get_http_request_header("x-team") {
            Some(team) => {
                log::info!("a request of team {}", team);
                Action::Continue
            }
            None => {
                self.send_http_response(403, vec![], Some(b"name your team in x-team"));
                Action::Pause
            }
        }
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.add_http_response_header("x-greeting", &self.greeting);
        Action::Continue
    }
}
