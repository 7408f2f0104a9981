//! The OpenAPI document: made from the routes, finished with what all of them share.
//!
//! Every operation can answer with a problem; every code stands in the schema of `Problem`, with its status and title.

use axum::http::header::HeaderName;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder};

use super::request::IDEMPOTENCY_KEY;
use super::routes::listed;
use crate::api::problem::CODES;

/// What the document says before any route.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ordain",
        description = "A distributed order management engine: knows every unit of stock, promises it, reserves it \
                       without overselling, and decides which places fulfil an order.\n\n\
                       JSON in snake_case; unknown fields are refused. Money is in minor units, times are RFC 3339 in \
                       UTC. A POST or PATCH takes an `Idempotency-Key`: sent again with the same body it answers the same. A \
                       write is answered once it is on disk. Every refusal is a problem with a stable code; only what is no \
                       request for HTTP itself is refused without a body, by 400, 414 or 431."
    ),
    tags(
        (name = "orders", description = "Captured, sourced, allocated"),
        (name = "reservations", description = "Units set aside for a time"),
        (name = "stock", description = "Levels, changes, what can be promised"),
        (name = "fulfillment", description = "What one node has to do for one order"),
        (name = "picking", description = "Where things lie, waves, pick lists and tasks, and how well that goes"),
        (name = "returns", description = "Units that come back, and what becomes of them and of the money"),
        (name = "nodes", description = "Places that can supply"),
        (name = "items", description = "What is counted"),
        (name = "channels", description = "Who sells: from where, and how much of a sku is kept for whom"),
        (name = "addresses", description = "How they are written, country by country"),
        (name = "shipping", description = "Carriers, their zones and rates, calendars; what it costs and when it arrives"),
        (name = "packing", description = "Cartons, and what goes into which of them"),
        (name = "papers", description = "Labels, packing slips, pick lists, manifests"),
        (name = "rule sets", description = "How orders are sourced"),
        (name = "exceptions", description = "What somebody should look at"),
        (name = "policies", description = "What was decided, as data"),
        (name = "imports", description = "Many lines at once"),
        (name = "events", description = "What happens, as it happens"),
        (name = "operation", description = "For those who watch the process"),
    )
)]
pub struct Document;

/// The whole document, as `/openapi.json` serves it.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = listed().into_openapi();
    finish(&mut document);
    document
}

/// Adds what all routes share.
pub fn finish(document: &mut utoipa::openapi::OpenApi) {
    let components = document.components.get_or_insert_default();
    components.schemas.insert("Problem".to_owned(), problem_schema());
    for item in document.paths.paths.values_mut() {
        for keyed in [&mut item.post, &mut item.patch].into_iter().flatten() {
            keyed.parameters.get_or_insert_default().push(RefOr::T(key_parameter(&IDEMPOTENCY_KEY)));
        }
        operations(item).for_each(add_problem);
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

fn add_problem(operation: &mut Operation) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new()
        .description("A problem: see its `code`.")
        .content("application/problem+json", content)
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(response));
}

fn key_parameter(name: &HeaderName) -> utoipa::openapi::path::Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    ParameterBuilder::new()
        .name(name.as_str())
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Sent again with the same body, the request answers the same and changes nothing."))
        .schema(Some(text))
        .build()
}

fn problem_schema() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let rows = CODES.iter().map(|(code, status, title)| format!("- `{code}` ({status}): {title}"));
    let code = text()
        .enum_values(Some(CODES.iter().map(|(code, ..)| *code)))
        .description(Some(rows.collect::<Vec<_>>().join("\n")));
    ObjectBuilder::new()
        .description(Some("Why a request failed (RFC 9457). The facts of the case are further members."))
        .property("type", text().description(Some("`urn:ordain:problem:` and the code")))
        .property("title", text())
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("detail", text().description(Some("In words, with the thing and the limit")))
        .property("code", code)
        .property("request_id", text())
        .property(
            "errors",
            ObjectBuilder::new().schema_type(Type::Array).description(Some("Every faulty field: field, code, detail")),
        )
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .required("code")
        .required("request_id")
        .into()
}
