//! The limit of the front: a hyper server that does nothing.
//!
//! GET answers a fixed body, POST to [`SAME`] answers the body it got, POST to anywhere else reads the body and answers a
//! fixed one. The fixed bodies are as long as Ordain's answers to the same requests. No router, no middleware, no date of
//! its own: hyper's HTTP/1.1 connection on tokio's default runtime, as hyper's own examples have it.

use std::convert::Infallible;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Where a body comes back.
pub const SAME: &str = "/echo";

/// Serves until the process ends; says where on stdout.
pub fn serve(get_bytes: usize, post_bytes: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|fault| format!("the runtime: {fault}"))?;
    runtime.block_on(accept(json(get_bytes), json(post_bytes))).map_err(|fault| format!("the echo: {fault}"))
}

async fn accept(get: Bytes, post: Bytes) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (get, post) = (get.clone(), post.clone());
        let answer = service_fn(move |request| answer(request, get.clone(), post.clone()));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        // A connection that breaks ends; the generator notices.
        tokio::spawn(async move { drop(connection.await) });
    }
}

async fn answer(request: Request<Incoming>, get: Bytes, post: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if request.method() == Method::GET {
        get
    } else {
        let same = request.uri().path() == SAME;
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        if same { body } else { post }
    };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A JSON text of that many bytes, at least two.
fn json(bytes: usize) -> Bytes {
    Bytes::from(format!("\"{}\"", "x".repeat(bytes.saturating_sub(2))))
}
