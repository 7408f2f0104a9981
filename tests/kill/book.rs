//! What one client was told, in the order it was told: its reservations, its orders, its stock changes.
//!
//! A book changes only by [`Book::tell`], with the answer to a request, whether that came at once or after the process was
//! killed and the request was sent again. Only the owner of an entity changes it, so the book knows how it must look;
//! all that may happen besides is that time runs out and that what waits gets stock. What is *not* here: the look at what
//! is really there (`entities`, `levels`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::findings::Findings;
use crate::instant;
use crate::wire::{Answer, Request};

/// Stock of a sku at a node.
pub type Cell = (String, String);

/// What a request is for: decides what its answer means.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// On hand changes so much at these cells.
    Adjust(Vec<(Cell, i64)>),
    /// So much more is damaged.
    Damage(Cell, i64),
    /// A count of a cell that nothing else changes.
    Count(u64),
    /// Make the reservation of that id.
    Reserve(String),
    /// Make the reservations of those ids, each all or nothing.
    Batch(Vec<String>),
    /// Change it.
    Change(String),
    /// Let it go.
    Release(String),
    /// Place the order of that id, with that reservation.
    Place(String, Option<String>),
    /// Cancel of it.
    Cancel(String),
    /// A step of a fulfilment order of it.
    Step(String, String),
}

/// A reservation of this client.
pub struct Reservation {
    /// The last answer about it; nothing was told when `Null`.
    pub told: Value,
    pub state: State,
    /// Whether a change of it was not told and may have preceded its end.
    pub is_loose: bool,
}

/// How a reservation must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Held until its time is up, expired after.
    Held,
    Released,
    Expired,
    Claimed,
    /// Claimed, or expired before the claim that took its units anew.
    ClaimedOrExpired,
}

/// An order of this client.
pub struct Order {
    /// The request's body.
    pub asked: Value,
    /// The last whole answer about it; nothing was told when `Null`.
    pub told: Value,
    /// At least this version must be there.
    pub version_min: u64,
    /// Every fulfilment order as it was last told.
    pub steps: BTreeMap<String, Value>,
    /// Whether units went back to sourcing.
    pub was_rejected: bool,
}

/// An acknowledged request that carried a key.
pub struct Acknowledged {
    pub purpose: Purpose,
    pub request: Request,
    pub answer: Answer,
}

/// All that one client knows.
#[derive(Default)]
pub struct Book {
    pub reservations: BTreeMap<String, Reservation>,
    pub orders: BTreeMap<String, Order>,
    /// Changes of what is on hand, by cell.
    pub received: BTreeMap<Cell, i64>,
    /// Units moved to damaged, by cell.
    pub damaged: BTreeMap<Cell, i64>,
    /// What was counted last in the cell that only counts change.
    pub counted: u64,
    /// Requests whose connection broke before the answer.
    pub unknown: Vec<(Purpose, Request)>,
    /// Paths of what was refused: nothing may be there.
    pub absent: Vec<String>,
    pub acknowledged: Vec<Acknowledged>,
}

impl Purpose {
    /// In a word.
    fn kind(&self) -> &'static str {
        match self {
            Self::Adjust(_) => "adjust",
            Self::Damage(..) => "move",
            Self::Count(_) => "count",
            Self::Reserve(_) => "reserve",
            Self::Batch(_) => "batch",
            Self::Change(_) => "change",
            Self::Release(_) => "release",
            Self::Place(_, None) => "place",
            Self::Place(_, Some(_)) => "claim",
            Self::Cancel(_) => "cancel",
            Self::Step(..) => "step",
        }
    }

    /// Paths of the entities a request makes.
    pub fn made(&self) -> Vec<String> {
        match self {
            Self::Reserve(id) => vec![format!("/v1/reservations/{id}")],
            Self::Batch(ids) => ids.iter().map(|id| format!("/v1/reservations/{id}")).collect(),
            Self::Place(id, _) => vec![format!("/v1/orders/{id}")],
            _ => Vec::new(),
        }
    }
}

impl Order {
    /// A whole answer about it.
    fn absorb(&mut self, body: &Value) {
        self.version_min = body["version"].as_u64().unwrap_or(0);
        for part in list(&body["fulfillment_orders"]) {
            self.steps.insert(part["id"].as_str().unwrap_or_default().to_owned(), part.clone());
        }
        self.told = body.clone();
    }
}

impl Book {
    /// A request is about to be sent.
    pub fn begin(&mut self, purpose: &Purpose, request: &Request) {
        match purpose {
            Purpose::Reserve(id) => self.reserved(id),
            Purpose::Batch(ids) => ids.iter().for_each(|id| self.reserved(id)),
            Purpose::Place(id, _) => {
                let (asked, told, steps) = (request.body.clone(), Value::Null, BTreeMap::new());
                self.orders.insert(id.clone(), Order { asked, told, version_min: 0, steps, was_rejected: false });
            }
            _ => {}
        }
    }

    fn reserved(&mut self, id: &str) {
        let made = Reservation { told: Value::Null, state: State::Held, is_loose: false };
        self.reservations.insert(id.to_owned(), made);
    }

    /// Each of a batch is a reservation of its own from here on, made by a request for it alone.
    fn tell_parts(&mut self, ids: &[String], request: &Request, answer: &Answer, again: bool, findings: &mut Findings) {
        if answer.is_done() && list(&answer.body["items"]).len() != ids.len() {
            findings.wrong(format!("{request:?} was answered {answer:?}"));
        }
        for (at, id) in ids.iter().enumerate() {
            let body = request.body["reservations"][at].clone();
            let alone = Request { method: "POST", path: "/v1/reservations".into(), key: None, body };
            let part = answer.of_part(at);
            if part.is_done() && part.body["id"] != **id {
                findings.wrong(format!("{id} was asked for, and answered {part:?}"));
            }
            if part.is_done() {
                let (purpose, request, answer) = (Purpose::Reserve(id.clone()), alone.clone(), part.clone());
                self.acknowledged.push(Acknowledged { purpose, request, answer });
            }
            self.tell(Purpose::Reserve(id.clone()), alone, part, again, findings);
        }
    }

    /// A request was answered; `again` when it was sent before and that answer never came.
    pub fn tell(&mut self, purpose: Purpose, request: Request, answer: Answer, again: bool, findings: &mut Findings) {
        if let Purpose::Batch(ids) = &purpose {
            self.tell_parts(ids, &request, &answer, again, findings);
            // A repeat would make what was refused, if it can by then.
            if !answer.is_done() || (0..ids.len()).any(|at| !answer.of_part(at).is_done()) {
                return;
            }
        }
        let (done, refused) = findings.tally.entry(purpose.kind()).or_default();
        if answer.is_done() {
            *done += 1;
            findings.acknowledged += 1;
            self.done(&purpose, &request, &answer.body);
            if request.key.is_some() {
                self.acknowledged.push(Acknowledged { purpose, request, answer });
            }
            return;
        }
        *refused += 1;
        if again && self.was_claimed_meanwhile(&purpose, &answer) {
            return;
        }
        if !refusals(&purpose).contains(&answer.code()) && answer.status != 503 {
            findings.wrong(format!("{request:?} was refused: {answer:?}"));
        }
        self.refused(&purpose, &answer, again, findings);
    }

    /// Whether a release came too late: of the two that were unknown its claim was repeated first.
    fn was_claimed_meanwhile(&mut self, purpose: &Purpose, answer: &Answer) -> bool {
        let Purpose::Release(id) = purpose else { return false };
        let is_claimed = matches!(self.reservation(id).state, State::Claimed | State::ClaimedOrExpired);
        is_claimed && answer.code() == "reservation_ended" && answer.body["state"] == "claimed"
    }

    fn done(&mut self, purpose: &Purpose, request: &Request, body: &Value) {
        match purpose {
            Purpose::Adjust(changes) => {
                for (cell, delta) in changes {
                    *self.received.entry(cell.clone()).or_default() += delta;
                }
            }
            Purpose::Damage(cell, units) => *self.damaged.entry(cell.clone()).or_default() += units,
            Purpose::Count(units) => self.counted = *units,
            Purpose::Batch(_) => {}
            Purpose::Reserve(id) | Purpose::Change(id) => self.reservation(id).told = body.clone(),
            Purpose::Release(id) => {
                let was_released = body["state"] == "released";
                self.reservation(id).state = if was_released { State::Released } else { State::Expired };
            }
            Purpose::Place(id, claimed) => {
                if let Some(claimed) = claimed {
                    let anew = request.body["reacquire"] == true;
                    self.reservation(claimed).state = if anew { State::ClaimedOrExpired } else { State::Claimed };
                }
                self.order(id).absorb(body);
            }
            Purpose::Cancel(id) => self.order(id).absorb(body),
            Purpose::Step(id, part) => {
                let order = self.order(id);
                order.version_min += 1;
                order.was_rejected |= body["status"] == "rejected";
                order.steps.insert(part.clone(), body.clone());
            }
        }
    }

    fn refused(&mut self, purpose: &Purpose, answer: &Answer, again: bool, findings: &mut Findings) {
        let gone = matches!(answer.code(), "reservation_expired" | "reservation_ended");
        match purpose {
            Purpose::Change(id) | Purpose::Release(id) | Purpose::Place(_, Some(id)) if gone => {
                let reservation = self.reservation(id);
                reservation.state = State::Expired;
                reservation.is_loose |= again;
                let due = instant::of(&reservation.told["expires_at"]);
                if !reservation.is_loose && due > instant::now() + instant::SLACK_MS {
                    findings.lost(format!("reservation {} had not expired: {answer:?}", reservation.told));
                }
            }
            // The first of the two may have set it: then the second meets what it wanted.
            Purpose::Count(units) if again && answer.body["on_hand"] == *units => self.counted = *units,
            Purpose::Count(_) if answer.code() == "stale_level" => {
                findings.lost(format!("the bin held {}, but {answer:?}", self.counted));
            }
            _ => {}
        }
        match purpose {
            Purpose::Reserve(id) => drop(self.reservations.remove(id)),
            Purpose::Place(id, _) => drop(self.orders.remove(id)),
            _ => {}
        }
        self.absent.extend(purpose.made());
    }

    fn reservation(&mut self, id: &str) -> &mut Reservation {
        self.reservations.get_mut(id).expect("a client changes what it made")
    }

    fn order(&mut self, id: &str) -> &mut Order {
        self.orders.get_mut(id).expect("a client changes what it made")
    }
}

/// Codes with which the business may say no.
fn refusals(purpose: &Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Adjust(_) => &["insufficient_on_hand"],
        Purpose::Damage(..) => &["insufficient_stock", "insufficient_state"],
        Purpose::Count(_) => &["stale_level"],
        Purpose::Reserve(_) | Purpose::Batch(_) => &["insufficient_stock"],
        Purpose::Change(_) => &["insufficient_stock", "reservation_expired"],
        Purpose::Release(_) => &[],
        Purpose::Place(..) => &["reservation_expired", "reservation_ended"],
        Purpose::Cancel(_) => &["not_cancellable"],
        Purpose::Step(..) => &[],
    }
}

/// The entries of a list.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A number that must be there.
pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(i64::MIN)
}
