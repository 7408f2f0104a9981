//! The books of a replay: what all orders say must add up to what was done, and to what lies on the shelves.
//!
//! Read over HTTP like everything else, by whoever replays: no code of the server takes part. What is *not* here: the
//! identity of each level, which `judge` looks at.

use std::collections::{BTreeMap, HashSet};

use ordain::connectors::client::{Client, segment};
use serde_json::Value;

use super::Stop;

/// Orders of one page.
const PAGE: usize = 500;

/// What all orders say together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Orders by status.
    pub by_status: BTreeMap<String, u64>,
    /// Lines whose units are not all somewhere.
    pub lines_broken: u64,
    /// Units cancelled.
    pub cancelled: u64,
    /// Units of goods that left their nodes.
    pub gone: i64,
}

impl Books {
    /// Reads every order; `goods` are the skus that lie on shelves.
    pub async fn read(client: &Client, goods: &HashSet<String>) -> Result<Self, Stop> {
        let (mut books, mut cursor) = (Self::default(), None::<String>);
        loop {
            let after = cursor.map_or_else(String::new, |cursor| format!("&cursor={}", segment(&cursor)));
            let answer = client.get(&format!("/v1/orders?limit={PAGE}{after}")).await?;
            let items = answer.body["items"].as_array().ok_or_else(|| format!("orders: {}", answer.detail()))?;
            items.iter().for_each(|order| books.add(order, goods));
            cursor = answer.body["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(books);
            }
        }
    }

    fn add(&mut self, order: &Value, goods: &HashSet<String>) {
        let status = order["status"].as_str().unwrap_or("without a status");
        *self.by_status.entry(status.to_owned()).or_default() += 1;
        for line in order["lines"].as_array().into_iter().flatten() {
            let bucket = |name: &str| line["buckets"][name].as_u64().unwrap_or(0);
            let buckets = line["buckets"].as_object().into_iter().flat_map(|buckets| buckets.values());
            let somewhere: Option<u64> = buckets.map(Value::as_u64).sum();
            self.lines_broken += u64::from(somewhere.is_none() || somewhere != line["quantity"].as_u64());
            self.cancelled += bucket("cancelled");
            if line["sku"].as_str().is_some_and(|sku| goods.contains(sku)) {
                self.gone += i64::try_from(bucket("shipped") + bucket("delivered")).unwrap_or(i64::MAX);
            }
        }
    }
}

/// Units on hand at all nodes of all skus.
pub fn on_hand(levels: &BTreeMap<String, Value>) -> i64 {
    let nodes = levels.values().flat_map(|nodes| nodes.as_array().into_iter().flatten());
    nodes.filter_map(|level| level["on_hand"].as_i64()).sum()
}
