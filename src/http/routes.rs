//! Every route, and the document that describes them: both are made of the same list.

use axum::Router;
use axum::middleware::from_fn;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use super::front::{Front, name_route};
use super::openapi::{Document, finish};
use super::{
    address_formats, backup, capable, channels, counts, edits, exceptions, feed, fulfillment, health, holds, imports,
    inbound, items, nodes, orders, pages, policies, reservations, rule_sets, shipping, stock, subscriptions, transfers,
};

/// The router of a front.
pub fn router(front: Front) -> Router {
    let (routes, mut document) = listed().split_for_parts();
    finish(&mut document);
    routes
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .route("/", axum::routing::get(pages::index))
        .route_layer(from_fn(name_route))
        .method_not_allowed_fallback(pages::wrong_method)
        .fallback(pages::nowhere)
        .with_state(front)
}

/// The routes that the document describes.
pub fn listed() -> OpenApiRouter<Front> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(nodes::nodes))
        .routes(routes!(nodes::put_node, nodes::change_node, nodes::node))
        .routes(routes!(items::items))
        .routes(routes!(items::put_item, items::item))
        .routes(routes!(channels::channels))
        .routes(routes!(channels::put_channel, channels::channel))
        .routes(routes!(address_formats::all))
        .routes(routes!(address_formats::put, address_formats::one))
        .routes(routes!(shipping::carriers))
        .routes(routes!(shipping::put_carrier, shipping::carrier))
        .routes(routes!(shipping::calendars))
        .routes(routes!(shipping::put_calendar, shipping::calendar))
        .routes(routes!(shipping::put_chart, shipping::chart))
        .routes(routes!(shipping::rates))
        .routes(routes!(stock::adjust))
        .routes(routes!(stock::change_states))
        .routes(routes!(stock::count))
        .routes(routes!(stock::stock))
        .routes(routes!(inbound::announce, inbound::all))
        .routes(routes!(inbound::inbound, inbound::redate))
        .routes(routes!(inbound::receive))
        .routes(routes!(inbound::call_off))
        .routes(routes!(inbound::pegs))
        .routes(routes!(inbound::pegs_of_order))
        .routes(routes!(counts::plan, counts::all))
        .routes(routes!(counts::count))
        .routes(routes!(counts::submit))
        .routes(routes!(counts::cancel))
        .routes(routes!(transfers::make, transfers::all))
        .routes(routes!(transfers::transfer, transfers::redate))
        .routes(routes!(transfers::dispatch))
        .routes(routes!(transfers::receive))
        .routes(routes!(transfers::cancel))
        .routes(routes!(transfers::pegs))
        .routes(routes!(stock::atp))
        .routes(routes!(stock::atp_of_many))
        .routes(routes!(capable::capable))
        .routes(routes!(reservations::reserve))
        .routes(routes!(reservations::reserve_many))
        .routes(routes!(reservations::reservation, reservations::change_reservation, reservations::release))
        .routes(routes!(orders::promise))
        .routes(routes!(orders::orders, orders::place))
        .routes(routes!(orders::order))
        .routes(routes!(orders::cancel))
        .routes(routes!(orders::consolidate))
        .routes(routes!(orders::split))
        .routes(routes!(orders::route))
        .routes(routes!(orders::allocate))
        .routes(routes!(orders::decision))
        .routes(routes!(orders::story))
        .routes(routes!(holds::hold))
        .routes(routes!(holds::release))
        .routes(routes!(holds::payment))
        .routes(routes!(edits::edits, edits::open))
        .routes(routes!(edits::edit))
        .routes(routes!(edits::confirm))
        .routes(routes!(edits::decline))
        .routes(routes!(subscriptions::all))
        .routes(routes!(subscriptions::put, subscriptions::subscription))
        .routes(routes!(subscriptions::pause))
        .routes(routes!(subscriptions::resume))
        .routes(routes!(subscriptions::skip))
        .routes(routes!(subscriptions::cancel))
        .routes(routes!(subscriptions::orders))
        .routes(routes!(fulfillment::fulfillment_orders))
        .routes(routes!(fulfillment::fulfillment_order))
        .routes(routes!(fulfillment::accept))
        .routes(routes!(fulfillment::reject))
        .routes(routes!(fulfillment::pick))
        .routes(routes!(fulfillment::short))
        .routes(routes!(fulfillment::pack))
        .routes(routes!(fulfillment::ready))
        .routes(routes!(fulfillment::ship))
        .routes(routes!(fulfillment::hand_over))
        .routes(routes!(fulfillment::deliver))
        .routes(routes!(fulfillment::stop))
        .routes(routes!(fulfillment::accept_stop))
        .routes(routes!(fulfillment::refuse_stop))
        .routes(routes!(fulfillment::put_back))
        .routes(routes!(fulfillment::reassign))
        .routes(routes!(fulfillment::divide))
        .routes(routes!(fulfillment::unite))
        .routes(routes!(exceptions::exceptions))
        .routes(routes!(exceptions::exception))
        .routes(routes!(exceptions::assign))
        .routes(routes!(exceptions::resolve))
        .routes(routes!(policies::policies))
        .routes(routes!(policies::put_terms))
        .routes(routes!(policies::put_threshold))
        .routes(routes!(policies::put_rejection))
        .routes(routes!(policies::put_fill))
        .routes(routes!(orders::source))
        .routes(routes!(rule_sets::rule_sets))
        .routes(routes!(rule_sets::rule_set))
        .routes(routes!(imports::import))
        .routes(routes!(feed::events))
        .routes(routes!(backup::backup))
        .routes(routes!(health::health))
        .routes(routes!(health::readiness))
        .routes(routes!(health::metrics))
}
