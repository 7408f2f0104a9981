//! `/v1/drafts`: orders that are not placed yet.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::orders::quoted;
use super::reply::{Replied, found, made};
use super::request::{Ask, Params, Path, Urgent, Write};
use crate::api::decision::Quote;
use crate::api::draft::{DraftHold, DraftJson, DraftParams, DraftPatch, DraftPlacing, DraftPut, NewDraft, order};
use crate::api::fulfillment::Nothing;
use crate::api::order::OrderJson;
use crate::api::page::{Page, length};
use crate::api::problem::Problem;
use crate::domain::command::{Command, Context, PlaceOrder};
use crate::domain::draft::Draft;
use crate::domain::ids::Text;
use crate::domain::limits::DRAFTS_PAGE_BYTES_MAX;
use crate::domain::record::Log;
use crate::domain::rejection::{Fault, Rejection};
use crate::pipeline::Refused;

/// Begin a draft: an order that is not placed yet. Any part of it may be said; what is there must be written as in an order.
#[utoipa::path(
    post, path = "/v1/drafts", tag = "orders", request_body = NewDraft,
    responses((status = 201, body = DraftJson)),
)]
pub async fn begin(State(front): State<Front>, write: Write<NewDraft>) -> Replied {
    let command = write.body.command(write.fingerprint);
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// One draft. Readable for 7 days after its end.
#[utoipa::path(
    get, path = "/v1/drafts/{id}", tag = "orders",
    params(("id" = String, Path)),
    responses((status = 200, body = DraftJson)),
)]
pub async fn draft(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let draft = front.engine().draft(&id)?;
    let durable = front.journal().durable(draft.seq, draft).await?;
    let now = front.journal().now().journal;
    Ok(found(durable.map(|draft| front.named(|_, orders| DraftJson::of(&draft, orders, now)))))
}

/// Drafts, newest first. A page ends early where they say more than 1 MiB.
#[utoipa::path(
    get, path = "/v1/drafts", tag = "orders",
    params(DraftParams),
    responses((status = 200, body = Page<DraftJson>)),
)]
pub async fn all(State(front): State<Front>, Params(asked): Params<DraftParams>) -> Replied {
    let (page, newest) = front.reading(move |front| listed(front, &asked)).await?;
    Ok(found(front.journal().durable(newest, page).await?))
}

/// A page of drafts, and the sequence of the newest record of them.
fn listed(front: &Front, asked: &DraftParams) -> (Page<DraftJson>, u64) {
    let (engine, now, most) = (front.engine(), front.journal().now().journal, length(asked.limit));
    let keys = engine.draft_keys().into_iter().filter(|key| asked.cursor.is_none_or(|cursor| *key < cursor.0));
    let (mut items, mut newest, mut bytes, mut last) = (Vec::new(), 0, 0, None);
    for draft in keys.filter_map(|key| engine.draft_that(key, |draft| asked.fits(draft, now))) {
        bytes += draft.terms.said.bytes.len();
        if items.len() == most || bytes > DRAFTS_PAGE_BYTES_MAX {
            return (Page::new(items, last), newest);
        }
        items.push(front.named(|_, orders| DraftJson::of(&draft, orders, now)));
        newest = newest.max(draft.seq);
        last = Some(draft.key);
    }
    (Page::whole(items), newest)
}

/// Let a draft say something else, whole.
#[utoipa::path(
    put, path = "/v1/drafts/{id}", tag = "orders", request_body = DraftPut,
    params(("id" = String, Path)),
    responses((status = 200, body = DraftJson)),
)]
pub async fn put(State(front): State<Front>, Path(id): Path<Text>, write: Write<DraftPut>) -> Replied {
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, write.body.command(id)).await?))
}

/// Replace fields of a draft's order, each whole: its lines, say; `null` takes one away.
#[utoipa::path(
    patch, path = "/v1/drafts/{id}", tag = "orders", request_body = DraftPatch,
    params(("id" = String, Path)),
    responses((status = 200, body = DraftJson)),
)]
pub async fn patch(State(front): State<Front>, Path(id): Path<Text>, write: Write<DraftPatch>) -> Replied {
    take(&front, &id, write.context, StatusCode::OK, |draft| write.body.command(draft)).await
}

/// Set units aside for what a draft's lines ask for, for a time: an ordinary reservation of which the draft says the id.
/// Whoever changes the lines changes or releases it there.
#[utoipa::path(
    post, path = "/v1/drafts/{id}/reservation", tag = "orders", request_body = DraftHold,
    params(("id" = String, Path)),
    responses((status = 201, body = DraftJson)),
)]
pub async fn hold(State(front): State<Front>, Path(id): Path<Text>, write: Write<DraftHold>) -> Replied {
    take(&front, &id, write.context, StatusCode::CREATED, |draft| write.body.command(draft)).await
}

/// Quote a draft, as `/v1/promises` does; the units that it holds count as free. Takes nothing.
#[utoipa::path(
    post, path = "/v1/drafts/{id}/quote", tag = "orders", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = Quote)),
)]
pub async fn quote(State(front): State<Front>, Path(id): Path<Text>, _nothing: Ask<Nothing>) -> Replied {
    let now = front.journal().now();
    let draft = front.engine().open_draft(&id, now.journal)?;
    let reservation = front.engine().held_by(&draft, now.journal).map(|key| key.to_string().as_str().into());
    let asked = order(&draft).map_err(|faults| Problem::of_faults(&faults))?.quote();
    quoted(&front, now, &PlaceOrder { reservation, ..asked }).map_err(|rejection| of_draft(rejection).into())
}

/// Place a draft: it becomes an order in one record, which claims the units that the draft holds. Only now all that an
/// order must say is asked for, and judged.
#[utoipa::path(
    post, path = "/v1/drafts/{id}/place", tag = "orders", request_body = DraftPlacing,
    params(("id" = String, Path)),
    responses((status = 201, body = OrderJson)),
)]
pub async fn place(State(front): State<Front>, Path(id): Path<Text>, write: Write<DraftPlacing>) -> Replied {
    take(&front, &id, write.context, StatusCode::CREATED, |draft| write.body.command(draft)).await
}

/// Let a draft go; what it holds goes back. A second time answers the same.
#[utoipa::path(
    delete, path = "/v1/drafts/{id}", tag = "orders",
    params(("id" = String, Path)),
    responses((status = 200, body = DraftJson)),
)]
pub async fn discard(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<Nothing>) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, Command::DiscardDraft { draft: id }).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Takes a step for which a draft is read first. Of one that has ended it is told that, not what else is wrong with it.
async fn take(
    front: &Front,
    id: &str,
    context: Context,
    status: StatusCode,
    command: impl FnOnce(&Draft) -> Result<Command, Vec<Fault>>,
) -> Replied {
    let draft = front.engine().draft(id)?;
    let command = match command(&draft) {
        Ok(command) => command,
        Err(faults) => {
            // The draft may be another than the one that the first request of this key was about.
            if let Some(done) = front.pipeline().repeated(&context).await? {
                return Ok(made(front, status, done));
            }
            front.engine().open_draft(id, front.journal().now().journal)?;
            return Err(Problem::of_faults(&faults));
        }
    };
    let done = front.pipeline().submit(context, command).await.map_err(|refused| match refused {
        Refused::Rejected(rejection) => Refused::Rejected(of_draft(rejection)),
        other => other,
    })?;
    Ok(made(front, status, done))
}

/// Faults of an order name their place in the draft; how long that lasts is no part of the order, nor is what it holds.
fn of_draft(rejection: Rejection) -> Rejection {
    match rejection {
        Rejection::Invalid(mut faults) => {
            faults.iter_mut().for_each(of_draft_field);
            Rejection::Invalid(faults)
        }
        other => other,
    }
}

fn of_draft_field(fault: &mut Fault) {
    match (fault.code, fault.field.as_str()) {
        (_, "ttl_s") => {}
        ("deferred_claim", _) => {
            let detail = "must be at_once: the draft holds units, and an order that rests cannot claim them";
            *fault = Fault::new("order.allocation", "deferred_claim", detail);
        }
        (_, field) => fault.field = format!("order.{field}"),
    }
}
