//! One reservation or order as it is now, against what its owner was told.
//!
//! Of a reservation nothing may differ but that it expires when its time is up, not earlier and not later. Of an order
//! nothing may differ but that units which waited got stock, each fill a version of its own. What both hold is added up on
//! the way, for the comparison with the levels.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::book::{Cell, Order, Reservation, State, list, number};
use crate::findings::Findings;
use crate::instant;
use crate::shop::Skus;

/// Units at a cell, by what the entities that were read say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    pub reserved: i64,
    pub committed: i64,
    pub shipped: i64,
}

/// Units of all cells.
#[derive(Default)]
pub struct Sums(pub BTreeMap<Cell, Units>);

impl Sums {
    pub fn at(&mut self, sku: &str, node: &Value) -> &mut Units {
        self.0.entry((sku.to_owned(), node.as_str().unwrap_or_default().to_owned())).or_default()
    }

    pub fn add(&mut self, other: Self) {
        for (cell, units) in other.0 {
            let sum = self.0.entry(cell).or_default();
            sum.reserved += units.reserved;
            sum.committed += units.committed;
            sum.shipped += units.shipped;
        }
    }
}

/// Compares a reservation that was read between two instants.
pub fn reservation(kept: &mut Reservation, now: &Value, read: (i64, i64), sums: &mut Sums, findings: &mut Findings) {
    let told = &kept.told;
    let due = instant::of(&told["expires_at"]);
    let state = now["state"].as_str().unwrap_or_default();
    let may_be = match kept.state {
        State::Held => match state {
            "held" => read.0 - instant::SLACK_MS < due,
            "expired" => read.1 + instant::SLACK_MS >= due,
            _ => false,
        },
        State::Released => state == "released",
        State::Expired => state == "expired",
        State::Claimed => state == "claimed",
        State::ClaimedOrExpired => state == "claimed" || state == "expired",
    };
    let same = |field: &str| now[field] == told[field];
    let is_same = same("id") && same("owner") && (kept.is_loose || same("lines") && same("expires_at"));
    if !may_be || !is_same {
        findings.lost(format!("told {told}, since then {:?}, is {now}", kept.state));
    }
    if state == "expired" {
        kept.state = State::Expired;
    }
    if state == "held" {
        for line in list(&now["lines"]) {
            sums.at(line["sku"].as_str().unwrap_or_default(), &line["node"]).reserved += number(&line["quantity"]);
        }
    }
}

/// Compares an order.
pub fn order(kept: &Order, now: &Value, skus: &Skus, sums: &mut Sums, findings: &mut Findings) {
    if let Some(breach) = torn(&kept.asked, now) {
        findings.wrong(format!("{breach}: asked {}, is {now}", kept.asked));
    }
    let version = now["version"].as_u64().unwrap_or(0);
    if version < kept.version_min {
        findings.lost(format!("version {} was told with {}, is {now}", kept.version_min, kept.told));
    }
    if version == kept.told["version"].as_u64().unwrap_or(0) && *now != kept.told {
        findings.lost(format!("another version {version}: told {}, is {now}", kept.told));
    }
    for (at, line) in list(&now["lines"]).iter().enumerate() {
        let (was, is) = (&kept.told["lines"][at]["buckets"], &line["buckets"]);
        let waits = |buckets: &Value| number(&buckets["backordered"]) + number(&buckets["unallocated"]);
        let grew = waits(is) > waits(was) && !kept.was_rejected;
        if is["cancelled"] != was["cancelled"] || grew {
            findings.lost(format!("line {at} changed by itself: told {}, is {now}", kept.told));
        }
    }
    let parts = list(&now["fulfillment_orders"]);
    for (id, told) in &kept.steps {
        if !parts.iter().any(|part| part == told) {
            findings.lost(format!("step {id} was told {told}, the order is {now}"));
        }
    }
    for part in parts {
        let is_new = !kept.steps.contains_key(part["id"].as_str().unwrap_or_default());
        if is_new && part["status"] != "submitted" {
            findings.wrong(format!("nobody moved {} on: {now}", part["id"]));
        }
        add_part(part, skus, sums);
    }
}

fn add_part(part: &Value, skus: &Skus, sums: &mut Sums) {
    for line in list(&part["lines"]) {
        for (sku, units) in skus.cells_of(line["sku"].as_str().unwrap_or_default(), number(&line["quantity"])) {
            match part["status"].as_str().unwrap_or_default() {
                "rejected" | "incomplete" | "cancelled" | "put_back" => {}
                "shipped" | "delivered" => sums.at(&sku, &part["node"]).shipped += units,
                _ => sums.at(&sku, &part["node"]).committed += units,
            }
        }
    }
}

/// Why an order is not, whole, the one that was asked for.
pub fn torn(asked: &Value, now: &Value) -> Option<&'static str> {
    for field in ["id", "channel", "channel_order_id"] {
        if asked[field] != now[field] {
            return Some("another order");
        }
    }
    if asked["customer"] != now["customer"] {
        return Some("another customer");
    }
    let (asked, lines) = (list(&asked["lines"]), list(&now["lines"]));
    if asked.len() != lines.len() {
        return Some("lines are missing");
    }
    for (asked, line) in asked.iter().zip(lines) {
        if asked["sku"] != line["sku"] || asked["quantity"] != line["quantity"] {
            return Some("another line");
        }
        let buckets = &line["buckets"];
        let all: i64 = buckets.as_object().map_or(0, |all| all.values().map(number).sum());
        if all != number(&line["quantity"]) {
            return Some("a line does not add up");
        }
        let gone = ["backordered", "unallocated", "preordered", "cancelled"].map(|bucket| number(&buckets[bucket]));
        let live = list(&now["fulfillment_orders"]).iter().filter(|part| {
            !matches!(part["status"].as_str(), Some("rejected" | "incomplete" | "cancelled" | "put_back"))
        });
        let parts = live.flat_map(|part| list(&part["lines"])).filter(|part| part["line"] == line["id"]);
        if parts.map(|part| number(&part["quantity"])).sum::<i64>() != all - gone.iter().sum::<i64>() {
            return Some("a line and its fulfilment orders disagree");
        }
    }
    None
}
