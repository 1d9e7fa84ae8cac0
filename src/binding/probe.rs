//! Asks the server of a client for a page over HTTP, for diagnosis.

use std::time::Duration;

use napi::{
    Status,
    bindgen_prelude::{FnArgs, Function, Result},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use serde::Serialize;
use serde_json::to_string;

use super::client::NativeClient;
use crate::driver::Page;

/// A threadsafe function that is called once, with JSON.
type Answer = ThreadsafeFunction<String, (), FnArgs<(String,)>, Status, false>;

#[derive(Serialize)]
#[serde(untagged)]
enum Told {
    Page(Page),
    Error { error: String },
}

#[napi]
impl NativeClient {
    /// Asks the endpoint in use for the page at `path`, by the way that the WebSocket takes. `answer` is called once,
    /// with the JSON of `{ status, body, isCut }`, or of `{ error }`. `limit` is in ms. This keeps the process alive.
    #[napi(catch_unwind)]
    pub fn page(
        &self,
        path: String,
        limit: f64,
        #[napi(ts_arg_type = "(json: string) => void")] answer: Function<'_, FnArgs<(String,)>, ()>,
    ) -> Result<()> {
        let answer: Answer =
            answer.build_threadsafe_function::<String>().build_callback(|context| Ok((context.value,).into()))?;
        self.handle().page(path, Duration::from_micros((limit * 1000.0) as u64), move |page| {
            let told = page.map_or_else(|error| Told::Error { error }, Told::Page);
            let json = to_string(&told).expect("it has only texts and numbers");
            answer.call(json, ThreadsafeFunctionCallMode::NonBlocking);
        });
        Ok(())
    }
}
