//! async-openai, whose types are strict: what does not fit them is an error. Does what it is told, and prints one line of JSON for
//! each thing that it saw.

use async_openai::{
    Client,
    config::OpenAIConfig,
    error::OpenAIError,
    middleware::ReqwestService,
    types::{
        chat::{
            ChatCompletionMessageToolCalls, CompletionUsage, CreateChatCompletionRequest,
            CreateChatCompletionResponse, FinishReason,
        },
        embeddings::CreateEmbeddingRequest,
    },
};
use futures::StreamExt;
use serde_json::{Value, json};
use std::{collections::BTreeMap, env, future::Future};

const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

type Seen = Result<Value, OpenAIError>;

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn config(key: &str) -> OpenAIConfig {
    OpenAIConfig::new()
        .with_api_base(format!("{}/v1", variable("GATEWAY_ORIGIN")))
        .with_api_key(key)
}

/// As it comes it retries; most checks want the first answer.
fn without_retries(config: OpenAIConfig) -> Client<OpenAIConfig> {
    Client::with_config(config).with_http_service(ReqwestService::new(reqwest::Client::new()))
}

fn connect() -> Client<OpenAIConfig> {
    without_retries(config(&variable("GATEWAY_KEY")))
}

fn ask() -> Value {
    json!([{ "role": "user", "content": "What is the weather?" }])
}

fn request(mut fields: Value) -> CreateChatCompletionRequest {
    if fields.get("messages").is_none() {
        fields["messages"] = ask();
    }
    serde_json::from_value(fields).expect("a request")
}

async fn whole(fields: Value) -> Result<CreateChatCompletionResponse, OpenAIError> {
    connect().chat().create(request(fields)).await
}

fn word(reason: Option<FinishReason>) -> Value {
    serde_json::to_value(reason).expect("a word")
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn answer(completion: &CreateChatCompletionResponse) -> Value {
    let choice = &completion.choices[0];
    json!({ "text": choice.message.content, "finish": word(choice.finish_reason) })
}

fn counts(usage: Option<CompletionUsage>) -> Value {
    let usage = usage.expect("usage");
    let cached = usage
        .prompt_tokens_details
        .and_then(|details| details.cached_tokens);
    json!({ "input": usage.prompt_tokens, "output": usage.completion_tokens, "cached": cached })
}

/// A stream's pieces, put together.
#[derive(Default)]
struct Joined {
    text: String,
    pieces: u32,
    finish: Option<FinishReason>,
    calls: BTreeMap<u32, (String, String, String)>,
    usage: Option<CompletionUsage>,
}

impl Joined {
    fn calls(&self) -> Vec<Value> {
        let calls = self.calls.values();
        calls
            .map(|(_, name, text)| json!({ "name": name, "arguments": parsed(text) }))
            .collect()
    }
}

/// What came, and what ended it early.
async fn joined(mut fields: Value) -> Result<(Joined, Option<OpenAIError>), OpenAIError> {
    fields["stream"] = Value::from(true);
    let mut stream = connect().chat().create_stream(request(fields)).await?;
    let mut all = Joined::default();
    while let Some(piece) = stream.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => return Ok((all, Some(error))),
        };
        all.usage = piece.usage.or(all.usage);
        for choice in piece.choices {
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                all.text += &text;
                all.pieces += 1;
            }
            all.finish = choice.finish_reason.or(all.finish);
            for call in choice.delta.tool_calls.unwrap_or_default() {
                let known = all.calls.entry(call.index).or_default();
                known.0 += &call.id.unwrap_or_default();
                let function = call.function.unwrap_or_default();
                known.1 += &function.name.unwrap_or_default();
                known.2 += &function.arguments.unwrap_or_default();
            }
        }
    }
    Ok((all, None))
}

async fn whole_stream(fields: Value) -> Result<Joined, OpenAIError> {
    match joined(fields).await? {
        (all, None) => Ok(all),
        (_, Some(error)) => Err(error),
    }
}

async fn stream() -> Seen {
    let all = whole_stream(json!({ "model": "cloud/greeting" })).await?;
    Ok(json!({ "text": all.text, "finish": word(all.finish), "pieces": all.pieces }))
}

async fn many_scripts() -> Seen {
    let all = whole_stream(json!({ "model": "cloud/polyglot" })).await?;
    Ok(json!({ "text": all.text, "finish": word(all.finish) }))
}

fn tools() -> Value {
    json!([{
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": { "city": { "type": "string" } },
                "required": ["city"],
                "additionalProperties": false
            }
        }
    }])
}

/// Each call with its id, and the message that the conversation goes on with.
async fn first_turn(
    model: &str,
    streamed: bool,
) -> Result<(Vec<(String, Value)>, Value, Value), OpenAIError> {
    let fields = json!({ "model": model, "tools": tools() });
    if streamed {
        let all = whole_stream(fields).await?;
        let calls = all.calls.values().map(|(id, name, text)| {
            json!({ "id": id, "type": "function", "function": { "name": name, "arguments": text } })
        });
        let message = json!({ "role": "assistant", "tool_calls": calls.collect::<Vec<_>>() });
        let ids = all.calls.values().map(|(id, _, _)| id.clone());
        return Ok((ids.zip(all.calls()).collect(), message, word(all.finish)));
    }
    let choice = whole(fields).await?.choices.remove(0);
    let message = serde_json::to_value(&choice.message).expect("a message");
    let calls = choice
        .message
        .tool_calls
        .unwrap_or_default()
        .into_iter()
        .map(|call| match call {
            ChatCompletionMessageToolCalls::Function(call) => {
                let arguments = parsed(&call.function.arguments);
                (
                    call.id,
                    json!({ "name": call.function.name, "arguments": arguments }),
                )
            }
            ChatCompletionMessageToolCalls::Custom(call) => (call.id, Value::Null),
        });
    Ok((calls.collect(), message, word(choice.finish_reason)))
}

async fn two_turns(model: &str, streamed: bool) -> Seen {
    let (calls, message, finish) = first_turn(model, streamed).await?;
    let mut messages = vec![ask()[0].clone(), message];
    for (id, call) in &calls {
        let weather = if call["arguments"]["city"] == "Oslo" {
            "sunny"
        } else {
            "rain"
        };
        messages.push(json!({ "role": "tool", "tool_call_id": id, "content": weather }));
    }
    let fields = json!({ "model": model, "tools": tools(), "messages": messages });
    let text = if streamed {
        Some(whole_stream(fields).await?.text)
    } else {
        whole(fields).await?.choices.remove(0).message.content
    };
    let calls: Vec<&Value> = calls.iter().map(|(_, call)| call).collect();
    Ok(json!({ "calls": calls, "finish": finish, "answer": text }))
}

async fn structured_output() -> Seen {
    let schema = json!({
        "type": "object",
        "properties": { "city": { "type": "string" }, "degrees": { "type": "number" } },
        "required": ["city", "degrees"],
        "additionalProperties": false
    });
    let format = json!({
        "type": "json_schema",
        "json_schema": { "name": "report", "strict": true, "schema": schema }
    });
    let completion =
        whole(json!({ "model": "cloud/structured", "response_format": format })).await?;
    let text = completion.choices[0]
        .message
        .content
        .as_deref()
        .unwrap_or_default();
    Ok(json!({ "value": parsed(text) }))
}

async fn image_input() -> Seen {
    let url = format!("data:image/png;base64,{PICTURE}");
    let parts = json!([
        { "type": "text", "text": "What is it?" },
        { "type": "image_url", "image_url": { "url": url } }
    ]);
    let messages = json!([{ "role": "user", "content": parts }]);
    let completion = whole(json!({ "model": "cloud/picture", "messages": messages })).await?;
    Ok(json!({ "text": completion.choices[0].message.content }))
}

async fn usage_streamed() -> Seen {
    let options = json!({ "include_usage": true });
    let all = whole_stream(json!({ "model": "cloud/counted", "stream_options": options })).await?;
    Ok(counts(all.usage))
}

async fn embeddings() -> Seen {
    let request: CreateEmbeddingRequest =
        serde_json::from_value(json!({ "model": "cloud/embedder", "input": ["a", "b"] }))
            .expect("a request");
    let answer = connect().embeddings().create(request).await?;
    let vectors: Vec<_> = answer.data.into_iter().map(|one| one.embedding).collect();
    Ok(json!({ "vectors": vectors }))
}

async fn models() -> Seen {
    let list = connect().models().list().await?;
    let mut listed: Vec<String> = list
        .data
        .into_iter()
        .map(|model| model.id)
        .filter(|id| id.starts_with("cloud/"))
        .collect();
    listed.sort();
    Ok(json!({ "listed": listed }))
}

fn refusal(error: OpenAIError) -> Value {
    match error {
        OpenAIError::ApiError(error) => json!({
            "status": error.status_code.as_u16(),
            "ofItsClass": true,
            "message": error.api_error.message
        }),
        error => json!({ "ofItsClass": false, "message": error.to_string() }),
    }
}

async fn refused(fields: Value) -> Seen {
    Ok(whole(fields)
        .await
        .map_or_else(refusal, |_| json!({ "status": 200 })))
}

async fn unauthorised() -> Seen {
    let fields = json!({ "model": "cloud/greeting" });
    let answer = without_retries(config("wrong"))
        .chat()
        .create(request(fields))
        .await;
    Ok(answer.map_or_else(refusal, |_| json!({ "status": 200 })))
}

async fn refused_stream() -> Seen {
    let answer = joined(json!({ "model": "cloud/error-first" })).await;
    Ok(answer.map_or_else(refusal, |_| json!({ "status": 200 })))
}

async fn fails_in_the_middle(model: &str) -> Seen {
    let (all, error) = joined(json!({ "model": model })).await?;
    Ok(json!({ "text": all.text, "failed": error.is_some() }))
}

async fn leave_waiting() -> Seen {
    let asked = tokio::spawn(whole(json!({ "model": "cloud/hang" })));
    let backend = OpenAIConfig::new()
        .with_api_base(variable("BACKEND_URL"))
        .with_api_key("none");
    let messages = json!([{ "role": "user", "content": "hang" }]);
    let fields = json!({ "model": "until-called", "messages": messages });
    without_retries(backend)
        .chat()
        .create(request(fields))
        .await?;
    asked.abort();
    let left = asked.await.is_err_and(|error| error.is_cancelled());
    Ok(json!({ "left": left }))
}

async fn leave_stream() -> Seen {
    let fields = json!({ "model": "cloud/hang-mid-stream", "stream": true });
    let mut stream = connect().chat().create_stream(request(fields)).await?;
    while let Some(piece) = stream.next().await {
        if piece?.choices[0]
            .delta
            .content
            .as_deref()
            .is_some_and(|text| !text.is_empty())
        {
            return Ok(json!({ "left": true }));
        }
    }
    Ok(json!({ "left": false }))
}

async fn retry() -> Seen {
    let client = Client::with_config(config(&variable("GATEWAY_KEY")));
    let completion = client
        .chat()
        .create(request(json!({ "model": "cloud/limited-once" })))
        .await?;
    Ok(json!({ "text": completion.choices[0].message.content }))
}

async fn check(name: &str, work: impl Future<Output = Seen>) {
    println!(
        "{}",
        match work.await {
            Ok(saw) => json!({ "check": name, "saw": saw }),
            Err(error) => json!({ "check": name, "failed": error.to_string() }),
        }
    );
}

fn cannot(name: &str, reason: &str) {
    println!("{}", json!({ "check": name, "cannot": reason }));
}

async fn run_checks() {
    let model = |name: &str| json!({ "model": name });
    check("chat", async {
        Ok(answer(&whole(model("cloud/greeting")).await?))
    })
    .await;
    check("text of many scripts", many_scripts()).await;
    check("stream", stream()).await;
    check("tools over two turns", two_turns("cloud/weather", false)).await;
    check("parallel tools", two_turns("cloud/weather-of-two", false)).await;
    check(
        "parallel tools, streamed",
        two_turns("cloud/weather-of-two", true),
    )
    .await;
    check("structured output", structured_output()).await;
    check("image input", image_input()).await;
    check("usage", async {
        Ok(counts(whole(model("cloud/counted")).await?.usage))
    })
    .await;
    check("usage, streamed", usage_streamed()).await;
    cannot(
        "reasoning",
        "its types have no field for reasoning, and drop what they do not know",
    );
    cannot(
        "reasoning, streamed",
        "its types have no field for reasoning, and drop what they do not know",
    );
    check("embeddings", embeddings()).await;
    check("models", models()).await;
    cannot(
        "counting tokens",
        "OpenAI's chat protocol has no endpoint that counts tokens",
    );
    cannot(
        "request id",
        "it gives neither the headers of answers nor those of failures",
    );
    check("error 400", refused(model("cloud/error-400"))).await;
    check("error 401", unauthorised()).await;
    check("error 404", refused(model("nowhere/model"))).await;
    check("error 429", refused(model("cloud/error-429"))).await;
    check("error 500", refused(model("cloud/error-500"))).await;
    check("error 503", refused(model("cloud/error-503"))).await;
    check("error before a stream", refused_stream()).await;
    check(
        "error in the middle of a stream",
        fails_in_the_middle("cloud/error-mid-stream"),
    )
    .await;
    check(
        "connection cut in the middle of a stream",
        fails_in_the_middle("cloud/cut"),
    )
    .await;
    check("leaving while it waits", leave_waiting()).await;
    check("leaving in the middle of a stream", leave_stream()).await;
    cannot("no retry when told", "it does not read x-should-retry");
    check("retry after a rate limit", retry()).await;
}

/// Every error is one of its own type; nothing else can come of its functions, but for a panic, which ends the program.
async fn run_mutations() {
    let models: Vec<String> = serde_json::from_reader(std::io::stdin()).expect("a list of models");
    for model in models {
        let mut line = json!({ "reader": "async-openai for Rust", "model": model });
        match whole_stream(json!({ "model": model })).await {
            Ok(all) => {
                line["saw"] = json!({ "content": all.text, "calls": all.calls(), "finish": word(all.finish) });
            }
            Err(error) => line["error"] = Value::from(error.to_string()),
        }
        println!("{line}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match env::args().nth(1).as_deref() {
        Some("checks") => run_checks().await,
        Some("mutations") => run_mutations().await,
        _ => panic!("say checks or mutations"),
    }
}
