//! `/v1/customers/{id}`: what belongs to a customer.

use axum::extract::State;

use super::front::Front;
use super::orders::listed;
use super::reply::{Replied, found};
use super::request::{Params, Path};
use crate::api::order::WarrantyParams;
use crate::api::page::{Page, length};
use crate::api::warranty::CustomerWarrantyJson;
use crate::domain::ids::Text;
use crate::views::Filter;

/// Warranties that were registered to a customer, order by order, newest first. A page is one of orders: it may hold fewer
/// warranties than that, or none.
#[utoipa::path(
    get, path = "/v1/customers/{id}/warranties", tag = "orders",
    params(("id" = String, Path), WarrantyParams),
    responses((status = 200, body = Page<CustomerWarrantyJson>)),
)]
pub async fn warranties(
    State(front): State<Front>,
    Path(id): Path<Text>,
    Params(asked): Params<WarrantyParams>,
) -> Replied {
    front.lists_reached_now().await?;
    let (limit, cursor) = (length(asked.limit), asked.cursor.map(|cursor| cursor.0));
    let filter = Filter { customer: Some(id), ..Filter::default() };
    let (page, orders) = front.reading(move |front| listed(front, &filter, limit, cursor)).await??;
    let newest = orders.iter().map(|order| order.seq).max().unwrap_or(0);
    let items = front.engine().catalogue(|c| orders.iter().flat_map(|o| CustomerWarrantyJson::all_of(o, c)).collect());
    Ok(found(front.journal().durable(newest, Page::new(items, page.next)).await?))
}
