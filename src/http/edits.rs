//! `/v1/orders/{id}/edits`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, found_written, made};
use super::request::{Path, Urgent, Write};
use crate::api::edit::{EditJson, NewEdit, end};
use crate::api::fulfillment::Nothing;
use crate::api::page::Page;
use crate::domain::command::EditOutcome;
use crate::domain::ids::Text;
use crate::domain::record::Log;

/// Open an edit: it is planned, and what it needs is set aside, before the answer tells its price. It can be confirmed
/// for 15 minutes; at most one of an order is open.
#[utoipa::path(
    post, path = "/v1/orders/{id}/edits", tag = "orders", request_body = NewEdit,
    params(("id" = String, Path)),
    responses((status = 201, body = EditJson)),
)]
pub async fn open(State(front): State<Front>, Path(id): Path<Text>, write: Write<NewEdit>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::CREATED, done))
}

/// All edits of an order, oldest first, without their decisions.
#[utoipa::path(
    get, path = "/v1/orders/{id}/edits", tag = "orders",
    params(("id" = String, Path)),
    responses((status = 200, body = Page<EditJson>)),
)]
pub async fn edits(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let order = front.engine().order(&id)?;
    let (now, order) = (front.journal().now().journal, front.journal().durable(order.seq, order).await?);
    Ok(found(order.map(|order| {
        let shown = |c: &_| order.edits.iter().map(|edit| EditJson::of(&order, edit, c, now)).collect();
        Page::whole(front.engine().catalogue(shown))
    })))
}

/// One edit, with its decision while it is open.
#[utoipa::path(
    get, path = "/v1/orders/{id}/edits/{edit}", tag = "orders",
    params(("id" = String, Path), ("edit" = String, Path)),
    responses((status = 200, body = EditJson)),
)]
pub async fn edit(State(front): State<Front>, Path((id, edit)): Path<(Text, Text)>) -> Replied {
    let (order, number) = front.engine().edit(&id, &edit)?;
    let (now, order) = (front.journal().now().journal, front.journal().durable(order.seq, order).await?);
    Ok(found_written(order.map(|order| front.engine().catalogue(|c| EditJson::written(&order, number, c, now)))))
}

/// Confirm an edit: all of it takes effect at once. When the order moved on meanwhile so that it cannot, it ends and is
/// refused.
#[utoipa::path(
    post, path = "/v1/orders/{id}/edits/{edit}/confirm", tag = "orders", request_body = Nothing,
    params(("id" = String, Path), ("edit" = String, Path)),
    responses((status = 200, body = EditJson)),
)]
pub async fn confirm(
    State(front): State<Front>,
    Path((id, edit)): Path<(Text, Text)>,
    write: Urgent<Nothing>,
) -> Replied {
    over(&front, id, edit, write, EditOutcome::Confirm).await
}

/// Decline an edit: what it set aside is free again.
#[utoipa::path(
    post, path = "/v1/orders/{id}/edits/{edit}/decline", tag = "orders", request_body = Nothing,
    params(("id" = String, Path), ("edit" = String, Path)),
    responses((status = 200, body = EditJson)),
)]
pub async fn decline(
    State(front): State<Front>,
    Path((id, edit)): Path<(Text, Text)>,
    write: Urgent<Nothing>,
) -> Replied {
    over(&front, id, edit, write, EditOutcome::Decline).await
}

async fn over(front: &Front, id: Text, edit: Text, write: Urgent<Nothing>, outcome: EditOutcome) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, end(id, edit, outcome)).await?;
    Ok(made(front, StatusCode::OK, done))
}
