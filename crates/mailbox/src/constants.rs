//! The numbers that the bindings and their TypeScript half share, made of the Rust constants. The committed file is
//! compared with what is made now; `UPDATE_GENERATED=1 cargo test generated` writes it anew.

use std::{env, fmt::Display, fs, path::Path};

use super::{flag, kind};

#[test]
fn the_generated_constants_are_those_that_are_committed() {
    compare("item.ts", &numbers("Kinds of items of the mailbox.", kind::NAMES));
    compare("flag.ts", &numbers("Bits of the `flags` of `request`.", flag::NAMES));
}

fn compare(name: &str, made: &str) {
    let file = format!("js/shared/client/{name}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&file);
    if env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, made).expect("the file can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(made == committed, "{file} is not what the constants say: run UPDATE_GENERATED=1 cargo test generated");
}

/// A module of constants: bundlers leave out those that are not used, unlike the members of an object.
fn numbers<N: Display>(doc: &str, members: impl IntoIterator<Item = (&'static str, N)>) -> String {
    let members: String =
        members.into_iter().map(|(name, number)| format!("export const {name} = {number}\n")).collect();
    format!(
        "// Generated from the Rust constants by crates/mailbox/src/constants.rs. Do not edit.\n\n/** {doc} */\n\n{members}"
    )
}
