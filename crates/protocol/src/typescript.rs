//! Generates TypeScript for what crosses to JavaScript: types, constants and error codes. The test compares the result
//! with the committed file; `UPDATE_GENERATED=1 cargo test generated` writes the file.

use std::{env, fmt::Display, fs, path::Path};

use serde_json::Value;
use ts_rs::{Config, TS};

use crate::{
    CertificateTrace, CloseInfo, DialPhase, DialReport, ErrorCode, ErrorData, Interest, LatencySummary, LogEntry,
    LogLevel, Notice, OptionError, OptionFault, Options, PhaseTrace, RttSummary, Snapshot, State, Stats, SystemCause,
    TcpTrace, TlsTrace, UpgradeTrace, config::ROWS,
};

#[test]
fn the_generated_types_are_those_that_are_committed() {
    compare("js/shared/native-types.ts", &typescript());
}

#[test]
fn the_generated_bits_of_interest_are_those_that_are_committed() {
    compare("js/shared/client/interest-bits.ts", &numbers("Bits of `NativeClient.setInterest`.", Interest::NAMES));
}

#[test]
fn the_generated_table_of_options_is_the_one_that_is_committed() {
    compare("js/page/option-table.ts", &option_table());
}

fn compare(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, made).expect("the file can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(made == committed, "{file} is not what the Rust code says: run UPDATE_GENERATED=1 cargo test generated");
}

/// A row for each option: how it is read, its default, and its range.
fn option_table() -> String {
    let defaults = Options::default_table();
    let rows: String = ROWS
        .iter()
        .map(|(name, reader, range)| {
            let default = defaults.get(*name).map_or_else(
                || "undefined".to_owned(),
                |value| match value {
                    Value::String(text) => format!("'{text}'"),
                    other => other.to_string().replace(',', ", "),
                },
            );
            let range: String =
                range.split("..=").filter(|bound| !bound.is_empty()).map(|bound| format!(", {bound}")).collect();
            format!("  {name}: ['{reader}', {default}{range}],\n")
        })
        .collect();
    format!(
        "// Generated from the Rust table by crates/protocol/src/typescript.rs. Do not edit.\n\n\
         /** Every option in the order of the core: how it is read, its default, and its least and greatest value. */\n\
         export const OPTION_TABLE = {{\n{rows}}} as const\n"
    )
}

fn typescript() -> String {
    let config = Config::default().with_large_int("number");
    let declarations = [
        Snapshot::decl(&config),
        ErrorData::decl(&config),
        DialPhase::decl(&config),
        DialReport::decl(&config),
        PhaseTrace::decl(&config),
        TcpTrace::decl(&config),
        TlsTrace::decl(&config),
        CertificateTrace::decl(&config),
        UpgradeTrace::decl(&config),
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
    [
        "// Generated from the Rust types by crates/protocol/src/typescript.rs. Do not edit.\n".to_owned(),
        union("Lifecycle of one client.", "ConnectionState", State::NAMES),
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

/// A module of constants: bundlers write them where they are used.
fn numbers<N: Display>(doc: &str, members: impl IntoIterator<Item = (&'static str, N)>) -> String {
    let members: String =
        members.into_iter().map(|(name, number)| format!("export const {name} = {number}\n")).collect();
    format!(
        "// Generated from the Rust types by crates/protocol/src/typescript.rs. Do not edit.\n\n/** {doc} */\n\n{members}"
    )
}

fn error_codes() -> String {
    let meaning = |code: &ErrorCode| format!("\n * - `{}`:{}", code.name(), code.meaning().join("\n *  "));
    let meanings: String = ErrorCode::ALL.iter().map(meaning).collect();
    let rows: String = ErrorCode::ALL
        .iter()
        .map(|code| {
            let (name, sentence, retryable) = (code.name(), code.sentence(), code.is_retryable());
            format!("export const {name}: ErrorWords = {{ message: '{sentence}', retryable: {retryable} }}\n")
        })
        .collect();
    let names: String = ErrorCode::ALL.iter().map(|code| format!("  {},\n", code.name())).collect();
    let union = union("The codes that the package uses.", "ErrorCode", ErrorCode::ALL.iter().map(|code| code.name()));
    format!(
        "{union}\n\
         /**\n * The stable code of an {{@link MCPError}}; codes may be added.\n *{meanings}\n */\n\
         export type MCPErrorCode = ErrorCode | (string & {{}})\n\n\
         /** The message of an error that has no other, and whether the same call may succeed later. */\n\
         export interface ErrorWords {{ readonly message: string; readonly retryable: boolean }}\n\n\
         {rows}\n\
         /** All of them. Whoever needs a few imports those alone. */\n\
         export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorWords>> = {{\n{names}}}\n"
    )
}
