//! Many reservations in one call: each all or nothing, each answered for itself, as many as fit in one record.
//!
//! What does not depend on the single reservation is done once for a group: guard, clock, bytes of the header, one take
//! per cell, one append, one entry in each due index. A group is decided on a picture of the words it needs, so that its
//! later members see what its earlier ones want; then the sums are taken, each word once and ascending, all or nothing. If
//! a word has less by then, the group is decided again. Only what finds all it asks for in a plain way is in a group.
//! Everything else (too little, less is welcome, kits, faults, a name or key that is known or being decided) is carried out
//! alone after it, by the very path of a single reservation; so a group never refuses, expires or waits for a name.
//!
//! Laws: the record is encoded before anything is taken, units of several words are in flight until it is appended, the
//! new entities are locked over the append, and their ends stand in the due indices before it. Every reservation is an
//! entity of its own, so a record of many replays as so many records would.
//!
//! Bounds: [`GROUP_MAX`] members and the bytes of a record. What is *not* here: waiting for durability (`pipeline`).

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::cell::{Counter, Word};
use super::due::Run;
use super::ledger::SkuStock;
use super::network::Network;
use super::table::{Claim, Name, Named, Names};
use super::turn::Turn;
use super::withdrawal::{Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::{Command, Context, Reserve, ReserveLine, ReserveOne};
use crate::domain::event::{Answer, Event, KeyUsed, ReservationChanged, StockMoved};
use crate::domain::ids::{ReservationKey, SkuIndex, Text};
use crate::domain::item::ItemKind;
use crate::domain::limits::{QUANTITY_MAX, RECORD_BYTES_MAX, RESERVATION_CELLS_MAX, RESERVATION_LINES_MAX};
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::reservation::{Held, HeldLines, ReservationEvent};
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};
use crate::domain::time::JournalTime;
use crate::sabotage::{Bug, planted};

/// Most reservations of one record.
const GROUP_MAX: usize = 2_048;
/// How often a group is decided again because units went meanwhile, before its members are carried out alone.
const LOST_MAX: u32 = 16;
/// Bytes of a record that its members may take by the estimates below; a group that is too large after all is halved.
const GROUP_BYTES: usize = RECORD_BYTES_MAX - 2 * 1_024;
const MEMBER_BYTES: usize = 48;
const LINE_BYTES: usize = 15;
const CELL_BYTES: usize = 26;
const KEY_BYTES: usize = 48;

type Answered = Result<Executed, Rejection>;

impl Engine {
    /// Makes many reservations; answers one by one, in the order asked. The answers may be told only when the records of
    /// their `seq` are durable.
    pub fn reserve_many(&self, log: &dyn Log, context: &Context, wanted: &[ReserveOne]) -> Vec<Answered> {
        let turn = Turn::new(log, context, None);
        let mut answers: Vec<Option<Answered>> = Vec::with_capacity(wanted.len());
        answers.resize_with(wanted.len(), || None);
        let mut alone = Vec::new();
        let (mut next, mut most, mut lost) = (0, GROUP_MAX, 0);
        let mut patience = Patience::default();
        while next < wanted.len() {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let mut group = Group::new(&network, &self.names, wanted, next);
            group.decide(turn.now(), most);
            let (until, members) = (group.until, group.members.len());
            match self.make(&turn, &mut group, &mut patience) {
                Made::All(made) => {
                    alone.extend_from_slice(&group.alone);
                    group.members.iter().zip(made).for_each(|(member, one)| answers[member.at] = Some(Ok(one)));
                    (next, lost) = (until, 0);
                }
                Made::TooLarge if members > 1 => most = members / 2,
                Made::Lost if lost < LOST_MAX => lost += 1,
                Made::TooLarge | Made::Lost => {
                    alone.extend(next..until);
                    (next, lost) = (until, 0);
                }
            }
        }
        for at in alone {
            let context = Context { key: wanted[at].key, ..context.clone() };
            answers[at] = Some(self.execute(log, &context, Command::Reserve(wanted[at].reserve.clone())));
        }
        answers.into_iter().map(|answer| answer.expect("each is in a group or alone")).collect()
    }

    /// Logs what a group has decided, in one record.
    fn make(&self, turn: &Turn<'_>, group: &mut Group<'_>, patience: &mut Patience) -> Made {
        let count = group.members.len();
        if count == 0 {
            return Made::All(Vec::new());
        }
        let first = ReservationKey(self.next_keys(count as u64));
        let taken = group.taken();
        let Ok(sealed) = turn.seal(group.now, group.network.catalogue.seq, group.events(first, &taken), None) else {
            return Made::TooLarge;
        };
        let mut slots = Vec::with_capacity(count);
        self.reservations.begin_run(first, count, &mut slots);
        if !planted(Bug::DueAfterAppend) {
            group.register(first);
        }
        let words: Vec<(&Word, u32)> = taken.iter().map(|cell| (cell.word, cell.taken)).collect();
        let Ok(withdrawal) = Withdrawal::take(&words, patience) else {
            self.reservations.remove_run(first, count);
            return Made::Lost;
        };
        let mut logged = turn.log_with(self, sealed, || {
            taken.iter().for_each(|cell| cell.reserved.add(cell.taken as i32));
            withdrawal.logged();
            BTreeSet::new()
        });
        if planted(Bug::DueAfterAppend) {
            group.register(first);
        }
        let (seq, time) = (logged.seq(), logged.time());
        let mut answers = Vec::with_capacity(count);
        for (slot, reservation) in slots.iter_mut().zip(logged.made_reservations()) {
            answers.push(Executed::done(Reply::Reservation(Box::new(reservation.clone())), seq));
            **slot = Some(reservation);
        }
        group.runs(first).for_each(|run| self.agenda_inbox.push(run));
        for claimed in std::mem::take(&mut group.claims) {
            let one = &group.wanted[group.members[claimed.at].at];
            if let (Some(claim), Some(key)) = (claimed.key, one.key)
                && !planted(Bug::ForgottenKey)
            {
                claim.settle(Named::Record(seq, key.fingerprint));
                self.remember_key(time, key.hash);
            }
            if let Some(claim) = claimed.id {
                let key = ReservationKey(first.0 + claimed.at as u64);
                claim.settle(Named::Reservation(key, one.reserve.fingerprint));
            }
        }
        logged.done();
        Made::All(answers)
    }
}

/// What became of a group.
enum Made {
    /// All of it was made, in its order.
    All(Vec<Executed>),
    /// Units went meanwhile; nothing was changed.
    Lost,
    /// It does not fit into a record; nothing was changed.
    TooLarge,
}

/// Reservations that are decided together.
struct Group<'a> {
    network: &'a Network,
    names: &'a Names,
    wanted: &'a [ReserveOne],
    now: JournalTime,
    /// How far the group goes; what is before it is a member or alone.
    until: usize,
    members: Vec<Member>,
    alone: Vec<usize>,
    claims: Vec<Claimed<'a>>,
    skus: Vec<Sku<'a>>,
    sku_at: HashMap<SkuIndex, usize>,
    cells: Vec<Cell<'a>>,
    bytes: usize,
    /// The sku of the line before: most batches ask for few.
    last: Option<(Text, usize)>,
    /// Cells and units of the reservation being decided.
    chosen: Vec<(usize, usize, u32)>,
    /// Number of the run of members with the same end.
    run: u32,
    /// Due entries that are complete: `(sku, end, first and last member)`.
    due: Vec<(usize, JournalTime, Range<u32>)>,
}

/// One that will be made.
struct Member {
    /// Which of those wanted.
    at: usize,
    expires_at: JournalTime,
    lines: HeldLines,
}

/// Names of a member, claimed.
struct Claimed<'a> {
    at: usize,
    key: Option<Claim<'a>>,
    id: Option<Claim<'a>>,
}

/// The most that one may add to a record.
fn bytes_of(one: &ReserveOne) -> usize {
    let Reserve { id, owner, channel, customer, lines, .. } = &one.reserve;
    let texts = [id.as_ref(), Some(owner), channel.as_ref(), customer.as_ref()];
    let texts: usize = texts.into_iter().flatten().map(|text| text.len() + 3).sum();
    MEMBER_BYTES + texts + lines.len() * (LINE_BYTES + CELL_BYTES) + one.key.map_or(0, |_| KEY_BYTES)
}

/// A sku of the group, and those of its members that hold it and end together.
struct Sku<'a> {
    stock: &'a SkuStock,
    cells: Range<usize>,
    run: u32,
    ends: JournalTime,
    holders: Range<u32>,
}

/// A cell as the group sees it.
struct Cell<'a> {
    key: CellKey,
    word: &'a Word,
    reserved: &'a Counter,
    free: u32,
    taken: u32,
}

impl<'a> Group<'a> {
    fn new(network: &'a Network, names: &'a Names, wanted: &'a [ReserveOne], from: usize) -> Self {
        let most = (wanted.len() - from).min(GROUP_MAX);
        Self {
            network,
            names,
            wanted,
            now: JournalTime::default(),
            until: from,
            members: Vec::with_capacity(most),
            alone: Vec::new(),
            claims: Vec::new(),
            skus: Vec::new(),
            sku_at: HashMap::new(),
            cells: Vec::new(),
            bytes: 0,
            last: None,
            chosen: Vec::new(),
            run: 0,
            due: Vec::new(),
        }
    }

    /// Decides as many as fit, from `until` on.
    fn decide(&mut self, now: JournalTime, most: usize) {
        self.now = now;
        let wanted = self.wanted;
        while let Some(one) = wanted.get(self.until) {
            let bytes = bytes_of(one);
            let full = self.members.len() >= most || self.bytes + bytes > GROUP_BYTES;
            if full && !self.members.is_empty() {
                break;
            }
            if self.join(self.until, one) {
                self.bytes += bytes;
            } else {
                self.alone.push(self.until);
            }
            self.until += 1;
        }
    }

    /// Takes one into the group, unless it has to be carried out alone.
    fn join(&mut self, at: usize, one: &ReserveOne) -> bool {
        let reserve = &one.reserve;
        if reserve.partial || reserve.lines.is_empty() || reserve.lines.len() > RESERVATION_LINES_MAX {
            return false;
        }
        let names = self.names;
        let free = |name: Name| names.try_claim(name).filter(|claim| claim.taken().is_none());
        let key = match one.key.map(|key| free(Name::Key(key.hash))) {
            Some(None) => return false,
            claimed => claimed.flatten(),
        };
        let id = match reserve.id.clone().map(|id| free(Name::Reservation(id))) {
            Some(None) => return false,
            claimed => claimed.flatten(),
        };
        // Lines that name a node come first: the others can go elsewhere.
        let (named, open) = (|line: &&ReserveLine| line.node.is_some(), |line: &&ReserveLine| line.node.is_none());
        let mut lines = reserve.lines.iter().filter(named).chain(reserve.lines.iter().filter(open));
        self.chosen.clear();
        let enough = lines.all(|line| self.choose(line).is_some());
        if !enough || self.chosen.len() > RESERVATION_CELLS_MAX {
            for (_, cell, units) in &self.chosen {
                self.cells[*cell].free += units;
                self.cells[*cell].taken -= units;
            }
            return false;
        }
        if key.is_some() || id.is_some() {
            self.claims.push(Claimed { at: self.members.len(), key, id });
        }
        let expires_at = self.now.plus_s(reserve.ttl_s);
        self.note_due(expires_at);
        let lines = self.held();
        self.members.push(Member { at, expires_at, lines });
        true
    }

    /// Chooses cells for a line, those that have most first; `None` when a single reservation would have to look closer.
    fn choose(&mut self, line: &ReserveLine) -> Option<()> {
        let node = match &line.node {
            Some(node) => Some(self.network.catalogue.node_index(node)?),
            None => None,
        };
        let mut left = line.quantity.units();
        if left > QUANTITY_MAX {
            return None;
        }
        let at = self.sku(&line.sku)?;
        let range = self.skus[at].cells.clone();
        while left > 0 {
            let cells = self.cells[range.clone()].iter_mut().enumerate();
            let cells = cells.filter(|(_, cell)| cell.free > 0 && node.is_none_or(|node| node == cell.key.node));
            let (position, best) = cells.max_by_key(|(_, cell)| (cell.free, Reverse(cell.key.node)))?;
            let units = best.free.min(left);
            best.free -= units;
            best.taken += units;
            left -= units;
            self.chosen.push((at, range.start + position, units));
        }
        Some(())
    }

    /// The group's picture of a product; `None` when it is none.
    fn sku(&mut self, name: &Text) -> Option<usize> {
        if let Some((last, at)) = &self.last
            && Arc::ptr_eq(last, name)
        {
            return Some(*at);
        }
        let sku = self.network.catalogue.sku_index(name)?;
        let at = match self.sku_at.get(&sku) {
            Some(at) => *at,
            None => self.see(sku)?,
        };
        self.last = Some((name.clone(), at));
        Some(at)
    }

    fn see(&mut self, sku: SkuIndex) -> Option<usize> {
        let network = self.network;
        if network.catalogue.item(sku).kind != ItemKind::Product {
            return None;
        }
        let stock = network.sku(sku);
        let from = self.cells.len();
        let supplying = stock.cells.iter().filter(|cell| network.supplies(cell.node));
        self.cells.extend(supplying.map(|cell| Cell {
            key: CellKey { sku, node: cell.node },
            word: cell.word,
            reserved: cell.reserved,
            free: cell.word.free(),
            taken: 0,
        }));
        let cells = from..self.cells.len();
        let at = self.skus.len();
        self.skus.push(Sku { stock, cells, run: u32::MAX, ends: JournalTime::default(), holders: 0..0 });
        self.sku_at.insert(sku, at);
        Some(at)
    }

    /// The chosen cells as the next member's lines.
    fn held(&mut self) -> HeldLines {
        let cells = &self.cells;
        let held = |(_, cell, quantity): &(usize, usize, u32)| {
            let CellKey { sku, node } = cells[*cell].key;
            Held { sku, node, quantity: *quantity }
        };
        if let [one] = &self.chosen[..] {
            return HeldLines::One(held(one));
        }
        let mut lines: Vec<Held> = self.chosen.iter().map(held).collect();
        lines.sort_unstable_by_key(|held| (held.sku, held.node));
        lines.dedup_by(|later, first| {
            let same = (later.sku, later.node) == (first.sku, first.node);
            first.quantity += if same { later.quantity } else { 0 };
            same
        });
        lines.into()
    }

    /// The next member ends then, and so do its skus' units.
    fn note_due(&mut self, expires_at: JournalTime) {
        let number = self.members.len() as u32;
        if self.members.last().is_some_and(|before| before.expires_at != expires_at) {
            self.run += 1;
        }
        for (at, ..) in &self.chosen {
            let sku = &mut self.skus[*at];
            if sku.run != self.run {
                if !sku.holders.is_empty() {
                    self.due.push((*at, sku.ends, sku.holders.clone()));
                }
                (sku.run, sku.ends, sku.holders) = (self.run, expires_at, number..number);
            }
            sku.holders.end = number + 1;
        }
    }

    /// Registers the members' ends with their skus. Before the append.
    fn register(&self, first: ReservationKey) {
        let run = |at, holders: &Range<u32>| Run {
            at,
            first: ReservationKey(first.0 + u64::from(holders.start)),
            count: holders.end - holders.start,
        };
        for (sku, at, holders) in &self.due {
            self.skus[*sku].stock.due.register_run(run(*at, holders));
        }
        for sku in self.skus.iter().filter(|sku| !sku.holders.is_empty()) {
            sku.stock.due.register_run(run(sku.ends, &sku.holders));
        }
    }

    /// Members in a row that end together.
    fn runs(&self, first: ReservationKey) -> impl Iterator<Item = Run> {
        let mut next = first.0;
        self.members.chunk_by(|a, b| a.expires_at == b.expires_at).map(move |run| {
            let start = ReservationKey(next);
            next += run.len() as u64;
            Run { at: run[0].expires_at, first: start, count: run.len() as u32 }
        })
    }

    /// What is taken, in the order in which it must be.
    fn taken(&self) -> Vec<&Cell<'a>> {
        let mut taken: Vec<&Cell<'a>> = self.cells.iter().filter(|cell| cell.taken > 0).collect();
        taken.sort_unstable_by_key(|cell| cell.key);
        taken
    }

    fn events(&self, first: ReservationKey, taken: &[&Cell<'a>]) -> Vec<Event> {
        let mut events = Vec::with_capacity(self.members.len() + taken.len() + self.claims.len());
        events.extend((first.0..).zip(&self.members).map(|(number, member)| {
            let Reserve { id, fingerprint, owner, channel, customer, .. } = &self.wanted[member.at].reserve;
            let held = ReservationEvent::Held {
                id: id.clone(),
                // Compared only when an id comes again.
                fingerprint: if id.is_some() { *fingerprint } else { 0 },
                owner: owner.clone(),
                channel: channel.clone(),
                customer: customer.clone(),
                expires_at: member.expires_at,
                lines: member.lines.clone(),
            };
            Event::ReservationChanged(ReservationChanged { key: ReservationKey(number), version: 1, event: held })
        }));
        events.extend(taken.iter().map(|cell| {
            let units = cell.taken as i32;
            let delta = LevelDelta { available: -units, reserved: units, ..LevelDelta::default() };
            Event::StockMoved(StockMoved { cell: cell.key, kind: MovementKind::Reserved, delta })
        }));
        for claimed in self.claims.iter().filter(|claimed| claimed.key.is_some()) {
            if let Some(key) = self.wanted[self.members[claimed.at].at].key {
                let answer = Answer::Reservation(ReservationKey(first.0 + claimed.at as u64));
                events.push(Event::KeyUsed(KeyUsed { hash: key.hash, fingerprint: key.fingerprint, answer }));
            }
        }
        events
    }
}
