//! `/v1/returns`, and the policy they are judged by.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Urgent, Write};
use crate::api::page::{Page, length};
use crate::api::policy::PolicyJson;
use crate::api::return_policy::ReturnPolicyPut;
use crate::api::returns::{
    Approving, NewRefund, NewReturn, NewReturnLabel, ReturnGrades, ReturnJson, ReturnParams, ReturnReason,
    ReturnReceipt,
};
use crate::api::tracking::Tracing;
use crate::domain::command::{Command, Context, ReturnAction};
use crate::domain::ids::Text;
use crate::domain::returns::Return;

/// Ask for units of an order to come back, or to be made good. An order that was archived comes back with it.
#[utoipa::path(
    post, path = "/v1/returns", tag = "returns", request_body = NewReturn,
    responses((status = 201, body = ReturnJson)),
)]
pub async fn request(State(front): State<Front>, write: Write<NewReturn>) -> Replied {
    let command = write.body.command(write.fingerprint);
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// One return.
#[utoipa::path(
    get, path = "/v1/returns/{id}", tag = "returns",
    params(("id" = String, Path)),
    responses((status = 200, body = ReturnJson)),
)]
pub async fn returned(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let known = front.engine().returned(&id)?;
    let shown = shown(&front, &known);
    Ok(found(front.journal().durable(known.seq, shown).await?))
}

fn shown(front: &Front, known: &Return) -> ReturnJson {
    front.named(|catalogue, orders| ReturnJson::of(known, catalogue, orders))
}

/// Returns, newest first.
#[utoipa::path(
    get, path = "/v1/returns", tag = "returns",
    params(ReturnParams),
    responses((status = 200, body = Page<ReturnJson>)),
)]
pub async fn all(State(front): State<Front>, Params(asked): Params<ReturnParams>) -> Replied {
    let engine = front.engine();
    let node = asked.node.as_ref().map(|id| engine.catalogue(|catalogue| catalogue.node_index(&id.0)));
    // A node that does not exist is that of no return.
    let at = |known: &Return| {
        let comes = |node| {
            known.kits.iter().any(|kits| kits.is_at(node))
                || known.lines.iter().any(|line| {
                    line.node == Some(node)
                        || line.held.iter().any(|held| held.node == node)
                        || line.disposed.iter().any(|disposed| disposed.node == node)
                })
        };
        node.is_none_or(|node| node.is_some_and(comes))
    };
    let of = |known: &Return| {
        asked.order.as_ref().is_none_or(|id| id.0 == known.order_name || *id.0 == *known.order.to_string())
    };
    let fits = |known: &Return| asked.status.is_none_or(|status| status == known.status()) && of(known) && at(known);
    let keys = engine.return_keys().into_iter().filter(|key| asked.cursor.is_none_or(|cursor| *key < cursor.0));
    let mut fitting = keys.filter_map(|key| engine.return_by_key(key)).filter(fits);
    let page: Vec<Return> = fitting.by_ref().take(length(asked.limit)).collect();
    let next = page.last().filter(|_| fitting.next().is_some()).map(|last| last.key);
    let newest = page.iter().map(|known| known.seq).max().unwrap_or(0);
    let items = front.reading(move |front| page.iter().map(|known| shown(front, known)).collect()).await?;
    Ok(found(front.journal().durable(newest, Page::new(items, next)).await?))
}

async fn take(front: &Front, context: Context, returned: Text, action: ReturnAction) -> Replied {
    let done = front.pipeline().submit(context, Command::ChangeReturn { returned, action }).await?;
    Ok(made(front, StatusCode::OK, done))
}

/// One function per step: its path, what its body says, what it does.
macro_rules! steps {
    ($($(#[doc = $doc:literal])* $name:ident($path:literal, $body:ident as $said:pat) $action:expr;)*) => { $(
        $(#[doc = $doc])*
        #[utoipa::path(
            post, path = $path, tag = "returns", request_body = $body,
            params(("id" = String, Path)),
            responses((status = 200, body = ReturnJson)),
        )]
        pub async fn $name(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<$body>) -> Replied {
            let Urgent(Write { context, body: $said, .. }) = write;
            take(&front, context, id, $action).await
        }
    )* };
}

steps! {
    /// It may come: each line to the node where it costs least and is worth most.
    approve("/v1/returns/{id}/approve", Approving as said) said.action();
    /// It may not.
    decline("/v1/returns/{id}/decline", ReturnReason as said) said.declined();
    /// Nobody wants it any more; not once anything came.
    cancel("/v1/returns/{id}/cancel", ReturnReason as said) said.cancelled();
    /// A parcel of it has a label; somebody else made that.
    label("/v1/returns/{id}/labels", NewReturnLabel as said) said.action();
    /// The goods are on their way.
    transit("/v1/returns/{id}/transit", ReturnReason as _) ReturnAction::Transit;
    /// Units came, or were not in the parcel. What becomes of them changes stock at once: what is restocked goes to what is
    /// owed and to who waits, in the same record.
    receive("/v1/returns/{id}/receipts", ReturnReceipt as said) said.action();
    /// Units that came are graded; what becomes of them may be said too.
    inspect("/v1/returns/{id}/inspections", ReturnGrades as said) said.inspected();
    /// It is said what becomes of units that were graded.
    dispose("/v1/returns/{id}/dispositions", ReturnGrades as said) said.disposed();
    /// Money went back: before or after the goods, as the terms of the return let it, and never more than was paid.
    refund("/v1/returns/{id}/refunds", NewRefund as said) said.action();
    /// No more money goes back.
    close("/v1/returns/{id}/close", ReturnReason as said) said.closed();
}

/// The carrier of a parcel tells where it is; labels are counted from 1. A return whose goods are awaited is in transit once
/// its carrier has a parcel of it.
#[utoipa::path(
    post, path = "/v1/returns/{id}/labels/{number}/tracking", tag = "returns", request_body = Tracing,
    params(("id" = String, Path), ("number" = String, Path)),
    responses((status = 200, body = ReturnJson)),
)]
pub async fn track(
    State(front): State<Front>,
    Path((id, number)): Path<(Text, Text)>,
    write: Urgent<Tracing>,
) -> Replied {
    let Urgent(Write { context, body, .. }) = write;
    // Another text than a number is that of no label.
    let command = body.of_return(id, number.parse().unwrap_or(0));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, command).await?))
}

/// What comes back, until when, and for what money. The narrowest policy decides, whole: an item's, a channel's, that of
/// everything. Returns that were asked for before keep their terms.
#[utoipa::path(
    put, path = "/v1/return-policy", tag = "policies", request_body = ReturnPolicyPut,
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_policy(State(front): State<Front>, write: Write<ReturnPolicyPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command()).await?))
}
