//! `/v1/transfers`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Urgent, Write};
use crate::api::fulfillment::Nothing;
use crate::api::inbound::PegJson;
use crate::api::page::{Page, length};
use crate::api::transfer::{
    NewTransfer, RedatedTransfer, TransferCancelling, TransferChange, TransferJson, TransferParams, TransferReceipt,
};
use crate::domain::command::{Command, TransferAction};
use crate::domain::ids::Text;
use crate::domain::inbound::Peg;
use crate::domain::record::Log;
use crate::domain::transfer::Transfer;

/// Make a transfer: its units are promised where they are, and incoming where they go. All or nothing. A draft promises
/// nothing yet.
#[utoipa::path(
    post, path = "/v1/transfers", tag = "stock", request_body = NewTransfer,
    responses((status = 201, body = TransferJson)),
)]
pub async fn make(State(front): State<Front>, write: Write<NewTransfer>) -> Replied {
    let command = write.body.command(write.fingerprint);
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// Re-date a transfer: whoever waits for it is re-dated with it, and told in the answer.
#[utoipa::path(
    patch, path = "/v1/transfers/{id}", tag = "stock", request_body = TransferChange,
    params(("id" = String, Path)),
    responses((status = 200, body = RedatedTransfer)),
)]
pub async fn redate(State(front): State<Front>, Path(id): Path<Text>, write: Write<TransferChange>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// A draft is made ready: its units are promised where they are, and incoming where they go. All or nothing.
#[utoipa::path(
    post, path = "/v1/transfers/{id}/ready", tag = "stock", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = TransferJson)),
)]
pub async fn ready(State(front): State<Front>, Path(transfer): Path<Text>, write: Write<Nothing>) -> Replied {
    let command = Command::ChangeTransfer { transfer, action: TransferAction::Ready };
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// It leaves: its units are at neither node until they are received.
#[utoipa::path(
    post, path = "/v1/transfers/{id}/dispatch", tag = "stock", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = TransferJson)),
)]
pub async fn dispatch(State(front): State<Front>, Path(transfer): Path<Text>, write: Urgent<Nothing>) -> Replied {
    let command = Command::ChangeTransfer { transfer, action: TransferAction::Dispatch };
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.0.context, command).await?))
}

/// Units of it came: they go to what is owed and to those who wait, the rest is free.
#[utoipa::path(
    post, path = "/v1/transfers/{id}/receipts", tag = "stock", request_body = TransferReceipt,
    params(("id" = String, Path)),
    responses((status = 200, body = TransferJson)),
)]
pub async fn receive(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<TransferReceipt>) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// It will not leave: its units are free again where they are, and whoever waited for it is told in the answer.
#[utoipa::path(
    post, path = "/v1/transfers/{id}/cancel", tag = "stock", request_body = TransferCancelling,
    params(("id" = String, Path)),
    responses((status = 200, body = RedatedTransfer)),
)]
pub async fn cancel(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<TransferCancelling>) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// One transfer.
#[utoipa::path(
    get, path = "/v1/transfers/{id}", tag = "stock",
    params(("id" = String, Path)),
    responses((status = 200, body = TransferJson)),
)]
pub async fn transfer(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let transfer = front.engine().transfer(&id)?;
    let shown = shown(&front, &transfer);
    Ok(found(front.journal().durable(transfer.seq, shown).await?))
}

fn shown(front: &Front, transfer: &Transfer) -> TransferJson {
    let now = front.journal().now().wall;
    front.engine().catalogue(|catalogue| TransferJson::of(transfer, catalogue, now))
}

/// Transfers, newest first.
#[utoipa::path(
    get, path = "/v1/transfers", tag = "stock",
    params(TransferParams),
    responses((status = 200, body = Page<TransferJson>)),
)]
pub async fn all(State(front): State<Front>, Params(asked): Params<TransferParams>) -> Replied {
    let engine = front.engine();
    let named = |id: &Text| engine.catalogue(|catalogue| catalogue.node_index(id));
    let (from, to) = (asked.from.as_ref().map(|id| named(&id.0)), asked.to.as_ref().map(|id| named(&id.0)));
    // A node that does not exist is that of no transfer.
    let fits = |transfer: &Transfer| {
        from.is_none_or(|node| node == Some(transfer.from))
            && to.is_none_or(|node| node == Some(transfer.to))
            && asked.status.is_none_or(|status| status == transfer.status())
    };
    let keys = engine.transfer_keys().into_iter().filter(|key| asked.cursor.is_none_or(|cursor| *key < cursor.0));
    let mut fitting = keys.filter_map(|key| engine.transfer_by_key(key)).filter(fits);
    let page: Vec<Transfer> = fitting.by_ref().take(length(asked.limit)).collect();
    let next = page.last().filter(|_| fitting.next().is_some()).map(|last| last.key);
    let newest = page.iter().map(|transfer| transfer.seq).max().unwrap_or(0);
    let items = page.iter().map(|transfer| shown(&front, transfer)).collect();
    Ok(found(front.journal().durable(newest, Page::new(items, next)).await?))
}

/// Who waits for a transfer, in the order in which they are served.
#[utoipa::path(
    get, path = "/v1/transfers/{id}/pegs", tag = "stock",
    params(("id" = String, Path)),
    responses((status = 200, body = Page<PegJson>)),
)]
pub async fn pegs(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let (transfer, pegs) = front.engine().pegs_of_transfer(&id)?;
    let (name, engine) = (transfer.name(), front.engine());
    let shown = |peg: &Peg| {
        let order = engine.order_by_key(peg.order)?;
        Some(engine.catalogue(|catalogue| PegJson::of(peg, &order, |_| Some(name.clone()), catalogue)))
    };
    let items = pegs.iter().filter_map(shown).collect();
    Ok(found(front.journal().durable(engine.position(), Page::whole(items)).await?))
}
