//! `/v1/orders/{id}/holds` and `/v1/orders/{id}/payments`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, made};
use super::request::{Path, Urgent, Write};
use crate::api::hold::{HoldEnd, HoldJson, NewHold, NewPayment};
use crate::api::order::OrderJson;
use crate::domain::ids::Text;

/// Put a hold on an order: its kind says which steps are forbidden.
#[utoipa::path(
    post, path = "/v1/orders/{id}/holds", tag = "orders", request_body = NewHold,
    params(("id" = String, Path)),
    responses((status = 201, body = HoldJson)),
)]
pub async fn hold(State(front): State<Front>, Path(id): Path<Text>, write: Write<NewHold>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::CREATED, done))
}

/// End a hold, or decide that it stands for good.
#[utoipa::path(
    post, path = "/v1/orders/{id}/holds/{hold}/release", tag = "orders", request_body = HoldEnd,
    params(("id" = String, Path), ("hold" = String, Path)),
    responses((status = 200, body = HoldJson)),
)]
pub async fn release(
    State(front): State<Front>,
    Path((id, hold)): Path<(Text, Text)>,
    write: Urgent<HoldEnd>,
) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, write.body.command(id, hold)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Report a payment of an order: made, failed or given back elsewhere. Holds that waited for it end with it.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments", tag = "orders", request_body = NewPayment,
    params(("id" = String, Path)),
    responses((status = 201, body = OrderJson)),
)]
pub async fn payment(State(front): State<Front>, Path(id): Path<Text>, write: Urgent<NewPayment>) -> Replied {
    let Urgent(write) = write;
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::CREATED, done))
}
