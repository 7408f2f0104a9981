//! A chapter of the story: units come back, one of each fate.

use serde_json::json;

use super::life::text;
use super::network::Network;
use super::shop::{Counted, Shopper, fine};
use super::stage::Stage;
use super::story::chapter;
use crate::cli::Stop;
use crate::connectors::client::segment;

/// What becomes of the units, one each.
const FATES: [&str; 10] = [
    "restock",
    "refurbish",
    "quarantine",
    "damaged",
    "return_to_vendor",
    "liquidate",
    "donate",
    "destroy",
    "missing",
    "not_restocked",
];

/// An order that ended long ago comes back from the archive, and its units with it.
pub async fn returns(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("Ten units come back, one of each fate");
    let client = stage.client();
    let sku = network.products().next().unwrap_or_default();
    let (mut order, _) = Shopper::new(client, network, counted, 3, 2).order(&[(sku, 10)], None);
    let node = network.stock(0).first().map_or("", |(_, node, _)| *node);
    for (field, value) in [
        ("id", json!("old-2")),
        ("placed_at", json!("2024-11-29T10:00:00Z")),
        ("closed_at", json!("2024-12-03T15:00:00Z")),
        ("shipments", json!([{"node": node, "carrier": "post"}])),
    ] {
        order[field] = value;
    }
    stage.import_lines("history", &[order]).await?;
    let asked = json!({
        "id": "back-1", "order": "old-2", "lines": [{"line": "1", "quantity": 10, "reason": "bought too many"}],
    });
    fine("the return", client.post("/v1/returns", &asked).await?)?;
    let approved = fine("its approval", client.post("/v1/returns/back-1/approve", &json!({})).await?)?;
    let to = text(&approved["lines"][0]["node"]);
    let label = json!({"carrier": "post", "tracking_number": "1Z-back"});
    fine("its label", client.post("/v1/returns/back-1/labels", &label).await?)?;
    let seen = json!({"events": [{"at": jiff::Timestamp::now().to_string(), "status": "in_transit"}]});
    let seen = fine("its scan", client.post("/v1/returns/back-1/labels/1/tracking", &seen).await?)?;
    println!("   back-1 is {}: its carrier has scanned the parcel", text(&seen["status"]));
    let level = || async {
        let stock = fine("the stock", client.get(&format!("/v1/stock/{}", segment(sku))).await?)?;
        let own = stock["nodes"].as_array().into_iter().flatten().find(|at| at["node"] == json!(to)).cloned();
        let own = own.unwrap_or_default();
        let of = |state: &str| own[state].as_u64().unwrap_or(0);
        Ok::<_, Stop>([of("on_hand"), of("quality_control"), of("damaged")])
    };
    let before = level().await?;
    let line = |fate: &&str| {
        let fate: &str = fate;
        let condition = if fate == "missing" { "missing" } else { "opened" };
        json!({"line": "1", "quantity": 1, "condition": condition, "disposition": fate})
    };
    let receipt = json!({"lines": FATES.iter().map(line).collect::<Vec<_>>()});
    let received = fine("its receipt", client.post("/v1/returns/back-1/receipts", &receipt).await?)?;
    let after = level().await?;
    let more = |at: usize| after[at].saturating_sub(before[at]);
    println!(
        "   back-1 came to {to}, where it is worth most: {} on hand more, {} of them to be looked at, {} damaged; {}",
        more(0),
        more(1),
        more(2),
        text(&received["status"])
    );
    println!("   {}", FATES.join(", "));
    Ok(())
}
