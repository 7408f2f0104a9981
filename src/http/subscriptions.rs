//! `/v1/subscriptions`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Write};
use crate::api::fulfillment::Nothing;
use crate::api::order::OrderJson;
use crate::api::page::{Page, Paging, length};
use crate::api::scalar::{Id, checked};
use crate::api::subscription::{SubscriptionJson, SubscriptionParams, SubscriptionPut, SubscriptionReason};
use crate::domain::command::{Command, Context, SubscriptionAction};
use crate::domain::ids::Text;
use crate::domain::subscription::Subscription;

/// Create or replace a subscription: a schedule that places an order in every period.
#[utoipa::path(
    put, path = "/v1/subscriptions/{id}", tag = "orders", request_body = SubscriptionPut,
    params(("id" = String, Path)),
    responses(
        (status = 200, body = SubscriptionJson, description = "replaced"),
        (status = 201, body = SubscriptionJson, description = "created"),
    ),
)]
pub async fn put(State(front): State<Front>, Path(id): Path<Text>, write: Write<SubscriptionPut>) -> Replied {
    let Id(id) = checked("id", &id)?;
    let command = write.body.command(id, write.fingerprint);
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

async fn change(front: &Front, context: Context, command: Command) -> Replied {
    Ok(made(front, StatusCode::OK, front.pipeline().submit(context, command).await?))
}

/// Place no orders for now.
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/pause", tag = "orders", request_body = SubscriptionReason,
    params(("id" = String, Path)),
    responses((status = 200, body = SubscriptionJson)),
)]
pub async fn pause(State(front): State<Front>, Path(id): Path<Text>, write: Write<SubscriptionReason>) -> Replied {
    change(&front, write.context, write.body.command(id, SubscriptionAction::Pause)).await
}

/// Go on; periods that passed meanwhile are not made up for.
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/resume", tag = "orders", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = SubscriptionJson)),
)]
pub async fn resume(State(front): State<Front>, Path(id): Path<Text>, write: Write<Nothing>) -> Replied {
    let command = Command::ChangeSubscription { subscription: id, action: SubscriptionAction::Resume };
    change(&front, write.context, command).await
}

/// Let the next period go without an order.
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/skip", tag = "orders", request_body = SubscriptionReason,
    params(("id" = String, Path)),
    responses((status = 200, body = SubscriptionJson)),
)]
pub async fn skip(State(front): State<Front>, Path(id): Path<Text>, write: Write<SubscriptionReason>) -> Replied {
    change(&front, write.context, write.body.command(id, SubscriptionAction::Skip)).await
}

/// Place no orders any more.
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/cancel", tag = "orders", request_body = SubscriptionReason,
    params(("id" = String, Path)),
    responses((status = 200, body = SubscriptionJson)),
)]
pub async fn cancel(State(front): State<Front>, Path(id): Path<Text>, write: Write<SubscriptionReason>) -> Replied {
    change(&front, write.context, write.body.command(id, SubscriptionAction::Cancel)).await
}

/// One subscription.
#[utoipa::path(
    get, path = "/v1/subscriptions/{id}", tag = "orders",
    params(("id" = String, Path)),
    responses((status = 200, body = SubscriptionJson)),
)]
pub async fn subscription(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let subscription = front.engine().subscription(&id)?;
    let shown = front.named(|catalogue, orders| SubscriptionJson::of(&subscription, catalogue, orders));
    Ok(found(front.journal().durable(subscription.seq, shown).await?))
}

/// Subscriptions, newest first.
#[utoipa::path(
    get, path = "/v1/subscriptions", tag = "orders",
    params(SubscriptionParams),
    responses((status = 200, body = Page<SubscriptionJson>)),
)]
pub async fn all(State(front): State<Front>, Params(asked): Params<SubscriptionParams>) -> Replied {
    let engine = front.engine();
    let fits = |subscription: &Subscription| {
        asked.customer.as_ref().is_none_or(|customer| customer.0 == subscription.terms.customer)
            && asked.state.is_none_or(|state| state == subscription.state)
    };
    let keys = engine.subscription_keys().into_iter().filter(|key| asked.cursor.is_none_or(|cursor| *key < cursor.0));
    let mut fitting = keys.filter_map(|key| engine.subscription_by_key(key)).filter(fits);
    let page: Vec<Subscription> = fitting.by_ref().take(length(asked.limit)).collect();
    let next = page.last().filter(|_| fitting.next().is_some()).map(|last| last.key);
    let newest = page.iter().map(|subscription| subscription.seq).max().unwrap_or(0);
    let items = front.reading(move |front| {
        front.named(|c, orders| page.iter().map(|known| SubscriptionJson::of(known, c, orders)).collect())
    });
    let items = items.await?;
    Ok(found(front.journal().durable(newest, Page::new(items, next)).await?))
}

/// The orders of a subscription, newest first, without their decisions.
#[utoipa::path(
    get, path = "/v1/subscriptions/{id}/orders", tag = "orders",
    params(("id" = String, Path), Paging),
    responses((status = 200, body = Page<OrderJson>)),
)]
pub async fn orders(State(front): State<Front>, Path(id): Path<Text>, Params(paging): Params<Paging>) -> Replied {
    let engine = front.engine();
    let subscription = engine.subscription(&id)?;
    let last = subscription.number.saturating_sub(1);
    let before = paging.cursor.map_or(0, |cursor| u32::try_from(cursor.0).unwrap_or(u32::MAX));
    let numbers = (1..=last.saturating_sub(before)).rev();
    let mut there = numbers.filter_map(|number| Some((number, engine.order(&subscription.order_id(number)).ok()?)));
    let page: Vec<_> = there.by_ref().take(length(paging.limit)).collect();
    let more = there.next().is_some();
    let next = page.last().filter(|_| more).map(|(number, _)| u64::from(last - number + 1));
    let newest = page.iter().map(|(_, order)| order.seq).max().unwrap_or(subscription.seq);
    let items = front.named(|c, orders| page.iter().map(|(_, order)| OrderJson::in_list(order, c, orders)).collect());
    Ok(found(front.journal().durable(newest, Page::new(items, next)).await?))
}
