//! `/v1/address-formats`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Path, Write};
use crate::api::address::{AddressFormatJson, AddressFormatPut};
use crate::api::page::Page;
use crate::api::scalar::{Country, checked};
use crate::domain::address::KnownFormat;
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::rejection::Rejection;

/// Put how addresses of a country are written. Orders to it are judged by it from then on.
#[utoipa::path(
    put, path = "/v1/address-formats/{country}", tag = "addresses", request_body = AddressFormatPut,
    params(("country" = Country, Path)),
    responses((status = 200, body = AddressFormatJson, description = "replaced"), (status = 201, body = AddressFormatJson, description = "created")),
)]
pub async fn put(State(front): State<Front>, Path(country): Path<Text>, write: Write<AddressFormatPut>) -> Replied {
    let Country(country) = checked("country", &country)?;
    let command = Command::PutAddressFormat(Box::new(write.body.format(country)));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// How addresses of one country are written.
#[utoipa::path(
    get, path = "/v1/address-formats/{country}", tag = "addresses",
    params(("country" = Country, Path)),
    responses((status = 200, body = AddressFormatJson)),
)]
pub async fn one(State(front): State<Front>, Path(country): Path<Text>) -> Replied {
    let format = front.catalogue(|c| c.address_format(&country).map(shown)).await?;
    match format.as_ref() {
        Some(_) => Ok(found(format)),
        None => Err(Rejection::not_found("address format", &*country).into()),
    }
}

/// How addresses are written, in all countries for which somebody said so.
#[utoipa::path(
    get, path = "/v1/address-formats", tag = "addresses",
    responses((status = 200, body = Page<AddressFormatJson>)),
)]
pub async fn all(State(front): State<Front>) -> Replied {
    Ok(found(front.catalogue(|c| Page::whole(c.address_formats().map(shown).collect())).await?))
}

fn shown(known: &KnownFormat) -> AddressFormatJson {
    AddressFormatJson::from(known.format())
}
