//! Orders that are quoted on a real directory, and the places that have them.

use ordain::api::json::Json;
use ordain::api::order::NewOrder;
use ordain::api::reading;
use ordain::domain::command::{Adjustment, Command, Context, PlaceOrder, PutItem};
use ordain::domain::geo::Position;
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::stock::MovementKind;
use ordain::journal::{Options, Unrecovered};
use ordain::pipeline::Pipeline;
use tempfile::TempDir;

use super::families::{Dice, USUAL, mix};
use super::places::warehouse;

pub struct Network {
    pub name: &'static str,
    pub nodes: u64,
    pub kept: [u64; 2],
}

pub const NETWORKS: [Network; 3] = [
    Network { name: "3 lines, 10 nodes, all stocked", nodes: 10, kept: [1_000; 2] },
    Network { name: "3 lines, 50 nodes, all stocked", nodes: 50, kept: [1_000; 2] },
    Network { name: "3 lines, 50 nodes, some stocked", nodes: 50, kept: USUAL },
];

/// A directory, the places and the stock in it, and so many orders as they come.
pub struct Shop {
    pub ordain: Pipeline,
    pub bodies: Vec<Vec<u8>>,
    _dir: TempDir,
}

impl Network {
    pub fn shop(&self, skus: u64, orders: u64) -> Shop {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (journal, state) =
            Unrecovered::open(dir.path(), Options::default()).expect("opens").recover().expect("new");
        let ordain = Pipeline::start(journal, state, None);
        stock(&ordain, self, skus);
        let bodies = (0..orders).map(|n| body(n, skus).into_bytes()).collect();
        Shop { ordain, bodies, _dir: dir }
    }
}

pub fn order(body: &[u8]) -> PlaceOrder {
    let json = Json::parse(body).expect("JSON");
    reading::read::<NewOrder>(&json).expect("an order").order(0)
}

fn stock(ordain: &Pipeline, network: &Network, skus: u64) {
    let run = |command| ordain.submit_blocking(&Context::library(), command).map(drop).expect("set up");
    let dice = &mut Dice(11);
    for n in 0..network.nodes {
        let degrees = (25.0 + dice.below(23_000) as f64 / 1e3, -122.0 + dice.below(50_000) as f64 / 1e3);
        let position = Position::from_degrees(degrees.0, degrees.1).expect("on the globe");
        run(Command::PutNode(Box::new(warehouse(&format!("node-{n:02}"), position))));
    }
    for n in 0..skus {
        run(Command::PutItem(Box::new(PutItem {
            sku: format!("sku-{n:06}").into(),
            name: "item".into(),
            kind: ItemKind::Product,
            weight_g: 100 + dice.below(1_500) as u32,
            dimensions: Dimensions::default(),
            value: None,
            components: vec![],
            release_at: None,
            tracking: None,
            packing: Default::default(),
        })));
        let received = |node: u64| Adjustment {
            sku: format!("sku-{n:06}").into(),
            node: format!("node-{node:02}").into(),
            delta: 1_000,
            reason: MovementKind::Received,
        };
        let keeps = |node: &u64| dice.below(1_000) < network.kept[usize::from(!node.is_multiple_of(5))];
        run(Command::AdjustStock((0..network.nodes).filter(keeps).map(received).collect()));
    }
}

fn body(n: u64, skus: u64) -> String {
    let dice = &mut Dice(mix(n));
    let line = |dice: &mut Dice| {
        let (sku, quantity) = (dice.below(skus), 1 + dice.below(2));
        format!(r#"{{"sku":"sku-{sku:06}","quantity":{quantity},"unit_price":{{"amount":1999,"currency":"USD"}}}}"#)
    };
    let lines = (0..3).map(|_| line(dice)).collect::<Vec<_>>().join(",");
    let (north, west) = (25_000 + dice.below(23_000), 72_000 + dice.below(50_000));
    let start = concat!(
        r#"{"type":"standard","channel":"web","channel_order_id":"quote","customer":{"id":"customer-1"},"#,
        r#""ship_to":{"name":"Customer","line1":"1 Main Street","city":"Chicago","region":"IL","postal_code":"60602","#
    );
    format!(
        r#"{start}"country":"US","latitude":{}.{:03},"longitude":-{}.{:03}}},"lines":[{lines}],"delivery_method":"ship"}}"#,
        north / 1_000,
        north % 1_000,
        west / 1_000,
        west % 1_000
    )
}
