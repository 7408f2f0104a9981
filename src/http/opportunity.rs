//! `/v1/opportunity-costs`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::Write;
use crate::api::opportunity::{Foreseeing, OpportunityJson};
use crate::domain::command::Command;
use crate::domain::record::Log;
use crate::pipeline::Refused;

/// What a unit of stock, and a shipment of a node, is worth to orders to come, with what that was found from. Rule sets weigh
/// it by the term `opportunity`.
#[utoipa::path(
    get, path = "/v1/opportunity-costs", tag = "rule sets",
    responses((status = 200, body = OpportunityJson)),
)]
pub async fn opportunity(State(front): State<Front>) -> Replied {
    Ok(found(front.catalogue(|catalogue| OpportunityJson::of(catalogue.opportunity(), catalogue)).await?))
}

/// Find it anew from the orders of the last days, and keep it: streams of as many as come in the days ahead are drawn from
/// them, and planned together with what is free and what comes until then. While a rule set that weighs it is active that is
/// done by itself: every hour, and after five minutes where a tenth of the units with a price went or came.
#[utoipa::path(
    post, path = "/v1/opportunity-costs", tag = "rule sets", request_body = Foreseeing,
    responses((status = 200, body = OpportunityJson)),
)]
pub async fn foresee(State(front): State<Front>, write: Write<Foreseeing>) -> Replied {
    let turn = front.optimisations().acquire_owned().await.map_err(|_| Refused::Stopped)?;
    let (context, asked, now) = (write.context, write.body.asked(), front.journal().now());
    let foreseen = front.reading(move |front| {
        // Whoever asked may be gone: the turn ends with the work.
        let _turn = turn;
        front.engine().foresee(now, &asked)
    });
    let command = Command::PutOpportunity(Box::new(foreseen.await?));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, command).await?))
}
