//! Labels of parcels, packing slips, pick lists, manifests.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;

use super::front::Front;
use super::reply::Replied;
use super::request::{Params, Path};
use crate::api::papers::{self, Fulfilled, LabelParams, ManifestParams, PrintParams, Printed};
use crate::api::problem::Problem;
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::limits::{MANIFEST_REACH_MS, MANIFEST_ROWS_MAX};
use crate::domain::order::Order;
use crate::domain::record::Log as _;
use crate::domain::rejection::Rejection;
use crate::domain::time::WallTime;
use crate::journal::Durable;

fn file(durable: Durable<Printed>) -> Response {
    let Printed { media_type, bytes } = durable.into_inner();
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What is said of a fulfilment order, printed once the catalogue is let go.
async fn of_fulfillment<T>(
    front: Front,
    id: Text,
    say: impl FnOnce(Fulfilled<'_>) -> Result<T, Problem> + Send + 'static,
    print: impl FnOnce(T) -> Result<Printed, Problem> + Send + 'static,
) -> Replied {
    let printed = front.reading(move |front| {
        let engine = front.engine();
        let (order, key) = engine.fulfillment(&id)?;
        let unknown = || Problem::from(Rejection::not_found("fulfillment_order", &*id));
        let with = engine.in_one_shipment(&order, key.number)?;
        let seq = with.iter().map(|(order, _)| order.seq).fold(order.seq, u64::max);
        let said = engine.catalogue(|catalogue| {
            let one = Fulfilled::of(&order, key.number, catalogue).ok_or_else(unknown)?;
            say(one.with(&with))
        });
        Ok::<_, Problem>((seq, print(said?)?))
    });
    let (seq, printed) = printed.await??;
    Ok(file(front.journal().durable(seq, printed).await?))
}

/// The label of a fulfilment order's parcel, 4 × 6 inches: with its tracking number as Code 128, an SSCC as GS1-128 where
/// one is given, and its numbers as a QR code. Before it left, the parameters say how it will.
#[utoipa::path(
    get, path = "/v1/fulfillment-orders/{id}/label", tag = "papers",
    params(("id" = String, Path), LabelParams),
    responses((status = 200, content((Vec<u8> = "application/pdf"), (Vec<u8> = "image/png"), (String = "application/zpl")))),
)]
pub async fn label(State(front): State<Front>, Path(id): Path<Text>, Params(asked): Params<LabelParams>) -> Replied {
    let format = asked.format;
    let parcels = FulfillmentKey::parse(&id).and_then(|key| front.engine().parcels(key));
    of_fulfillment(
        front,
        id,
        move |one| one.label(&asked, parcels.as_ref()),
        move |label| papers::label(&label, format),
    )
    .await
}

/// What goes into the parcel with the goods of a fulfilment order.
#[utoipa::path(
    get, path = "/v1/fulfillment-orders/{id}/packing_slip", tag = "papers",
    params(("id" = String, Path)),
    responses((status = 200, content((Vec<u8> = "application/pdf")))),
)]
pub async fn packing_slip(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    of_fulfillment(front, id, |one| Ok(one.packing_slip()), |paper| Ok(papers::paper(&paper))).await
}

/// What of a fulfilment order is still to be picked.
#[utoipa::path(
    get, path = "/v1/fulfillment-orders/{id}/pick_list", tag = "papers",
    params(("id" = String, Path)),
    responses((status = 200, content((Vec<u8> = "application/pdf")))),
)]
pub async fn pick_list(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let to_fetch = front.engine().fulfillment(&id).map(|(order, key)| front.engine().to_fetch(&order, key.number));
    let to_fetch = to_fetch.unwrap_or_default();
    of_fulfillment(front, id, move |one| Ok(one.pick_list(&to_fetch)), |paper| Ok(papers::paper(&paper))).await
}

/// What of a task of a wave is still to be fetched, in walking order.
#[utoipa::path(
    get, path = "/v1/waves/{id}/tasks/{number}/pick_list", tag = "papers",
    params(("id" = String, Path), ("number" = String, Path)),
    responses((status = 200, content((Vec<u8> = "application/pdf")))),
)]
pub async fn task_list(State(front): State<Front>, Path((id, number)): Path<(Text, Text)>) -> Replied {
    let printed = front.reading(move |front| {
        let engine = front.engine();
        let wave = engine.wave(&id)?;
        // Another text than a number is that of no task.
        let number: u16 = number.parse().unwrap_or(0);
        let task = wave.task(number).ok_or_else(|| Rejection::not_found("task", &*id))?;
        let to_fetch = engine.task_to_fetch(&wave, task, front.journal().now().journal);
        let paper = engine.catalogue(|catalogue| papers::task_list(&wave, (number, task), &to_fetch, catalogue));
        Ok::<_, Problem>((wave.seq, papers::paper(&paper)))
    });
    let (seq, printed) = printed.await??;
    Ok(file(front.journal().durable(seq, printed).await?))
}

/// The label of a parcel of a return, 4 × 6 inches; parcels are counted from 1.
#[utoipa::path(
    get, path = "/v1/returns/{id}/labels/{number}", tag = "papers",
    params(("id" = String, Path), ("number" = String, Path), PrintParams),
    responses((status = 200, content((Vec<u8> = "application/pdf"), (Vec<u8> = "image/png"), (String = "application/zpl")))),
)]
pub async fn return_label(
    State(front): State<Front>,
    Path((id, number)): Path<(Text, Text)>,
    Params(asked): Params<PrintParams>,
) -> Replied {
    let printed = front.reading(move |front| {
        let engine = front.engine();
        let known = engine.returned(&id)?;
        let unknown = || Problem::from(Rejection::not_found("order", &*known.order_name));
        let order = engine.order_wherever(known.order)?.ok_or_else(unknown)?;
        // Another text than a number is that of no parcel.
        let number = number.parse().unwrap_or(0);
        let label = engine.catalogue(|catalogue| papers::return_label(&known, number, &order, catalogue))?;
        Ok::<_, Problem>((known.seq.max(order.seq), papers::label(&label, asked.format)?))
    });
    let (seq, printed) = printed.await??;
    Ok(file(front.journal().durable(seq, printed).await?))
}

/// What a carrier took from a node in a day. Of orders that have ended, those are on it that were placed up to 60 days
/// before; all others are, whenever they were placed.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/manifest", tag = "papers",
    params(("node" = String, Path), ManifestParams),
    responses((status = 200, content((Vec<u8> = "application/pdf")))),
)]
pub async fn manifest(
    State(front): State<Front>,
    Path(id): Path<Text>,
    Params(asked): Params<ManifestParams>,
) -> Replied {
    front.lists_reached_now().await?;
    let printed = front.reading(move |front| {
        let engine = front.engine();
        let node = engine.catalogue(|c| c.node_index(&id).map(|index| (index, c.node(index).clone())));
        let (index, node) = node.ok_or_else(|| Rejection::not_found("node", &*id))?;
        let since = WallTime(asked.date.end().0.saturating_sub(MANIFEST_REACH_MS));
        let known: BTreeSet<_> = engine.on_manifest(&asked.key(index)).into_iter().collect();
        let mut left = front.views().orders().shipments(index, since).map_err(Rejection::from)?;
        left.extend(&known);
        left.sort_unstable();
        left.dedup();
        let mut taken = Vec::new();
        for FulfillmentKey { order, number } in left {
            let key = FulfillmentKey { order, number };
            let parcels = engine.parcels(key);
            let day_of = |at| engine.manifest_day(index, &asked.carrier.0, at);
            let on = |order: &Arc<Order>| {
                known.contains(&key) || asked.takes(index, (order, number), parcels.as_ref(), day_of)
            };
            let order = engine.order_wherever(order)?.filter(on);
            taken.extend(order.map(|order| (order, number, parcels)));
            if taken.len() > MANIFEST_ROWS_MAX {
                let detail = format!("a manifest has at most {MANIFEST_ROWS_MAX} shipments, this one would have more");
                return Err(Problem::new("too_many", detail));
            }
        }
        let newest = taken.iter().map(|(order, ..)| order.seq).max().unwrap_or(0);
        let paper = engine.catalogue(|catalogue| papers::manifest(&node, &asked, &taken, catalogue));
        Ok((newest, papers::paper(&paper)))
    });
    let (seq, printed) = printed.await??;
    Ok(file(front.journal().durable(seq, printed).await?))
}
