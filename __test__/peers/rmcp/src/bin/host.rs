//! A host on rmcp: starts an MCP server, asks it for its tools, calls some, and prints what it got as JSON.
//!
//! `host initialize|discover CALLS COMMAND ARGUMENT…`, where CALLS is a JSON array of the parameters of `tools/call`.

use std::{env, error::Error};

use rmcp::{
    ClientLifecycleMode, ClientServiceExt,
    model::{CallToolRequestParams, ProtocolVersion},
    transport::TokioChildProcess,
};
use serde_json::json;
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut next = |what: &'static str| arguments.next().ok_or(what);
    let lifecycle = lifecycle(&next("how to begin: initialize or discover")?);
    let calls: Vec<CallToolRequestParams> = serde_json::from_str(&next("calls")?)?;
    let mut command = Command::new(next("a command")?);
    command.args(arguments);
    let host = ().serve_with_lifecycle(TokioChildProcess::new(command)?, lifecycle).await?;
    let version = host.peer_info().map(|info| info.protocol_version.to_string());
    let tools = host.list_all_tools().await?;
    let mut results = Vec::new();
    for call in calls {
        results.push(match host.call_tool(call).await {
            Ok(result) => serde_json::to_value(result)?,
            Err(error) => json!({ "refused": error.to_string() }),
        });
    }
    println!("{}", json!({ "version": version, "tools": tools, "results": results }));
    host.cancel().await?;
    Ok(())
}

fn lifecycle(name: &str) -> ClientLifecycleMode {
    match name {
        "discover" => ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] },
        _ => ClientLifecycleMode::Initialize,
    }
}
