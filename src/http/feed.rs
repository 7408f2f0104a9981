//! `/v1/events`: the live feed.
//!
//! Server-sent events, one per durable record, in order, without gaps: `id` is the record's sequence, `data` its JSON. A
//! client that comes back with `Last-Event-ID` (a browser does so by itself) or `?after=` misses nothing that is still
//! kept; older than that is 410 `events_gone`.
//!
//! Bounds: [`FEEDS_MAX`] feeds at once. Each reads the journal by a cursor of its own, so a slow client slows nobody.
//! A feed ends when the server stops.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use super::front::Front;
use super::reply::Replied;
use super::request::Params;
use crate::api::event::{self, FeedParams};
use crate::api::problem::Problem;
use crate::journal::Tail;

/// Most feeds at once.
pub const FEEDS_MAX: u64 = 1_000;
/// A comment is sent after so long a silence, so that nobody between thinks the connection dead.
const SILENCE_MAX: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Every record as it becomes durable.
#[utoipa::path(
    get, path = "/v1/events", tag = "events",
    params(FeedParams, ("Last-Event-ID" = Option<u64>, Header, description = "Sequence of the last record seen")),
    responses((status = 200, content_type = "text/event-stream", description = "one event per record")),
)]
pub async fn events(State(front): State<Front>, headers: HeaderMap, Params(asked): Params<FeedParams>) -> Replied {
    if front.meters().followers() >= FEEDS_MAX {
        return Err(Problem::new("busy", format!("{FEEDS_MAX} live feeds are open; nobody else can follow now")));
    }
    if front.is_stopping() {
        return Err(Problem::new("stopping", "the server stops"));
    }
    let seen = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    let after = seen.or(asked.after.map(|seq| seq.0)).unwrap_or_else(|| front.journal().durable_seq());
    let oldest = front.journal().oldest_seq();
    if after.saturating_add(1) < oldest {
        let detail =
            format!("records before {oldest} are no longer kept: read the present state and follow from there");
        return Err(Problem::new("events_gone", detail).with("oldest", oldest));
    }
    Ok(follow(front, after))
}

/// One client that follows.
struct Follower {
    front: Front,
    tail: Tail,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.front.meters().unfollow();
    }
}

fn follow(front: Front, after: u64) -> Response {
    front.meters().follow();
    let (tail, stopped) = (front.journal().tail(after), Box::pin(front.stopped()));
    let records = stream::unfold(Follower { front, tail }, Follower::next).take_until(stopped);
    Sse::new(records).keep_alive(KeepAlive::new().interval(SILENCE_MAX)).into_response()
}

impl Follower {
    /// The next record; the feed ends where the tail does.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let record = self.tail.next().await.ok()?;
        let json = self.front.engine().catalogue(|catalogue| event::record(&record, catalogue));
        let event = Event::default().id(record.header.seq.to_string()).data(json.to_string());
        Some((Ok(event), self))
    }
}
