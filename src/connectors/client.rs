//! A client of Ordain's own HTTP names: what the importing command, the demo, the replays and the bench speak through.
//!
//! Promises: a request that the server was too busy for (503, which says that nothing was done) is sent again after the
//! time the server asks for, at most [`TRIES`] times; every other answer is handed to the caller as it came. Connections
//! are kept and shared by clones.
//!
//! Bounds: an answer's body is read whole into memory. What is *not* here: types of requests and answers, which are JSON
//! as the API document describes it, and TLS: it is meant for the same machine or a trusted network.

use std::time::Duration;

use futures_util::Stream;
use futures_util::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

/// How often a request is sent before a 503 is handed to the caller.
pub const TRIES: u32 = 20;

/// The header by which a request carries the time of a server that runs on the clock of its requests.
pub const TIME_HEADER: &str = "ordain-time";

/// How long an unused connection is kept: less than the server keeps it, so that none is used while it closes it.
const IDLE_FOR: Duration = Duration::from_secs(4);

/// Longest wait that a server's `Retry-After` can cause.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The address does not name a server.
    #[error("{url} is not an address like http://127.0.0.1:7700")]
    Address {
        /// What was given.
        url: String,
    },
    /// The server cannot be reached, or went away.
    #[error("{method} {path}: {cause}")]
    Unreachable {
        /// What was asked.
        method: Method,
        /// Of what.
        path: String,
        /// Why not.
        cause: String,
    },
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON body; `Null` when it has none.
    pub body: Value,
}

impl Answer {
    /// Whether it is a success.
    pub fn is_fine(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The stable code of a problem; `status_NNN` when the problem names none.
    pub fn code(&self) -> String {
        self.body["code"].as_str().map_or_else(|| format!("status_{}", self.status), str::to_owned)
    }

    /// What a problem says, in words.
    pub fn detail(&self) -> String {
        match self.body["detail"].as_str() {
            Some(detail) => detail.to_owned(),
            None => self.body.to_string(),
        }
    }
}

/// Speaks to one server.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<HttpConnector, Body>,
    url: String,
}

/// One part of a path, with everything percent-encoded that is not plain.
pub fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl Client {
    /// A client of the server at `url`. Connects with the first request.
    pub fn new(url: &str) -> Result<Self, Unanswered> {
        let address = || Unanswered::Address { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| address())?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(address());
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .build(connector);
        Ok(Self { pool, url: url.trim_end_matches('/').to_owned() })
    }

    /// Where it speaks to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Result<Answer, Unanswered> {
        self.send(Method::GET, path, None, None).await
    }

    /// Puts a whole.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer, Unanswered> {
        self.send(Method::PUT, path, Some(body), None).await
    }

    /// Changes a part.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer, Unanswered> {
        self.send(Method::PATCH, path, Some(body), None).await
    }

    /// Asks for something to be done.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, Unanswered> {
        self.send(Method::POST, path, Some(body), None).await
    }

    /// Lets something go.
    pub async fn delete(&self, path: &str) -> Result<Answer, Unanswered> {
        self.send(Method::DELETE, path, None, None).await
    }

    /// Asks for something to be done at a time, of a server that runs on the clock of its requests.
    pub async fn post_at(&self, time: &str, path: &str, body: &Value) -> Result<Answer, Unanswered> {
        self.send(Method::POST, path, Some(body), Some(time)).await
    }

    /// Streams a body of lines or a table and waits for the answer. Sent once: a stream cannot be sent again.
    pub async fn stream(
        &self,
        path: &str,
        content_type: &str,
        chunks: impl Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
    ) -> Result<Answer, Unanswered> {
        let frames = chunks.map(|chunk| chunk.map(|bytes| Frame::data(Bytes::from(bytes))));
        let request = Request::post(format!("{}{path}", self.url)).header(CONTENT_TYPE, content_type);
        let request = request.body(StreamBody::new(frames).boxed_unsync());
        let (answer, _) = self.once(Method::POST, path, request).await?;
        Ok(answer)
    }

    /// Reads a large body piece by piece; pieces of a refusal are its answer instead.
    pub async fn download(
        &self,
        path: &str,
        mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<Answer, Unanswered> {
        let unreachable = |cause: String| Unanswered::Unreachable { method: Method::GET, path: path.into(), cause };
        let nothing = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(format!("{}{path}", self.url)).body(nothing);
        let request = request.map_err(|cause| unreachable(cause.to_string()))?;
        let response = self.pool.request(request).await.map_err(|cause| unreachable(causes(&cause)))?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        if !(200..300).contains(&status) {
            let bytes = body.collect().await.map_err(|cause| unreachable(causes(&cause)))?.to_bytes();
            return Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) });
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|cause| unreachable(causes(&cause)))?;
            if let Some(piece) = frame.data_ref() {
                each(piece).map_err(|cause| unreachable(cause.to_string()))?;
            }
        }
        Ok(Answer { status, body: Value::Null })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        time: Option<&str>,
    ) -> Result<Answer, Unanswered> {
        let bytes = body.map(|body| Bytes::from(body.to_string()));
        let mut tries = 1;
        loop {
            let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.url));
            if bytes.is_some() {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            if let Some(time) = time {
                request = request.header(TIME_HEADER, time);
            }
            let whole = Full::new(bytes.clone().unwrap_or_default()).map_err(|never| match never {});
            let (answer, retry_after) = self.once(method.clone(), path, request.body(whole.boxed_unsync())).await?;
            match retry_after {
                Some(pause) if answer.status == 503 && tries < TRIES => tokio::time::sleep(pause).await,
                _ => return Ok(answer),
            }
            tries += 1;
        }
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        request: Result<Request<Body>, hyper::http::Error>,
    ) -> Result<(Answer, Option<Duration>), Unanswered> {
        let unreachable = |cause: String| Unanswered::Unreachable { method: method.clone(), path: path.into(), cause };
        let request = request.map_err(|cause| unreachable(cause.to_string()))?;
        let response = self.pool.request(request).await.map_err(|cause| unreachable(causes(&cause)))?;
        let status = response.status().as_u16();
        let seconds = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        let bytes = response.into_body().collect().await.map_err(|cause| unreachable(causes(&cause)))?.to_bytes();
        let body = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(_) if bytes.is_empty() => Value::Null,
            Err(_) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
        };
        // "At once" still leaves others a moment.
        let pause = |seconds| Duration::from_secs(seconds).clamp(Duration::from_millis(10), RETRY_AFTER_MAX);
        Ok((Answer { status, body }, seconds.map(pause)))
    }
}

/// An error with all that caused it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_holds_any_sku() {
        assert_eq!(segment("85123A"), "85123A");
        assert_eq!(segment("a b/c%ü"), "a%20b%2Fc%25%C3%BC");
    }

    #[test]
    fn an_address_must_name_a_server() {
        assert!(Client::new("http://127.0.0.1:7700/").is_ok_and(|client| client.url() == "http://127.0.0.1:7700"));
        for url in ["127.0.0.1:7700", "https://example.org", "/v1", ""] {
            assert!(matches!(Client::new(url), Err(Unanswered::Address { .. })), "{url}");
        }
    }
}
