//! `/` and what stands at no route: pages for people, problems for programs.

use axum::http::{Method, Uri};
use axum::response::Html;

use crate::api::problem::Problem;

/// The page that greets.
pub async fn index() -> Html<&'static str> {
    Html(include_str!("pages/index.html"))
}

/// There is nothing at that path.
pub async fn nowhere(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new("route_not_found", format!("there is nothing at {path}; all routes are listed at /docs"))
}

/// There is something at that path, but not for that method.
pub async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new("method_not_allowed", format!("{path} does not take {method}; the header Allow lists what it takes"))
}
