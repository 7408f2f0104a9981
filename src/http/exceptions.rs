//! `/v1/exceptions`: what somebody should look at.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Urgent, Write};
use crate::api::exception::{Assigning, ExceptionJson, ExceptionParams, Resolving};
use crate::api::page::{Page, length};
use crate::domain::exception::Exception;
use crate::domain::ids::Text;

/// Exceptions, by type and then by what they are about.
#[utoipa::path(
    get, path = "/v1/exceptions", tag = "exceptions",
    params(ExceptionParams),
    responses((status = 200, body = Page<ExceptionJson>)),
)]
pub async fn exceptions(State(front): State<Front>, Params(asked): Params<ExceptionParams>) -> Replied {
    let engine = front.engine();
    let fits = |case: &Exception| {
        asked.r#type.is_none_or(|kind| kind == case.key.kind)
            && asked.status.is_none_or(|status| status == case.status())
            && asked.owner.as_ref().is_none_or(|owner| case.owner.as_ref() == Some(&owner.0))
    };
    let after = |key: &crate::domain::exception::ExceptionKey| asked.cursor.is_none_or(|cursor| *key > cursor.0);
    let keys = engine.exception_keys().into_iter().filter(after);
    let mut fitting = keys.filter_map(|key| engine.exception_by_key(key)).filter(fits);
    let page: Vec<Exception> = fitting.by_ref().take(length(asked.limit)).collect();
    let next = page.last().filter(|_| fitting.next().is_some()).map(|last| last.key);
    let newest = page.iter().map(|case| case.seq).max().unwrap_or(0);
    let items = front.reading(move |front| {
        front.named(|c, orders| page.iter().map(|case| ExceptionJson::of(case, c, orders)).collect())
    });
    let items = items.await?;
    Ok(found(front.journal().durable(newest, Page::new(items, next)).await?))
}

/// One exception.
#[utoipa::path(
    get, path = "/v1/exceptions/{id}", tag = "exceptions",
    params(("id" = String, Path)),
    responses((status = 200, body = ExceptionJson)),
)]
pub async fn exception(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let case = front.engine().exception(&id)?;
    let shown = front.named(|c, orders| ExceptionJson::of(&case, c, orders));
    Ok(found(front.journal().durable(case.seq, shown).await?))
}

/// Somebody takes care of it.
#[utoipa::path(
    post, path = "/v1/exceptions/{id}/assign", tag = "exceptions", request_body = Assigning,
    params(("id" = String, Path)),
    responses((status = 200, body = ExceptionJson)),
)]
pub async fn assign(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<Assigning>) -> Replied {
    let Urgent(Write { context, body, .. }) = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(id)).await?))
}

/// It is over; when it happens again it opens anew.
#[utoipa::path(
    post, path = "/v1/exceptions/{id}/resolve", tag = "exceptions", request_body = Resolving,
    params(("id" = String, Path)),
    responses((status = 200, body = ExceptionJson)),
)]
pub async fn resolve(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<Resolving>) -> Replied {
    let Urgent(Write { context, body, .. }) = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(id)).await?))
}
