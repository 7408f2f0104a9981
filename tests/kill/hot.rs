//! One sku, a hundred units, many clients, and a server that dies while they try: exactly a hundred are sold.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::loops::{folder, setting};
use crate::server::Place;
use crate::shop::{NODES, Skus, order, reservation};
use crate::wire::{Answer, Request, Wire, encoded};

const UNITS: usize = 100;
const CLIENTS: usize = 16;
/// Lives of the server after which nobody kills it any more.
const LIVES: u64 = 6;
/// Latest kill, milliseconds.
const KILL_MS_MAX: u64 = 60;

/// What is still to be tried by one client, and what it was told.
struct Buyer {
    open: Vec<Request>,
    told: Vec<(Request, Answer)>,
}

impl Buyer {
    /// Asks in order until all is told or the server is gone; what was not told stays open.
    fn run(&mut self, address: SocketAddr) {
        let mut wire = Wire::to(address);
        while let Some(request) = self.open.last() {
            let Ok(answer) = wire.ask(request) else { return };
            if answer.status < 500
                && let Some(request) = self.open.pop()
            {
                self.told.push((request, answer));
            }
        }
    }
}

/// Lets all buyers ask to the end, through as many kills as there are lives. The requests are the same every time.
fn sell_through_kills(place: &Place, buyers: &mut [Buyer], chance: &mut Chance, kills: &mut u64) {
    for life in 0.. {
        let server = place.serve();
        let address = server.address;
        let is_last = life >= LIVES;
        let later = Duration::from_millis(chance.within(1, KILL_MS_MAX));
        let ended = thread::scope(|scope| {
            let done: Vec<_> = buyers.iter_mut().map(|buyer| scope.spawn(move || buyer.run(address))).collect();
            if is_last {
                done.into_iter().for_each(|buyer| buyer.join().expect("a buyer ends"));
            } else {
                thread::sleep(later);
                *kills += 1;
            }
            server.kill()
        });
        assert_eq!(ended, Ok(()), "{}", place.last_words());
        if is_last {
            return;
        }
    }
}

fn level(wire: &mut Wire, sku: &str) -> Value {
    let stock = wire.ask(&Request::get(format!("/v1/stock/{}", encoded(sku)))).expect("the server answers");
    stock.body["total"].clone()
}

#[test]
fn a_hot_sku_sells_exactly_what_there_is() {
    let seed = setting("ORDAIN_SEED", 1);
    println!("hot seed={seed}");
    let place = Place::new(folder("hot"), seed.is_multiple_of(2));
    let mut chance = Chance::of(seed, &[2]);
    let (skus, kills) = (Skus::of(0), &mut 0);
    let sku = &skus.stocked[0];

    let server = place.serve();
    let mut wire = Wire::to(server.address);
    skus.put(&mut wire);
    let received = NODES
        .iter()
        .zip([50, 30, 20])
        .map(|((node, ..), delta)| json!({"sku": sku, "node": node, "delta": delta, "reason": "received"}));
    let body = json!({"adjustments": received.collect::<Vec<_>>()});
    let told = wire.ask(&Request::post("/v1/stock/adjustments", "stock".into(), body)).expect("the server answers");
    assert!(told.is_done(), "{told:?}");
    assert_eq!(server.kill(), Ok(()));

    let number = AtomicU64::new(0);
    let tries = |_| {
        let id = format!("hold-{}", number.fetch_add(1, Ordering::Relaxed));
        let body = reservation(&id, 3_600, &[json!({"sku": sku, "quantity": 1})]);
        Request::post("/v1/reservations", format!("k-{id}"), body)
    };
    let mut buyers: Vec<_> =
        (0..CLIENTS).map(|_| Buyer { open: (0..50).map(tries).collect(), told: Vec::new() }).collect();
    sell_through_kills(&place, &mut buyers, &mut chance, kills);
    let all = buyers.iter().flat_map(|buyer| &buyer.told);
    let held: BTreeSet<String> = all
        .filter_map(|(request, answer)| match answer.status {
            201 => Some(request.body["id"].as_str().unwrap_or_default().to_owned()),
            _ => {
                assert_eq!(answer.code(), "insufficient_stock", "{request:?}: {answer:?}");
                None
            }
        })
        .collect();
    assert_eq!(held.len(), UNITS, "seed {seed}: as many are held as there are");

    // Every hold becomes an order, through more kills.
    let claim = |hold: &String| {
        let id = format!("order of {hold}").replace(' ', "-");
        let mut body = order(&id, &[(sku.clone(), 1)]);
        body["reservation"] = json!(hold);
        Request::post("/v1/orders", format!("k-{id}"), body)
    };
    let claims: Vec<Request> = held.iter().map(claim).collect();
    let share = |some: &[Request]| Buyer { open: some.to_vec(), told: Vec::new() };
    let mut buyers: Vec<_> = claims.chunks(UNITS.div_ceil(CLIENTS)).map(share).collect();
    sell_through_kills(&place, &mut buyers, &mut chance, kills);
    for (request, answer) in buyers.iter().flat_map(|buyer| &buyer.told) {
        let allocated = &answer.body["lines"][0]["buckets"]["allocated"];
        assert!(answer.status == 201 && *allocated == 1, "seed {seed}: {request:?}: {answer:?}");
    }

    assert_eq!(place.check(), None, "seed {seed}");
    let server = place.serve();
    let level = level(&mut Wire::to(server.address), sku);
    for (state, units) in
        [("on_hand", UNITS), ("committed", UNITS), ("reserved", 0), ("available", 0), ("shortfall", 0)]
    {
        assert_eq!(level[state], units, "seed {seed}: {state} in {level}");
    }
    drop(server);
    let _ = std::fs::remove_dir_all(&place.folder);
    // Past the harness, so that it is told when all is well too.
    let _ = writeln!(std::io::stderr(), "hot seed={seed} kills={kills} sold={}", held.len());
}
