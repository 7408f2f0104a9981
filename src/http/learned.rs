//! What was learned of nodes.

use axum::extract::State;

use super::front::Front;
use super::reply::{Replied, found};
use super::request::Path;
use crate::api::learned::ShortPicksJson;
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;

/// How often units are not found at a node, as the days before today say: with how many were looked for, and how near the
/// telling was so far beside the usual rate. Rule sets weigh it by the term `short_pick`.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/short-picks", tag = "nodes",
    params(("node" = String, Path)),
    responses((status = 200, body = ShortPicksJson)),
)]
pub async fn short_picks(State(front): State<Front>, Path(node): Path<Text>) -> Replied {
    let now = front.journal().now().wall;
    let told = front.engine().short_picks(&node, now);
    let (told, seq) = told.ok_or_else(|| Rejection::not_found("node", &*node))?;
    let shown = ShortPicksJson::of(node, told.is_in_use, &told.shelves);
    Ok(found(front.journal().durable(seq, shown).await?))
}
