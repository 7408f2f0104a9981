//! What was learned: of nodes, of carriers, of what leaves.

use axum::extract::State;

use super::front::Front;
use super::reply::{Replied, found};
use super::request::Path;
use crate::api::learned::{LaneJson, ShortPicksJson, TransitsJson, VelocitiesJson};
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::engine::LaneTold;

/// How often units are not found at a node, as the days before today say: with how many were looked for, and how near the
/// telling was so far beside the usual rate. Rule sets weigh it by the term `short_pick`.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/short-picks", tag = "nodes",
    params(("node" = String, Path)),
    responses((status = 200, body = ShortPicksJson)),
)]
pub async fn short_picks(State(front): State<Front>, Path(node): Path<Text>) -> Replied {
    let now = front.journal().now().journal;
    let told = front.engine().short_picks(&node, now);
    let (told, seq) = told.ok_or_else(|| Rejection::not_found("node", &*node))?;
    let shown = ShortPicksJson::of(node, told.is_in_use, &told.shelves);
    Ok(found(front.journal().durable(seq, shown).await?))
}

/// How long parcels of a carrier are on the way, by service and zone, as the days before today say: counted from those whose
/// carrier told that they came, with how near the telling was so far beside what is usual. Quotes tell the chance that a
/// date is kept by it, and rule sets weigh it by the term `late`.
#[utoipa::path(
    get, path = "/v1/carriers/{carrier}/transit", tag = "shipping",
    params(("carrier" = String, Path)),
    responses((status = 200, body = TransitsJson)),
)]
pub async fn transits(State(front): State<Front>, Path(carrier): Path<Text>) -> Replied {
    let now = front.journal().now().wall;
    let told = front.engine().transits(&carrier, now);
    let (lanes, seq) = told.ok_or_else(|| Rejection::not_found("carrier", &*carrier))?;
    let lane = |LaneTold { service, zone, chances, counts }: LaneTold| LaneJson::of(service, zone, &chances, &counts);
    let shown = TransitsJson::of(carrier, lanes.into_iter().map(lane).collect());
    Ok(found(front.journal().durable(seq, shown).await?))
}

/// How fast a sku leaves the nodes that it left, as the days before today say: units shipped a day, the newer days counting
/// more, with how near the telling was so far beside the plain mean. Rule sets weigh it by the term `scarcity` where nobody
/// said what leaves.
#[utoipa::path(
    get, path = "/v1/items/{sku}/velocity", tag = "items",
    params(("sku" = String, Path)),
    responses((status = 200, body = VelocitiesJson)),
)]
pub async fn velocities(State(front): State<Front>, Path(sku): Path<Text>) -> Replied {
    let now = front.journal().now().journal;
    let told = front.engine().velocities(&sku, now);
    let (nodes, seq) = told.ok_or_else(|| Rejection::not_found("item", &*sku))?;
    let shown = VelocitiesJson::of(sku, &nodes);
    Ok(found(front.journal().durable(seq, shown).await?))
}
