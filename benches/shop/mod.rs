//! The shop that benches over HTTP ask: ten warehouses, so many skus at each of them.

use futures_util::stream;
use ordain::connectors::client::Client;
use serde_json::{Value, json};

/// Nodes of the shop.
pub const NODES: u64 = 10;
/// Units of a sku at each node.
pub const ON_HAND: u64 = 50_000_000;

/// Name of a sku.
pub fn sku(n: u64) -> String {
    format!("sku-{n:06}")
}

/// Nodes, items and stock, imported: every sku at every node.
pub async fn stock(client: &Client, skus: u64) {
    let node = |n: u64| {
        json!({
            "id": format!("node-{n}"), "kind": "warehouse", "name": "node",
            "latitude": 30 + n, "longitude": -80 - 3 * i64::try_from(n).expect("few nodes"),
            "country": "US", "postal_code": "00000", "time_zone": "UTC", "active": true,
        })
    };
    let item = |n: u64| {
        json!({
            "sku": sku(n), "name": "item", "kind": "product", "weight_g": 400,
            "dimensions_mm": {"length": 100, "width": 100, "height": 100},
            "value": {"amount": 1_999, "currency": "USD"},
        })
    };
    let count = |n: u64| json!({"sku": sku(n / NODES), "node": format!("node-{}", n % NODES), "on_hand": ON_HAND});
    import(client, "nodes", (0..NODES).map(node)).await;
    import(client, "items", (0..skus).map(item)).await;
    import(client, "stock", (0..skus * NODES).map(count)).await;
}

async fn import(client: &Client, kind: &str, lines: impl Iterator<Item = Value>) {
    let text: Vec<String> = lines.map(|line| format!("{line}\n")).collect();
    let chunks: Vec<_> = text.chunks(500).map(|lines| Ok(lines.concat().into_bytes())).collect();
    let path = format!("/v1/import/{kind}");
    let answer = client.stream(&path, "application/x-ndjson", stream::iter(chunks)).await.expect("the server answers");
    assert_eq!(answer.body["refused_count"], 0, "{kind}: {}", answer.body);
}

/// SplitMix64, so that every run asks for the same.
pub fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}
