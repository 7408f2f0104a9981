//! `/v1/backup`: a backup of the data directory, streamed while everything goes on.
//!
//! Bounds: one at a time; a client that does not read for [`SILENCE_MAX`] loses it. What the file holds is described in
//! `journal::backup`; a stream that breaks off lacks its last bytes, which a restore refuses.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::front::Front;
use super::reply::Replied;
use super::request::Params;
use crate::api::backup::BackupParams;
use crate::api::problem::Problem;

/// Bytes sent at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// Pieces read ahead of the client.
const PIECES_AHEAD: usize = 4;
/// Longest time the client may take nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A backup of what is durable now. It holds everything, personal data too.
#[utoipa::path(
    get, path = "/v1/backup", tag = "operation", params(BackupParams),
    responses((status = 200, content_type = "application/octet-stream", description = "for `ordain restore`")),
)]
pub async fn backup(State(front): State<Front>, Params(asked): Params<BackupParams>) -> Replied {
    let turn = front.backups().try_acquire_owned();
    let turn = turn.map_err(|_| Problem::new("busy", "a backup is being taken"))?;
    let with_history = asked.history.unwrap_or(true);
    let (send, mut pieces) = mpsc::channel::<io::Result<Bytes>>(PIECES_AHEAD);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mut output = Pieces { send: send.clone(), piece: Vec::with_capacity(PIECE_BYTES), runtime };
        match front.journal().backup(with_history, &mut output) {
            Ok(end) => tracing::info!(seq = end.link.seq, bytes = end.bytes, "a backup was taken"),
            Err(error) => {
                tracing::warn!(%error, "a backup broke off");
                // The client may be gone, which is why it broke off.
                let _ = send.try_send(Err(io::Error::other(error.to_string())));
            }
        }
    });
    let stream = futures_util::stream::poll_fn(move |context| pieces.poll_recv(context));
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

struct Pieces {
    send: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
    runtime: Handle,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        match self.runtime.block_on(timeout(SILENCE_MAX, self.send.send(Ok(piece)))) {
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client went away")),
            Ok(Ok(())) => Ok(()),
        }
    }
}
