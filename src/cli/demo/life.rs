//! Chapters of the story: what happens to orders and stock between the checkout and the parcel.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::network::Network;
use super::shop::{Counted, Shopper, fine};
use super::stage::Stage;
use super::story::chapter;
use crate::cli::Stop;
use crate::connectors::client::segment;

/// What nobody has when it is first ordered.
const AWAITED: &str = "LANTERN";
/// What nobody keeps.
const BOUGHT: &str = "RUG";
/// Longest wait for the clock to source the orders of a dark node again.
const SOURCED_WITHIN: Duration = Duration::from_secs(10);

/// An order is changed before it is picked: what the change needs is held before its price is told.
pub async fn edit(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("A customer wants one more, before it is picked");
    let client = stage.client();
    let mut shopper = Shopper::new(client, network, counted, 2, 1);
    let sku = network.products().next().unwrap_or_default();
    let (order, _) = shopper.order(&[(sku, 1)], None);
    let placed = shopper.place(&order).await?;
    let id = text(&placed["id"]);
    let edits = format!("/v1/orders/{}/edits", segment(&id));
    let wanted = json!({"changes": [{"line": "1", "quantity": 2}]});
    let opened = fine("an edit", client.post(&edits, &wanted).await?)?;
    let edit = text(&opened["id"]);
    println!(
        "   {id}: 1 → 2 × {sku}, {} $ more; the unit is held until somebody decides",
        dollars(&opened["difference"])
    );
    let confirm = format!("{edits}/{}/confirm", segment(&edit));
    fine("the confirmation", client.post(&confirm, &json!({})).await?)?;
    let late = client.post(&confirm.replace("/confirm", "/decline"), &json!({})).await?;
    println!("   confirmed; who declines it now is told {} {}", late.status, late.code());
    Ok(())
}

/// An order waits for a truck, the truck is late, the truck comes.
pub async fn late_supply(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("An order waits for a truck, and the truck is late");
    let client = stage.client();
    let item = json!({
        "name": "Lantern", "kind": "product", "weight_g": 300,
        "dimensions_mm": {"length": 90, "width": 90, "height": 160}, "value": {"amount": 3_900, "currency": "USD"},
    });
    fine("the item", client.put(&format!("/v1/items/{AWAITED}"), &item).await?)?;
    let node = network.stock(0).first().map_or("", |(_, node, _)| *node);
    let today = jiff::Timestamp::now();
    let day =
        |days: i64| (today + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT00:00:00Z").to_string();
    let truck = json!({"id": "truck-1", "node": node, "eta": day(5), "lines": [{"sku": AWAITED, "quantity": 2}]});
    fine("the announcement", client.post("/v1/inbound", &truck).await?)?;
    let mut shopper = Shopper::new(client, network, counted, 2, 2);
    let (order, _) = shopper.order(&[(AWAITED, 1)], None);
    let id = text(&shopper.place(&order).await?["id"]);
    let promised = || async {
        let pegs = fine("what it waits for", client.get(&format!("/v1/orders/{}/pegs", segment(&id))).await?)?;
        Ok::<String, Stop>(text(&pegs["items"][0]["eta"]).chars().take(10).collect())
    };
    println!("   {id}: 1 × {AWAITED}, of which none is on hand: promised from truck-1 on {}", promised().await?);
    fine("the new date", client.patch("/v1/inbound/truck-1", &json!({"eta": day(8)})).await?)?;
    println!("   truck-1 is late: promised on {}", promised().await?);
    let receipt = json!({"lines": [{"sku": AWAITED, "quantity": 2}]});
    fine("the receipt", client.post("/v1/inbound/truck-1/receipts", &receipt).await?)?;
    let order = fine("the order", client.get(&format!("/v1/orders/{}", segment(&id))).await?)?;
    println!("   truck-1 came: {} from {}", text(&order["status"]), text(&order["fulfillment_orders"][0]["node"]));
    Ok(())
}

/// What nobody keeps is bought when it is ordered, and given back when the order is cancelled.
pub async fn just_in_time(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("Nobody keeps it: it is bought when it is ordered");
    let client = stage.client();
    let item = json!({
        "name": "Rug, made to order", "kind": "product", "weight_g": 4_000,
        "dimensions_mm": {"length": 1_200, "width": 160, "height": 160}, "value": {"amount": 18_000, "currency": "USD"},
    });
    fine("the item", client.put(&format!("/v1/items/{BOUGHT}"), &item).await?)?;
    let node = network.stock(0).first().map_or("", |(_, node, _)| *node);
    let terms = json!({"node": node, "type": "jit", "lead_time_h": 96, "supplier": "Loom", "per_day": 5});
    fine("the terms", client.put(&format!("/v1/items/{BOUGHT}/supply"), &terms).await?)?;
    let mut shopper = Shopper::new(client, network, counted, 2, 4);
    let (order, _) = shopper.order(&[(BOUGHT, 2)], None);
    let id = text(&shopper.place(&order).await?["id"]);
    let own = format!("/v1/orders/{}", segment(&id));
    let pegs = fine("what it waits for", client.get(&format!("{own}/pegs")).await?)?;
    let document = text(&pegs["items"][0]["inbound"]);
    let eta: String = text(&pegs["items"][0]["eta"]).chars().take(10).collect();
    println!("   {id}: 2 × {BOUGHT}, bought from Loom in the same record ({document}), promised from {eta}");
    let cancel = json!({"lines": [{"line": "1", "quantity": 1}], "reason": "one is enough"});
    fine("the cancellation", client.post(&format!("{own}/cancellations"), &cancel).await?)?;
    let purchase = fine("the purchase", client.get(&format!("/v1/inbound/{}", segment(&document))).await?)?;
    println!("   one is cancelled: {document} is for {}", purchase["lines"][0]["expected"]);
    Ok(())
}

/// A node is switched off, and what it had not begun is sourced elsewhere.
pub async fn outage(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("A node goes dark, and its orders find others");
    let client = stage.client();
    let mut shopper = Shopper::new(client, network, counted, 2, 3);
    let mut placed = Vec::new();
    for _ in 0..40 {
        placed.push(shopper.shop().await?.0);
    }
    let nodes = placed.iter().flat_map(open_nodes).fold(std::collections::BTreeMap::new(), |mut count, node| {
        *count.entry(node).or_insert(0u32) += 1;
        count
    });
    let Some((node, busy)) = nodes.into_iter().max_by_key(|(_, count)| *count) else { return Ok(()) };
    let path = format!("/v1/nodes/{}", segment(&node));
    let began = Instant::now();
    fine("the outage", client.patch(&path, &json!({"active": false})).await?)?;
    loop {
        let mut left = 0;
        for order in &placed {
            let order = fine("an order", client.get(&format!("/v1/orders/{}", segment(&text(&order["id"])))).await?)?;
            left += open_nodes(&order).into_iter().filter(|at| *at == node).count();
        }
        if left == 0 {
            break;
        }
        if began.elapsed() > SOURCED_WITHIN {
            return Err(Stop::Unexpected(format!("{left} shipments are still at {node}, which is dark")));
        }
        sleep(Duration::from_millis(5)).await;
    }
    println!(
        "   {node} had {busy} of 40 new orders; all of them are elsewhere, or wait, after {:.1?}",
        began.elapsed()
    );
    fine("its return", client.patch(&path, &json!({"active": true})).await?)?;
    Ok(())
}

/// The nodes of an order's open shipments.
fn open_nodes(order: &Value) -> Vec<String> {
    let shipments = order["fulfillment_orders"].as_array().into_iter().flatten();
    let open = shipments.filter(|f| matches!(f["status"].as_str(), Some("submitted" | "accepted" | "on_hold")));
    open.map(|f| text(&f["node"])).collect()
}

/// Units go from one node to another, and not all of them arrive.
pub async fn transfer(stage: &Stage, network: &Network) -> Result<(), Stop> {
    chapter("Units move from one node to another, and one of them is lost on the way");
    let client = stage.client();
    let stock = network.stock(0);
    let free =
        stock.iter().find(|(sku, node, _)| stage.ordain().atp(sku, Some(*node)).is_ok_and(|atp| atp.available >= 3));
    let Some((sku, from, _)) = free else { return Ok(()) };
    let to = stock.iter().map(|(_, node, _)| *node).find(|node| node != from).unwrap_or(from);
    let body = json!({"id": "move-1", "from": from, "to": to, "lines": [{"sku": sku, "quantity": 3}]});
    fine("the transfer", client.post("/v1/transfers", &body).await?)?;
    fine("its dispatch", client.post("/v1/transfers/move-1/dispatch", &json!({})).await?)?;
    let receipt = json!({"lines": [{"sku": sku, "quantity": 2}], "close": true});
    let closed = fine("its receipt", client.post("/v1/transfers/move-1/receipts", &receipt).await?)?;
    println!(
        "   3 × {sku} left {from}, 2 came to {to}: {}, variance {}",
        text(&closed["status"]),
        closed["lines"][0]["variance"]
    );
    Ok(())
}

/// An order of years ago is found beside those of today.
pub async fn history(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("The shop's past is imported, with its own dates and no stock effect");
    let client = stage.client();
    let sku = network.products().next().unwrap_or_default();
    let (mut order, _) = Shopper::new(client, network, counted, 3, 1).order(&[(sku, 1)], None);
    let node = network.stock(0).first().map_or("", |(_, node, _)| *node);
    for (field, value) in [
        ("id", json!("old-1")),
        ("placed_at", json!("2019-11-29T10:00:00Z")),
        ("closed_at", json!("2019-12-03T15:00:00Z")),
        ("shipments", json!([{"node": node, "carrier": "post"}])),
    ] {
        order[field] = value;
    }
    stage.import_lines("history", &[order]).await?;
    let story = fine("its story", client.get("/v1/orders/old-1/history").await?)?;
    let told = story["items"].as_array().into_iter().flatten();
    let told: Vec<String> = told
        .map(|told| format!("{} {}", text(&told["at"]).chars().take(10).collect::<String>(), text(&told["type"])))
        .collect();
    println!("   old-1: {}", told.join(", "));
    Ok(())
}

/// The text of a value, nothing when it is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn dollars(money: &Value) -> String {
    format!("{:.2}", money["amount"].as_i64().unwrap_or(0) as f64 / 100.0)
}
