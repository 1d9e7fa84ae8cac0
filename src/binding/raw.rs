//! Functions for JavaScript without the code that `#[napi]` generates: for one that is called for every request, that
//! would take longer than the call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::{
    JsError,
    bindgen_prelude::{FromNapiValue, Result, ToNapiValue, check_status, panic_to_error},
    sys,
};

/// The arguments of a call. Those that are missing are `undefined`.
pub(super) struct Arguments<const N: usize> {
    env: sys::napi_env,
    values: [sys::napi_value; N],
}

impl<const N: usize> Arguments<N> {
    fn of(env: sys::napi_env, info: sys::napi_callback_info) -> Result<Self> {
        let (mut values, mut count) = ([std::ptr::null_mut(); N], N);
        let (this, data) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: both belong to the running call; Node writes at most `count` values.
        check_status!(unsafe { sys::napi_get_cb_info(env, info, &mut count, values.as_mut_ptr(), this, data) })?;
        Ok(Self { env, values })
    }

    /// The argument at this position.
    pub(super) fn get<T: FromNapiValue>(&self, place: usize) -> Result<T> {
        // SAFETY: the value belongs to the running call.
        unsafe { T::from_napi_value(self.env, self.values[place]) }
    }
}

/// Runs the body of a callback. Throws an error for what it returns as an error, or panics with.
pub(super) fn call<const N: usize, R: ToNapiValue>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    act: impl FnOnce(Arguments<N>) -> Result<R>,
) -> sys::napi_value {
    let body = || {
        let returned = act(Arguments::of(env, info)?)?;
        // SAFETY: `env` is the environment of the running call.
        unsafe { R::to_napi_value(env, returned) }
    };
    let result = catch_unwind(AssertUnwindSafe(body)).map_err(panic_to_error).and_then(|result| result);
    result.unwrap_or_else(|error| {
        // SAFETY: as above; no other exception is pending.
        unsafe { JsError::from(error).throw_into(env) };
        std::ptr::null_mut()
    })
}
