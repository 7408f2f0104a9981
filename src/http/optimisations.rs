//! `/v1/optimisations`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Write};
use crate::api::fulfillment::Nothing;
use crate::api::optimisation::{NewOptimisation, OptimisationBrief, OptimisationJson};
use crate::api::page::{Page, Paging};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::domain::reply::{Outcome, Reply};
use crate::pipeline::Refused;

/// Plan open orders again together: units that nobody has begun to work on, and what is free. The answer says which orders
/// would change and what that saves, beside a bound that no plans undercut; it is applied by a second request, or at once.
/// No order is left without units that it has, and none arrives later unless that is allowed.
#[utoipa::path(
    post, path = "/v1/optimisations", tag = "orders", request_body = NewOptimisation,
    responses((status = 201, body = OptimisationJson)),
)]
pub async fn optimise(State(front): State<Front>, write: Write<NewOptimisation>) -> Replied {
    let turn = front.optimisations().acquire_owned().await.map_err(|_| Refused::Stopped)?;
    let applies = write.body.apply.unwrap_or(false);
    let asked = write.body.asked();
    let now = front.journal().now();
    let proposed = front.reading(move |front| {
        // Whoever asked may be gone: the turn ends with the work.
        let _turn = turn;
        front.engine().optimise(now, &asked)
    });
    let proposed = proposed.await??;
    let optimisation = proposed.id.clone();
    if applies {
        let command = Command::ApplyOptimisation { optimisation };
        return Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?));
    }
    let seq = front.engine().position();
    let outcome = Outcome { reply: Reply::Optimisation(Box::new(proposed)), seq, replayed: false };
    Ok(made(&front, StatusCode::CREATED, front.journal().durable(seq, outcome).await?))
}

/// The last optimisations, each with its reason: asked for, or made by itself when units came or a node was switched off.
#[utoipa::path(
    get, path = "/v1/optimisations", tag = "orders",
    params(Paging),
    responses((status = 200, body = Page<OptimisationBrief>)),
)]
pub async fn optimisations(State(front): State<Front>, Params(asked): Params<Paging>) -> Replied {
    let known = front.engine().optimisations();
    let (page, next) = asked.slice(&known);
    let brief = |catalogue: &_| page.iter().map(|own| OptimisationBrief::of(own, catalogue)).collect();
    let items: Vec<OptimisationBrief> = front.engine().catalogue(brief);
    Ok(found(front.journal().durable(front.engine().position(), Page::new(items, next)).await?))
}

/// One of the last optimisations.
#[utoipa::path(
    get, path = "/v1/optimisations/{id}", tag = "orders",
    params(("id" = String, Path)),
    responses((status = 200, body = OptimisationJson)),
)]
pub async fn optimisation(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let known = front.engine().optimisation(&id)?;
    let shown = front.engine().catalogue(|catalogue| OptimisationJson::of(&known, catalogue));
    Ok(found(front.journal().durable(front.engine().position(), shown).await?))
}

/// Apply an optimisation, whole and in one record, as long as all is as it was: nodes, items and rules, its orders, and the
/// units and days it was made of. Otherwise nothing changes. Applied again it is answered as it was.
#[utoipa::path(
    post, path = "/v1/optimisations/{id}/apply", tag = "orders", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = OptimisationJson)),
)]
pub async fn apply(State(front): State<Front>, Path(id): Path<Text>, write: Write<Nothing>) -> Replied {
    let command = Command::ApplyOptimisation { optimisation: id };
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}
