//! A chapter of the story: an order each way, from the order to the hand-over; and several picked together.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::life::text;
use super::network::{Network, PLACES};
use super::shop::{Counted, Shopper, fine};
use super::stage::Stage;
use super::story::chapter;
use crate::cli::Stop;
use crate::connectors::client::segment;
use crate::domain::delivery::{METHODS, TO_STORE, is_collected};

/// Who takes what is shipped.
const CARRIER: &str = "post";
/// Methods that book a slot, and which.
const BOOKED: [(&str, &str); 2] = [("local_delivery", "round"), ("service", "visit")];
/// How many are picked together.
const TOGETHER: u64 = 12;

/// Every delivery method once.
pub async fn each(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("One order each way, from the order to the hand-over");
    let stock = network.stock(0);
    let (sku, node, _) = stock.iter().find(|(_, _, units)| *units > 20).cloned().unwrap_or_default();
    // Nothing of it is there, so that it has to be sent.
    let empty = |at: &str| stock.iter().all(|(other, node, units)| *other != sku || *node != at || *units == 0);
    let store = PLACES.iter().find(|place| place.kind == "store" && empty(place.id)).map_or("", |place| place.id);
    let client = stage.client();
    fine("the numbers", client.put("/v1/sscc-numbers", &json!({"company_prefix": "4012345"})).await?)?;
    let slot = |(_, id): &(&str, &str)| json!({"id": id, "starts_at": "2099-06-01T08:00:00Z", "ends_at": "2099-06-01T12:00:00Z", "limit": 4});
    let place = |what: &str| format!("/v1/nodes/{}/{what}", segment(node));
    let slots = json!({"slots": BOOKED.iter().map(slot).collect::<Vec<_>>()});
    fine("the slots", client.put(&place("slots"), &slots).await?)?;
    let edges = json!({"length": 700, "width": 400, "height": 400});
    let lockers = json!({"sizes": [{"id": "large", "inner_mm": edges, "limit": 2}]});
    fine("the lockers", client.put(&place("lockers"), &lockers).await?)?;
    let hours = json!({
        "working_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "opens": "08:00", "closes": "20:00",
        "lead_minutes": 60,
    });
    fine("its hours", client.put("/v1/calendars/shop", &hours).await?)?;
    fine("its calendar", client.patch(&format!("/v1/nodes/{}", segment(node)), &json!({"calendar": "shop"})).await?)?;
    let mut left_from = BTreeSet::new();
    for (number, method) in (1..).zip(METHODS) {
        let what = match method {
            "digital" => "GUIDE-01",
            "service" => "CARE-01",
            _ => sku.as_str(),
        };
        let mut shopper = Shopper::new(stage.client(), network, counted, 21, number);
        let (mut order, _) = shopper.order(&[(what, 1)], None);
        order["delivery_method"] = json!(method);
        if is_collected(method) {
            order["preferred_node"] = json!(node);
        } else if method == TO_STORE {
            order["preferred_node"] = json!(store);
        }
        if let Some((_, slot)) = BOOKED.iter().find(|(booked, _)| *booked == method) {
            order["lines"][0]["slot"] = json!({"node": node, "id": slot});
        }
        let placed = shopper.place(&order).await?;
        let own = text(&placed["fulfillment_orders"][0]["id"]);
        let from = text(&placed["fulfillment_orders"][0]["node"]);
        let promised = placed["fulfillment_orders"][0]["ready_by"].as_str();
        let promised = promised.map_or(String::new(), |at| format!("promised by {at}, "));
        let told = handed_over(stage, &own, method).await?;
        println!("   {method}: 1 × {what} from {from}: {promised}{told}");
        if method == "ship" {
            left_from.insert(from);
        }
    }
    for node in left_from {
        let close_out = format!("/v1/nodes/{}/close_out", segment(&node));
        let closed = fine("the close-out", client.post(&close_out, &json!({"carrier": CARRIER})).await?)?;
        println!("   the {CARRIER} comes no more today to {node}: its manifest has {} parcel", closed["parcels"]);
    }
    Ok(())
}

/// Takes a fulfilment order to its customer; tells how.
async fn handed_over(stage: &Stage, own: &str, method: &str) -> Result<String, Stop> {
    let client = stage.client();
    let at = |verb: &str| format!("/v1/fulfillment-orders/{}/{verb}", segment(own));
    let step = async |verb: &str, body: Value| fine(verb, client.post(&at(verb), &body).await?);
    for verb in ["accept", "pick", "pack"] {
        step(verb, json!({})).await?;
    }
    if method == TO_STORE {
        step("parcels", json!({"carrier": CARRIER, "parcels": [{}]})).await?;
        step("ship", json!({"carrier": CARRIER, "service": method, "tracking_number": own})).await?;
        step("receive", json!({})).await?;
    }
    if is_collected(method) || method == TO_STORE {
        step("ready", json!({"code": "7K-PM-22"})).await?;
        let told = fine("who comes", client.get(&at("collection")).await?)?;
        step("arrive", json!({"spot": "bay 4"})).await?;
        let wrong = client.post(&at("hand_over"), &json!({"code": "7K-PM-23"})).await?.code();
        let done = step("hand_over", json!({"code": told["code"]})).await?;
        return Ok(format!(
            "ready, the customer came; with a wrong code he is told {wrong}, with his own: {}",
            text(&done["status"])
        ));
    }
    if matches!(method, "digital" | "service") {
        return Ok(text(&step("hand_over", json!({})).await?["status"]));
    }
    let carrier = if method == "local_delivery" { "own van" } else { CARRIER };
    let packed = step("parcels", json!({"carrier": carrier, "parcels": [{}]})).await?;
    step("ship", json!({"carrier": carrier, "service": method, "tracking_number": own})).await?;
    let parcel = text(&packed["parcels"][0]["sscc"]);
    Ok(format!("parcel {parcel} with {carrier}, {}", text(&step("deliver", json!({})).await?["status"])))
}

/// Orders of one node are picked together, and what was walked is told.
pub async fn waves(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("A dozen orders are picked together");
    let client = stage.client();
    let stock = network.stock(0);
    let Some((_, node, _)) = stock.iter().find(|(_, _, units)| *units > 20) else { return Ok(()) };
    let there: Vec<&str> =
        stock.iter().filter(|(_, at, units)| at == node && *units > 20).map(|(sku, _, _)| sku.as_str()).collect();
    let bin = |(number, sku): (usize, &&str)| {
        let (aisle, at) = (number / 10 % 12, 3 * (number % 10));
        json!({"sku": sku, "bin": format!("{aisle:02}-{at:02}"), "aisle": aisle, "at_m": at})
    };
    let bins: Vec<Value> = there.iter().enumerate().take(500).map(bin).collect();
    let place = format!("/v1/nodes/{}", segment(node));
    fine("the bins", client.put(&format!("{place}/bins"), &json!({"bins": bins})).await?)?;
    fine("what it can", client.patch(&place, &json!({"capabilities": ["cluster_picking", "batch_picking"]})).await?)?;
    for number in 0..TOGETHER {
        let sku = there[number as usize * 7 % there.len()];
        let mut shopper = Shopper::new(client, network, counted, 22, number);
        let (mut order, _) = shopper.order(&[(sku, 1 + number % 3)], None);
        order["preferred_node"] = json!(node);
        let own = text(&shopper.place(&order).await?["fulfillment_orders"][0]["id"]);
        fine("accept", client.post(&format!("/v1/fulfillment-orders/{}/accept", segment(&own)), &json!({})).await?)?;
    }
    fine("the wave", client.post("/v1/waves", &json!({"id": "wave-1", "node": node})).await?)?;
    let wave = fine("its release", client.post("/v1/waves/wave-1/release", &json!({})).await?)?;
    let tasks = wave["tasks"].as_array().map_or(0, Vec::len);
    for task in 1..=tasks {
        for (verb, body) in [("assign", json!({"picker": "ann"})), ("start", json!({})), ("done", json!({}))] {
            fine(verb, client.post(&format!("/v1/waves/wave-1/tasks/{task}/{verb}"), &body).await?)?;
        }
    }
    let told = fine("the efficiency", client.get(&format!("/v1/picking-efficiency?node={}", segment(node))).await?)?;
    let row = &told["items"][0];
    println!(
        "   {node}: {} in {tasks} tours: {} units, {} m walked; order by order it would have been {} m",
        text(&row["method"]),
        row["units"],
        row["metres"],
        row["discrete_metres"]
    );
    Ok(())
}
