//! What an item brings to JavaScript. Making it never throws: V8 may refuse a text or bytes, because they are too large
//! or there is no memory, and then JavaScript gets `null` and rejects the call that they were for.

use bytes::Bytes;
use napi::{
    bindgen_prelude::{Buffer, Result, ToNapiValue, TypeName},
    sys,
};

use super::text::Text;

/// The text or the bytes of an item.
pub enum Payload {
    Text(Text),
    Bytes(Bytes),
    Nothing,
}

impl From<String> for Payload {
    fn from(json: String) -> Self {
        Self::Text(Text::new(json.into()))
    }
}

impl TypeName for Payload {
    fn type_name() -> &'static str {
        "string | Buffer | null | undefined"
    }
    fn value_type() -> napi::ValueType {
        napi::ValueType::Unknown
    }
}

impl ToNapiValue for Payload {
    unsafe fn to_napi_value(env: sys::napi_env, payload: Self) -> Result<sys::napi_value> {
        // SAFETY: `env` is the environment of the running call, as for this function.
        let made = unsafe {
            match payload {
                Self::Text(text) => Text::to_napi_value(env, text),
                // A copy, because Electron forbids buffers whose memory is not V8's.
                Self::Bytes(bytes) => Buffer::to_napi_value(env, Buffer::from(bytes.to_vec())),
                Self::Nothing => <()>::to_napi_value(env, ()),
            }
        };
        made.or_else(|_| {
            let (mut thrown, mut null) = (std::ptr::null_mut(), std::ptr::null_mut());
            // SAFETY: as above; Node writes to the two pointers. If nothing was thrown, the first call only says so.
            unsafe {
                sys::napi_get_and_clear_last_exception(env, &mut thrown);
                sys::napi_get_null(env, &mut null);
            }
            Ok(null)
        })
    }
}
