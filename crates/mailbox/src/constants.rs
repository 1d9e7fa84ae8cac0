//! The numbers that the bindings and their TypeScript half share, made of the Rust constants. The committed file is
//! compared with what is made now; `UPDATE_GENERATED=1 cargo test generated` writes it anew.

use std::{env, fmt::Display, fs, path::Path};

use super::{flag, kind};

const FILE: &str = "js/shared/client/binding-constants.ts";

#[test]
fn the_generated_constants_are_those_that_are_committed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FILE);
    let made = typescript();
    if env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &made).expect("the file can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(made == committed, "{FILE} is not what the constants say: run UPDATE_GENERATED=1 cargo test generated");
}

fn typescript() -> String {
    [
        "// Generated from the Rust constants by crates/mailbox/src/constants.rs. Do not edit.\n".to_owned(),
        numbers("Kinds of items of the mailbox.", "ITEM", kind::NAMES),
        numbers("Bits of the `flags` of `request`.", "FLAG", flag::NAMES),
    ]
    .join("\n")
}

fn numbers<N: Display>(doc: &str, name: &str, members: impl IntoIterator<Item = (&'static str, N)>) -> String {
    let members: String = members.into_iter().map(|(name, number)| format!("  {name}: {number},\n")).collect();
    format!("/** {doc} */\nexport const {name} = {{\n{members}}} as const\n")
}
