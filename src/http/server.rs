//! The server: connections, their limits, and an orderly end.
//!
//! | Bound | Value |
//! |---|---|
//! | connections | [`CONNECTIONS_MAX`]; further ones wait to be accepted |
//! | first request of a connection, and every header after it | [`HEADER_FOR`] |
//! | headers of a request | [`HEADERS_MAX`], [`HEADER_BYTES_MAX`] |
//! | streams of an HTTP/2 connection | [`STREAMS_MAX`] |
//! | end: requests in flight may take | [`DRAIN_FOR`] |
//!
//! HTTP/1.1 and HTTP/2 without TLS on the same port. Bodies have bounds of their own (`body`).

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{interval, sleep, timeout};

use super::front::Front;
use super::routes::router;

/// Most connections at once.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Longest time the headers of a request may take, and a connection may stay idle.
pub const HEADER_FOR: Duration = Duration::from_secs(10);
/// Most headers of a request.
pub const HEADERS_MAX: usize = 64;
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
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stop = pin!(stop);
    let mut fold = interval(FOLD_EVERY);
    let mut pause = PAUSE_MIN;
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = fold.tick() => front.meters().fold(),
            accepted = accept(&listener, &permits) => match accepted {
                Ok((stream, permit)) => {
                    pause = PAUSE_MIN;
                    let connection = Connection { router: router.clone(), front: front.clone(), permit };
                    tokio::spawn(connection.serve(stream, builder.clone(), graceful.watcher()));
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
    if timeout(DRAIN_FOR, graceful.shutdown()).await.is_err() {
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
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_FOR)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
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
    async fn serve(self, stream: TcpStream, builder: Arc<Builder<TokioExecutor>>, watcher: Watcher) {
        let Self { router, front, permit } = self;
        front.meters().connect();
        // Small answers leave at once; without it they are only slower.
        let _ = stream.set_nodelay(true);
        let begun = Arc::new(AtomicBool::new(false));
        let service = service_fn(|request: Request<Incoming>| {
            begun.store(true, Ordering::Relaxed);
            let (front, router) = (front.clone(), router.clone());
            async move { Ok::<_, std::convert::Infallible>(front.answer(router, request.map(Body::new)).await) }
        });
        let served = watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
        let mut served = pin!(served);
        // Until the first request is there, nobody else watches the time.
        let early = timeout(HEADER_FOR, &mut served).await;
        if early.is_err() && begun.load(Ordering::Relaxed) {
            // An error here is the client's: it went away or broke the protocol.
            let _ = served.await;
        }
        front.meters().disconnect();
        drop(permit);
    }
}
