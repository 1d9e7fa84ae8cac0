//! The JSON of what is told.

use serde::Serialize;

/// The JSON of a value whose type is generated for TypeScript.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the keys are strings")
}
