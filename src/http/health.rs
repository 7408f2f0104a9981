//! `/healthz`, `/readyz` and `/metrics`: for those who watch the process.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::front::Front;

/// Text format of Prometheus.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The process is up.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "up")))]
pub async fn health() -> &'static str {
    "up\n"
}

/// The server takes work: it has recovered, its disk has not failed, and it does not stop.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses((status = 200, description = "ready"), (status = 503, description = "stopping, or the disk failed")),
)]
pub async fn readiness(State(front): State<Front>) -> (StatusCode, &'static str) {
    if front.journal().is_poisoned() {
        (StatusCode::SERVICE_UNAVAILABLE, "the disk failed\n")
    } else if front.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

/// Counters, gauges and histograms in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn metrics(State(front): State<Front>) -> Response {
    ([(CONTENT_TYPE, METRICS_TYPE)], front.meters().render(&front)).into_response()
}
