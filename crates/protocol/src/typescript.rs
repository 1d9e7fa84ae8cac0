//! Generates TypeScript for what crosses to JavaScript: types, constants and error codes. The test compares the result
//! with the committed file; `UPDATE_GENERATED=1 cargo test generated` writes the file.

use std::{env, fmt::Display, fs, path::Path};

use ts_rs::{Config, TS};

use crate::{
    CloseInfo, DialPhase, DialReport, ErrorCode, ErrorData, Interest, LatencySummary, LogEntry, LogLevel, Notice,
    OptionError, OptionFault, PhaseTime, RttSummary, Snapshot, State, Stats, SystemCause,
};

const FILE: &str = "js/shared/native-types.ts";

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
    let declarations = [
        Snapshot::decl(&config),
        ErrorData::decl(&config),
        DialPhase::decl(&config),
        SystemCause::decl(&config),
        Notice::decl(&config),
        DialReport::decl(&config),
        PhaseTime::decl(&config),
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
    [
        "// Generated from the Rust types by crates/protocol/src/typescript.rs. Do not edit.\n".to_owned(),
        union("Lifecycle of one client.", "ConnectionState", State::NAMES),
        numbers("Bits of `NativeClient.setInterest`.", "INTEREST", Interest::NAMES),
        error_codes(),
        FLIGHT_EVENT.to_owned(),
        declarations,
    ]
    .join("\n")
}

/// Its other fields depend on its kind.
const FLIGHT_EVENT: &str = "\
/** An event of the flight recorder. */
export interface FlightEvent {
  /** When, in ms since 1970. */
  readonly at: number
  /** When, in ms of a clock that is never set, to the microsecond. */
  readonly mono: number
  /** What it is. */
  readonly kind: string
  /** The facts that belong to it. */
  readonly [field: string]: string | number | boolean | null
}
";

fn union<'a>(doc: &str, name: &str, members: impl IntoIterator<Item = &'a str>) -> String {
    let members: String = members.into_iter().map(|member| format!("\n  | '{member}'")).collect();
    format!("/** {doc} */\nexport type {name} ={members}\n")
}

fn numbers<N: Display>(doc: &str, name: &str, members: impl IntoIterator<Item = (&'static str, N)>) -> String {
    let members: String = members.into_iter().map(|(name, number)| format!("  {name}: {number},\n")).collect();
    format!("/** {doc} */\nexport const {name} = {{\n{members}}} as const\n")
}

fn error_codes() -> String {
    let meaning = |code: &ErrorCode| format!("\n * - `{}`:{}", code.name(), code.meaning().join("\n *  "));
    let meanings: String = ErrorCode::ALL.iter().map(meaning).collect();
    let rows: String = ErrorCode::ALL
        .iter()
        .map(|code| {
            let (name, sentence, retryable) = (code.name(), code.sentence(), code.is_retryable());
            format!("  {name}: {{ message: '{sentence}', retryable: {retryable} }},\n")
        })
        .collect();
    let union = union("The codes that the package uses.", "ErrorCode", ErrorCode::ALL.iter().map(|code| code.name()));
    format!(
        "{union}\n\
         /**\n * The stable code of an {{@link MCPError}}; codes may be added.\n *{meanings}\n */\n\
         export type MCPErrorCode = ErrorCode | (string & {{}})\n\n\
         /** The message of an error that has no other, and whether the same call may succeed later. */\n\
         export const ERROR_CODES: \
         Readonly<Record<ErrorCode, {{ readonly message: string; readonly retryable: boolean }}>> = {{\n\
         {rows}}}\n"
    )
}
