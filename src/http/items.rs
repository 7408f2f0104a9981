//! `/v1/items`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Write};
use crate::api::item::{ItemJson, ItemPut};
use crate::api::page::{Page, Paging};
use crate::api::scalar::{Sku, checked};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::rejection::Rejection;

/// Create or replace an item.
#[utoipa::path(
    put, path = "/v1/items/{sku}", tag = "items", request_body = ItemPut,
    params(("sku" = Sku, Path)),
    responses((status = 200, body = ItemJson, description = "replaced"), (status = 201, body = ItemJson, description = "created")),
)]
pub async fn put_item(State(front): State<Front>, Path(sku): Path<Text>, write: Write<ItemPut>) -> Replied {
    let Sku(sku) = checked("sku", &sku)?;
    let command = Command::PutItem(Box::new(write.body.item(sku)));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// One item.
#[utoipa::path(
    get, path = "/v1/items/{sku}", tag = "items",
    params(("sku" = Sku, Path)),
    responses((status = 200, body = ItemJson)),
)]
pub async fn item(State(front): State<Front>, Path(sku): Path<Text>) -> Replied {
    let item = front.catalogue(|c| c.sku_index(&sku).map(|index| ItemJson::of(c.item(index), c))).await?;
    match item.as_ref() {
        Some(_) => Ok(found(item)),
        None => Err(Rejection::not_found("item", &*sku).into()),
    }
}

/// All items.
#[utoipa::path(
    get, path = "/v1/items", tag = "items",
    params(Paging),
    responses((status = 200, body = Page<ItemJson>)),
)]
pub async fn items(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let page = front.catalogue(|c| {
        let (items, next) = paging.slice(c.items());
        Page::new(items.iter().map(|item| ItemJson::of(item, c)).collect(), next)
    });
    Ok(found(page.await?))
}
