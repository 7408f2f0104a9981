//! A client under load: picks something to do by chance, sends it, writes down what it was told, until the connection
//! breaks.
//!
//! It changes only what it made itself; stock is everybody's. Everything that takes a key carries one, what is made
//! carries its caller's id as well, and one request in twenty is sent on two connections at once. It also reads what others
//! have only just asked for: what it sees there must stay. What is *not* here: any opinion on what was answered.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::book::{Book, Cell, Purpose, State, list};
use crate::chance::Chance;
use crate::findings::Findings;
use crate::shop::{NODES, Skus, order, reservation};
use crate::wire::{Answer, Request, Wire, encoded};

/// Clients of a round.
pub const CLIENTS: usize = 6;
/// The client that mostly reads what others have only just asked for.
const WATCHER: u64 = 2;
/// Most paths that are passed on for others to read.
const RUMOURS_MAX: usize = 64;
/// Most reservations of a batch.
const BATCH_MAX: u64 = 12;
/// Longest life of a hold, seconds; the short ones end while the loop runs.
const LONG_S: u64 = 3_600;

/// What the clients of one round share.
pub struct Round {
    pub number: u64,
    pub address: SocketAddr,
    pub skus: Skus,
    /// Whether every other client does nothing but fill the log, so that generations end and snapshots begin.
    pub is_heavy: bool,
    /// Paths of what was asked for lately, answered or not.
    pub rumours: Mutex<VecDeque<String>>,
    /// Set once the server is dead.
    pub is_over: AtomicBool,
}

/// An entity as somebody saw it.
pub struct Seen {
    pub path: String,
    pub body: Value,
}

/// One client of one round.
pub struct Client<'a> {
    round: &'a Round,
    number: u64,
    sent: u64,
    chance: Chance,
    wires: [Wire; 2],
    book: &'a mut Book,
    /// The last of each.
    seen: BTreeMap<String, Value>,
    findings: Findings,
}

impl<'a> Client<'a> {
    pub fn new(round: &'a Round, number: u64, chance: Chance, book: &'a mut Book) -> Self {
        let wires = [Wire::to(round.address), Wire::to(round.address)];
        Self { round, number, sent: 0, chance, wires, book, seen: BTreeMap::new(), findings: Findings::default() }
    }

    /// Goes on until the connection breaks; gives what it saw and what was wrong at once.
    pub fn run(mut self) -> (Vec<Seen>, Findings) {
        while !self.round.is_over.load(Ordering::Relaxed) {
            if self.act().is_err() {
                break;
            }
        }
        (self.seen.into_iter().map(|(path, body)| Seen { path, body }).collect(), self.findings)
    }

    fn act(&mut self) -> io::Result<()> {
        if self.round.is_heavy && self.number % 2 == 1 {
            return self.receive_pallets();
        }
        if self.number == WATCHER && !self.chance.one_in(4) {
            return self.watch();
        }
        match self.chance.below(100) {
            0..15 => self.receive(),
            15..19 => self.count_jars(),
            19..23 => self.damage(),
            23..25 if self.number == 0 => self.count_bin(),
            25..40 => self.reserve(),
            40..45 => self.reserve_many(),
            45..50 => self.change(),
            50..56 => self.release(),
            56..74 => self.place(),
            74..78 => self.cancel(),
            78..90 => self.advance(),
            _ => self.look(),
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut changes = Vec::new();
        for _ in 0..self.chance.within(1, 2) {
            changes.push((self.any_cell(), self.chance.within(1, 12) as i64));
        }
        self.adjust(changes, "received")
    }

    /// One unit of every pallet at every node.
    fn receive_pallets(&mut self) -> io::Result<()> {
        let at = |node: &str| self.round.skus.pallets.iter().map(|sku| ((sku.clone(), node.to_owned()), 1)).collect();
        let changes = NODES.iter().flat_map(|(node, ..)| -> Vec<(Cell, i64)> { at(node) }).collect();
        self.adjust(changes, "received")
    }

    fn count_jars(&mut self) -> io::Result<()> {
        let cell = (self.round.skus.jar().to_owned(), self.any_node());
        let delta = self.chance.within(1, 4) as i64;
        let delta = if self.chance.one_in(2) { -delta } else { delta };
        self.adjust(vec![(cell, delta)], "counted")
    }

    fn adjust(&mut self, changes: Vec<(Cell, i64)>, reason: &str) -> io::Result<()> {
        let one =
            |((sku, node), delta): &(Cell, i64)| json!({"sku": sku, "node": node, "delta": delta, "reason": reason});
        let body = json!({"adjustments": changes.iter().map(one).collect::<Vec<_>>()});
        self.post(Purpose::Adjust(changes), "/v1/stock/adjustments".into(), body)
    }

    fn damage(&mut self) -> io::Result<()> {
        let (cell, units) = (self.any_cell(), self.chance.within(1, 2));
        let back = self.chance.one_in(2);
        let (from, to) = if back { ("damaged", "available") } else { ("available", "damaged") };
        let body = json!({"moves": [{"sku": cell.0, "node": cell.1, "from": from, "to": to, "quantity": units}]});
        let more = if back { -(units as i64) } else { units as i64 };
        self.post(Purpose::Damage(cell, more), "/v1/stock/moves".into(), body)
    }

    fn count_bin(&mut self) -> io::Result<()> {
        let (expected, wanted) = (self.book.counted, self.chance.within(0, 1_000));
        let path = format!("/v1/stock/{}/{}", encoded(&self.round.skus.bin), NODES[0].0);
        let body = json!({"on_hand": wanted, "expected": expected});
        self.submit(Purpose::Count(wanted), Request::put(path, body))
    }

    fn reserve(&mut self) -> io::Result<()> {
        let id = self.new_id();
        let ttl_s = if self.chance.one_in(2) { 1 } else { LONG_S };
        let mut body = reservation(&id, ttl_s, &self.wanted());
        if self.chance.one_in(6) {
            body["partial"] = json!(true);
        }
        self.post(Purpose::Reserve(id), "/v1/reservations".into(), body)
    }

    fn reserve_many(&mut self) -> io::Result<()> {
        let (mut ids, mut parts) = (Vec::new(), Vec::new());
        for _ in 0..self.chance.within(1, BATCH_MAX) {
            let id = self.new_id();
            let ttl_s = if self.chance.one_in(2) { 1 } else { LONG_S };
            parts.push(reservation(&id, ttl_s, &self.wanted()));
            ids.push(id);
        }
        let body = json!({"reservations": parts});
        self.post(Purpose::Batch(ids), "/v1/reservations/batch".into(), body)
    }

    fn change(&mut self) -> io::Result<()> {
        let Some(id) = self.held() else { return self.reserve() };
        let mut body = json!({"ttl_s": if self.chance.one_in(3) { 1 } else { LONG_S }});
        if self.chance.one_in(3) {
            body = json!({"lines": self.wanted()});
        }
        let path = format!("/v1/reservations/{id}");
        self.submit(Purpose::Change(id), Request { method: "PATCH", path, key: None, body })
    }

    fn release(&mut self) -> io::Result<()> {
        let Some(id) = self.held() else { return self.reserve() };
        let path = format!("/v1/reservations/{id}");
        self.submit(Purpose::Release(id), Request { method: "DELETE", path, key: None, body: Value::Null })
    }

    fn place(&mut self) -> io::Result<()> {
        let id = self.new_id();
        let claimed = if self.chance.one_in(3) { self.held() } else { None };
        let mut lines = Vec::new();
        for _ in 0..self.chance.within(1, 4) {
            lines.push((self.any_sku(), self.chance.within(1, 4)));
        }
        let mut body = order(&id, &lines);
        if let Some(reservation) = &claimed {
            body["reservation"] = json!(reservation);
            if self.chance.one_in(4) {
                body["reacquire"] = json!(true);
            }
        }
        self.post(Purpose::Place(id, claimed), "/v1/orders".into(), body)
    }

    fn cancel(&mut self) -> io::Result<()> {
        let Some(id) = self.placed() else { return self.place() };
        let mut body = json!({"reason": "changed my mind"});
        if self.chance.one_in(2) {
            let lines = list(&self.book.orders[&id].told["lines"]);
            let line = self.chance.pick(lines).map_or(Value::Null, |line| line["id"].clone());
            body["lines"] = json!([{"line": line, "quantity": 1}]);
        }
        let path = format!("/v1/orders/{id}/cancellations");
        self.post(Purpose::Cancel(id), path, body)
    }

    /// Moves a fulfilment order on. Jars stay: they may have been counted away.
    fn advance(&mut self) -> io::Result<()> {
        let Some(id) = self.placed() else { return self.place() };
        let steps: Vec<&Value> = self.book.orders[&id].steps.values().collect();
        let Some(part) = self.chance.pick(&steps) else { return self.look() };
        let has_jars = list(&part["lines"]).iter().any(|line| line["sku"] == self.round.skus.jar());
        let (verb, body) = match part["status"].as_str() {
            Some("submitted" | "accepted") if self.chance.one_in(10) => ("reject", json!({"reason": "closed today"})),
            Some("submitted") => ("accept", json!({})),
            Some("accepted") => ("pick", json!({})),
            Some("picked") => ("pack", json!({})),
            Some("packed") if !has_jars => (
                "ship",
                json!({"carrier": "post", "service": "parcel", "tracking_number": format!("1Z {}", self.sent)}),
            ),
            Some("shipped") => ("deliver", json!({})),
            _ => return self.look(),
        };
        let step = part["id"].as_str().unwrap_or_default().to_owned();
        self.post(Purpose::Step(id, step.clone()), format!("/v1/fulfillment-orders/{step}/{verb}"), body)
    }

    fn look(&mut self) -> io::Result<()> {
        if self.chance.one_in(3) {
            let path = format!("/v1/atp/{}", encoded(&self.any_sku()));
            return self.wires[0].ask(&Request::get(path)).map(drop);
        }
        let rumours: Vec<String> = self.round.rumours.lock().expect("nobody panics with it").iter().cloned().collect();
        self.chance.pick(&rumours).cloned().map_or(Ok(()), |path| self.see(path))
    }

    /// Reads what was asked for last, before its own client may have been told.
    fn watch(&mut self) -> io::Result<()> {
        let newest = self.round.rumours.lock().expect("nobody panics with it").back().cloned();
        newest.map_or(Ok(()), |path| self.see(path))
    }

    fn see(&mut self, path: String) -> io::Result<()> {
        let answer = self.wires[0].ask(&Request::get(&path))?;
        if answer.status == 200 {
            self.seen.insert(path, answer.body);
        }
        Ok(())
    }

    fn post(&mut self, purpose: Purpose, path: String, body: Value) -> io::Result<()> {
        self.sent += 1;
        let key = format!("k{}-{}-{}", self.round.number, self.number, self.sent);
        self.submit(purpose, Request::post(path, key, body))
    }

    fn submit(&mut self, purpose: Purpose, request: Request) -> io::Result<()> {
        for path in purpose.made() {
            let mut rumours = self.round.rumours.lock().expect("nobody panics with it");
            rumours.push_back(path);
            if rumours.len() > RUMOURS_MAX {
                rumours.pop_front();
            }
        }
        self.book.begin(&purpose, &request);
        // Two of a batch at once may share its parts between them: neither is then the answer to all.
        let whole = !matches!(purpose, Purpose::Batch(_));
        let twice = whole && request.key.is_some() && self.chance.one_in(20);
        let told = if twice { self.ask_twice(&request) } else { self.wires[0].ask(&request) };
        match told {
            Ok(answer) if !answer.says(500) => {
                self.book.tell(purpose, request, answer, false, &mut self.findings);
                Ok(())
            }
            unknown => {
                self.findings.unknown += 1;
                match &unknown {
                    Ok(answer) if answer.code() == "outcome_unknown" => self.findings.told_unknown += 1,
                    Ok(answer) => self.findings.wrong(format!("{request:?} was told {answer:?}")),
                    Err(_) => {}
                }
                self.book.unknown.push((purpose, request));
                unknown.map(drop)
            }
        }
    }

    /// The same request on two connections at the same time: it is carried out once.
    fn ask_twice(&mut self, request: &Request) -> io::Result<Answer> {
        let sent = [0, 1].map(|at: usize| self.wires[at].send(request));
        let mut told = Vec::new();
        for (at, sent) in sent.into_iter().enumerate() {
            told.extend(sent.and_then(|()| self.wires[at].receive()));
        }
        let done: Vec<&Answer> = told.iter().filter(|answer| answer.is_done()).collect();
        if let [one, other] = done[..]
            && (one.replayed == other.replayed || one.body["id"] != other.body["id"])
        {
            self.findings.wrong(format!("{request:?} at the same time: {one:?} and {other:?}"));
        }
        let first = done.iter().find(|answer| !answer.replayed).or(done.first()).map(|answer| (*answer).clone());
        // Refused only if both were: where one is not known, nothing is.
        let unknown = told.iter().find(|answer| answer.status == 500).cloned();
        let refused = (told.len() == 2).then(|| told[0].clone());
        first.or(unknown).or(refused).ok_or_else(|| io::ErrorKind::ConnectionReset.into())
    }

    fn new_id(&mut self) -> String {
        self.sent += 1;
        format!("r{}-{}-{}", self.round.number, self.number, self.sent)
    }

    fn any_node(&mut self) -> String {
        NODES[self.chance.below(NODES.len() as u64) as usize].0.to_owned()
    }

    /// A cell of what only ever gains units.
    fn any_cell(&mut self) -> Cell {
        let sku = self.round.skus.sure()[self.chance.below(2) as usize].to_owned();
        (sku, self.any_node())
    }

    fn any_sku(&mut self) -> String {
        match self.chance.below(8) {
            0 => self.round.skus.set.clone(),
            1 => self.round.skus.jar().to_owned(),
            n => self.round.skus.sure()[n as usize % 2].to_owned(),
        }
    }

    /// Lines of a reservation.
    fn wanted(&mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        for _ in 0..self.chance.within(1, 2) {
            let mut line = json!({"sku": self.any_sku(), "quantity": self.chance.within(1, 3)});
            if self.chance.one_in(4) {
                line["node"] = json!(self.any_node());
            }
            lines.push(line);
        }
        lines
    }

    /// A reservation of its own that was held when it was last told.
    fn held(&mut self) -> Option<String> {
        let held =
            self.book.reservations.iter().filter(|(_, made)| made.state == State::Held && made.told["state"] == "held");
        let held: Vec<&String> = held.map(|(id, _)| id).collect();
        self.chance.pick(&held).map(|id| (*id).clone())
    }

    /// An order of its own.
    fn placed(&mut self) -> Option<String> {
        let placed = self.book.orders.iter().filter(|(_, order)| !order.told.is_null());
        let placed: Vec<&String> = placed.map(|(id, _)| id).collect();
        self.chance.pick(&placed).map(|id| (*id).clone())
    }
}
