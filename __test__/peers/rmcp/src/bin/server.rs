//! An MCP server on rmcp that speaks JSON-RPC over WebSockets, a message in each text frame, and offers the subprotocol
//! `mcp`. It prints its port, and ends when its standard input does.

use std::{error::Error, time::Duration};

use futures_util::{SinkExt, StreamExt};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::{RequestContext, RxJsonRpcMessage, TxJsonRpcMessage},
};
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        self, Message,
        handshake::server::{Request, Response},
        http::HeaderValue,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let input_ends = async {
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    };
    let accept = async {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Err(error) = serve(stream).await {
                    eprintln!("a connection has failed: {error}");
                }
            });
        }
    };
    tokio::select! { () = input_ends => {}, () = accept => {} }
    Ok(())
}

async fn serve(stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let socket = accept_hdr_async(stream, choose_subprotocol).await?;
    let (sink, stream) = socket.split();
    let sink = sink.with(|message: TxJsonRpcMessage<RoleServer>| async move {
        let text = serde_json::to_string(&message).expect("its keys are strings");
        Ok::<_, tungstenite::Error>(Message::text(text))
    });
    let stream = stream.filter_map(|message| async move {
        let Ok(Message::Text(text)) = message else { return None };
        let read: Result<RxJsonRpcMessage<RoleServer>, _> = serde_json::from_str(&text);
        read.map_err(|error| eprintln!("not understood: {error}: {text}")).ok()
    });
    Tools.serve((Box::pin(sink), Box::pin(stream))).await?.waiting().await?;
    Ok(())
}

fn choose_subprotocol(
    request: &Request,
    mut response: Response,
) -> Result<Response, tungstenite::handshake::server::ErrorResponse> {
    let offered = request.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
    if offered.is_some_and(|list| list.split(',').any(|one| one.trim() == "mcp")) {
        response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("mcp"));
    }
    Ok(response)
}

struct Tools;

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &'static str| {
            let schema = json!({ "type": "object" }).as_object().cloned().unwrap_or_default();
            Tool::new(name, "for tests", schema)
        };
        Ok(ListToolsResult::with_all_items(["announce", "echo", "sleep", "long"].map(tool).to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let number = |name: &str| arguments[name].as_u64().unwrap_or_default();
        let text = match &*request.name {
            "echo" => arguments.to_string(),
            "long" => "x".repeat(number("length") as usize),
            "sleep" => {
                tokio::time::sleep(Duration::from_millis(number("ms"))).await;
                "slept".to_owned()
            }
            // A message that the server sends by itself.
            "announce" => {
                let announced = context.peer.notify_tool_list_changed().await;
                announced.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
                "announced".to_owned()
            }
            other => return Err(ErrorData::invalid_params(format!("no tool {other:?}"), None)),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}
