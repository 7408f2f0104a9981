//! Replies. A write and an entity are told only once they are durable: [`made`] and [`found`] take nothing else. Levels
//! and what can be promised may be ahead of the disk by what is in flight: [`ahead`].

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::front::Front;
use crate::api::answer;
use crate::api::problem::Problem;
use crate::domain::record::Log;
use crate::domain::reply::{Outcome, Reply};
use crate::journal::{Durable, OutcomeUnknown};
use crate::pipeline::Refused;

/// What a handler gives.
pub type Replied = Result<Response, Problem>;

/// Header of an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The answer to a write. A node, an item or a channel decides itself whether it was created.
pub fn made(front: &Front, status: StatusCode, durable: Durable<Outcome>) -> Response {
    let outcome = durable.into_inner();
    let status = match outcome.reply {
        Reply::Node { created, .. }
        | Reply::Item { created, .. }
        | Reply::Channel { created, .. }
        | Reply::AddressFormat { created, .. }
        | Reply::Shipping { created, .. }
        | Reply::Carton { created, .. }
        | Reply::Subscription { created, .. }
            if created =>
        {
            StatusCode::CREATED
        }
        _ => status,
    };
    let now = front.journal().now();
    let engine = front.engine();
    let incoming = |cell| engine.incoming(cell);
    let answer = front.named(|catalogue, orders| answer::written(&outcome.reply, (catalogue, orders), now, incoming));
    let response = body(status, answer);
    if outcome.replayed { replayed(response) } else { response }
}

/// An answer that was given before, marked as such.
pub fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// The answer to a read of entities.
pub fn found(durable: Durable<impl Serialize>) -> Response {
    body(StatusCode::OK, answer::json(durable.as_ref()))
}

/// The answer to a read of an entity that is already written as JSON.
pub fn found_written(durable: Durable<Vec<u8>>) -> Response {
    body(StatusCode::OK, durable.into_inner())
}

/// The answer to a read that may be ahead of the disk.
pub fn ahead(answer: &impl Serialize) -> Response {
    body(StatusCode::OK, answer::json(answer))
}

/// The answer to a read that may be ahead of the disk, already written as JSON.
pub fn written(json: Vec<u8>) -> Response {
    body(StatusCode::OK, json)
}

fn body(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Rejected(rejection) => rejection.into(),
            Refused::Busy => Self::new("busy", refused.to_string()),
            Refused::NoRoom => Self::new("storage_full", refused.to_string()),
            Refused::Stopped => Self::new("stopping", refused.to_string()),
            Refused::OutcomeUnknown => OutcomeUnknown.into(),
            Refused::AnswerGone => Self::new("answer_gone", refused.to_string()),
        }
    }
}

impl From<OutcomeUnknown> for Problem {
    fn from(_: OutcomeUnknown) -> Self {
        let detail = "the disk failed meanwhile: it may have taken effect, or not; look again after a restart";
        Self::new("outcome_unknown", detail)
    }
}
