//! The server over HTTP, in this process, on the default store: what a caller waits.
//!
//! `cargo bench --bench http` measures; `-- --size small` (what `cargo test --benches` runs) only keeps it alive. Each
//! line: operation, connections, requests, requests a second, p50 and p99 in microseconds, and what came of it: units left
//! and taken, the same on every machine for the same size. Client and server share the machine.

#[path = "shop/mod.rs"]
mod shop;

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use ordain::app::{Ordain, bind};
use ordain::connectors::client::{Client, segment};
use serde_json::{Value, json};
use shop::{NODES, ON_HAND, mix, stock};
use tokio::sync::oneshot;

const CONNECTIONS: [usize; 2] = [1, 64];

struct Size {
    skus: u64,
    /// Requests per operation at one connection, and at many.
    requests: [u64; 2],
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Atp,
    Reserve,
    Order,
}

fn main() {
    let small = std::env::args().any(|arg| arg == "small") || !std::env::args().any(|arg| arg == "--bench");
    let size =
        if small { Size { skus: 20, requests: [20, 200] } } else { Size { skus: 2_000, requests: [2_000, 50_000] } };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ordain = Ordain::open(dir.path()).expect("a new directory opens");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = ordain.serve(listener, async move { drop(stopped.await) });
        let measuring = async {
            let client = Client::new(&format!("http://{address}")).expect("an address");
            measure(&client, &size).await;
            stop.send(()).expect("the server still runs");
        };
        let (served, ()) = tokio::join!(serving, measuring);
        served.expect("the server ends in order");
    });
    ordain.close().expect("the directory closes");
}

async fn measure(client: &Client, size: &Size) {
    stock(client, size.skus).await;
    println!(
        "{:<10} {:>6} {:>9} {:>9} {:>9} {:>9}  result",
        "operation", "conns", "requests", "req/s", "p50 us", "p99 us"
    );
    for operation in [Operation::Atp, Operation::Reserve, Operation::Order] {
        for (connections, requests) in CONNECTIONS.into_iter().zip(size.requests) {
            let began = Instant::now();
            let work = (0..requests).map(|n| request(client, size, operation, connections, n));
            let times: Vec<Duration> = stream::iter(work).buffer_unordered(connections).collect().await;
            let took = began.elapsed();
            tell(operation, connections, times, took, &left(client, size).await);
        }
    }
}

fn tell(operation: Operation, connections: usize, mut times: Vec<Duration>, took: Duration, result: &str) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
    let rate = times.len() as f64 / took.as_secs_f64();
    println!(
        "{:<10} {connections:>6} {:>9} {rate:>9.0} {:>9} {:>9}  {result}",
        format!("{operation:?}").to_lowercase(),
        times.len(),
        at(50),
        at(99)
    );
}

/// One request, and how long it took.
async fn request(client: &Client, size: &Size, operation: Operation, connections: usize, n: u64) -> Duration {
    let sku = |k: u64| shop::sku(mix(n * 3 + k) % size.skus);
    let began = Instant::now();
    let answer = match operation {
        Operation::Atp => client.get(&format!("/v1/atp/{}", segment(&sku(0)))).await,
        Operation::Reserve => {
            let lines = json!([{"sku": sku(0), "quantity": 1 + mix(n) % 3}]);
            client.post("/v1/reservations", &json!({"owner": "cart", "ttl_s": 86_400, "lines": lines})).await
        }
        Operation::Order => client.post("/v1/orders", &order(&format!("{connections}-{n}"), n, sku)).await,
    };
    let took = began.elapsed();
    let answer = answer.expect("the server answers");
    assert!(answer.is_fine(), "{operation:?} {n}: {}: {}", answer.code(), answer.detail());
    took
}

fn order(id: &str, n: u64, sku: impl Fn(u64) -> String) -> Value {
    let price = json!({"amount": 1_999, "currency": "USD"});
    let line = |k: u64| json!({"sku": sku(k), "quantity": 1 + mix(n + k) % 2, "unit_price": price});
    json!({
        "type": "standard", "channel": "web", "channel_order_id": id,
        "customer": {"id": "customer-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main Street", "city": "Chicago", "region": "IL", "postal_code": "60602",
            "country": "US", "latitude": 41.88, "longitude": -87.63,
        },
        "lines": (0..3).map(line).collect::<Vec<_>>(), "delivery_method": "ship",
    })
}

/// Units left, held and promised over all skus.
async fn left(client: &Client, size: &Size) -> String {
    let read = |n: u64| async move {
        let answer = client.get(&format!("/v1/stock/{}", shop::sku(n))).await.expect("the server answers");
        ["available", "reserved", "committed"].map(|name| answer.body["total"][name].as_u64().expect("a counter"))
    };
    let all: Vec<[u64; 3]> = stream::iter(0..size.skus).map(read).buffer_unordered(64).collect().await;
    let [available, reserved, committed] =
        all.into_iter().fold([0; 3], |sum, level| [0, 1, 2].map(|at| sum[at] + level[at]));
    let there = size.skus * NODES * ON_HAND;
    assert_eq!(available + reserved + committed, there, "nothing is lost and nothing is oversold");
    format!("{reserved} held, {committed} promised, {available} left")
}
