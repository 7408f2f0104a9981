//! `/v1/replays`: what would have been, streamed.
//!
//! The answer is NDJSON: lines that tell how far it is, then one with what came of it, or with why it broke off. Bounds: one
//! replay at a time; it ends when its client goes away or the server stops. It reads what is durable, on a thread of its own
//! (a search for rules on up to two), holds no lock, and takes the memory of the journal's state once more (a search up to
//! twice): on a small machine whoever wants checkouts undisturbed replays a restored backup elsewhere.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use tokio::sync::mpsc;

use super::front::Front;
use super::reply::Replied;
use super::request::Ask;
use crate::api::problem::Problem;
use crate::api::replay::{ReplayLine, ReplayProgress, ReplayRequest};
use crate::replay::{self, Live, Progress};

/// Records after which the client is told how far it is.
const TOLD_EVERY: u64 = 4_096;
/// Lines that wait for the client.
const LINES_AHEAD: usize = 16;

/// The orders of the journal, decided again as supposed: under other rules, carriers, stock, outages or demand; and rules
/// that reach a target. Nothing changes. Names that are not there now are refused before it begins, all of them at once.
#[utoipa::path(
    post, path = "/v1/replays", tag = "rule sets", request_body = ReplayRequest,
    responses((status = 200, content_type = "application/x-ndjson", body = ReplayLine)),
)]
pub async fn replay(State(front): State<Front>, Ask(asked): Ask<ReplayRequest>) -> Replied {
    let suppose = replay::supposed(&asked);
    let faults = front.engine().catalogue(|catalogue| suppose.faults(catalogue));
    if !faults.is_empty() {
        return Err(Problem::of_faults(&faults));
    }
    let turn = front.replays().try_acquire_owned();
    let turn = turn.map_err(|_| Problem::new("busy", "a replay is under way"))?;
    let (send, mut lines) = mpsc::channel::<Bytes>(LINES_AHEAD);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let target = asked.target.as_ref().map(replay::target_of);
        // A client that is slow misses some of the progress; one that is gone ends it.
        let mut next = Progress::default();
        let mut tell = |progress: Progress| {
            if progress.records >= next.records || progress.tried > next.tried {
                next = Progress { records: progress.records + TOLD_EVERY, ..progress };
                let _ = send.try_send(written(&ReplayLine::Progress(told(progress))));
            }
            !send.is_closed() && !front.is_stopping()
        };
        let mut source = Live::of(front.journal());
        let replayed = replay::replay(&mut source, &suppose, target.as_ref(), &mut tell);
        let last = match &replayed {
            Ok(replayed) => ReplayLine::Result(Box::new(replay::shown(replayed))),
            Err(stop) => ReplayLine::Problem(replay::problem(stop)),
        };
        // The client may be gone; then nobody wants it.
        let _ = send.blocking_send(written(&last));
    });
    let stream = futures_util::stream::poll_fn(move |context| lines.poll_recv(context).map(|line| line.map(sound)));
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn sound(line: Bytes) -> Result<Bytes, std::convert::Infallible> {
    Ok(line)
}

fn told(progress: Progress) -> ReplayProgress {
    ReplayProgress { records: progress.records, of: progress.of, tried: progress.tried }
}

fn written(line: &ReplayLine) -> Bytes {
    let mut bytes = serde_json::to_vec(line).expect("what is shown can be written");
    bytes.push(b'\n');
    bytes.into()
}
