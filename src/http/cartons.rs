//! `/v1/cartons`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Write};
use crate::api::carton::{CartonJson, CartonPut};
use crate::api::page::{Page, Paging};
use crate::api::scalar::{Id, checked};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::rejection::Rejection;

/// Create or replace a carton.
#[utoipa::path(
    put, path = "/v1/cartons/{carton}", tag = "packing", request_body = CartonPut,
    params(("carton" = Id, Path)),
    responses((status = 200, body = CartonJson, description = "replaced"), (status = 201, body = CartonJson, description = "created")),
)]
pub async fn put_carton(State(front): State<Front>, Path(id): Path<Text>, write: Write<CartonPut>) -> Replied {
    let Id(id) = checked("carton", &id)?;
    let command = Command::PutCarton(Box::new(write.body.command(id)));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// One carton.
#[utoipa::path(
    get, path = "/v1/cartons/{carton}", tag = "packing",
    params(("carton" = Id, Path)),
    responses((status = 200, body = CartonJson)),
)]
pub async fn carton(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let carton = front.catalogue(|c| c.carton(&id).map(|carton| CartonJson::of(carton, c))).await?;
    match carton.as_ref() {
        Some(_) => Ok(found(carton)),
        None => Err(Rejection::not_found("carton", &*id).into()),
    }
}

/// All cartons.
#[utoipa::path(
    get, path = "/v1/cartons", tag = "packing",
    params(Paging),
    responses((status = 200, body = Page<CartonJson>)),
)]
pub async fn cartons(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let page = front.catalogue(|c| {
        let all: Vec<_> = c.cartons().collect();
        let (cartons, next) = paging.slice(&all);
        Page::new(cartons.iter().map(|carton| CartonJson::of(carton, c)).collect(), next)
    });
    Ok(found(page.await?))
}
