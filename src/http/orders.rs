//! `/v1/orders` and `/v1/promises`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::front::Front;
use super::reply::{Replied, ahead, found, found_written, made, written};
use super::request::{Ask, Params, Path, Urgent, Write};
use crate::api::decision::{DecisionJson, GroupJson, OrderLines, Quote, QuotedPickupJson};
use crate::api::fulfillment::Nothing;
use crate::api::order::{
    Cancellation, Consolidation, HistoryEntry, NewOrder, OrderJson, OrderMerging, OrderParams, Rebooking, Splitting,
    history,
};
use crate::api::page::{Page, Paging, length};
use crate::api::problem::Problem;
use crate::api::rates::QuotedShipmentJson;
use crate::api::scalar::Id;
use crate::domain::command::{Command, PlaceOrder};
use crate::domain::decision::{Decision, Loser, Losing};
use crate::domain::ids::{OrderKey, Text};
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::supposed::{Fewer, Unminded};
use crate::domain::time::Now;
use crate::engine::{QuotedPickup, QuotedShipment};
use crate::journal::Durable;
use crate::pipeline::Refused;
use crate::views::{Filter, Page as Found};

/// Quote an order: plan, cost and reasons, and where there are carriers the service of each shipment with the day it
/// arrives: the one that the plan chose, the cheapest where it weighed none. Takes nothing.
#[utoipa::path(
    post, path = "/v1/promises", tag = "orders", request_body = NewOrder,
    responses((status = 200, body = Quote)),
)]
pub async fn promise(State(front): State<Front>, Ask(order): Ask<NewOrder>) -> Replied {
    Ok(quoted(&front, front.journal().now(), &order.quote())?)
}

/// Quotes an order.
pub(super) fn quoted(front: &Front, now: Now, order: &PlaceOrder) -> Result<Response, Rejection> {
    let decision = front.engine().quote(now, order)?;
    let mut quote = front.engine().catalogue(|c| Quote::written(&decision, order, c));
    let pickups = front.engine().quote_pickups(now.wall, order, &decision);
    if !pickups.is_empty() {
        quote = Quote::with_pickups(quote, &pickups.into_iter().map(pickup).collect::<Vec<_>>());
    }
    let shipments = front.engine().quote_shipping(now, order, &decision);
    if shipments.is_empty() {
        return Ok(written(quote));
    }
    let base = decision.cost.currency;
    let shown = |s: &QuotedShipment| {
        QuotedShipmentJson::of((&s.node, &s.group), (&s.answers, s.chosen, s.in_time), &s.carried, base, &s.zone)
    };
    Ok(written(Quote::with_shipping(quote, &shipments.iter().map(shown).collect::<Vec<_>>())))
}

fn pickup(told: QuotedPickup) -> QuotedPickupJson {
    let QuotedPickup { node, store, group, ready_by } = told;
    let group = (!group.is_empty()).then_some(Id(group));
    QuotedPickupJson { node: Id(node), store: store.map(Id), group, ready_by: ready_by.into() }
}

/// Place an order: it is captured, sourced and allocated before the answer.
#[utoipa::path(
    post, path = "/v1/orders", tag = "orders", request_body = NewOrder,
    responses((status = 201, body = OrderJson)),
)]
pub async fn place(State(front): State<Front>, write: Write<NewOrder>) -> Replied {
    let command = Command::PlaceOrder(Box::new(write.body.order(write.fingerprint)));
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// One order.
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "orders",
    params(("id" = String, Path)),
    responses((status = 200, body = OrderJson)),
)]
pub async fn order(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let order = durable_order(&front, &id).await?;
    Ok(found_written(order.map(|order| front.named(|c, orders| OrderJson::written(&order, c, orders)))))
}

async fn durable_order(front: &Front, id: &str) -> Result<Durable<Arc<Order>>, Problem> {
    let order = match front.engine().named_order_in_memory(id) {
        Some(order) => order,
        None => {
            let id = id.to_owned();
            front.reading(move |front| front.engine().order(&id)).await??
        }
    };
    Ok(front.journal().durable(order.seq, order).await?)
}

/// Orders, newest first, without their decisions.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders",
    params(OrderParams),
    responses((status = 200, body = Page<OrderJson>)),
)]
pub async fn orders(State(front): State<Front>, Params(asked): Params<OrderParams>) -> Replied {
    front.lists_reached_now().await?;
    let (limit, cursor) = (length(asked.limit), asked.cursor.map(|cursor| cursor.0));
    let Some(filter) = filter(&front, asked) else { return Ok(ahead(&Page::<OrderJson>::empty())) };
    let (page, orders) = front.reading(move |front| listed(front, &filter, limit, cursor)).await??;
    let newest = orders.iter().map(|order| order.seq).max().unwrap_or(0);
    let items = front.named(|c, names| orders.iter().map(|order| OrderJson::in_list(order, c, names)).collect());
    let page = Page::new(items, page.next);
    Ok(found(front.journal().durable(newest, page).await?))
}

/// A page of orders, with the orders themselves.
pub(super) fn listed(
    front: &Front,
    filter: &Filter,
    limit: usize,
    cursor: Option<OrderKey>,
) -> Result<(Found<OrderKey>, Vec<Arc<Order>>), Rejection> {
    let page = front.views().orders().page(filter, limit, cursor)?;
    let orders = page.items.iter().filter_map(|key| front.engine().order_wherever(*key).transpose());
    let orders = orders.collect::<Result<_, _>>()?;
    Ok((page, orders))
}

/// The filter of a list; `None` when it asks for a sku that does not exist, which no order has.
fn filter(front: &Front, asked: OrderParams) -> Option<Filter> {
    let sku = match &asked.sku {
        None => None,
        Some(sku) => Some(front.engine().catalogue(|c| c.sku_index(&sku.0))?),
    };
    Some(Filter {
        status: asked.status,
        channel: asked.channel.map(Text::from),
        customer: asked.customer.map(Text::from),
        sku,
        since: asked.since.map(|time| time.wall()),
        until: asked.until.map(|time| time.wall()),
        q: asked.q.map(|q| q.0.to_string()),
    })
}

/// Plan an order that rests: nothing is taken.
#[utoipa::path(
    post, path = "/v1/orders/{id}/route", tag = "orders", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = OrderJson)),
)]
pub async fn route(State(front): State<Front>, Path(id): Path<Text>, write: Write<Nothing>) -> Replied {
    let done = front.pipeline().submit(write.context, Command::RouteOrder { order: id }).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Allocate an order that rests; it is planned first where it has no plan.
#[utoipa::path(
    post, path = "/v1/orders/{id}/allocate", tag = "orders", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = OrderJson)),
)]
pub async fn allocate(State(front): State<Front>, Path(id): Path<Text>, write: Write<Nothing>) -> Replied {
    let done = front.pipeline().submit(write.context, Command::AllocateOrder { order: id }).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Source the units of an order that waited for its customer's word: they are taken from elsewhere.
#[utoipa::path(
    post, path = "/v1/orders/{id}/source", tag = "orders", request_body = Nothing,
    params(("id" = String, Path)),
    responses((status = 200, body = OrderJson)),
)]
pub async fn source(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<Nothing>) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, Command::SourceOrder { order: id }).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Give a line that has a slot another one of the same node: a place there is taken, its own is given back, in one step.
#[utoipa::path(
    post, path = "/v1/orders/{id}/slots", tag = "orders", request_body = Rebooking,
    params(("id" = String, Path)),
    responses((status = 200, body = OrderJson)),
)]
pub async fn rebook(State(front): State<Front>, Path(id): Path<Text>, write: Write<Rebooking>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Cancel an order, or part of it.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancellations", tag = "orders", request_body = Cancellation,
    params(("id" = String, Path)),
    responses((status = 200, body = OrderJson)),
)]
pub async fn cancel(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<Cancellation>) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Let fulfilment orders of several orders of one customer to one address leave in one shipment, node by node, while
/// nothing of them is picked: to ship one is to ship all of them.
#[utoipa::path(
    post, path = "/v1/orders/{id}/consolidate", tag = "orders", request_body = Consolidation,
    params(("id" = String, Path)),
    responses((status = 200, body = OrderJson)),
)]
pub async fn consolidate(State(front): State<Front>, Path(id): Path<Text>, write: Write<Consolidation>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Let all that is open of another order of the same customer, to the same destinations, through the same channel, go to
/// this one, while nothing of either is picked. The other keeps its story and says where it went.
#[utoipa::path(
    post, path = "/v1/orders/{id}/merge", tag = "orders", request_body = OrderMerging,
    params(("id" = String, Path)),
    responses((status = 200, body = OrderJson)),
)]
pub async fn merge(State(front): State<Front>, Path(id): Path<Text>, write: Write<OrderMerging>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Let units of an order that nobody has begun to pick become an order of their own; their stock goes with them. Payments
/// and a total as reported stay with the order; holds are put on both.
#[utoipa::path(
    post, path = "/v1/orders/{id}/split", tag = "orders", request_body = Splitting,
    params(("id" = String, Path)),
    responses((status = 201, body = OrderJson)),
)]
pub async fn split(State(front): State<Front>, Path(id): Path<Text>, write: Write<Splitting>) -> Replied {
    let command = write.body.command(id, write.fingerprint);
    Ok(made(&front, StatusCode::CREATED, front.pipeline().submit(write.context, command).await?))
}

/// The last sourcing decision, with every losing node: the fence or how much more it would have cost, and the smallest change
/// with which it would have shipped; the best plan with one shipment fewer; and, where the term `opportunity` cost something,
/// what had been decided without it.
#[utoipa::path(
    get, path = "/v1/orders/{id}/decision", tag = "orders",
    params(("id" = String, Path)),
    responses((status = 200, body = DecisionJson)),
)]
pub async fn decision(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let order = durable_order(&front, &id).await?;
    let Some(decision) = order.as_ref().decision.clone() else {
        return Err(Rejection::not_found("decision of order", &*id).into());
    };
    let groups = decision.by_group(|line| order.as_ref().lines[usize::from(line)].placed.group);
    let (groups, parts): (Vec<u16>, Vec<Decision>) = groups.into_iter().unzip();
    // All of it first, then what was decided for each of several destinations.
    let parts: Vec<Arc<Decision>> = std::iter::once(decision).chain(parts.into_iter().map(Arc::new)).collect();
    let losing = front.engine().catalogue(|c| parts.iter().map(|part| part.losing(c)).collect());
    let (told, fewer, unminded) = explained(&front, parts, losing).await?;
    Ok(found(order.map(|order| {
        front.engine().catalogue(|c| {
            let lines = OrderLines { order: &order, catalogue: c };
            let (decision, losers) = &told[0];
            let of = |(group, (part, losers)): (u16, &(Arc<Decision>, Vec<Loser>))| {
                GroupJson::of((group, part), &lines, c, losers)
            };
            let groups = groups.into_iter().zip(&told[1..]).map(of).collect();
            let told = DecisionJson { groups, ..DecisionJson::of(decision, &lines, c, losers, losers.len()) };
            told.with_fewer(fewer.as_ref(), &lines, c).with_unminded(unminded.as_ref(), &lines, c)
        })
    })))
}

/// Decisions with who lost.
type Explained = Vec<(Arc<Decision>, Vec<Loser>)>;

/// Explains decisions on a thread of its own, since it may take seconds, and holds nothing meanwhile; and a single one with the
/// plan of one shipment fewer and that without regard to orders to come.
async fn explained(
    front: &Front,
    decisions: Vec<Arc<Decision>>,
    losing: Vec<Vec<Losing>>,
) -> Result<(Explained, Option<Fewer>, Option<Unminded>), Problem> {
    let _turn = front.explanations().acquire().await.map_err(|_| Refused::Stopped)?;
    let explain = move || {
        let told = |(decision, losing): (Arc<Decision>, Vec<Losing>)| {
            let losers = decision.losers(&losing);
            (decision, losers)
        };
        let single = decisions.first().filter(|_| decisions.len() == 1);
        let (fewer, unminded) =
            (single.and_then(|own| own.one_shipment_fewer()), single.and_then(|own| own.unminded()));
        (decisions.into_iter().zip(losing).map(told).collect(), fewer, unminded)
    };
    tokio::task::spawn_blocking(explain).await.map_err(|_| Problem::new("internal_error", "the explanation broke off"))
}

/// Every event of an order, oldest first; in pages where a limit or a cursor says so.
#[utoipa::path(
    get, path = "/v1/orders/{id}/history", tag = "orders",
    params(("id" = String, Path), Paging),
    responses((status = 200, body = Page<HistoryEntry>)),
)]
pub async fn story(State(front): State<Front>, Path(id): Path<Text>, Params(paging): Params<Paging>) -> Replied {
    let order = durable_order(&front, &id).await?;
    Ok(found(order.map(|order| {
        let all = history(&order);
        if paging.limit.is_none() && paging.cursor.is_none() {
            return Page::whole(all);
        }
        let (page, next) = paging.slice(&all);
        Page::new(page.to_vec(), next)
    })))
}
