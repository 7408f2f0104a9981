//! `/v1/stock` and `/v1/atp`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, ahead, made};
use super::request::{Ask, Params, Path, Write};
use crate::api::lots::{LotsJson, SerialJson};
use crate::api::page::Paging;
use crate::api::problem::Problem;
use crate::api::scalar::{Day, Id, LotId, Sku};
use crate::api::stock::{
    Adjustments, AtpJson, AtpParams, AtpRequest, AtpsJson, CountPut, CountedJson, LevelsJson, Moves, StockJson,
};
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::domain::rejection::Fault;
use crate::engine::AtpAsked;

/// Change what is on hand, through what is available. All or nothing.
#[utoipa::path(
    post, path = "/v1/stock/adjustments", tag = "stock", request_body = Adjustments,
    responses((status = 200, body = LevelsJson)),
)]
pub async fn adjust(State(front): State<Front>, write: Write<Adjustments>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command()).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Change the state of units, and nothing else. All or nothing.
#[utoipa::path(
    post, path = "/v1/stock/moves", tag = "stock", request_body = Moves,
    responses((status = 200, body = LevelsJson)),
)]
pub async fn change_states(State(front): State<Front>, write: Write<Moves>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command()).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Count one cell: compare with what was expected, do again what happened since, and set. A count that is stale or a
/// duplicate is dropped, and answered with `applied` false.
#[utoipa::path(
    put, path = "/v1/stock/{sku}/{node}", tag = "stock", request_body = CountPut,
    params(("sku" = Sku, Path), ("node" = Id, Path)),
    responses((status = 200, body = CountedJson)),
)]
pub async fn count(
    State(front): State<Front>,
    Path((sku, node)): Path<(Text, Text)>,
    write: Write<CountPut>,
) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(sku, node)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// All levels of a sku. May be ahead of the disk by what is in flight.
#[utoipa::path(
    get, path = "/v1/stock/{sku}", tag = "stock",
    params(("sku" = Sku, Path)),
    responses((status = 200, body = StockJson)),
)]
pub async fn stock(State(front): State<Front>, Path(sku): Path<Text>) -> Replied {
    let stock = front.engine().stock(&sku)?;
    Ok(ahead(&StockJson::new(stock.sku, &stock.total, &stock.nodes, (&stock.incoming, &stock.supply), stock.as_of)))
}

/// The lots of a sku at a node. May be ahead of the disk by what is in flight.
#[utoipa::path(
    get, path = "/v1/stock/{sku}/{node}/lots", tag = "stock",
    params(("sku" = Sku, Path), ("node" = Id, Path), Paging),
    responses((status = 200, body = LotsJson)),
)]
pub async fn lots(
    State(front): State<Front>,
    Path((sku, node)): Path<(Text, Text)>,
    Params(paging): Params<Paging>,
) -> Replied {
    let view = front.engine().lots(&sku, &node)?;
    let (page, next) = paging.slice(&view.lots);
    Ok(ahead(&LotsJson::of(sku, node, &view, page, next)))
}

/// Where a serial number is, until it leaves; then the fulfilment order that took it names it. May be ahead of the disk
/// by what is in flight.
#[utoipa::path(
    get, path = "/v1/serials/{sku}/{serial}", tag = "stock",
    params(("sku" = Sku, Path), ("serial" = LotId, Path)),
    responses((status = 200, body = SerialJson)),
)]
pub async fn serial(State(front): State<Front>, Path((sku, serial)): Path<(Text, Text)>) -> Replied {
    let (found, node) = front.engine().serial(&sku, &serial)?;
    Ok(ahead(&SerialJson::of(sku, serial, &found, node)))
}

/// What can be promised of a sku. May be ahead of the disk by what is in flight.
#[utoipa::path(
    get, path = "/v1/atp/{sku}", tag = "stock",
    params(("sku" = Sku, Path), AtpParams),
    responses((status = 200, body = AtpJson)),
)]
pub async fn atp(State(front): State<Front>, Path(sku): Path<Text>, Params(asked): Params<AtpParams>) -> Replied {
    available(&front, sku, &asked)
}

/// What can be promised of a sku.
pub fn available(front: &Front, sku: Text, asked: &AtpParams) -> Replied {
    let now = front.journal().now();
    let wanted = AtpAsked {
        node: asked.node.as_ref().map(|node| &*node.0),
        network: asked.network.as_ref().map(|network| &*network.0),
        by: asked.date.map(Day::end),
        channel: asked.channel.as_ref().map(|channel| &*channel.0),
        customer: asked.customer.as_ref().map(|customer| &*customer.0),
        today: Some(now.wall),
    };
    let atp = front.engine().atp_for(now.journal, &sku, wanted)?;
    Ok(ahead(&AtpJson { sku: Sku(sku), available: atp.available, as_of: atp.as_of }))
}

/// What can be promised of many skus.
#[utoipa::path(
    post, path = "/v1/atp", tag = "stock", request_body = AtpRequest,
    responses((status = 200, body = AtpsJson)),
)]
pub async fn atp_of_many(State(front): State<Front>, Ask(asked): Ask<AtpRequest>) -> Replied {
    let now = front.journal().now();
    let wanted = AtpAsked {
        node: asked.node.as_ref().map(|node| &*node.0),
        network: asked.network.as_ref().map(|network| &*network.0),
        by: asked.date.map(Day::end),
        channel: asked.channel.as_ref().map(|channel| &*channel.0),
        customer: asked.customer.as_ref().map(|customer| &*customer.0),
        today: Some(now.wall),
    };
    let skus = asked.skus.iter().map(|sku| &*sku.0);
    let answers = front.engine().atp_of_many(now.journal, skus, wanted)?;
    let (mut items, mut faults) = (Vec::with_capacity(answers.len()), Vec::new());
    for (at, (sku, answer)) in asked.skus.into_iter().zip(answers).enumerate() {
        match answer {
            Some(atp) => items.push(AtpJson { sku, available: atp.available, as_of: atp.as_of }),
            None => faults.push(unknown(at, &sku)),
        }
    }
    if faults.is_empty() { Ok(ahead(&AtpsJson { items })) } else { Err(Problem::of_faults(&faults)) }
}

/// What does not exist is a fault of the body here.
fn unknown(at: usize, sku: &Sku) -> Fault {
    Fault::new(format!("skus[{at}]"), "unknown_sku", format!("there is no item {:?}", sku.0))
}
