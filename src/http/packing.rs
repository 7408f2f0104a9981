//! `/v1/packing`.

use axum::extract::State;

use super::front::Front;
use super::reply::{Replied, ahead};
use super::request::{Ask, Params};
use crate::api::packing::{PackingJson, PackingRequest, PackingView};
use crate::api::problem::Problem;

/// Pack units of items or pieces into cartons at the least cost. Takes nothing.
///
/// Six pieces or fewer are packed as cheaply as can be, and proven to be; more by sixteen passes, beside a bound that says
/// how much cheaper another packing could be at most.
#[utoipa::path(
    post, path = "/v1/packing", tag = "packing", request_body = PackingRequest,
    params(PackingView),
    responses((status = 200, body = PackingJson)),
)]
pub async fn pack(
    State(front): State<Front>,
    Params(view): Params<PackingView>,
    Ask(body): Ask<PackingRequest>,
) -> Replied {
    let question = body.question();
    let task = front.engine().catalogue(|catalogue| question.task(catalogue))?;
    // Some hundred pieces take a quarter of a second, which nobody else should wait for.
    let packed = tokio::task::spawn_blocking(move || PackingJson::of(&task.pack(), view.drawing));
    let packed = packed.await.map_err(|_| Problem::new("internal_error", "the packing broke off"))?;
    Ok(ahead(&packed))
}
