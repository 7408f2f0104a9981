//! `/v1/inbound`, and who waits for it.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Urgent, Write};
use crate::api::inbound::{
    CallingOff, InboundChange, InboundJson, InboundParams, NewInbound, PegJson, Receipt, RedatedInbound,
};
use crate::api::page::{Page, length};
use crate::domain::ids::Text;
use crate::domain::inbound::{Inbound, Peg};
use crate::domain::record::Log;

/// Announce supply that will come to a node.
#[utoipa::path(
    post, path = "/v1/inbound", tag = "stock", request_body = NewInbound,
    responses((status = 201, body = InboundJson)),
)]
pub async fn announce(State(front): State<Front>, write: Write<NewInbound>) -> Replied {
    let command = write.body.command(write.fingerprint);
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// Re-date supply: whoever waits for it is re-dated with it, and told in the answer.
#[utoipa::path(
    patch, path = "/v1/inbound/{id}", tag = "stock", request_body = InboundChange,
    params(("id" = String, Path)),
    responses((status = 200, body = RedatedInbound)),
)]
pub async fn redate(State(front): State<Front>, Path(id): Path<Text>, write: Write<InboundChange>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Units of it came: they go to what is owed and to those who wait, the rest is free.
#[utoipa::path(
    post, path = "/v1/inbound/{id}/receipts", tag = "stock", request_body = Receipt,
    params(("id" = String, Path)),
    responses((status = 200, body = InboundJson)),
)]
pub async fn receive(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<Receipt>) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// What has not come will not.
#[utoipa::path(
    post, path = "/v1/inbound/{id}/cancel", tag = "stock", request_body = CallingOff,
    params(("id" = String, Path)),
    responses((status = 200, body = RedatedInbound)),
)]
pub async fn call_off(State(front): State<Front>, Path(id): Path<Text>, write: Write<CallingOff>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// One document.
#[utoipa::path(
    get, path = "/v1/inbound/{id}", tag = "stock",
    params(("id" = String, Path)),
    responses((status = 200, body = InboundJson)),
)]
pub async fn inbound(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let inbound = front.engine().inbound(&id)?;
    let shown = shown(&front, &inbound);
    Ok(found(front.journal().durable(inbound.seq, shown).await?))
}

fn shown(front: &Front, inbound: &Inbound) -> InboundJson {
    let now = front.journal().now().wall;
    front.engine().catalogue(|catalogue| InboundJson::of(inbound, catalogue, now))
}

/// Documents, newest first.
#[utoipa::path(
    get, path = "/v1/inbound", tag = "stock",
    params(InboundParams),
    responses((status = 200, body = Page<InboundJson>)),
)]
pub async fn all(State(front): State<Front>, Params(asked): Params<InboundParams>) -> Replied {
    let engine = front.engine();
    let node = match &asked.node {
        Some(id) => match engine.catalogue(|catalogue| catalogue.node_index(&id.0)) {
            Some(node) => Some(node),
            None => return Ok(found(front.journal().durable(0, Page::<InboundJson>::empty()).await?)),
        },
        None => None,
    };
    let fits = |inbound: &Inbound| {
        node.is_none_or(|node| node == inbound.node) && asked.status.is_none_or(|status| status == inbound.status())
    };
    let keys = engine.inbound_keys().into_iter().filter(|key| asked.cursor.is_none_or(|cursor| *key < cursor.0));
    let mut fitting = keys.filter_map(|key| engine.inbound_by_key(key)).filter(fits);
    let page: Vec<Inbound> = fitting.by_ref().take(length(asked.limit)).collect();
    let next = page.last().filter(|_| fitting.next().is_some()).map(|last| last.key);
    let newest = page.iter().map(|inbound| inbound.seq).max().unwrap_or(0);
    let items = page.iter().map(|inbound| shown(&front, inbound)).collect();
    Ok(found(front.journal().durable(newest, Page::new(items, next)).await?))
}

/// Who waits for a document, in the order in which they are served.
#[utoipa::path(
    get, path = "/v1/inbound/{id}/pegs", tag = "stock",
    params(("id" = String, Path)),
    responses((status = 200, body = Page<PegJson>)),
)]
pub async fn pegs(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let (inbound, pegs) = front.engine().pegs_of_inbound(&id)?;
    let (name, engine) = (inbound.name(), front.engine());
    let shown = |peg: &Peg| {
        let order = engine.order_by_key(peg.order)?;
        Some(engine.catalogue(|catalogue| PegJson::of(peg, &order, |_| Some(name.clone()), catalogue)))
    };
    let items = pegs.iter().filter_map(shown).collect();
    Ok(found(front.journal().durable(front.engine().position(), Page::whole(items)).await?))
}

/// What the waiting units of an order wait for.
#[utoipa::path(
    get, path = "/v1/orders/{id}/pegs", tag = "orders",
    params(("id" = String, Path)),
    responses((status = 200, body = Page<PegJson>)),
)]
pub async fn pegs_of_order(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let (order, pegs) = front.engine().pegs_of_order(&id)?;
    let engine = front.engine();
    let named = |peg: &Peg| engine.name_of_supply(peg.supply?.document);
    let items = engine.catalogue(|c| pegs.iter().map(|peg| PegJson::of(peg, &order, named, c)).collect());
    Ok(found(front.journal().durable(front.engine().position(), Page::whole(items)).await?))
}
