//! `/v1/rule-sets`.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, ahead, found, made};
use super::request::{Ask, Params, Path, Write};
use crate::api::opportunity::WeighedJson;
use crate::api::page::{Page, Paging};
use crate::api::policy::PolicyJson;
use crate::api::rule_preview::{
    ChangedDecision, PreviewedPlan, RulePreviewJson, RulePreviewing, ShadowJson, ShadowPut, in_base,
};
use crate::api::rule_set::{RuleActivation, RuleSetJson, RuleSetPut, VersionJson};
use crate::api::scalar::{Id, VersionNumber, checked};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::limits::PREVIEWED_MAX;
use crate::domain::rejection::Rejection;
use crate::engine::{Compared, Preview, Shipped};
use crate::pipeline::Refused;
use crate::replay::figures;

/// Longest that one preview decides again: it says that it was stopped then.
const PREVIEW_MAX: Duration = Duration::from_secs(5);

/// The active version of every rule set, presets too; of one without an active version its last draft.
#[utoipa::path(
    get, path = "/v1/rule-sets", tag = "rule sets",
    params(Paging),
    responses((status = 200, body = Page<RuleSetJson>)),
)]
pub async fn rule_sets(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let page = front.catalogue(|c| {
        let all = c.rules().all();
        let (rule_sets, next) = paging.slice(&all);
        Page::new(rule_sets.iter().map(RuleSetJson::from).collect(), next)
    });
    Ok(found(page.await?))
}

/// The active version of a rule set, else its last draft.
#[utoipa::path(
    get, path = "/v1/rule-sets/{name}", tag = "rule sets",
    params(("name" = String, Path)),
    responses((status = 200, body = RuleSetJson)),
)]
pub async fn rule_set(State(front): State<Front>, Path(name): Path<Text>) -> Replied {
    let rule_set = front.catalogue(|c| c.rules().current(&name).as_ref().map(RuleSetJson::from)).await?;
    match rule_set.as_ref() {
        Some(_) => Ok(found(rule_set)),
        None => Err(Rejection::not_found("rule set", &*name).into()),
    }
}

/// The versions that were put of a rule set, newest first.
#[utoipa::path(
    get, path = "/v1/rule-sets/{name}/versions", tag = "rule sets",
    params(("name" = String, Path)),
    responses((status = 200, body = Page<VersionJson>)),
)]
pub async fn versions(State(front): State<Front>, Path(name): Path<Text>) -> Replied {
    let all = |c: &Catalogue| {
        let current = c.rules().current(&name)?;
        let only = || vec![VersionJson { version: current.version, state: current.state.word() }];
        Some(Page::whole(c.rules().versions(&name).map_or_else(only, VersionJson::all)))
    };
    let versions = front.catalogue(all).await?;
    match versions.as_ref() {
        Some(_) => Ok(found(versions)),
        None => Err(Rejection::not_found("rule set", &*name).into()),
    }
}

/// One version of a rule set.
#[utoipa::path(
    get, path = "/v1/rule-sets/{name}/versions/{version}", tag = "rule sets",
    params(("name" = String, Path), ("version" = VersionNumber, Path)),
    responses((status = 200, body = RuleSetJson)),
)]
pub async fn version(State(front): State<Front>, Path((name, version)): Path<(Text, Text)>) -> Replied {
    let VersionNumber(number) = checked("version", &version)?;
    let one = front.catalogue(|c| c.rules().version(&name, number).as_ref().map(RuleSetJson::from)).await?;
    match one.as_ref() {
        Some(_) => Ok(found(one)),
        None => Err(Rejection::not_found("version of a rule set", format!("{name} {number}")).into()),
    }
}

/// Put the next version of a rule set, as a draft: nothing is sourced by it until it is activated. A fence or term that cannot
/// be kept yet is stored, and named when the version is to be activated.
#[utoipa::path(
    put, path = "/v1/rule-sets/{name}", tag = "rule sets", request_body = RuleSetPut,
    params(("name" = Id, Path)),
    responses((status = 201, body = RuleSetJson)),
)]
pub async fn put(State(front): State<Front>, Path(name): Path<Text>, write: Write<RuleSetPut>) -> Replied {
    let Id(name) = checked("name", &name)?;
    let command = Command::PutRules(write.body.command(name));
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// Activate a version, at once or at an instant: orders that are decided before are decided by the version before, those after
/// by this one.
#[utoipa::path(
    post, path = "/v1/rule-sets/{name}/activate", tag = "rule sets", request_body = RuleActivation,
    params(("name" = Id, Path)),
    responses((status = 200, body = RuleSetJson)),
)]
pub async fn activate(State(front): State<Front>, Path(name): Path<Text>, write: Write<RuleActivation>) -> Replied {
    let command = Command::ActivateRules(write.body.command(name));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// Which of the last decisions a version would make otherwise, and at what cost. Nothing changes.
#[utoipa::path(
    post, path = "/v1/rule-sets/{name}/preview", tag = "rule sets", request_body = RulePreviewing,
    params(("name" = Id, Path)),
    responses((status = 200, body = RulePreviewJson)),
)]
pub async fn preview(State(front): State<Front>, Path(name): Path<Text>, Ask(asked): Ask<RulePreviewing>) -> Replied {
    let _turn = front.explanations().acquire().await.map_err(|_| Refused::Stopped)?;
    let (version, last) = (asked.version.0, asked.orders.map_or(PREVIEWED_MAX, |orders| orders.0));
    let asked = name.clone();
    let begun = Instant::now();
    let goes_on = move || begun.elapsed() < PREVIEW_MAX;
    let preview = front.reading(move |front| front.engine().preview(&asked, version, last, &goes_on)).await??;
    Ok(ahead(&front.engine().catalogue(|c| shown(&name, version, &preview, c))))
}

fn shown(name: &Text, version: u32, preview: &Preview, catalogue: &Catalogue) -> RulePreviewJson {
    RulePreviewJson {
        rule_set: Id(name.clone()),
        version,
        looked_at: preview.looked_at,
        not_concerned: preview.of_others,
        not_comparable: preview.unknown,
        compared: preview.compared,
        cost_before: in_base(preview.cost_before, catalogue),
        cost_after: in_base(preview.cost_after, catalogue),
        opportunity: preview.looks_ahead.then(|| WeighedJson::of(catalogue.opportunity())),
        changes: preview.changes.iter().map(|change| changed(change, catalogue)).collect(),
        stopped: preview.stopped,
    }
}

fn changed(change: &Compared, catalogue: &Catalogue) -> ChangedDecision {
    let told = |shipped: &[Shipped]| -> Vec<_> {
        let lines = |s: &Shipped| s.lines.iter().map(|(_, id, quantity)| (id.clone(), *quantity)).collect();
        shipped.iter().map(|s| (s.node, lines(s))).collect()
    };
    let Compared { cost_before, cost_after, unfilled_before, unfilled_after, .. } = change;
    ChangedDecision {
        order: change.order.clone(),
        rule_set: Id(change.decided_by.0.clone()),
        rule_set_version: change.decided_by.1,
        before: PreviewedPlan::of(*cost_before, *unfilled_before, &told(&change.before), catalogue),
        after: PreviewedPlan::of(*cost_after, *unfilled_after, &told(&change.after), catalogue),
    }
}

/// Let a version run beside the live rules: what it would decide is counted, and nothing follows from it.
#[utoipa::path(
    put, path = "/v1/rule-sets/{name}/shadow", tag = "rule sets", request_body = ShadowPut,
    params(("name" = Id, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_shadow(State(front): State<Front>, Path(name): Path<Text>, write: Write<ShadowPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(name)).await?))
}

/// What the shadow of a rule set comes to beside the live rules, since it was put or the server started.
#[utoipa::path(
    get, path = "/v1/rule-sets/{name}/shadow", tag = "rule sets",
    params(("name" = String, Path)),
    responses((status = 200, body = ShadowJson)),
)]
pub async fn shadow(State(front): State<Front>, Path(name): Path<Text>) -> Replied {
    let shadowed = front.engine().shadow_of(&name);
    let shadowed = shadowed.ok_or_else(|| Rejection::not_found("shadow of a rule set", &*name))?;
    let currency = front.engine().catalogue(|catalogue| catalogue.base_currency);
    Ok(ahead(&ShadowJson {
        rule_set: Id(name),
        version: shadowed.version,
        since: shadowed.since,
        looked_at: shadowed.looked_at,
        not_concerned: shadowed.of_others,
        not_comparable: shadowed.unknown,
        same: shadowed.same,
        differ: shadowed.differ,
        live: figures(&shadowed.live, currency),
        shadow: figures(&shadowed.shadow, currency),
    }))
}
