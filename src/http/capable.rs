//! `/v1/ctp`: what is capable to be promised.

use axum::extract::State;

use super::front::Front;
use super::reply::{Replied, ahead};
use super::request::{Params, Path};
use crate::api::capable::{CapableJson, CapableParams};
use crate::api::scalar::{Day, Instant, Sku};
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::engine::AtpAsked;

/// What can be promised of a sku by one level of transfers or components, and by when. May be ahead of the disk by what
/// is in flight.
#[utoipa::path(
    get, path = "/v1/ctp/{sku}", tag = "stock",
    params(("sku" = Sku, Path), CapableParams),
    responses((status = 200, body = CapableJson)),
)]
pub async fn capable(
    State(front): State<Front>,
    Path(sku): Path<Text>,
    Params(asked): Params<CapableParams>,
) -> Replied {
    let (engine, now) = (front.engine(), front.journal().now());
    let (node, by) = (asked.node.as_ref().map(|node| &*node.0), asked.date.map(Day::end));
    let atp = engine.atp_for(now.journal, &sku, AtpAsked { node, by, today: Some(now.wall), ..AtpAsked::default() })?;
    let capable = engine.capable_by(now, &sku, node, by, asked.lead_s.map_or(0, |lead| lead.0))?;
    let available_at = match asked.quantity {
        Some(quantity) => engine.earliest(now, &sku, node, u64::from(quantity.units()))?.map(Instant::from),
        None => None,
    };
    let answer = CapableJson { sku: Sku(sku), available: atp.available, capable, available_at, as_of: atp.as_of };
    Ok(ahead(&answer))
}
