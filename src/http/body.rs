//! Bodies: read whole within their bounds of size and time, or refused.
//!
//! A body that is too large is refused by its announced length, before a byte of it is read. What is on its way all the
//! same is drained up to [`DRAINED_BYTES_MAX`] or [`DRAINED_FOR`], so that a client that only listens after sending hears
//! the answer.

use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::api::problem::Problem;
use crate::domain::limits::BODY_BYTES_MAX;

/// Longest time a body may take to arrive.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Most bytes that are read of a body that was refused.
pub const DRAINED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest time that a body that was refused is read for.
pub const DRAINED_FOR: Duration = Duration::from_secs(2);

/// Reads a body whole.
pub async fn read(headers: &HeaderMap, mut body: Body) -> Result<Bytes, Problem> {
    if announced(headers).is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
        // Whoever asks first does not send what is refused.
        if !headers.contains_key(EXPECT) {
            drain(&mut body).await;
        }
        return Err(too_large());
    }
    let whole = {
        let mut collecting = pin!(collect(&mut body));
        // As a rule it came with its headers: then nobody has to watch the time.
        match collecting.as_mut().now_or_never() {
            Some(whole) => Ok(whole),
            None => timeout(DEADLINE, collecting).await,
        }
    };
    match whole {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            drain(&mut body).await;
            Err(too_large())
        }
        Ok(Err(_)) => Err(Problem::new("body_unreadable", "the body ended before its announced end")),
        Err(_) => {
            let detail = format!("a body has to arrive within {} seconds", DEADLINE.as_secs());
            Err(Problem::new("body_timeout", detail))
        }
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> Problem {
    let detail = format!("a body has at most {BODY_BYTES_MAX} bytes; imports are streamed");
    Problem::new("body_too_large", detail).with("max", BODY_BYTES_MAX)
}

/// The whole body, without a copy when it came in one piece; `None` when it is too large.
async fn collect(body: &mut Body) -> Result<Option<Bytes>, axum::Error> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        if whole.len() + piece.len() > BODY_BYTES_MAX {
            return Ok(None);
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(Some(piece));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Some(whole.into()))
}

/// Reads on without looking, within bounds.
pub async fn drain(body: &mut Body) {
    let mut bytes = 0;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DRAINED_BYTES_MAX {
                return;
            }
        }
    };
    // Time is up or the body has ended: either way it is not read on.
    let _ = timeout(DRAINED_FOR, all).await;
}
