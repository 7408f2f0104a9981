//! `/v1/counts`: cycle counts.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Write};
use crate::api::cycle_count::{CountCancelling, CountParams, CycleCountJson, NewCount, Results};
use crate::api::page::{Page, length};
use crate::domain::cycle_count::CycleCount;
use crate::domain::ids::Text;

/// Plan a recount of some skus at a node.
#[utoipa::path(
    post, path = "/v1/counts", tag = "stock", request_body = NewCount,
    responses((status = 201, body = CycleCountJson)),
)]
pub async fn plan(State(front): State<Front>, write: Write<NewCount>) -> Replied {
    let command = write.body.command(write.fingerprint);
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// Results: each is a count of its cell, and tells by how much it differed. All or nothing.
#[utoipa::path(
    post, path = "/v1/counts/{id}/results", tag = "stock", request_body = Results,
    params(("id" = String, Path)),
    responses((status = 200, body = CycleCountJson)),
)]
pub async fn submit(State(front): State<Front>, Path(id): Path<Text>, write: Write<Results>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// The rest will not be counted.
#[utoipa::path(
    post, path = "/v1/counts/{id}/cancel", tag = "stock", request_body = CountCancelling,
    params(("id" = String, Path)),
    responses((status = 200, body = CycleCountJson)),
)]
pub async fn cancel(State(front): State<Front>, Path(id): Path<Text>, write: Write<CountCancelling>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// One cycle count.
#[utoipa::path(
    get, path = "/v1/counts/{id}", tag = "stock",
    params(("id" = String, Path)),
    responses((status = 200, body = CycleCountJson)),
)]
pub async fn count(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let count = front.engine().cycle_count(&id)?;
    let shown = shown(&front, &count);
    Ok(found(front.journal().durable(count.seq, shown).await?))
}

fn shown(front: &Front, count: &CycleCount) -> CycleCountJson {
    front.engine().catalogue(|catalogue| CycleCountJson::of(count, catalogue))
}

/// Cycle counts, newest first.
#[utoipa::path(
    get, path = "/v1/counts", tag = "stock",
    params(CountParams),
    responses((status = 200, body = Page<CycleCountJson>)),
)]
pub async fn all(State(front): State<Front>, Params(asked): Params<CountParams>) -> Replied {
    let engine = front.engine();
    let node = asked.node.as_ref().map(|id| engine.catalogue(|catalogue| catalogue.node_index(&id.0)));
    // A node that does not exist is that of no count.
    let fits = |count: &CycleCount| {
        node.is_none_or(|node| node == Some(count.node)) && asked.status.is_none_or(|status| status == count.status())
    };
    let keys = engine.cycle_count_keys().into_iter().filter(|key| asked.cursor.is_none_or(|cursor| *key < cursor.0));
    let mut fitting = keys.filter_map(|key| engine.cycle_count_by_key(key)).filter(fits);
    let page: Vec<CycleCount> = fitting.by_ref().take(length(asked.limit)).collect();
    let next = page.last().filter(|_| fitting.next().is_some()).map(|last| last.key);
    let newest = page.iter().map(|count| count.seq).max().unwrap_or(0);
    let items = page.iter().map(|count| shown(&front, count)).collect();
    Ok(found(front.journal().durable(newest, Page::new(items, next)).await?))
}
