//! Levels of stock against what was received and what every reservation and order holds.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use crate::book::{Cell, list, number};
use crate::entities::{Sums, Units};
use crate::shop::{NODES, Skus};
use crate::wire::{Request, Wire, encoded};

/// What clients did to cells, all books together.
#[derive(Default)]
pub struct Supplies {
    pub received: BTreeMap<Cell, i64>,
    pub damaged: BTreeMap<Cell, i64>,
    pub counted: u64,
}

/// A breach, and whether it means that more was given away than there is.
pub struct Breach {
    pub is_oversold: bool,
    pub text: String,
}

/// Compares all cells of a chapter.
pub fn compare(wire: &mut Wire, skus: &Skus, supplies: &Supplies, sums: &Sums) -> io::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for sku in &skus.stocked {
        let stock = wire.ask(&Request::get(format!("/v1/stock/{}", encoded(sku))))?.body;
        for (node, ..) in NODES {
            let cell = (sku.clone(), node.to_owned());
            let none = Value::Null;
            let level = list(&stock["nodes"]).iter().find(|level| level["node"] == node).unwrap_or(&none);
            let sum = |units: &BTreeMap<Cell, i64>| units.get(&cell).copied().unwrap_or(0);
            let held = sums.0.get(&cell).copied().unwrap_or_default();
            let known = Known { received: sum(&supplies.received), damaged: sum(&supplies.damaged), held };
            breaches.extend(judge(level, &known, sku == skus.jar()).map(|(is_oversold, law)| Breach {
                is_oversold,
                text: format!("{cell:?}: {law}: {level}, known {known:?}"),
            }));
        }
        let total = number(&stock["total"]["available"]);
        let atp = wire.ask(&Request::get(format!("/v1/atp/{}", encoded(sku))))?.body;
        if number(&atp["available"]) != total {
            let text = format!("{sku}: available is {total}, but {atp} is promised");
            breaches.push(Breach { is_oversold: true, text });
        }
    }
    let bin = wire.ask(&Request::get(format!("/v1/stock/{}", encoded(&skus.bin))))?.body;
    if number(&bin["total"]["on_hand"]) != supplies.counted as i64 {
        let text = format!("{} was counted {}, is {bin}", skus.bin, supplies.counted);
        breaches.push(Breach { is_oversold: false, text });
    }
    let asked = json!({"skus": skus.pallets});
    let pallets = wire.ask(&Request { method: "POST", path: "/v1/atp".into(), key: None, body: asked })?.body;
    for (sku, is) in skus.pallets.iter().zip(list(&pallets["items"])) {
        let received: i64 =
            NODES.iter().filter_map(|(node, ..)| supplies.received.get(&(sku.clone(), (*node).into()))).sum();
        if number(&is["available"]) != received {
            breaches.push(Breach { is_oversold: false, text: format!("received {received} of {sku}, is {is}") });
        }
    }
    Ok(breaches)
}

/// What is known of a cell without asking for its level.
#[derive(Debug)]
struct Known {
    received: i64,
    damaged: i64,
    held: Units,
}

/// The laws a level breaks.
fn judge(level: &Value, known: &Known, may_owe: bool) -> impl Iterator<Item = (bool, &'static str)> {
    // A cell that never had anything is not listed.
    let is = |state: &str| level[state].as_i64().unwrap_or(0);
    let states = ["available", "committed", "reserved", "safety_stock", "damaged", "quality_control"];
    let Units { reserved, committed, shipped } = known.held;
    let sure = known.received - known.damaged;
    let laws = [
        (true, states.iter().any(|state| is(state) < 0) || is("on_hand") < 0 || is("shortfall") < 0, "below zero"),
        (true, !may_owe && reserved + committed + shipped > sure, "more is given away than was received"),
        (true, !may_owe && is("shortfall") != 0, "units are owed"),
        (false, is("on_hand") + is("shortfall") != states.iter().map(|state| is(state)).sum::<i64>(), "identity"),
        (false, is("on_hand") != known.received - shipped, "on hand"),
        (false, is("reserved") != reserved, "reserved"),
        (false, is("committed") != committed, "committed"),
        (false, is("damaged") != known.damaged, "damaged"),
    ];
    laws.into_iter().filter(|(_, is_broken, _)| *is_broken).map(|(is_oversold, _, law)| (is_oversold, law))
}
