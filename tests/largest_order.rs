//! The largest order that the API promises to take fits into one record.
use ordain::domain::command::*;
use ordain::domain::geo::Position;
use ordain::domain::ids::Text;
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::money::Currency;
use ordain::domain::node::{Node, NodeKind};
use ordain::domain::order::{OrderType, Sealed};
use ordain::domain::quantity::Quantity;
use ordain::domain::stock::MovementKind;
use ordain::journal::{Options, Unrecovered};
use ordain::pipeline::Pipeline;

fn text(s: &str) -> Text {
    s.into()
}

#[test]
fn an_order_of_1200_different_skus_from_five_nodes_fits_into_a_record() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (journal, state) = Unrecovered::open(dir.path(), Options::default()).expect("opens").recover().expect("new");
    let ordain = Pipeline::start(journal, state, None);
    let run = |command| ordain.submit_blocking(&Context::library(), command).map(|d| d.into_inner().reply);
    for n in 0..5 {
        run(Command::PutNode(Box::new(Node {
            id: text(&format!("node-{n}")),
            kind: NodeKind::Warehouse,
            name: text("n"),
            position: Position::from_degrees(40.0 + f64::from(n), -75.0).unwrap(),
            country: text("US"),
            postal_code: text("10001"),
            time_zone: text("UTC"),
            active: true,
            inactive_reason: None,
            handling: None,
            capacity_per_day: None,
            cutoff_min: None,
            calendar: None,
            capabilities: vec![],
        })))
        .expect("node");
    }
    let mut lines = vec![];
    for n in 0..1200u32 {
        let sku = text(&format!("sku-{n:06}"));
        run(Command::PutItem(Box::new(PutItem {
            sku: sku.clone(),
            name: text("x"),
            kind: ItemKind::Product,
            weight_g: 500,
            dimensions: Dimensions::default(),
            value: None,
            components: vec![],
        })))
        .expect("item");
        run(Command::AdjustStock(
            (0..5u32)
                .map(|k| Adjustment {
                    sku: sku.clone(),
                    node: text(&format!("node-{k}")),
                    delta: 50_000 * i32::from(n % 5 == k) + 20,
                    reason: MovementKind::Received,
                })
                .collect(),
        ))
        .expect("stock");
        lines.push(PlaceLine {
            id: text(&format!("line-{n}")),
            sku,
            quantity: Quantity::new(300).unwrap(),
            unit_price: 123_456,
            group: 0,
        });
    }
    let order = PlaceOrder {
        id: Some(text("an-order")),
        fingerprint: u64::MAX,
        kind: OrderType::Standard,
        channel: text("web"),
        channel_order_id: text("c-1"),
        customer: text("customer-1"),
        personal: Sealed { key_id: 0, bytes: vec![7; 300] },
        currency: Currency::USD,
        destinations: vec![ShipTo {
            group: text(""),
            country: text("US"),
            postal_code: text("10001"),
            position: Position::from_degrees(40.0, -75.0),
            personal: Sealed { key_id: 0, bytes: vec![7; 300] },
        }],
        lines,
        delivery_method: text("ship"),
        reservation: None,
        reacquire: false,
        rule_set: None,
        placed_at: None,
        payment: None,
        total: None,
    };
    let placed = run(Command::PlaceOrder(Box::new(order)));
    match placed {
        Ok(ordain::domain::reply::Reply::Order(o)) => {
            let t = o.totals();
            println!("seq {} fos {} {:?}", o.seq, o.fulfillment_orders.len(), t);
            assert_eq!(t.allocated, 360_000);
        }
        other => panic!("{other:?}"),
    }
}
