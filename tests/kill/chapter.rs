//! A few rounds on the same skus: the books of all clients, compared with what a restarted server shows.
//!
//! After a restart, in this order: what was seen is looked for, what was not answered is sent again (and is told by that),
//! every entity is read, and at rest the levels must be what was received less what all of them hold. Rest is disturbed
//! only by reservations whose time is up; so levels that do not add up are looked at again for [`REST_FOR`] before they are
//! a finding.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::book::{Acknowledged, Book, Purpose, list};
use crate::chance::Chance;
use crate::client::Seen;
use crate::entities::{self, Sums};
use crate::findings::Findings;
use crate::instant;
use crate::levels::{self, Breach, Supplies};
use crate::shop::Skus;
use crate::wire::{Answer, Request, Wire, encoded};

/// How long levels may take to show what has just expired.
const REST_FOR: Duration = Duration::from_secs(3);

pub struct Chapter {
    pub skus: Skus,
    pub books: Vec<Book>,
}

impl Chapter {
    pub fn new(number: u64, clients: usize) -> Self {
        Self { skus: Skus::of(number), books: (0..clients).map(|_| Book::default()).collect() }
    }

    /// Sends again what was not answered; after it everything is known.
    pub fn settle(&mut self, address: SocketAddr, findings: &mut Findings) {
        let settle = |book: &mut Book, wire: &mut Wire, findings: &mut Findings| settle_book(book, wire, findings);
        self.by_book(address, findings, settle);
    }

    /// Reads every entity and every level.
    pub fn compare(&mut self, address: SocketAddr, findings: &mut Findings) {
        let began = Instant::now();
        loop {
            let (mut found, mut sums) = (Findings::default(), Sums::default());
            let skus = self.skus.clone();
            let read = |book: &mut Book, wire: &mut Wire, found: &mut Findings| read_book(book, wire, &skus, found);
            self.by_book(address, &mut found, read).into_iter().for_each(|part| sums.add(part));
            let mut wire = Wire::to(address);
            let breaches = levels::compare(&mut wire, &self.skus, &self.supplies(), &sums);
            let breaches = breaches.expect("the server answers");
            if found.is_clean() && !breaches.is_empty() && began.elapsed() < REST_FOR {
                continue;
            }
            findings.add(found);
            for Breach { is_oversold, text } in breaches {
                if is_oversold { findings.oversold(text) } else { findings.wrong(text) }
            }
            self.compare_list(&mut wire, findings);
            return;
        }
    }

    /// Reads so many entities of every book, and sends so many acknowledged requests again.
    pub fn sample(&mut self, address: SocketAddr, chance: &mut Chance, some: usize, findings: &mut Findings) {
        let (mut wire, skus) = (Wire::to(address), self.skus.clone());
        for book in &mut self.books {
            for _ in 0..some {
                read_one(book, chance, &mut wire, &skus, findings).expect("the server answers");
                if let Some(acknowledged) = chance.pick(&book.acknowledged) {
                    repeat(acknowledged, chance, &mut wire, findings).expect("the server answers");
                }
                if let Some(path) = chance.pick(&book.absent) {
                    let answer = wire.ask(&Request::get(path)).expect("the server answers");
                    if answer.status != 404 {
                        findings.wrong(format!("{path} was refused, is {answer:?}"));
                    }
                }
            }
        }
    }

    /// Every book on a thread and a connection of its own.
    fn by_book<T: Send>(
        &mut self,
        address: SocketAddr,
        findings: &mut Findings,
        act: impl Fn(&mut Book, &mut Wire, &mut Findings) -> io::Result<T> + Sync,
    ) -> Vec<T> {
        let act = &act;
        let ended: Vec<_> = thread::scope(|scope| {
            let one = |book| {
                scope.spawn(move || {
                    let mut found = Findings::default();
                    (act(book, &mut Wire::to(address), &mut found), found)
                })
            };
            let threads: Vec<_> = self.books.iter_mut().map(one).collect();
            threads.into_iter().map(|thread| thread.join().expect("a check ends")).collect()
        });
        let mut all = Vec::new();
        for (done, found) in ended {
            findings.add(found);
            match done {
                Ok(done) => all.push(done),
                Err(error) => findings.wrong(format!("the server does not answer: {error}")),
            }
        }
        all
    }

    fn supplies(&self) -> Supplies {
        let mut supplies = Supplies { counted: self.books[0].counted, ..Supplies::default() };
        for book in &self.books {
            for (cell, units) in &book.received {
                *supplies.received.entry(cell.clone()).or_default() += units;
            }
            for (cell, units) in &book.damaged {
                *supplies.damaged.entry(cell.clone()).or_default() += units;
            }
        }
        supplies
    }

    /// The list of orders of a sku holds those that were told, once, and nothing else.
    fn compare_list(&self, wire: &mut Wire, findings: &mut Findings) {
        let sku = self.skus.sure()[0];
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/orders?sku={}&limit=200{cursor}", encoded(sku));
            let page = wire.ask(&Request::get(path)).expect("the server answers").body;
            listed.extend(list(&page["items"]).iter().map(|order| order["id"].as_str().unwrap_or_default().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let orders = self.books.iter().flat_map(|book| &book.orders);
        let with_sku = orders.filter(|(_, order)| list(&order.asked["lines"]).iter().any(|line| line["sku"] == sku));
        let mut known: Vec<String> = with_sku.map(|(id, _)| id.clone()).collect();
        known.sort_unstable();
        listed.sort_unstable();
        if known != listed {
            findings.wrong(format!("orders of {sku}: known {known:?}, listed {listed:?}"));
        }
    }
}

/// What somebody read must still be there, as it was or later.
pub fn still_there(seen: &[Seen], address: SocketAddr, findings: &mut Findings) {
    let mut wire = Wire::to(address);
    for Seen { path, body } in seen {
        let now = wire.ask(&Request::get(path)).expect("the server answers");
        let version = |body: &Value| body["version"].as_u64().unwrap_or(0);
        let is_later = version(&now.body) > version(body);
        let is_same = match body["state"].as_str() {
            // A reservation has no version; held ones may be changed.
            Some("held") => now.body["id"] == body["id"],
            Some(_) => now.body["state"] == body["state"] && now.body["lines"] == body["lines"],
            None => version(&now.body) == version(body) && now.body == *body,
        };
        if now.status != 200 || !(is_same || is_later) {
            findings.lost(format!("{path} was seen as {body}, is {now:?}"));
        }
    }
}

fn settle_book(book: &mut Book, wire: &mut Wire, findings: &mut Findings) -> io::Result<()> {
    for (purpose, request) in std::mem::take(&mut book.unknown) {
        let mut before = Vec::new();
        for path in purpose.made() {
            before.push(wire.ask(&Request::get(path))?);
        }
        if let (Purpose::Place(..), [before]) = (&purpose, &before[..])
            && before.status == 200
            && let Some(breach) = entities::torn(&request.body, &before.body)
        {
            findings.wrong(format!("{breach}: asked {request:?}, is {before:?}"));
        }
        let answer = patiently(wire, &request)?;
        for (at, before) in before.iter().enumerate().filter(|(_, before)| before.status == 200) {
            // A batch does not say which of its answers were given before.
            let is_repeat = match purpose {
                Purpose::Batch(_) => answer.is_done() && answer.of_part(at).is_done(),
                _ => answer.is_done() && answer.replayed,
            };
            if !is_repeat {
                findings.wrong(format!("{before:?} was there, but the repeat of {request:?} is told {answer:?}"));
            }
        }
        book.tell(purpose, request, answer, true, findings);
    }
    Ok(())
}

/// Asks until the server has room.
fn patiently(wire: &mut Wire, request: &Request) -> io::Result<Answer> {
    loop {
        let answer = wire.ask(request)?;
        if !answer.says(503) {
            return Ok(answer);
        }
    }
}

fn read_book(book: &mut Book, wire: &mut Wire, skus: &Skus, findings: &mut Findings) -> io::Result<Sums> {
    let mut sums = Sums::default();
    let reservations: Vec<String> = book.reservations.keys().cloned().collect();
    for id in reservations {
        read_reservation(book, &id, wire, &mut sums, findings)?;
    }
    for id in book.orders.keys() {
        read_order(book, id, wire, skus, &mut sums, findings)?;
    }
    Ok(sums)
}

/// Reads one entity of a book.
fn read_one(
    book: &mut Book,
    chance: &mut Chance,
    wire: &mut Wire,
    skus: &Skus,
    findings: &mut Findings,
) -> io::Result<()> {
    let sums = &mut Sums::default();
    let reservations: Vec<&String> = book.reservations.keys().collect();
    let orders: Vec<&String> = book.orders.keys().collect();
    match (chance.pick(&reservations), chance.pick(&orders)) {
        (_, Some(id)) if chance.one_in(2) => read_order(book, id, wire, skus, sums, findings),
        (Some(id), _) => {
            let id = (*id).clone();
            read_reservation(book, &id, wire, sums, findings)
        }
        _ => Ok(()),
    }
}

fn read_reservation(
    book: &mut Book,
    id: &str,
    wire: &mut Wire,
    sums: &mut Sums,
    findings: &mut Findings,
) -> io::Result<()> {
    let began = instant::now();
    let now = wire.ask(&Request::get(format!("/v1/reservations/{id}")))?;
    let Some(kept) = book.reservations.get_mut(id) else { return Ok(()) };
    if now.status == 200 {
        entities::reservation(kept, &now.body, (began, instant::now()), sums, findings);
    } else {
        findings.lost(format!("reservation {id} was told {}, is {now:?}", kept.told));
    }
    Ok(())
}

fn read_order(
    book: &Book,
    id: &str,
    wire: &mut Wire,
    skus: &Skus,
    sums: &mut Sums,
    findings: &mut Findings,
) -> io::Result<()> {
    let now = wire.ask(&Request::get(format!("/v1/orders/{id}")))?;
    let kept = &book.orders[id];
    if now.status == 200 {
        entities::order(kept, &now.body, skus, sums, findings);
    } else {
        findings.lost(format!("order {id} was told {}, is {now:?}", kept.told));
    }
    Ok(())
}

/// Sends an acknowledged request again: with its key, under its caller's id alone, and with another body.
fn repeat(told: &Acknowledged, chance: &mut Chance, wire: &mut Wire, findings: &mut Findings) -> io::Result<()> {
    let mut request = told.request.clone();
    let has_id = matches!(told.purpose, Purpose::Reserve(_) | Purpose::Place(..));
    let (by_id, other) = (has_id && (request.key.is_none() || chance.one_in(3)), chance.one_in(4));
    if by_id {
        request.key = None;
    }
    if other {
        let name = if matches!(told.purpose, Purpose::Reserve(_)) { "owner" } else { "reason" };
        match &told.purpose {
            Purpose::Place(..) => request.body["customer"]["id"] = json!("c-2"),
            Purpose::Adjust(_) => request.body["adjustments"][0]["delta"] = json!(4_711),
            Purpose::Damage(..) => request.body["moves"][0]["quantity"] = json!(4_711),
            Purpose::Reserve(_) | Purpose::Cancel(_) => request.body[name] = json!("another"),
            _ => return Ok(()),
        }
        let expected = if by_id { (409, "id_taken") } else { (422, "idempotency_key_reused") };
        let again = patiently(wire, &request)?;
        if (again.status, again.code()) != expected {
            findings.wrong(format!("{request:?} with another body than before was told {again:?}"));
        }
        return Ok(());
    }
    let again = patiently(wire, &request)?;
    if let Purpose::Batch(ids) = &told.purpose {
        for at in 0..ids.len() {
            let (was, is) = (told.answer.of_part(at), again.of_part(at));
            if is.status != was.status || !is_same_reservation(&was.body, &is.body) {
                findings.lost(format!("part {at} of {request:?} was told {was:?}, its repeat {is:?}"));
            }
        }
        return Ok(());
    }
    let (was, is) = (&told.answer.body, &again.body);
    let is_same = match told.purpose {
        Purpose::Adjust(_) | Purpose::Damage(..) => was == is,
        Purpose::Reserve(_) => is_same_reservation(was, is),
        // A later version answers when units had to be sourced again.
        Purpose::Place(..) if was["version"] == 1 && is["version"] == 1 => was == is,
        _ => was["id"] == is["id"],
    };
    if again.status != told.answer.status || !again.replayed || !is_same {
        findings.lost(format!("{request:?} was told {:?}, its repeat {again:?}", told.answer));
    }
    Ok(())
}

/// Its state is that of now.
fn is_same_reservation(was: &Value, is: &Value) -> bool {
    ["id", "owner", "lines", "expires_at"].iter().all(|field| was[field] == is[field])
}
