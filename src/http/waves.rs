//! `/v1/waves`, where things lie, how nodes pick, and how well that went.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, ahead, found, made};
use super::request::{Params, Path, Urgent, Write};
use crate::api::fulfillment::Nothing;
use crate::api::page::{Page, Paging, length};
use crate::api::picking::{BinJson, BinsJson, BinsPut, EfficiencyJson, EfficiencyParams, PickingRulePut};
use crate::api::policy::PolicyJson;
use crate::api::wave::{NewWave, TaskAssigning, TaskDone, TaskShorting, WaveCancelling, WaveJson, WaveParams};
use crate::domain::command::{Command, Context, TaskAction, WaveAction};
use crate::domain::ids::Text;
use crate::domain::picked::day_of;
use crate::domain::rejection::Rejection;
use crate::domain::wave::Wave;

/// Plan a wave. Planned again, it takes the next fulfilment orders, until nothing is left.
#[utoipa::path(
    post, path = "/v1/waves", tag = "picking", request_body = NewWave,
    responses((status = 201, body = WaveJson)),
)]
pub async fn plan(State(front): State<Front>, write: Write<NewWave>) -> Replied {
    let command = write.body.command(write.fingerprint);
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// One wave, with its tasks and their pick lists. It stays readable for a day after its end.
#[utoipa::path(
    get, path = "/v1/waves/{id}", tag = "picking",
    params(("id" = String, Path)),
    responses((status = 200, body = WaveJson)),
)]
pub async fn wave(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let wave = front.engine().wave(&id)?;
    let shown = shown(&front, &wave);
    Ok(found(front.journal().durable(wave.seq, shown).await?))
}

fn shown(front: &Front, wave: &Wave) -> WaveJson {
    front.named(|catalogue, orders| WaveJson::of(wave, catalogue, orders))
}

/// Waves, newest first.
#[utoipa::path(
    get, path = "/v1/waves", tag = "picking",
    params(WaveParams),
    responses((status = 200, body = Page<WaveJson>)),
)]
pub async fn all(State(front): State<Front>, Params(asked): Params<WaveParams>) -> Replied {
    let engine = front.engine();
    let node = asked.node.as_ref().map(|id| engine.catalogue(|catalogue| catalogue.node_index(&id.0)));
    // A node that does not exist is that of no wave.
    let fits = |wave: &Wave| {
        node.is_none_or(|node| node == Some(wave.node)) && asked.status.is_none_or(|status| status == wave.status())
    };
    let keys = engine.wave_keys().into_iter().filter(|key| asked.cursor.is_none_or(|cursor| *key < cursor.0));
    let mut fitting = keys.filter_map(|key| engine.wave_by_key(key)).filter(fits);
    let page: Vec<Wave> = fitting.by_ref().take(length(asked.limit)).collect();
    let next = page.last().filter(|_| fitting.next().is_some()).map(|last| last.key);
    let newest = page.iter().map(|wave| wave.seq).max().unwrap_or(0);
    let items = front.reading(move |front| page.iter().map(|wave| shown(front, wave)).collect()).await?;
    Ok(found(front.journal().durable(newest, Page::new(items, next)).await?))
}

async fn take(front: &Front, context: Context, wave: Text, action: WaveAction) -> Replied {
    let command = Command::ChangeWave { wave, action };
    Ok(made(front, StatusCode::OK, front.pipeline().submit(context, command).await?))
}

/// It goes to the floor: the way of picking is chosen by its load, and its tasks are made.
#[utoipa::path(
    post, path = "/v1/waves/{id}/release", tag = "picking", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = WaveJson)),
)]
pub async fn release(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<Nothing>) -> Replied {
    take(&front, write.0.context, id, WaveAction::Release).await
}

/// What is not picked by now is not picked with it: its fulfilment orders can come into another.
#[utoipa::path(
    post, path = "/v1/waves/{id}/cancel", tag = "picking", request_body = WaveCancelling,
    params(("id" = String, Path)),
    responses((status = 200, body = WaveJson)),
)]
pub async fn cancel(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<WaveCancelling>) -> Replied {
    let Urgent(Write { context, body, .. }) = write;
    take(&front, context, id, body.action()).await
}

/// One function per step of a task: its path, what its body says, what it does.
macro_rules! steps {
    ($($(#[doc = $doc:literal])* $name:ident($path:literal, $body:ident as $said:pat) $action:expr;)*) => { $(
        $(#[doc = $doc])*
        #[utoipa::path(
            post, path = $path, tag = "picking", request_body = $body,
            params(("id" = String, Path), ("task" = u16, Path)),
            responses((status = 200, body = WaveJson)),
        )]
        pub async fn $name(
            State(front): State<Front>,
            Path((id, task)): Path<(Text, Text)>,
            write: Urgent<$body>,
        ) -> Replied {
            let Urgent(Write { context, body: $said, .. }) = write;
            take(&front, context, id, WaveAction::Task { task, step: $action }).await
        }
    )* };
}

steps! {
    /// Somebody will do a task; another somebody in his place, until it is begun.
    assign("/v1/waves/{id}/tasks/{task}/assign", TaskAssigning as said) said.action();
    /// Somebody does a task.
    start("/v1/waves/{id}/tasks/{task}/start", Nothing as _) TaskAction::Start;
    /// Units of an entry are not found: a short pick of their fulfilment order, which is sourced again before the answer.
    short("/v1/waves/{id}/tasks/{task}/short", TaskShorting as said) said.action();
    /// All else of a task is picked, of all its fulfilment orders at once. What they no longer want is left out.
    done("/v1/waves/{id}/tasks/{task}/done", TaskDone as said) said.action();
}

/// Say where skus lie at a node. Pick lists that are made from now on go there.
#[utoipa::path(
    put, path = "/v1/nodes/{node}/bins", tag = "picking", request_body = BinsPut,
    params(("node" = String, Path)),
    responses((status = 200, body = BinsJson)),
)]
pub async fn put_bins(State(front): State<Front>, Path(node): Path<Text>, write: Write<BinsPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(node)).await?))
}

/// Where skus lie at a node.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/bins", tag = "picking",
    params(("node" = String, Path), Paging),
    responses((status = 200, body = Page<BinJson>)),
)]
pub async fn bins(State(front): State<Front>, Path(node): Path<Text>, Params(asked): Params<Paging>) -> Replied {
    let (skip, most) = (asked.cursor.map_or(0, |cursor| cursor.0), length(asked.limit));
    let from = usize::try_from(skip).unwrap_or(usize::MAX);
    let unknown = || Rejection::not_found("node", &*node);
    let (mut bins, seq) = front.engine().bins(&node, from, most + 1).ok_or_else(unknown)?;
    let next = (bins.len() > most).then_some(skip + most as u64);
    bins.truncate(most);
    let items = front
        .engine()
        .catalogue(|catalogue| bins.iter().map(|(sku, place)| BinJson::of(*sku, Some(place), catalogue)).collect());
    Ok(found(front.journal().durable(seq, Page::<BinJson>::new(items, next)).await?))
}

/// How nodes pick: from which load on in which way, how much one wave may have, how the floor lies. A node without a rule of
/// its own goes by that of all.
#[utoipa::path(
    put, path = "/v1/picking-rule", tag = "policies", request_body = PickingRulePut,
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_rule(State(front): State<Front>, write: Write<PickingRulePut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command()).await?))
}

/// How well nodes picked, way by way: what was walked and how long it took for a unit, beside what the same would have been
/// order by order. Days stay known for 400 days.
#[utoipa::path(
    get, path = "/v1/picking-efficiency", tag = "picking",
    params(EfficiencyParams),
    responses((status = 200, body = Page<EfficiencyJson>)),
)]
pub async fn efficiency(State(front): State<Front>, Params(asked): Params<EfficiencyParams>) -> Replied {
    let engine = front.engine();
    let node = match &asked.node {
        None => None,
        Some(id) => match engine.catalogue(|catalogue| catalogue.node_index(&id.0)) {
            Some(node) => Some(node),
            None => return Ok(ahead(&Page::<EfficiencyJson>::empty())),
        },
    };
    let since = asked.since.map_or(i32::MIN, |day| day_of(day.end()));
    let until = asked.until.map_or(i32::MAX, |day| day_of(day.end()));
    let (sums, seq) = engine.picked(node, since, until);
    let row = |((node, method), picked): (&(_, _), &_)| (*node, *method, *picked);
    let rows: Vec<_> = sums.iter().map(row).collect();
    let items = engine.catalogue(|catalogue| {
        rows.iter().map(|(node, method, picked)| EfficiencyJson::of(*node, *method, picked, catalogue)).collect()
    });
    Ok(found(front.journal().durable(seq, Page::<EfficiencyJson>::whole(items)).await?))
}
