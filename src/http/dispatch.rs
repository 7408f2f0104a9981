//! Numbers of parcels, parcels, and the end of a carrier's day.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Urgent, Write};
use crate::api::dispatch::{
    ClosingOut, DispatchJson, FoundParcel, ManifestJson, NewParcels, NumbersJson, NumbersPut, ParcelsJson,
};
use crate::api::papers::{ManifestParams, SsccText};
use crate::api::problem::Problem;
use crate::api::scalar::checked;
use crate::api::tracking::TrackedJson;
use crate::domain::dispatch::{DispatchKey, ManifestKey};
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::promise::calendar::CivilDay;
use crate::domain::rejection::Rejection;

/// Say of which company's prefix the numbers of parcels are. One that comes back goes on where it was.
#[utoipa::path(
    put, path = "/v1/sscc-numbers", tag = "fulfillment", request_body = NumbersPut,
    responses((status = 200, body = NumbersJson)),
)]
pub async fn put_numbers(State(front): State<Front>, write: Write<NumbersPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command()).await?))
}

/// Of which company's prefix the numbers of parcels are, and which is the next.
#[utoipa::path(get, path = "/v1/sscc-numbers", tag = "fulfillment", responses((status = 200, body = NumbersJson)))]
pub async fn numbers(State(front): State<Front>) -> Replied {
    shown(&front, DispatchKey::Numbers, "sscc_numbers", "sscc-numbers").await
}

async fn shown(front: &Front, key: DispatchKey, kind: &'static str, id: &str) -> Replied {
    let engine = front.engine();
    let known = engine.dispatch(&key).ok_or_else(|| Rejection::not_found(kind, id))?;
    let seq = engine.position();
    let shown = engine.catalogue(|catalogue| DispatchJson::of(&key, &known, catalogue));
    Ok(found(front.journal().durable(seq, shown).await?))
}

/// Pack a fulfilment order that is picked into parcels: each gets a number, which its label has.
#[utoipa::path(
    post, path = "/v1/fulfillment-orders/{id}/parcels", tag = "fulfillment", request_body = NewParcels,
    params(("id" = String, Path)),
    responses((status = 201, body = ParcelsJson)),
)]
pub async fn pack(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<NewParcels>) -> Replied {
    let Urgent(Write { context, body, .. }) = write;
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(context, body.command(id)).await?))
}

/// The parcels of a fulfilment order. They stay readable for 90 days after they left.
#[utoipa::path(
    get, path = "/v1/fulfillment-orders/{id}/parcels", tag = "fulfillment",
    params(("id" = String, Path)),
    responses((status = 200, body = ParcelsJson)),
)]
pub async fn parcels(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let key = FulfillmentKey::parse(&id).ok_or_else(|| Rejection::not_found("parcels", &*id))?;
    shown(&front, DispatchKey::Parcels(key), "parcels", &id).await
}

/// A parcel by its number: whose it is, and where it is.
#[utoipa::path(
    get, path = "/v1/parcels/{sscc}", tag = "fulfillment",
    params(("sscc" = String, Path)),
    responses((status = 200, body = FoundParcel)),
)]
pub async fn parcel(State(front): State<Front>, Path(text): Path<Text>) -> Replied {
    let SsccText(sscc) = checked("sscc", &text)?;
    let shown = front.reading(move |front| {
        let unknown = || Rejection::not_found("parcel", &*text);
        let engine = front.engine();
        let (key, known, at) = engine.parcel_numbered(sscc.body()).ok_or_else(unknown)?;
        let order = engine.order_wherever(key.order)?;
        let seq = engine.position();
        let tracking = order.as_ref().and_then(|order| order.tracked(key.number)).map(TrackedJson::from);
        Ok::<_, Problem>((seq, engine.catalogue(|catalogue| FoundParcel::of((key, &known, at), tracking, catalogue))))
    });
    let (seq, shown) = shown.await??;
    Ok(found(front.journal().durable(seq, shown).await?))
}

/// Close the manifest of a carrier's day at a node. What leaves after that is on the next day's; parcels that he should
/// have taken and has not are cases.
#[utoipa::path(
    post, path = "/v1/nodes/{node}/close_out", tag = "fulfillment", request_body = ClosingOut,
    params(("node" = String, Path)),
    responses((status = 200, body = ManifestJson)),
)]
pub async fn close_out(State(front): State<Front>, Path(node): Path<Text>, write: Urgent<ClosingOut>) -> Replied {
    let Urgent(Write { context, body, .. }) = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(node)).await?))
}

/// A manifest that is closed. It stays readable for 400 days.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/close_out", tag = "fulfillment",
    params(("node" = String, Path), ManifestParams),
    responses((status = 200, body = ManifestJson)),
)]
pub async fn closed(
    State(front): State<Front>,
    Path(id): Path<Text>,
    Params(asked): Params<ManifestParams>,
) -> Replied {
    let node = front.engine().catalogue(|catalogue| catalogue.node_index(&id));
    let node = node.ok_or_else(|| Rejection::not_found("node", &*id))?;
    let (carrier, date) = (asked.carrier.0, asked.date.0);
    let what = format!("{carrier} {date}");
    let key = ManifestKey { node, carrier, day: CivilDay::from(date).0 };
    shown(&front, DispatchKey::Manifest(key), "manifest", &what).await
}
