//! What every request passes: it gets its id, its time and its meter, and its problem is written.
//!
//! A problem travels as a value until it is here, where the request's id is known; nothing else writes one. Answers carry
//! `X-Request-Id` and are not to be stored by caches.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tower::Service;

use super::express::{self, Express};
use super::meters::Meters;
use crate::api::order_names::OrderNames;
use crate::api::problem::Problem;
use crate::api::scalar::Instant as Time;
use crate::connectors::client::TIME_HEADER;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{Text, check_id};
use crate::engine::Engine;
use crate::journal::{Durable, Journal, ManualClock, OutcomeUnknown};
use crate::pipeline::Pipeline;
use crate::views::Views;

/// Header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Most imports at once.
pub const IMPORTS_MAX: usize = 4;
/// Most decisions that are explained whole at once; each may take a second of one core.
pub const EXPLANATIONS_MAX: usize = 2;
/// Longest wait of a list for its view.
const LISTS_FOR: Duration = Duration::from_secs(5);

/// What all handlers share. Clones are cheap.
#[derive(Clone)]
pub struct Front(Arc<Shared>);

struct Shared {
    pipeline: Pipeline,
    views: Arc<Views>,
    clock: Option<Arc<ManualClock>>,
    meters: Meters,
    imports: Semaphore,
    explanations: Semaphore,
    backups: Arc<Semaphore>,
    replays: Arc<Semaphore>,
    optimisations: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    request_ids: RequestIds,
}

impl Front {
    /// A front to a pipeline and its views.
    pub fn new(pipeline: Pipeline, views: Arc<Views>) -> Self {
        Self::build(pipeline, views, None)
    }

    /// A front whose requests carry the time (`Ordain-Time`, RFC 3339), for replays and tests.
    pub fn on_clock(pipeline: Pipeline, views: Arc<Views>, clock: Arc<ManualClock>) -> Self {
        Self::build(pipeline, views, Some(clock))
    }

    fn build(pipeline: Pipeline, views: Arc<Views>, clock: Option<Arc<ManualClock>>) -> Self {
        Self(Arc::new(Shared {
            pipeline,
            views,
            clock,
            meters: Meters::new(),
            imports: Semaphore::new(IMPORTS_MAX),
            explanations: Semaphore::new(EXPLANATIONS_MAX),
            backups: Arc::new(Semaphore::new(1)),
            replays: Arc::new(Semaphore::new(1)),
            optimisations: Arc::new(Semaphore::new(1)),
            stopping: watch::Sender::new(false),
            request_ids: RequestIds::new(),
        }))
    }

    /// The route of every write.
    pub fn pipeline(&self) -> &Pipeline {
        &self.0.pipeline
    }

    /// The engine, for reads.
    pub fn engine(&self) -> &Engine {
        self.0.pipeline.engine()
    }

    /// The journal, for its tail and its waits.
    pub fn journal(&self) -> &Journal {
        self.0.pipeline.journal()
    }

    /// Read models.
    pub fn views(&self) -> &Views {
        &self.0.views
    }

    /// Reads on a thread that may wait for files.
    pub(super) async fn reading<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Front) -> R + Send + 'static,
    ) -> Result<R, Problem> {
        let front = self.clone();
        let read = tokio::task::spawn_blocking(move || read(&front));
        read.await.map_err(|_| Problem::new("internal_error", "the reading broke off"))
    }

    /// What is shown with the names of the catalogue and of the orders it speaks of, of which some may be read from files.
    pub fn named<R>(&self, show: impl FnOnce(&Catalogue, &OrderNames<'_>) -> R) -> R {
        let read = |key| self.engine().order_by_key(key);
        let read_return = |key| self.engine().return_by_key(key);
        self.engine().catalogue(|catalogue| show(catalogue, &OrderNames::new(&read, &read_return)))
    }

    /// Reads the catalogue and waits until what was read is durable.
    pub async fn catalogue<R: Send>(&self, read: impl FnOnce(&Catalogue) -> R) -> Result<Durable<R>, OutcomeUnknown> {
        let (seq, value) = self.engine().catalogue(|catalogue| (catalogue.seq, read(catalogue)));
        self.journal().durable(seq, value).await
    }

    /// Turns of imports.
    pub(super) fn imports(&self) -> &Semaphore {
        &self.0.imports
    }

    /// Turns of those who want a decision explained whole.
    pub(super) fn explanations(&self) -> &Semaphore {
        &self.0.explanations
    }

    /// The turn of whoever takes a backup.
    pub(super) fn backups(&self) -> Arc<Semaphore> {
        self.0.backups.clone()
    }

    /// The turn of whoever replays the journal.
    pub(super) fn replays(&self) -> Arc<Semaphore> {
        self.0.replays.clone()
    }

    /// The turn of whoever plans open orders again.
    pub(super) fn optimisations(&self) -> Arc<Semaphore> {
        self.0.optimisations.clone()
    }

    /// Waits until lists show everything that was durable when they were asked for; not for ever, in case nobody fills
    /// them any more.
    pub(super) async fn lists_reached_now(&self) -> Result<(), Problem> {
        let reached = self.views().reached(self.journal().durable_seq());
        timeout(LISTS_FOR, reached).await.map_err(|_| Problem::new("busy", "lists are behind; come back"))
    }

    /// What is counted.
    pub(super) fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// Says that the server stops: it is no longer ready, and feeds end.
    pub(super) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Whether the server stops.
    pub(super) fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    /// Resolves when the server stops.
    pub(super) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.0.stopping.subscribe();
        async move {
            // The sender lives as long as the front; if it is gone, so is the server.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        }
    }

    /// Answers one request.
    pub(super) fn answer(&self, router: &Router, request: Request) -> impl Future<Output = Response> + use<> {
        let began = Instant::now();
        let asked = Asked { method: request.method().clone(), id: self.name_of(&request), began };
        self.set_clock(&request);
        // What can be answered at once is; the rest is kept aside, so that what is moved about stays small.
        let express = catch_unwind(AssertUnwindSafe(|| express::answer(self, &asked.id, request)));
        let front = self.clone();
        let later = match express {
            Ok(Express::Now(route, replied)) => Err(front.finish(asked, Some(route), Ok(replied.into_response()))),
            Ok(Express::Later(route, reply)) => Ok(Box::pin(async move {
                let answered = AssertUnwindSafe(reply).catch_unwind().await;
                front.finish(asked, Some(route), answered.map(IntoResponse::into_response))
            }) as Later),
            Ok(Express::Other(request)) => {
                let mut router = router.clone();
                Ok(Box::pin(async move {
                    let answered = AssertUnwindSafe(router.call(request)).catch_unwind().await;
                    front.finish(asked, None, answered.map(|Ok(response)| response))
                }) as Later)
            }
            Err(panic) => Err(front.finish(asked, None, Err(panic))),
        };
        async {
            match later {
                Ok(later) => later.await,
                Err(now) => now,
            }
        }
    }

    /// What every answer gets; a panic is answered too.
    fn finish(&self, asked: Asked, route: Option<&str>, answered: Result<Response, Panic>) -> Response {
        let broken = |_| Problem::new("internal_error", "this request broke something; it was logged").into_response();
        let mut response = answered.unwrap_or_else(broken);
        write_problem(&mut response, &asked.id);
        let status = response.status().as_u16();
        let matched = response.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let route = route.or(matched).unwrap_or("none");
        self.0.meters.request(route, &asked.method, status, asked.began.elapsed());
        response.headers_mut().insert(REQUEST_ID, asked.id);
        response
    }

    /// The id of a request: its own when it brings a good one.
    fn name_of(&self, request: &Request) -> HeaderValue {
        let given = request.headers().get(&REQUEST_ID);
        let good = given.filter(|id| id.to_str().is_ok_and(|id| check_id(id).is_ok()));
        good.cloned().unwrap_or_else(|| self.0.request_ids.next())
    }

    /// Moves the clock forward to the time of a request, where requests carry it.
    fn set_clock(&self, request: &Request) {
        let Some(clock) = &self.0.clock else { return };
        let time = request.headers().get(TIME_HEADER).and_then(|time| time.to_str().ok());
        if let Some(time) = time.and_then(Time::parse) {
            clock.advance_to(time.ms);
        }
    }
}

/// An answer that takes its time.
type Later = Pin<Box<dyn Future<Output = Response> + Send>>;
type Panic = Box<dyn Any + Send>;

/// What is kept of a request until its answer is there.
struct Asked {
    method: Method,
    id: HeaderValue,
    began: Instant,
}

/// The id that the front gave to a request or found in it.
pub fn request_id(headers: &HeaderMap) -> Text {
    headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().into()
}

/// Tells the front which route answered.
pub async fn name_route(path: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(path);
    response
}

/// A problem on its way to the front.
#[derive(Clone)]
struct Unwritten(Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response.extensions_mut().insert(Unwritten(Arc::new(self)));
        response
    }
}

fn write_problem(response: &mut Response, request_id: &HeaderValue) {
    let Some(Unwritten(problem)) = response.extensions_mut().remove::<Unwritten>() else { return };
    *response.body_mut() = Body::from(problem.to_json(request_id.to_str().unwrap_or_default()));
    let headers = response.headers_mut();
    // The router announced the empty body that the problem travelled with.
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// Ids for requests that bring none: unlike those of any other run of the process, and numbered.
struct RequestIds {
    run: u32,
    next: AtomicU64,
}

impl RequestIds {
    fn new() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        Self { run: RandomState::new().build_hasher().finish() as u32, next: AtomicU64::new(1) }
    }

    fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = [b'0'; 25];
        let mut end = 9;
        digits(u64::from(self.run), &mut id[..8]);
        id[8] = b'-';
        let length = (64 - number.leading_zeros() as usize).div_ceil(4);
        end += length;
        digits(number, &mut id[9..end]);
        HeaderValue::from_bytes(&id[..end]).expect("hexadecimal digits can stand in a header")
    }
}

/// Fills all of `place` with the last hexadecimal digits of a number.
fn digits(number: u64, place: &mut [u8]) {
    for (at, digit) in place.iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * at) & 15) as usize];
    }
}
