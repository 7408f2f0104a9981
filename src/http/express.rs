//! The express way: what a checkout asks on every page view goes straight to its handler.
//!
//! The handlers are those of the router, and the router has these routes too: the express way saves the router's search,
//! its middleware and its boxes, which cost more than such an answer itself. A path that is not plain (percent-encoded)
//! takes the router's way. What is *not* here: anything that the router would not answer in the same words.

use std::pin::Pin;

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderValue, Method};

use super::front::{Front, REQUEST_ID};
use super::reply::Replied;
use super::request::{Ask, Params, Write};
use super::{orders, reservations, stock};

/// How a request is answered.
pub enum Express {
    /// By this route, here and now.
    Now(&'static str, Replied),
    /// By this route, once its body or the disk is there.
    Later(&'static str, Pin<Box<dyn Future<Output = Replied> + Send>>),
    /// By the router.
    Other(Request),
}

/// Starts a request on its way. Whoever answers it later finds its id in its headers.
pub fn answer(front: &Front, id: &HeaderValue, mut request: Request) -> Express {
    if *request.method() == Method::GET
        && let Some(sku) = request.uri().path().strip_prefix("/v1/atp/").filter(|sku| is_plain(sku))
    {
        let asked = Params::of(request.uri());
        return Express::Now("/v1/atp/{sku}", asked.and_then(|asked| stock::available(front, sku.into(), &asked)));
    }
    request.headers_mut().insert(REQUEST_ID, id.clone());
    if *request.method() != Method::POST {
        return Express::Other(request);
    }
    let state = State(front.clone());
    match request.uri().path() {
        "/v1/reservations" => later("/v1/reservations", async move {
            let write = Write::from_request(request, &state).await?;
            reservations::reserve(state, write).await
        }),
        "/v1/promises" => later("/v1/promises", async move {
            let asked = Ask::from_request(request, &state).await?;
            orders::promise(state, asked).await
        }),
        "/v1/orders" => later("/v1/orders", async move {
            let write = Write::from_request(request, &state).await?;
            orders::place(state, write).await
        }),
        _ => Express::Other(request),
    }
}

fn later(route: &'static str, reply: impl Future<Output = Replied> + Send + 'static) -> Express {
    Express::Later(route, Box::pin(reply))
}

/// Whether a part of a path means what it says.
fn is_plain(part: &str) -> bool {
    !part.is_empty() && !part.bytes().any(|byte| matches!(byte, b'%' | b'/'))
}
