//! A chapter of the story: rules of sourcing are put, previewed and switched.

use serde_json::json;

use super::network::Network;
use super::shop::{Counted, Shopper, fine};
use super::stage::Stage;
use super::story::chapter;
use crate::cli::Stop;

/// Orders after the rules are switched.
const ORDERS: u32 = 20;

/// Fewer parcels are worth more than nearness from now on; what was before comes back with its version.
pub async fn rules(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("The rules change: parcels are dear from now on, looked at before they are switched");
    let client = stage.client();
    let put = json!({"objective": [
        {"term": "per_shipment", "amount": 2_000}, {"term": "distance", "amount_per_kg_km": 0.05},
        {"term": "split", "amount": 2_500},
    ]});
    let draft = fine("the draft", client.put("/v1/rule-sets/default", &put).await?)?;
    let asked = json!({"version": draft["version"], "orders": "last:200"});
    let preview = fine("the preview", client.post("/v1/rule-sets/default/preview", &asked).await?)?;
    let changed = preview["changes"].as_array().map_or(0, Vec::len);
    println!("   version {}: of the last {} decisions it changes {changed}", draft["version"], preview["compared"]);
    let activate = |version| json!({"version": version});
    let version = draft["version"].as_u64().unwrap_or_default();
    fine("the activation", client.post("/v1/rule-sets/default/activate", &activate(version)).await?)?;
    let mut shopper = Shopper::new(client, network, counted, 5, 3);
    let mut by_it = 0;
    for _ in 0..ORDERS {
        let (order, _) = shopper.shop().await?;
        by_it += u32::from(order["decision"]["rule_set_version"].as_u64() == Some(version));
    }
    if by_it != ORDERS {
        return Err(Stop::Unexpected(format!("{by_it} of {ORDERS} orders were decided by version {version}")));
    }
    fine("the way back", client.post("/v1/rule-sets/default/activate", &activate(1)).await?)?;
    println!("   {by_it} of {ORDERS} orders after it were decided by it; version 1 is back");
    Ok(())
}
