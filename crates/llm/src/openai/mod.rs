//! OpenAI-compatible chat completions behind the `Model` seam.
//! Invariant: encode, transport and decode stay apart; only this file joins them.
//! It must not know which provider it speaks to: what differs comes in as data.

mod asking;
mod calls;
mod decode;
mod encode;
mod names;
mod repair;
mod shown;

use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::{Answer, Model, ModelError, ModelRequest, ModelSink, Pictures};

use crate::config::Timeouts;
use crate::endpoint::Endpoint;
use crate::fault::{broken_off, final_error, transient};
use crate::presets::{Quirks, Streaming};
use crate::sse::SseDecoder;
use crate::transport::{Incoming, Outgoing, Transport};

pub(crate) use asking::Learned;
pub use decode::{MAX_ANSWER_BYTES, StreamDecoder, StreamFault};
pub use encode::{Encoded, encode};
pub use names::ToolNames;
pub use shown::Shown;

/// How many times as long as for a first byte an answer that is not streamed is waited for.
const WHOLE_ANSWER_PATIENCE: u32 = 5;

/// One model of one provider.
pub(crate) struct ChatModel {
    /// `provider/model`.
    pub(crate) id: String,
    /// The model as the provider calls it.
    pub(crate) model: String,
    /// Where the provider is.
    pub(crate) endpoint: Endpoint,
    /// Where it differs from others.
    pub(crate) quirks: Quirks,
    /// How long it may be silent.
    pub(crate) timeouts: Timeouts,
    /// Tokens of request that it takes.
    pub(crate) context_tokens: u64,
    /// What sends.
    pub(crate) transport: Arc<Transport>,
    /// What servers were found to refuse.
    pub(crate) learned: Arc<Learned>,
    /// Where its pictures come from; none if it is sent none.
    pub(crate) pictures: Option<Arc<dyn Pictures>>,
}

#[async_trait]
impl Model for ChatModel {
    fn id(&self) -> &str {
        &self.id
    }

    fn context_tokens(&self) -> u64 {
        self.context_tokens
    }

    async fn answer(
        &self,
        request: &ModelRequest,
        live: &dyn ModelSink,
    ) -> Result<Answer, ModelError> {
        let mut asked = self.learned.streaming(&self.id, self.quirks.streaming);
        let mut shown = self.pictures_of(request).await;
        let mut withheld = Shown::default();
        loop {
            let error = match self.ask(request, &shown, asked, live).await {
                Ok(answer) => {
                    self.learned.withhold(&self.id, &withheld);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if let Some(less) = asking::less(asked, &error) {
                asked = less;
                self.learned.learn(&self.id, asked);
            } else if !shown.is_empty() && asking::may_be_the_pictures(&error) {
                withheld = std::mem::take(&mut shown);
            } else {
                return Err(error);
            }
        }
    }
}

impl ChatModel {
    /// The pictures that the model is shown, those left out that it has refused.
    async fn pictures_of(&self, request: &ModelRequest) -> Shown {
        match &self.pictures {
            Some(pictures) => {
                let passes = |image: &_| !self.learned.withholds(&self.id, image);
                Shown::load(request, pictures.as_ref(), passes).await
            }
            None => Shown::default(),
        }
    }

    async fn ask(
        &self,
        request: &ModelRequest,
        shown: &Shown,
        streaming: Streaming,
        live: &dyn ModelSink,
    ) -> Result<Answer, ModelError> {
        let encoded = encode(&self.model, request, shown, streaming)
            .map_err(|error| final_error(format!("the request cannot be written: {error}")))?;
        let outgoing = Outgoing {
            endpoint: &self.endpoint,
            model: &self.model,
            body: encoded.body.into(),
            timeouts: self.timeouts(streaming),
        };
        let incoming = self.transport.send(&outgoing, live).await?;
        let mut decoder = StreamDecoder::new(&encoded.names);
        match incoming.media_type().as_str() {
            "application/json" => self.read_whole(incoming, &mut decoder, live).await?,
            "text/html" => return Err(self.no_api()),
            _ => self.read_stream(incoming, &mut decoder, live).await?,
        }
        let end = self.quirks.end;
        decoder.finish(end).map_err(|fault| self.explain(fault))
    }

    /// The first byte of an answer that is not streamed comes when the answer is whole.
    fn timeouts(&self, streaming: Streaming) -> Timeouts {
        let mut timeouts = self.timeouts;
        if streaming == Streaming::Off {
            timeouts.first_byte = timeouts.first_byte.saturating_mul(WHOLE_ANSWER_PATIENCE);
        }
        timeouts
    }

    async fn read_stream(
        &self,
        mut incoming: Incoming,
        decoder: &mut StreamDecoder<'_>,
        live: &dyn ModelSink,
    ) -> Result<(), ModelError> {
        let too_long = |_| self.explain(StreamFault::TooLong);
        let mut events = SseDecoder::new(MAX_ANSWER_BYTES);
        while let Some(piece) = incoming.next().await? {
            for event in events.push(&piece).map_err(too_long)? {
                self.read_event(&event.data, decoder, live)?;
            }
            if decoder.is_done() {
                incoming.settle().await;
                return Ok(());
            }
        }
        // An event that was cut is no whole JSON, so it cannot pass for one.
        match events.finish().map_err(too_long)? {
            Some(event) => self.read_event(&event.data, decoder, live),
            None => Ok(()),
        }
    }

    /// Reads the answer of a server that does not stream.
    async fn read_whole(
        &self,
        mut incoming: Incoming,
        decoder: &mut StreamDecoder<'_>,
        live: &dyn ModelSink,
    ) -> Result<(), ModelError> {
        let mut body = Vec::new();
        while let Some(piece) = incoming.next().await? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(self.explain(StreamFault::TooLong));
            }
            body.extend_from_slice(&piece);
        }
        self.read_event(&String::from_utf8_lossy(&body), decoder, live)?;
        self.read_event("[DONE]", decoder, live)
    }

    fn read_event(
        &self,
        data: &str,
        decoder: &mut StreamDecoder<'_>,
        live: &dyn ModelSink,
    ) -> Result<(), ModelError> {
        let added = decoder.push(data).map_err(|fault| self.explain(fault))?;
        if !added.is_empty() {
            live.delta(&added);
        }
        Ok(())
    }

    fn explain(&self, fault: StreamFault) -> ModelError {
        let provider = self.endpoint.provider();
        match fault {
            StreamFault::Reported(complaint) => broken_off(&self.endpoint, &self.model, &complaint),
            StreamFault::TooLong => final_error(format!(
                "{provider} wrote more than {MAX_ANSWER_BYTES} bytes in one answer; ask for less at a time"
            )),
            fault @ (StreamFault::Malformed(_) | StreamFault::Cut) => {
                transient(format!("{provider}: {fault}"))
            }
        }
    }

    fn no_api(&self) -> ModelError {
        let provider = self.endpoint.provider();
        final_error(format!(
            "{} answered with a web page, not with a model's answer; check `providers.{provider}.base_url`",
            self.endpoint.host()
        ))
    }
}
