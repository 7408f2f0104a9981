//! `/v1/nodes/{node}/lockers`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Path, Write};
use crate::api::lockers::{LockersJson, LockersPut};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::rejection::Rejection;

/// Put the lockers of a node, all of them: sizes with so many compartments, which orders that are fetched there take.
#[utoipa::path(
    put, path = "/v1/nodes/{node}/lockers", tag = "nodes", request_body = LockersPut,
    params(("node" = String, Path)),
    responses((status = 200, body = LockersJson)),
)]
pub async fn put(State(front): State<Front>, Path(node): Path<Text>, write: Write<LockersPut>) -> Replied {
    let command = Command::PutLockers(Box::new(write.body.command(node)));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// The lockers of a node, with how many compartments are used.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/lockers", tag = "nodes",
    params(("node" = String, Path)),
    responses((status = 200, body = LockersJson)),
)]
pub async fn all(State(front): State<Front>, Path(node): Path<Text>) -> Replied {
    let (lockers, seq) = front.engine().lockers(&node).ok_or_else(|| Rejection::not_found("node", &*node))?;
    Ok(found(front.journal().durable(seq, LockersJson::from(&lockers)).await?))
}
