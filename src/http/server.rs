//! The server: connections, their limits, and an orderly end.
//!
//! | Bound | Value |
//! |---|---|
//! | connections | [`CONNECTIONS_MAX`]; further ones wait to be accepted |
//! | first request of a connection, and every header after it | [`HEADER_FOR`] |
//! | headers of a request | 100, which is hyper's own bound, [`HEADER_BYTES_MAX`] |
//! | streams of an HTTP/2 connection | [`STREAMS_MAX`] |
//! | end: requests in flight may take | [`DRAIN_FOR`] |
//!
//! HTTP/1.1 and HTTP/2 without TLS on the same port. Bodies have bounds of their own (`body`).
//!
//! What is no request for HTTP itself never comes here: hyper answers it with 400, 414 or 431 and ends the connection, and
//! leaves no place for a body. Every other answer that refuses says why (`api::problem`).

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Version};
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{interval, sleep, timeout};

use super::front::Front;
use super::gather::Wire;
use super::routes::router;

/// Most connections at once.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Longest time the headers of a request may take, and a connection may stay idle; [`Quiet`] watches it.
pub const HEADER_FOR: Duration = Duration::from_secs(10);
/// Bytes of an answer that a client has to take in [`HEADER_FOR`].
const TAKEN_BYTES_MIN: u64 = 160 * 1024;
/// Largest headers of a request, together.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Most streams of one HTTP/2 connection.
pub const STREAMS_MAX: u32 = 64;
/// How long requests in flight may take once the server stops.
pub const DRAIN_FOR: Duration = Duration::from_secs(25);
/// How often latencies are folded into their buckets.
const FOLD_EVERY: Duration = Duration::from_secs(5);
/// Pauses after a failed accept: out of descriptors, mostly. They double up to the longer one.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Serves until `stop` resolves, then lets requests in flight end.
pub async fn serve(listener: TcpListener, front: Front, stop: impl Future<Output = ()> + Send) -> io::Result<()> {
    let router = router(front.clone());
    let builder = Arc::new(builder());
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stop = pin!(stop);
    let mut fold = interval(FOLD_EVERY);
    let mut pause = PAUSE_MIN;
    // One sync for all requests that are ready at the same time.
    let mut usher = JoinSet::new();
    usher.spawn({
        let front = front.clone();
        async move { front.journal().usher(yield_now).await }
    });
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = fold.tick() => front.meters().fold(),
            accepted = accept(&listener, &permits) => match accepted {
                Ok((stream, permit)) => {
                    pause = PAUSE_MIN;
                    let connection = Connection { router: router.clone(), front: front.clone(), permit };
                    tokio::spawn(connection.serve(stream, builder.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            },
        }
    }
    front.stop();
    drop(listener);
    usher.shutdown().await;
    let all_ended = permits.acquire_many(CONNECTIONS_MAX as u32);
    if timeout(DRAIN_FOR, all_ended).await.is_err() {
        tracing::warn!("requests were still in flight after {} seconds", DRAIN_FOR.as_secs());
    }
    Ok(())
}

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(HEADER_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// One connection, as long as it is served.
struct Connection {
    router: Router,
    front: Front,
    permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, builder: Arc<Builder<TokioExecutor>>) {
        let Self { router, front, permit } = self;
        front.meters().connect();
        // Small answers leave at once; without it they are only slower.
        let _ = stream.set_nodelay(true);
        let quiet = Arc::new(Quiet::new());
        let service = service_fn(|request: Request<Incoming>| {
            let serving = Serving::begin(&quiet, request.version());
            let answer = front.answer(&router, request.map(Body::new));
            async move { Ok::<_, std::convert::Infallible>(serving.hand_over(answer.await)) }
        });
        let wire = Wire::new(stream);
        let mut served = pin!(builder.serve_connection(TokioIo::new(wire.clone()), service));
        // What is asked only when it has something to say costs nothing while requests go by.
        let mut signals = FuturesUnordered::from_iter([stop(&front), alarm()]);
        loop {
            tokio::select! {
                biased;
                // An error here is the client's: it went away or broke the protocol.
                () = poll_fn(|context| match served.as_mut().poll(context) {
                    Poll::Ready(_) => Poll::Ready(()),
                    // With nothing more to do for now, what was answered is sent.
                    Poll::Pending => match wire.send(context) {
                        Poll::Ready(Err(_)) => Poll::Ready(()),
                        _ => Poll::Pending,
                    },
                }) => break,
                Some(signal) = signals.next() => match signal {
                    Signal::Stop => served.as_mut().graceful_shutdown(),
                    Signal::Alarm if quiet.goes_on() => signals.push(alarm()),
                    Signal::Alarm => break,
                }
            }
        }
        // What was answered before the end is still sent, to a client who takes it.
        let _ = timeout(HEADER_FOR, poll_fn(|context| wire.send(context))).await;
        front.meters().disconnect();
        drop(permit);
    }
}

/// What a connection hears besides its client.
enum Signal {
    Stop,
    Alarm,
}

fn stop(front: &Front) -> BoxFuture<'static, Signal> {
    front.stopped().map(|()| Signal::Stop).boxed()
}

fn alarm() -> BoxFuture<'static, Signal> {
    sleep(HEADER_FOR).map(|()| Signal::Alarm).boxed()
}

/// Whether a connection has been quiet for too long: one alarm a connection looks, instead of a timer a request. So a quiet
/// connection ends after one to two times [`HEADER_FOR`].
struct Quiet {
    /// Requests that are being answered, and one for ever on HTTP/2, which asks its peers by itself.
    serving: AtomicU64,
    /// Alarms to sleep through.
    alarms: AtomicU64,
}

impl Quiet {
    fn new() -> Self {
        Self { serving: AtomicU64::new(0), alarms: AtomicU64::new(0) }
    }

    /// An alarm: whether the connection goes on.
    fn goes_on(&self) -> bool {
        let alarms = self.alarms.load(Ordering::Relaxed);
        self.alarms.store(alarms.saturating_sub(1), Ordering::Relaxed);
        alarms > 0 || self.serving.load(Ordering::Relaxed) > 0
    }
}

/// A request that is being answered, up to the last byte of a streamed answer.
struct Serving {
    quiet: Arc<Quiet>,
    /// Alarms that a client may take for the answer and for the next request.
    alarms: u64,
}

impl Serving {
    fn begin(quiet: &Arc<Quiet>, version: Version) -> Self {
        let times = if version == Version::HTTP_2 { 2 } else { 1 };
        quiet.serving.fetch_add(times, Ordering::Relaxed);
        Self { quiet: quiet.clone(), alarms: 1 }
    }

    /// A whole answer has its time to be taken; a streamed one goes on until its end.
    fn hand_over(mut self, answer: Response) -> Response {
        match answer.body().size_hint().exact() {
            Some(bytes) => {
                self.alarms += bytes / TAKEN_BYTES_MIN;
                answer
            }
            None => answer.map(|body| Body::new(Streamed { body, _serving: self })),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.quiet.alarms.fetch_max(self.alarms, Ordering::Relaxed);
        self.quiet.serving.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body whose end is the end of its request.
struct Streamed {
    body: Body,
    _serving: Serving,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
