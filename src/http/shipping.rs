//! `/v1/carriers`, `/v1/calendars`, `/v1/zone-tables` and `/v1/rates`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, ahead, found, made};
use super::request::{Ask, Params, Path, Write};
use crate::api::calendar::{CalendarJson, CalendarPut};
use crate::api::carrier::{CarrierJson, CarrierPut};
use crate::api::page::{Page, Paging};
use crate::api::rates::{RateJson, RatesJson, RatesRequest, UnavailableJson};
use crate::api::scalar::{Id, checked};
use crate::api::zones::{PostalPrefix, ZoneChartJson, ZoneChartPut};
use crate::domain::carrier::{Carrier, Shipping};
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;

/// Create or replace a carrier, with its services, zones and rates. Questions from now on are answered by it.
#[utoipa::path(
    put, path = "/v1/carriers/{carrier}", tag = "shipping", request_body = CarrierPut,
    params(("carrier" = Id, Path)),
    responses((status = 200, body = CarrierJson, description = "replaced"), (status = 201, body = CarrierJson, description = "created")),
)]
pub async fn put_carrier(State(front): State<Front>, Path(id): Path<Text>, write: Write<CarrierPut>) -> Replied {
    let Id(id) = checked("carrier", &id)?;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, write.body.command(id)).await?))
}

/// One carrier, with every default said.
#[utoipa::path(
    get, path = "/v1/carriers/{carrier}", tag = "shipping",
    params(("carrier" = Id, Path)),
    responses((status = 200, body = CarrierJson)),
)]
pub async fn carrier(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let carrier = front.catalogue(|c| c.shipping().carrier(&id).map(|carrier| shown(c.shipping(), carrier))).await?;
    match carrier.as_ref() {
        Some(_) => Ok(found(carrier)),
        None => Err(Rejection::not_found("carrier", &*id).into()),
    }
}

fn shown(shipping: &Shipping, carrier: &Carrier) -> CarrierJson {
    CarrierJson::of(carrier, shipping.tracking_template(&carrier.id))
}

/// All carriers.
#[utoipa::path(
    get, path = "/v1/carriers", tag = "shipping",
    params(Paging),
    responses((status = 200, body = Page<CarrierJson>)),
)]
pub async fn carriers(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let page = front.catalogue(|c| {
        let all: Vec<_> = c.shipping().carriers().collect();
        let (carriers, next) = paging.slice(&all);
        Page::new(carriers.iter().map(|carrier| shown(c.shipping(), carrier)).collect(), next)
    });
    Ok(found(page.await?))
}

/// Create or replace a calendar.
#[utoipa::path(
    put, path = "/v1/calendars/{calendar}", tag = "shipping", request_body = CalendarPut,
    params(("calendar" = Id, Path)),
    responses((status = 200, body = CalendarJson, description = "replaced"), (status = 201, body = CalendarJson, description = "created")),
)]
pub async fn put_calendar(State(front): State<Front>, Path(id): Path<Text>, write: Write<CalendarPut>) -> Replied {
    let Id(id) = checked("calendar", &id)?;
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, write.body.command(id)).await?))
}

/// One calendar.
#[utoipa::path(
    get, path = "/v1/calendars/{calendar}", tag = "shipping",
    params(("calendar" = Id, Path)),
    responses((status = 200, body = CalendarJson)),
)]
pub async fn calendar(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let calendar = front.catalogue(|c| c.shipping().calendar(&id).map(CalendarJson::from)).await?;
    match calendar.as_ref() {
        Some(_) => Ok(found(calendar)),
        None => Err(Rejection::not_found("calendar", &*id).into()),
    }
}

/// All calendars.
#[utoipa::path(
    get, path = "/v1/calendars", tag = "shipping",
    params(Paging),
    responses((status = 200, body = Page<CalendarJson>)),
)]
pub async fn calendars(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let page = front.catalogue(|c| {
        let all: Vec<_> = c.shipping().calendars().collect();
        let (calendars, next) = paging.slice(&all);
        Page::new(calendars.iter().map(|calendar| CalendarJson::from(*calendar)).collect(), next)
    });
    Ok(found(page.await?))
}

/// Create or replace the zones of destinations for parcels from one postal prefix, under the name of a table.
#[utoipa::path(
    put, path = "/v1/zone-tables/{table}/{from}", tag = "shipping", request_body = ZoneChartPut,
    params(("table" = Id, Path), ("from" = PostalPrefix, Path)),
    responses((status = 200, body = ZoneChartJson, description = "replaced"), (status = 201, body = ZoneChartJson, description = "created")),
)]
pub async fn put_chart(
    State(front): State<Front>,
    Path((table, from)): Path<(Text, Text)>,
    write: Write<ZoneChartPut>,
) -> Replied {
    let Id(table) = checked("table", &table)?;
    let PostalPrefix(from) = checked("from", &from)?;
    let command = write.body.command(table, from);
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// The zones of destinations for parcels from one postal prefix.
#[utoipa::path(
    get, path = "/v1/zone-tables/{table}/{from}", tag = "shipping",
    params(("table" = Id, Path), ("from" = PostalPrefix, Path)),
    responses((status = 200, body = ZoneChartJson)),
)]
pub async fn chart(State(front): State<Front>, Path((table, from)): Path<(Text, Text)>) -> Replied {
    let PostalPrefix(prefix) = checked("from", &from)?;
    let shown = front.catalogue(|c| {
        let chart = c.shipping().table(&table)?.get(&prefix)?;
        Some(ZoneChartJson::of(&table, prefix, chart))
    });
    let shown = shown.await?;
    match shown.as_ref() {
        Some(_) => Ok(found(shown)),
        None => Err(Rejection::not_found("zone chart", &*from).into()),
    }
}

/// What it costs to send something, and when it arrives: what every service of every carrier answers, or why it does
/// not. Nothing is taken. May be ahead of the disk by what is in flight.
#[utoipa::path(
    post, path = "/v1/rates", tag = "shipping", request_body = RatesRequest,
    responses((status = 200, body = RatesJson)),
)]
pub async fn rates(State(front): State<Front>, Ask(asked): Ask<RatesRequest>) -> Replied {
    let found = front.engine().rates(front.journal().now().wall, &asked.asked())?;
    let answers = &found.answers;
    let offers = answers.offers.iter().zip(&found.in_time);
    Ok(ahead(&RatesJson {
        rates: offers.map(|(offer, in_time)| RateJson::of(offer, *in_time, found.base, &found.zone)).collect(),
        unavailable: answers.without.iter().map(|(c, s, why)| UnavailableJson::of(c, s, *why)).collect(),
        approximate: found.approximate,
        as_of: found.catalogue_seq,
    }))
}
