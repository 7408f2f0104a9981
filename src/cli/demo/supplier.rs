//! A chapter of the story: what suppliers ship themselves, one who will not, and a parcel that comes back.

use serde_json::{Value, json};

use super::life::text;
use super::network::{Network, PLACES};
use super::shop::{Counted, Shopper, fine};
use super::stage::Stage;
use super::story::chapter;
use crate::cli::Stop;
use crate::connectors::client::segment;

/// What they make.
const MADE: &str = "TENT-MADE-01";

/// Orders that suppliers ship themselves, from the purchase to the parcel at the door, and one back from there.
pub async fn dropship(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("A supplier ships it himself, another will not, and one parcel comes back");
    let client = stage.client();
    let item = json!({
        "name": "Tent, made to order", "kind": "product", "weight_g": 6_000,
        "dimensions_mm": {"length": 700, "width": 200, "height": 200}, "value": {"amount": 42_000, "currency": "USD"},
    });
    fine("the item", client.put(&format!("/v1/items/{MADE}"), &item).await?)?;
    let makers: Vec<&str> = PLACES.iter().filter(|place| place.kind == "supplier").map(|place| place.id).collect();
    for maker in &makers {
        let terms = json!({"node": maker, "type": "dropship", "lead_time_h": 48});
        fine("the terms", client.put(&format!("/v1/items/{MADE}/supply"), &terms).await?)?;
        let told = json!({"on_hand": 5, "expected": null, "source": maker, "source_seq": 1});
        fine("what he has", client.put(&format!("/v1/stock/{MADE}/{}", segment(maker)), &told).await?)?;
    }
    let step = async |own: &str, verb: &str, body: Value| {
        fine(verb, client.post(&format!("/v1/fulfillment-orders/{}/{verb}", segment(own)), &body).await?)
    };

    let mut shopper = Shopper::new(client, network, counted, 23, 1);
    let (order, _) = shopper.order(&[(MADE, 2)], None);
    let placed = shopper.place(&order).await?;
    let (id, bought) = (text(&placed["id"]), &placed["fulfillment_orders"][0]);
    let own = text(&bought["id"]);
    let by: String = text(&bought["dropship"]["ready_by"]).chars().take(10).collect();
    println!(
        "   {id}: 2 × {MADE}, purchase {} of {}, ready by {by}",
        text(&bought["dropship"]["purchase"]),
        text(&bought["node"])
    );
    for (verb, body) in [
        ("accept", json!({})),
        ("pick", json!({})),
        ("pack", json!({})),
        ("ship", json!({"carrier": "post", "service": "ground", "tracking_number": own})),
        ("deliver", json!({})),
    ] {
        step(&own, verb, body).await?;
    }
    println!("   he confirmed it, shipped it himself, and it came");
    let delivered = id;

    let mut shopper = Shopper::new(client, network, counted, 23, 2);
    let (order, _) = shopper.order(&[(MADE, 1)], None);
    let placed = shopper.place(&order).await?;
    let (id, first) = (text(&placed["id"]), &placed["fulfillment_orders"][0]);
    step(&text(&first["id"]), "reject", json!({"reason": "out of cloth"})).await?;
    let after = fine("the order", client.get(&format!("/v1/orders/{}", segment(&id))).await?)?;
    let second = &after["fulfillment_orders"][1];
    println!("   {id}: {} will not; it is bought of {} instead", text(&first["node"]), text(&second["node"]));
    if second["dropship"].is_null() {
        return Err(Stop::Unexpected(format!("nobody else makes {MADE}: {after}")));
    }

    let node = network.stock(0).first().map_or("", |(_, node, _)| *node);
    let asked =
        json!({"id": "back-2", "order": delivered, "lines": [{"line": "1", "quantity": 1, "reason": "too small"}]});
    fine("the return", client.post("/v1/returns", &asked).await?)?;
    fine("its approval", client.post("/v1/returns/back-2/approve", &json!({"node": node})).await?)?;
    let line = json!({"line": "1", "quantity": 1, "condition": "new", "disposition": "restock"});
    fine("its receipt", client.post("/v1/returns/back-2/receipts", &json!({"node": node, "lines": [line]})).await?)?;
    let stock = fine("the stock", client.get(&format!("/v1/stock/{MADE}")).await?)?;
    let own = stock["nodes"].as_array().into_iter().flatten().find(|at| at["node"] == json!(node)).cloned();
    println!("   one of the two came back to {node}, which has {} now", own.unwrap_or_default()["on_hand"]);
    Ok(())
}
