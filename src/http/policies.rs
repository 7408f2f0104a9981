//! Policies: what was decided about nodes, levels and delivery methods.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Write};
use crate::api::closure::ClosuresPut;
use crate::api::collection::CollectionRulePut;
use crate::api::hold_rule::HoldRulePut;
use crate::api::network::NetworkPut;
use crate::api::order_clocks::OrderClocksPut;
use crate::api::page::{Page, Paging};
use crate::api::policy::{FillPut, NodeTerms, PolicyJson, RejectionPut, SafetyPut, ThresholdPut};
use crate::api::replanning::ReplanningPut;
use crate::api::scalar::{Id, Sku, checked};
use crate::api::supply::{DemandPut, KindSafetyPut, PaymentRulePut, SafetyDaysPut, SupplyPut};
use crate::api::words::DeliveryMethod;
use crate::api::worth::{PriorityPut, UnitCostsPut};
use crate::domain::ids::Text;
use crate::domain::node::NodeKind;

/// How a node is dealt with: what it has not accepted in time it is taken to reject.
#[utoipa::path(
    put, path = "/v1/nodes/{node}/terms", tag = "policies", request_body = NodeTerms,
    params(("node" = Id, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_terms(State(front): State<Front>, Path(node): Path<Text>, write: Write<NodeTerms>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(node)).await?))
}

/// The level of an item below which somebody wants to know: an exception is raised when it falls below.
#[utoipa::path(
    put, path = "/v1/items/{sku}/threshold", tag = "policies", request_body = ThresholdPut,
    params(("sku" = Sku, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_threshold(State(front): State<Front>, Path(sku): Path<Text>, write: Write<ThresholdPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(sku)).await?))
}

/// How much of an item is withheld from sale, at a node or at each: the clock moves free units to safety stock as they
/// come, and back when less is wanted. What is reserved, promised or waited for comes first.
#[utoipa::path(
    put, path = "/v1/items/{sku}/safety-stock", tag = "policies", request_body = SafetyPut,
    params(("sku" = Sku, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_safety(State(front): State<Front>, Path(sku): Path<Text>, write: Write<SafetyPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(sku)).await?))
}

/// What happens to the units of an order with that delivery method when its node will not, or cannot, do it.
#[utoipa::path(
    put, path = "/v1/rejection-policies/{delivery_method}", tag = "policies", request_body = RejectionPut,
    params(("delivery_method" = DeliveryMethod, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_rejection(
    State(front): State<Front>,
    Path(method): Path<Text>,
    write: Write<RejectionPut>,
) -> Replied {
    let method: DeliveryMethod = checked("delivery_method", &method)?;
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(method)).await?))
}

/// How an item is supplied at a node: from what is owned there, by a supplier who ships it himself, or by what is bought
/// when it is ordered. What waits is bought for at once.
#[utoipa::path(
    put, path = "/v1/items/{sku}/supply", tag = "policies", request_body = SupplyPut,
    params(("sku" = Sku, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_supply(State(front): State<Front>, Path(sku): Path<Text>, write: Write<SupplyPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(sku)).await?))
}

/// How many days of what leaves of an item are withheld from sale, at a node or at each: the clock keeps it as it does
/// units.
#[utoipa::path(
    put, path = "/v1/items/{sku}/safety-days", tag = "policies", request_body = SafetyDaysPut,
    params(("sku" = Sku, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_safety_days(
    State(front): State<Front>,
    Path(sku): Path<Text>,
    write: Write<SafetyDaysPut>,
) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(sku)).await?))
}

/// What leaves of an item in so many days, from a node or from each: what is withheld by days is counted by it.
#[utoipa::path(
    put, path = "/v1/items/{sku}/demand", tag = "policies", request_body = DemandPut,
    params(("sku" = Sku, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_demand(State(front): State<Front>, Path(sku): Path<Text>, write: Write<DemandPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(sku)).await?))
}

/// What a unit of an item costs where it lies, at a node or at each, and what it is worth to be rid of it: rule sets weigh
/// it by the terms `unit_cost` and `markdown`.
#[utoipa::path(
    put, path = "/v1/items/{sku}/costs", tag = "policies", request_body = UnitCostsPut,
    params(("sku" = Sku, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_costs(State(front): State<Front>, Path(sku): Path<Text>, write: Write<UnitCostsPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(sku)).await?))
}

/// How much rather other nodes ship than this one: rule sets weigh it by the term `priority`.
#[utoipa::path(
    put, path = "/v1/nodes/{node}/priority", tag = "policies", request_body = PriorityPut,
    params(("node" = Id, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_priority(State(front): State<Front>, Path(node): Path<Text>, write: Write<PriorityPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(node)).await?))
}

/// When a node is closed: the clock switches it off with that reason, plans its open orders again, and switches it on.
#[utoipa::path(
    put, path = "/v1/nodes/{node}/closures", tag = "policies", request_body = ClosuresPut,
    params(("node" = Id, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_closures(State(front): State<Front>, Path(node): Path<Text>, write: Write<ClosuresPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(node)).await?))
}

/// How much of every item is withheld at nodes of a kind, where nothing was decided of the item.
#[utoipa::path(
    put, path = "/v1/safety-stock/{kind}", tag = "policies", request_body = KindSafetyPut,
    params(("kind" = NodeKind, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_kind_safety(
    State(front): State<Front>,
    Path(kind): Path<Text>,
    write: Write<KindSafetyPut>,
) -> Replied {
    let kind: NodeKind = checked("kind", &kind)?;
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(kind)).await?))
}

/// What orders of a delivery method must have paid before a node accepts or goods leave, and how they may pay: beside
/// what their channel says.
#[utoipa::path(
    put, path = "/v1/payment-rules/{delivery_method}", tag = "policies", request_body = PaymentRulePut,
    params(("delivery_method" = DeliveryMethod, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_payment(
    State(front): State<Front>,
    Path(method): Path<Text>,
    write: Write<PaymentRulePut>,
) -> Replied {
    let method: DeliveryMethod = checked("delivery_method", &method)?;
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(method)).await?))
}

/// What the clock does to orders of a delivery method: cancels what nobody paid for or nobody has, and lets what left and is
/// heard of no more count as delivered. What is left out does not happen.
#[utoipa::path(
    put, path = "/v1/order-clocks/{delivery_method}", tag = "policies", request_body = OrderClocksPut,
    params(("delivery_method" = DeliveryMethod, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_clocks(State(front): State<Front>, Path(method): Path<Text>, write: Write<OrderClocksPut>) -> Replied {
    let method: DeliveryMethod = checked("delivery_method", &method)?;
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(method)).await?))
}

/// How orders of a delivery method wait for who comes for them once they are ready: for a code, and for how long.
#[utoipa::path(
    put, path = "/v1/collection-rules/{delivery_method}", tag = "policies", request_body = CollectionRulePut,
    params(("delivery_method" = DeliveryMethod, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_collection(
    State(front): State<Front>,
    Path(method): Path<Text>,
    write: Write<CollectionRulePut>,
) -> Replied {
    let method: DeliveryMethod = checked("delivery_method", &method)?;
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(method)).await?))
}

/// A network: a named set of nodes, for which availability can be asked.
#[utoipa::path(
    put, path = "/v1/networks/{network}", tag = "policies", request_body = NetworkPut,
    params(("network" = Id, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_network(State(front): State<Front>, Path(network): Path<Text>, write: Write<NetworkPut>) -> Replied {
    let network: Id = checked("network", &network)?;
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(network.0)).await?))
}

/// A rule that puts a hold on every order that is captured from now on and meets all its conditions. A rule without conditions
/// holds nothing.
#[utoipa::path(
    put, path = "/v1/hold-rules/{name}", tag = "policies", request_body = HoldRulePut,
    params(("name" = Id, Path)),
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_hold_rule(State(front): State<Front>, Path(name): Path<Text>, write: Write<HoldRulePut>) -> Replied {
    let name: Id = checked("name", &name)?;
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command(name.0)).await?))
}

/// In which order those who wait for a sku are served, from now on.
#[utoipa::path(
    put, path = "/v1/fill-policy", tag = "policies", request_body = FillPut,
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_fill(State(front): State<Front>, write: Write<FillPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command()).await?))
}

/// What is done by itself for open orders when units came, or a node was switched off: nothing, until somebody says so. Orders
/// that nobody has begun are planned again together then; what is found is told by `/v1/optimisations`, or applied at once.
#[utoipa::path(
    put, path = "/v1/replanning", tag = "policies", request_body = ReplanningPut,
    responses((status = 200, body = PolicyJson)),
)]
pub async fn put_replanning(State(front): State<Front>, write: Write<ReplanningPut>) -> Replied {
    let Write { context, body, .. } = write;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(context, body.command()).await?))
}

/// Everything that was decided.
#[utoipa::path(
    get, path = "/v1/policies", tag = "policies",
    params(Paging),
    responses((status = 200, body = Page<PolicyJson>)),
)]
pub async fn policies(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let page = front.catalogue(|c| {
        let all: Vec<_> = c.policies().iter().collect();
        let (policies, next) = paging.slice(&all);
        Page::new(policies.iter().map(|(key, policy)| PolicyJson::of(key, policy, c)).collect(), next)
    });
    Ok(found(page.await?))
}
