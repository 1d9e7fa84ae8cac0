//! The TypeScript forms of what crosses to JavaScript, made of the Rust types. The committed file is compared with what is made now;
//! `UPDATE_GENERATED=1 cargo test generated` writes it anew.

use std::{env, fs, path::Path};

use ts_rs::{Config, TS};

use crate::{
    CloseInfo, DialPhase, ErrorData, LatencySummary, LogEntry, LogLevel, Notice, OptionError, OptionFault, RttSummary,
    Snapshot, State, Stats, SystemCause,
};

const FILE: &str = "js/native-types.ts";

#[test]
fn the_generated_types_are_those_that_are_committed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FILE);
    let made = typescript();
    if env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &made).expect("the file can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(made == committed, "{FILE} is not what the Rust types say: run UPDATE_GENERATED=1 cargo test generated");
}

fn typescript() -> String {
    let config = Config::default().with_large_int("number");
    let states: Vec<String> = State::NAMES.iter().map(|name| format!("\n  | '{name}'")).collect();
    let declarations = [
        Snapshot::decl(&config),
        ErrorData::decl(&config),
        DialPhase::decl(&config),
        SystemCause::decl(&config),
        Notice::decl(&config),
        CloseInfo::decl(&config),
        LogLevel::decl(&config),
        LogEntry::decl(&config),
        Stats::decl(&config),
        RttSummary::decl(&config),
        LatencySummary::decl(&config),
        OptionFault::decl(&config),
        OptionError::decl(&config),
    ];
    let declarations: String = declarations.iter().map(|decl| format!("export {decl}\n")).collect();
    format!(
        "// Generated from the Rust types by crates/protocol/src/typescript.rs. Do not edit.\n\n\
         /** Lifecycle of one client. */\nexport type ConnectionState ={}\n\n{declarations}",
        states.concat(),
    )
}
