//! `/v1/fulfillment-orders`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, ahead, found, made};
use super::request::{Params, Path, Urgent, Write};
use crate::api::collection::{Arriving, CollectionJson, HandingOver};
use crate::api::fulfillment::{
    Dividing, FulfillmentJson, FulfillmentParams, Merging, Moving, Nothing, Picking, PuttingBack, Readying, Receiving,
    Rejecting, Shipping, Shorting, Stopping,
};
use crate::api::page::{Page, length};
use crate::api::tracking::Tracing;
use crate::domain::command::{Command, Context, Fulfill, FulfillmentAction};
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::rejection::Rejection;
use crate::domain::reply::{Outcome, Reply};

/// Fulfilment orders, newest order first.
#[utoipa::path(
    get, path = "/v1/fulfillment-orders", tag = "fulfillment",
    params(FulfillmentParams),
    responses((status = 200, body = Page<FulfillmentJson>)),
)]
pub async fn fulfillment_orders(State(front): State<Front>, Params(asked): Params<FulfillmentParams>) -> Replied {
    front.lists_reached_now().await?;
    let node = match &asked.node {
        None => None,
        Some(id) => match front.engine().catalogue(|c| c.node_index(&id.0)) {
            Some(node) => Some(node),
            None => return Ok(ahead(&Page::<FulfillmentJson>::empty())),
        },
    };
    let cursor = asked.cursor.map(|cursor| cursor.0);
    let (status, limit) = (asked.status, length(asked.limit));
    let listed = front.reading(move |front| -> Result<_, Rejection> {
        let page = front.views().orders().fulfillments(node, status, limit, cursor)?;
        let found = |key: &FulfillmentKey| Some((front.engine().order_wherever(key.order).transpose()?, *key));
        let loaded = page.items.iter().filter_map(found).map(|(order, key)| Ok((order?, key)));
        let loaded = loaded.collect::<Result<Vec<_>, Rejection>>()?;
        Ok((page, loaded))
    });
    let (page, loaded) = listed.await??;
    let newest = loaded.iter().map(|(order, _)| order.seq).max().unwrap_or(0);
    let items = front
        .engine()
        .catalogue(|c| loaded.iter().filter_map(|(order, key)| FulfillmentJson::of(order, key.number, c)).collect());
    let page = Page::new(items, page.next);
    Ok(found(front.journal().durable(newest, page).await?))
}

/// One fulfilment order.
#[utoipa::path(
    get, path = "/v1/fulfillment-orders/{id}", tag = "fulfillment",
    params(("id" = String, Path)),
    responses((status = 200, body = FulfillmentJson)),
)]
pub async fn fulfillment_order(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let (order, key) = front.reading(move |front| front.engine().fulfillment(&id)).await??;
    let durable = front.journal().durable(order.seq, order).await?;
    Ok(found(durable.map(|order| front.engine().catalogue(|c| FulfillmentJson::of(&order, key.number, c)))))
}

/// Who comes for a fulfilment order that is ready: his code, and since when he is there. Nothing else tells the code.
#[utoipa::path(
    get, path = "/v1/fulfillment-orders/{id}/collection", tag = "fulfillment",
    params(("id" = String, Path)),
    responses((status = 200, body = CollectionJson)),
)]
pub async fn collection(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let unknown = || Rejection::not_found("collection", &*id);
    let key = FulfillmentKey::parse(&id).ok_or_else(unknown)?;
    let known = front.engine().collection(key).ok_or_else(unknown)?;
    let seq = front.engine().position();
    Ok(found(front.journal().durable(seq, CollectionJson::from(&known)).await?))
}

/// What nobody can guess: the hash of nothing under keys of this moment.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::Instant::now())
}

async fn take(front: &Front, context: Context, fulfillment: Text, action: FulfillmentAction) -> Replied {
    let key = FulfillmentKey::parse(&fulfillment);
    let command = Command::Fulfill(Fulfill { fulfillment, action });
    let done = front.pipeline().submit(context, command).await?;
    Ok(made(front, StatusCode::OK, done.map(|outcome| meant(outcome, key))))
}

/// A repeated step is answered by its order; what was asked for is the fulfilment order.
fn meant(outcome: Outcome, key: Option<FulfillmentKey>) -> Outcome {
    let reply = match (outcome.reply, key) {
        (Reply::Order(order), Some(key)) => Reply::Fulfillment { order, key },
        (reply, _) => reply,
    };
    Outcome { reply, ..outcome }
}

/// One function per step: its path, what its body says, what it does.
macro_rules! steps {
    ($($(#[doc = $doc:literal])* $name:ident($path:literal, $body:ident as $said:pat) $action:expr;)*) => { $(
        $(#[doc = $doc])*
        #[utoipa::path(
            post, path = $path, tag = "fulfillment", request_body = $body,
            params(("id" = String, Path)),
            responses((status = 200, body = FulfillmentJson)),
        )]
        pub async fn $name(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<$body>) -> Replied {
            let Urgent(Write { context, body: $said, .. }) = write;
            take(&front, context, id, $action).await
        }
    )* };
}

steps! {
    /// The node takes it on.
    accept("/v1/fulfillment-orders/{id}/accept", Nothing as _) FulfillmentAction::Accept;
    /// The node refuses; its units are sourced again.
    reject("/v1/fulfillment-orders/{id}/reject", Rejecting as said) said.action();
    /// Units are picked.
    pick("/v1/fulfillment-orders/{id}/pick", Picking as said) said.action();
    /// Units are not found; they are sourced again before the answer.
    short("/v1/fulfillment-orders/{id}/short", Shorting as said) said.action();
    /// It is packed.
    pack("/v1/fulfillment-orders/{id}/pack", Nothing as _) FulfillmentAction::Pack;
    /// It waits to be picked up.
    ready("/v1/fulfillment-orders/{id}/ready", Readying as said) said.action(random());
    /// It leaves.
    ship("/v1/fulfillment-orders/{id}/ship", Shipping as said) said.action();
    /// The customer is there: he waits for what is ready.
    arrive("/v1/fulfillment-orders/{id}/arrive", Arriving as said) said.action();
    /// The customer takes it at the node, for its code where one was given out.
    hand_over("/v1/fulfillment-orders/{id}/hand_over", HandingOver as said) said.action();
    /// It came to the store where its customer comes for it: its units are there from now on, those aside that are missing.
    receive("/v1/fulfillment-orders/{id}/receive", Receiving as said) said.action();
    /// It was delivered.
    deliver("/v1/fulfillment-orders/{id}/deliver", Nothing as _) FulfillmentAction::Deliver;
    /// Somebody wants it stopped. Once it is being picked, the node has to agree.
    stop("/v1/fulfillment-orders/{id}/cancel", Stopping as said) said.action();
    /// The node agrees to stop.
    accept_stop("/v1/fulfillment-orders/{id}/cancel_accept", Nothing as _) FulfillmentAction::CancelAccept;
    /// What was picked is on its shelf again: it goes to who waits, or is free.
    put_back("/v1/fulfillment-orders/{id}/put_back", PuttingBack as said) said.action();
    /// Another node shall do it: its units are taken there and given back here in one step.
    reassign("/v1/fulfillment-orders/{id}/move", Moving as said) said.action();
    /// Some of its units become another fulfilment order of the same node, which names this one.
    divide("/v1/fulfillment-orders/{id}/split", Dividing as said) said.action();
    /// It takes the units of another fulfilment order of the same order and node, which names this one.
    unite("/v1/fulfillment-orders/{id}/merge", Merging as said) said.action();
    /// Its carrier tells where its shipment is; one that is delivered delivers it.
    track("/v1/fulfillment-orders/{id}/tracking", Tracing as said) said.action();
    /// The node goes on.
    refuse_stop("/v1/fulfillment-orders/{id}/cancel_refuse", Nothing as _) FulfillmentAction::CancelRefuse;
}
