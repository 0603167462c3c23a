//! Our request as the body of an OpenAI-compatible chat completion.
//! Invariant: pure; any transcript gives a body that the strictest provider accepts, and the same request
//! the same bytes (prompt caches depend on it).
//! It must not know where the body is sent.

use std::collections::BTreeSet;

use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionMessageToolCalls,
    ChatCompletionRequestAssistantMessage, ChatCompletionRequestAssistantMessageContent,
    ChatCompletionRequestMessage, ChatCompletionRequestMessageContentPartImage,
    ChatCompletionRequestSystemMessage, ChatCompletionRequestToolMessage,
    ChatCompletionRequestUserMessage, ChatCompletionRequestUserMessageContent,
    ChatCompletionRequestUserMessageContentPart, ChatCompletionStreamOptions, ChatCompletionTool,
    ChatCompletionToolChoiceOption, ChatCompletionTools, CreateChatCompletionRequest, FunctionCall,
    FunctionObject, ImageUrl, ToolChoiceOptions,
};
use corvid_core::{Image, Message, ModelRequest, ToolSpec};
use serde_json::{Value, json};

use super::names::ToolNames;
use super::repair::{Sound, SoundCall, repair};
use super::shown::Shown;
use crate::presets::Streaming;

/// A body and the names by which its tools are called.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The JSON.
    pub body: Vec<u8>,
    /// The tools' names, for reading the answer.
    pub names: ToolNames,
}

/// Writes a request for `model`, with those of its pictures that are shown.
///
/// # Errors
/// Only if a tool's schema cannot be written as JSON.
pub fn encode(
    model: &str,
    request: &ModelRequest,
    shown: &Shown,
    streaming: Streaming,
) -> Result<Encoded, serde_json::Error> {
    let names = tool_names(request);
    let mut tools: Vec<_> = request
        .tools
        .iter()
        .map(|spec| tool(spec, &names))
        .collect();
    let mut tool_choice = None;
    if tools.is_empty() {
        // A transcript with calls is refused where no tool is offered at all.
        tools = past_names(request)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|name| past_tool(name, &names))
            .collect();
        tool_choice = Some(ChatCompletionToolChoiceOption::Mode(
            ToolChoiceOptions::None,
        ));
    }
    let offers = !tools.is_empty();
    let body = CreateChatCompletionRequest {
        model: model.to_owned(),
        messages: messages(request, shown, &names),
        stream: (streaming != Streaming::Off).then_some(true),
        stream_options: stream_options(streaming),
        tools: offers.then_some(tools),
        tool_choice: tool_choice.filter(|_| offers),
        ..CreateChatCompletionRequest::default()
    };
    let body = serde_json::to_vec(&body)?;
    Ok(Encoded { body, names })
}

fn stream_options(streaming: Streaming) -> Option<ChatCompletionStreamOptions> {
    match streaming {
        Streaming::Plain | Streaming::Off => None,
        Streaming::WithUsage => Some(ChatCompletionStreamOptions {
            include_usage: Some(true),
            include_obfuscation: None,
        }),
    }
}

/// The offered tools first, so that a past call of a tool that is gone never renames one that is there.
fn tool_names(request: &ModelRequest) -> ToolNames {
    let offered = request.tools.iter().map(|spec| spec.name.as_str());
    ToolNames::new(offered.chain(past_names(request)))
}

/// The tools that the transcript's calls name, as often as they do.
fn past_names(request: &ModelRequest) -> impl Iterator<Item = &str> {
    let calls = request
        .messages
        .iter()
        .flat_map(|message| match &**message {
            Message::Assistant { calls, .. } => calls.as_slice(),
            Message::User { .. } | Message::Tool { .. } => &[],
        });
    calls.map(|call| call.name.as_str())
}

fn tool(spec: &ToolSpec, names: &ToolNames) -> ChatCompletionTools {
    offer(
        names.given(&spec.name),
        &spec.description,
        spec.parameters.clone(),
    )
}

/// A tool that is offered no more but was called.
fn past_tool(name: &str, names: &ToolNames) -> ChatCompletionTools {
    let parameters = json!({ "type": "object", "properties": {} });
    offer(names.given(name), "No longer offered.", parameters)
}

fn offer(name: &str, description: &str, parameters: Value) -> ChatCompletionTools {
    ChatCompletionTools::Function(ChatCompletionTool {
        function: FunctionObject {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            parameters: Some(parameters),
            strict: None,
        },
    })
}

fn messages(
    request: &ModelRequest,
    shown: &Shown,
    names: &ToolNames,
) -> Vec<ChatCompletionRequestMessage> {
    let mut written = Vec::with_capacity(request.messages.len() + 1);
    if !request.system.is_empty() {
        let system = ChatCompletionRequestSystemMessage {
            content: request.system.clone().into(),
            name: None,
        };
        written.push(ChatCompletionRequestMessage::System(system));
    }
    for message in repair(&request.messages) {
        match message {
            Sound::User(text, images) => written.push(user(text, images, shown)),
            Sound::Assistant { text, calls } => {
                written.push(assistant(&text, &calls, names));
                written.extend(calls.into_iter().map(result));
            }
        }
    }
    written
}

/// Text alone stays text: servers that know no parts are asked for none without need.
fn user(text: &str, images: &[Image], shown: &Shown) -> ChatCompletionRequestMessage {
    let pictures = images.iter().filter_map(|image| shown.url(image));
    let pictures: Vec<_> = pictures.map(picture).collect();
    let content = if pictures.is_empty() {
        text.into()
    } else {
        let said = ChatCompletionRequestUserMessageContentPart::Text(text.into());
        let parts = [said].into_iter().chain(pictures).collect();
        ChatCompletionRequestUserMessageContent::Array(parts)
    };
    ChatCompletionRequestMessage::User(ChatCompletionRequestUserMessage {
        content,
        name: None,
    })
}

fn picture(url: &str) -> ChatCompletionRequestUserMessageContentPart {
    let image_url = ImageUrl {
        url: url.to_owned(),
        detail: None,
    };
    ChatCompletionRequestUserMessageContentPart::ImageUrl(
        ChatCompletionRequestMessageContentPartImage {
            image_url,
            ..ChatCompletionRequestMessageContentPartImage::default()
        },
    )
}

fn assistant(
    text: &str,
    calls: &[SoundCall<'_>],
    names: &ToolNames,
) -> ChatCompletionRequestMessage {
    let calls: Vec<_> = calls
        .iter()
        .map(|call| function_call(call, names))
        .collect();
    ChatCompletionRequestMessage::Assistant(ChatCompletionRequestAssistantMessage {
        content: (!text.is_empty())
            .then(|| ChatCompletionRequestAssistantMessageContent::Text(text.to_owned())),
        tool_calls: (!calls.is_empty()).then_some(calls),
        ..ChatCompletionRequestAssistantMessage::default()
    })
}

fn function_call(call: &SoundCall<'_>, names: &ToolNames) -> ChatCompletionMessageToolCalls {
    ChatCompletionMessageToolCalls::Function(ChatCompletionMessageToolCall {
        id: call.id.clone().into_owned(),
        function: FunctionCall {
            name: names.given(call.name).to_owned(),
            arguments: call.arguments.clone().into_owned(),
        },
    })
}

fn result(call: SoundCall<'_>) -> ChatCompletionRequestMessage {
    ChatCompletionRequestMessage::Tool(ChatCompletionRequestToolMessage {
        content: call.result.into(),
        tool_call_id: call.id.into_owned(),
    })
}
