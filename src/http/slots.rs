//! `/v1/nodes/{node}/slots`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Path, Write};
use crate::api::slots::{SlotsJson, SlotsPut};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::rejection::Rejection;

/// Put the slots of a node, all of them: times with so many places, which lines of services book.
#[utoipa::path(
    put, path = "/v1/nodes/{node}/slots", tag = "nodes", request_body = SlotsPut,
    params(("node" = String, Path)),
    responses((status = 200, body = SlotsJson)),
)]
pub async fn put(State(front): State<Front>, Path(node): Path<Text>, write: Write<SlotsPut>) -> Replied {
    let command = Command::PutSlots(Box::new(write.body.command(node)));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// The slots of a node, with what is used of them.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/slots", tag = "nodes",
    params(("node" = String, Path)),
    responses((status = 200, body = SlotsJson)),
)]
pub async fn all(State(front): State<Front>, Path(node): Path<Text>) -> Replied {
    let (slots, seq) = front.engine().slots(&node).ok_or_else(|| Rejection::not_found("node", &*node))?;
    let shown = front.engine().catalogue(|catalogue| SlotsJson::of(&slots, catalogue));
    Ok(found(front.journal().durable(seq, shown).await?))
}
