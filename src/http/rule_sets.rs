//! `/v1/rule-sets`.

use axum::extract::State;

use super::front::Front;
use super::reply::{Replied, found};
use super::request::{Params, Path};
use crate::api::page::{Page, Paging};
use crate::api::rule_set::RuleSetJson;
use crate::domain::ids::Text;
use crate::domain::rejection::Rejection;

/// The active version of every rule set.
#[utoipa::path(
    get, path = "/v1/rule-sets", tag = "rule sets",
    params(Paging),
    responses((status = 200, body = Page<RuleSetJson>)),
)]
pub async fn rule_sets(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let page = front.catalogue(|c| {
        let all: Vec<_> = c.rule_sets().collect();
        let (rule_sets, next) = paging.slice(&all);
        Page::new(rule_sets.iter().map(|rule_set| RuleSetJson::from(*rule_set)).collect(), next)
    });
    Ok(found(page.await?))
}

/// The active version of a rule set.
#[utoipa::path(
    get, path = "/v1/rule-sets/{name}", tag = "rule sets",
    params(("name" = String, Path)),
    responses((status = 200, body = RuleSetJson)),
)]
pub async fn rule_set(State(front): State<Front>, Path(name): Path<Text>) -> Replied {
    let rule_set = front.catalogue(|c| c.rule_set(&name).map(RuleSetJson::from)).await?;
    match rule_set.as_ref() {
        Some(_) => Ok(found(rule_set)),
        None => Err(Rejection::not_found("rule set", &*name).into()),
    }
}
