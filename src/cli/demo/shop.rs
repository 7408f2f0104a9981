//! Customers and nodes of the demo: who buys, who rushes to the flash sale, who ships.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::chance::Chance;
use super::network::{FLASH_SKU, Network};
use crate::cli::Stop;
use crate::connectors::client::{Answer, Client, segment};

/// What customers and nodes did, counted while they do it.
#[derive(Debug, Default)]
pub struct Counted {
    /// Orders placed.
    pub orders: AtomicU64,
    /// Orders from several nodes.
    pub split: AtomicU64,
    /// Orders of which something waits for stock.
    pub waiting: AtomicU64,
    /// Fulfilment orders delivered.
    pub delivered: AtomicU64,
    /// Units of the flash sale sold.
    pub flash_sold: AtomicU64,
    /// Buyers of the flash sale who let units go again.
    pub flash_released: AtomicU64,
    /// Times a buyer of the flash sale was told that too few are left.
    pub flash_refused: AtomicU64,
}

/// One customer's shopping: everything it does repeats for its seed and number.
pub struct Shopper<'a> {
    client: &'a Client,
    network: &'a Network,
    counted: &'a Counted,
    chance: Chance,
    /// Makes this run's channel order ids differ from those of earlier runs on the same directory.
    run: u64,
    number: u64,
    placed: u64,
}

/// What a flash sale came to.
#[derive(Debug)]
pub struct Sale {
    /// Units sold.
    pub sold: u64,
    /// Reservations let go again.
    pub released: u64,
    /// Refusals, each telling what was left.
    pub refused: u64,
    /// From the first buyer to the last.
    pub took: Duration,
}

/// The body, when the answer is a success.
pub fn fine(what: &str, answer: Answer) -> Result<Value, Stop> {
    if answer.is_fine() {
        return Ok(answer.body);
    }
    Err(Stop::Unexpected(format!("{what} was refused: {}: {}", answer.code(), answer.detail())))
}

impl<'a> Shopper<'a> {
    /// A customer of a run.
    pub fn new(client: &'a Client, network: &'a Network, counted: &'a Counted, run: u64, number: u64) -> Self {
        let chance = Chance::of(network.seed().wrapping_add(run)).part(number);
        Self { client, network, counted, chance, run, number, placed: 0 }
    }

    /// An order of so many units of a sku each to this customer's city, not yet sent.
    pub fn order(&mut self, lines: &[(&str, u64)], reservation: Option<&str>) -> (Value, &'static str) {
        let (ship_to, city) = self.network.destination(&mut self.chance);
        let line = |(sku, quantity): &(&str, u64)| json!({"sku": sku, "quantity": quantity, "unit_price": {"amount": 2_900, "currency": "USD"}});
        self.placed += 1;
        let mut order = json!({
            "type": "standard", "channel": "web",
            "channel_order_id": format!("{}-{}-{}", self.run, self.number, self.placed),
            "customer": {
                "id": format!("customer-{:04}", self.number), "name": "Customer", "email": "customer@example.org",
            },
            "ship_to": ship_to, "lines": lines.iter().map(line).collect::<Vec<_>>(), "delivery_method": "ship",
        });
        if let Some(reservation) = reservation {
            order["reservation"] = json!(reservation);
        }
        (order, city)
    }

    /// Sends an order and counts what came of it.
    pub async fn place(&self, order: &Value) -> Result<Value, Stop> {
        let placed = fine("an order", self.client.post("/v1/orders", order).await?)?;
        let shipments = placed["fulfillment_orders"].as_array().map_or(0, Vec::len);
        let lines = placed["lines"].as_array().map_or(&[][..], Vec::as_slice);
        let waits = lines.iter().any(|line| line["buckets"]["backordered"].as_u64() > Some(0));
        self.counted.orders.fetch_add(1, Ordering::Relaxed);
        self.counted.split.fetch_add(u64::from(shipments > 1), Ordering::Relaxed);
        self.counted.waiting.fetch_add(u64::from(waits), Ordering::Relaxed);
        Ok(placed)
    }

    /// Buys one to four things, now and then a kit.
    pub async fn shop(&mut self) -> Result<(Value, &'static str), Stop> {
        let products: Vec<&str> = self.network.products().collect();
        let mut lines = Vec::new();
        for _ in 0..self.chance.between(1, 4) {
            let kit = self.chance.percent(5);
            let sku = if kit { self.chance.pick(self.network.kits()) } else { *self.chance.pick(&products) };
            lines.push((sku, self.chance.between(1, 2)));
        }
        let (order, city) = self.order(&lines, None);
        Ok((self.place(&order).await?, city))
    }

    /// Rushes to the flash sale until nothing is left: reserves, and orders what it holds. One buyer of ten thinks again
    /// once, lets it go, and comes back.
    pub async fn rush(&mut self) -> Result<(), Stop> {
        let mut hesitates = self.number.is_multiple_of(10);
        let mut wanted = self.chance.between(1, 3);
        loop {
            let reservation = json!({
                "owner": format!("customer-{:04}", self.number), "ttl_s": 600,
                "lines": [{"sku": FLASH_SKU, "quantity": wanted}],
            });
            let answer = self.client.post("/v1/reservations", &reservation).await?;
            if answer.code() == "insufficient_stock" {
                self.counted.flash_refused.fetch_add(1, Ordering::Relaxed);
                match answer.body["available"].as_u64() {
                    None | Some(0) => return Ok(()),
                    Some(left) => wanted = left.min(wanted),
                }
                continue;
            }
            let held = fine("a reservation", answer)?;
            let id = held["id"].as_str().unwrap_or_default();
            if std::mem::take(&mut hesitates) {
                fine("a release", self.client.delete(&format!("/v1/reservations/{}", segment(id))).await?)?;
                self.counted.flash_released.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let (order, _) = self.order(&[(FLASH_SKU, wanted)], Some(id));
            self.place(&order).await?;
            self.counted.flash_sold.fetch_add(wanted, Ordering::Relaxed);
            wanted = self.chance.between(1, 3);
        }
    }
}

/// All units of the flash sale, by so many buyers at once.
pub async fn flash_sale(
    client: &Client,
    network: &Network,
    counted: &Counted,
    run: u64,
    buyers: u64,
) -> Result<Sale, Stop> {
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let before = [&counted.flash_sold, &counted.flash_released, &counted.flash_refused].map(of);
    let began = Instant::now();
    // Other numbers than the customers', so that their channel order ids stay apart.
    let mut rushing: Vec<_> =
        (0..buyers).map(|buyer| Shopper::new(client, network, counted, run, 10_000 + buyer)).collect();
    let rushes = rushing.iter_mut().map(Shopper::rush);
    futures_util::future::try_join_all(rushes).await?;
    let after = [&counted.flash_sold, &counted.flash_released, &counted.flash_refused].map(of);
    let [sold, released, refused] = [0, 1, 2].map(|at| after[at] - before[at]);
    Ok(Sale { sold, released, refused, took: began.elapsed() })
}

/// Carries a fulfilment order through to the customer's door.
pub async fn deliver(client: &Client, counted: &Counted, fulfillment: &str) -> Result<(), Stop> {
    let shipment = json!({"carrier": "post", "service": "parcel", "tracking_number": format!("T-{fulfillment}")});
    let steps =
        [("accept", json!({})), ("pick", json!({})), ("pack", json!({})), ("ship", shipment), ("deliver", json!({}))];
    for (verb, body) in steps {
        let path = format!("/v1/fulfillment-orders/{}/{verb}", segment(fulfillment));
        fine(verb, client.post(&path, &body).await?)?;
    }
    counted.delivered.fetch_add(1, Ordering::Relaxed);
    Ok(())
}
