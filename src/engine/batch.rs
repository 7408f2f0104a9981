//! Many reservations in one call: each all or nothing, each answered for itself, as many as fit in one record.
//!
//! What does not depend on the single reservation is done once for a group: guard, clock, bytes of the header, one take
//! per cell, one append, one entry in each due index. A group is decided on a picture of the words it needs, so that its
//! later members see what its earlier ones want; then the sums are taken, each word once and ascending, all or nothing. If
//! a word has less by then, the group is decided again. Only what finds all it asks for in a plain way is in a group.
//! Everything else is carried out alone, by the very path of a single reservation, so that a group never refuses, expires
//! or waits for a name: in its turn what may yet get units (something of it is due, less is welcome, kits, names and keys
//! that are known or being decided, limits of the buyer's channel), after the group what can only be refused (faults; too little and nothing due).
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

use foldhash::fast::RandomState;

use super::cell::{AllCells, CellWord, Counter};
use super::due::Run;
use super::network::Network;
use super::stock::SkuStock;
use super::table::{Claim, Name, Named, Names};
use super::turn::Turn;
use super::withdrawal::{Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::{Command, Context, Reserve, ReserveLine, ReserveOne};
use crate::domain::event::{Answer, Event, KeyUsed, ReservationChanged, StockMoved};
use crate::domain::ids::{NodeIndex, ReservationKey, SkuIndex, Text};
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

/// Reservations whose places in memory are fetched together, and how many of their lines at most.
const FETCHED: usize = 16;
const LINES_FETCHED: usize = 32;

type Answered = Result<Executed, Rejection>;

impl Engine {
    /// Makes many reservations; answers one by one, in the order asked. The answers may be told only when the records of
    /// their `seq` are durable.
    pub fn reserve_many(&self, log: &dyn Log, context: &Context, wanted: &[ReserveOne]) -> Vec<Answered> {
        let turn = Turn::new(log, context, None);
        let mut answers: Vec<Option<Answered>> = Vec::with_capacity(wanted.len());
        answers.resize_with(wanted.len(), || None);
        let mut last = Vec::new();
        let (mut next, mut most, mut lost) = (0, GROUP_MAX, 0);
        let mut patience = Patience::default();
        while next < wanted.len() {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let mut group = Group::new(&network, &self.names, wanted, next);
            group.decide(turn.now(), most);
            let (until, in_turn) = (group.until, group.in_turn);
            match self.make(&turn, &mut group, &mut patience) {
                Made::All(made) => {
                    group.members.iter().zip(made).for_each(|(member, one)| answers[member.at] = Some(Ok(one)));
                    last.append(&mut group.refused);
                    (next, lost) = (until, 0);
                    drop(group);
                    drop(network);
                    if in_turn {
                        answers[next] = Some(self.reserve_alone(log, context, &wanted[next]));
                        next += 1;
                    }
                }
                Made::TooLarge if group.members.len() > 1 => most = group.members.len() / 2,
                Made::Lost if lost < LOST_MAX => lost += 1,
                Made::TooLarge | Made::Lost => {
                    drop(group);
                    drop(network);
                    for at in next..until {
                        answers[at] = Some(self.reserve_alone(log, context, &wanted[at]));
                    }
                    (next, lost) = (until, 0);
                }
            }
        }
        for at in last {
            answers[at] = Some(self.reserve_alone(log, context, &wanted[at]));
        }
        answers.into_iter().map(|answer| answer.expect("each is in a group or alone")).collect()
    }

    fn reserve_alone(&self, log: &dyn Log, context: &Context, one: &ReserveOne) -> Answered {
        self.execute(log, &Context { key: one.key, ..context.clone() }, Command::Reserve(one.reserve.clone()))
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
        let words: Vec<(CellWord<'_>, u32)> = taken.iter().map(|cell| (cell.word, cell.taken)).collect();
        let Ok(withdrawal) = Withdrawal::take(&words, patience) else {
            self.reservations.remove_run(first, count);
            return Made::Lost;
        };
        let mut logged = turn.log_with(self, sealed, |_| {
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
        if planted(Bug::BatchMisplaces) {
            answers.reverse();
        }
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
    /// How far the group goes; what is before it is a member or refused.
    until: usize,
    /// The next after it is to be carried out alone, in its turn.
    in_turn: bool,
    members: Vec<Member>,
    refused: Vec<usize>,
    claims: Vec<Claimed<'a>>,
    skus: Vec<Sku<'a>>,
    sku_at: HashMap<SkuIndex, usize, RandomState>,
    cells: Vec<Cell<'a>>,
    bytes: usize,
    /// The sku of the line before: most batches ask for few.
    last: Option<(Text, (usize, SkuIndex))>,
    /// What the reservation being decided takes.
    chosen: Vec<Chosen>,
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

/// Why one is carried out alone.
enum Alone {
    /// It may get what it asks for, now or never.
    InTurn,
    /// It can only be refused, by whoever looks closer.
    Refused,
}

/// Units of a cell of a sku, by their places in the group.
struct Chosen {
    sku: usize,
    cell: usize,
    units: u32,
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
    stock: SkuStock<'a>,
    /// Whether all its cells are in the picture, or at most the one its first line took from.
    complete: bool,
    cells: Range<usize>,
    run: u32,
    ends: JournalTime,
    holders: Range<u32>,
}

/// A cell as the group sees it.
struct Cell<'a> {
    key: CellKey,
    word: CellWord<'a>,
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
            in_turn: false,
            members: Vec::with_capacity(most),
            refused: Vec::new(),
            claims: Vec::new(),
            skus: Vec::new(),
            sku_at: HashMap::default(),
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
        let mut fetched = self.until;
        while let Some(one) = wanted.get(self.until) {
            if self.until == fetched {
                fetched = wanted.len().min(fetched + FETCHED);
                self.fetch(&wanted[self.until..fetched]);
            }
            let bytes = bytes_of(one);
            let full = self.members.len() >= most || self.bytes + bytes > GROUP_BYTES;
            if full && !self.members.is_empty() {
                break;
            }
            match self.join(self.until, one) {
                Ok(()) => self.bytes += bytes,
                Err(Alone::Refused) => self.refused.push(self.until),
                Err(Alone::InTurn) => {
                    self.in_turn = true;
                    return;
                }
            }
            self.until += 1;
        }
    }

    /// Looks at the skus of some, at their stock and at their cells, in three steps in which no look waits for another: the
    /// processor fetches them together, and whoever decides finds them there.
    fn fetch(&self, wanted: &[ReserveOne]) {
        let mut found = [None; LINES_FETCHED];
        let lines = wanted.iter().flat_map(|one| &one.reserve.lines);
        let mut before = self.last.as_ref().map(|(sku, _)| sku);
        for (found, line) in found.iter_mut().zip(lines) {
            let is_known = before.replace(&line.sku).is_some_and(|before| Arc::ptr_eq(before, &line.sku));
            *found = if is_known { None } else { self.network.sku_index(&line.sku) };
        }
        let cells = || found.iter().flatten().map(|sku| self.network.sku(*sku).cells);
        std::hint::black_box(cells().fold(0, |sum, cells| sum ^ cells.count()));
        let free = |cells: AllCells<'_>| cells.iter().fold(0, |sum, cell| sum ^ cell.word.free());
        std::hint::black_box(cells().fold(0, |sum, cells| sum ^ free(cells)));
    }

    /// Takes one into the group, unless it has to be carried out alone.
    fn join(&mut self, at: usize, one: &ReserveOne) -> Result<(), Alone> {
        let reserve = &one.reserve;
        if reserve.partial || reserve.lines.is_empty() || reserve.lines.len() > RESERVATION_LINES_MAX {
            return Err(Alone::InTurn);
        }
        let catalogue = &self.network.catalogue;
        let whose = catalogue.whose(reserve.channel.as_deref(), reserve.customer.as_deref());
        if catalogue.is_narrowed(whose) {
            return Err(Alone::InTurn);
        }
        let names = self.names;
        let free = |name: Name| names.try_claim(name).filter(|claim| claim.taken().is_none()).ok_or(Alone::InTurn);
        let key = one.key.map(|key| free(Name::Key(key.hash))).transpose()?;
        let id = reserve.id.clone().map(|id| free(Name::Reservation(id))).transpose()?;
        // Lines that name a node come first: the others can go elsewhere.
        let (named, open) = (|line: &&ReserveLine| line.node.is_some(), |line: &&ReserveLine| line.node.is_none());
        let mut lines = reserve.lines.iter().filter(named).chain(reserve.lines.iter().filter(open));
        self.chosen.clear();
        let mut chosen = lines.try_for_each(|line| self.choose(line));
        if self.chosen.len() > RESERVATION_CELLS_MAX {
            chosen = Err(Alone::InTurn);
        }
        if let Err(mut alone) = chosen {
            for Chosen { cell, units, .. } in self.chosen.iter().filter(|_| !planted(Bug::BatchRefusedKeeps)) {
                self.cells[*cell].free += units;
                self.cells[*cell].taken -= units;
            }
            // One that is refused expires what is due of all its skus first: that is for those after it to see.
            let is_due = |group: &mut Self, line: &ReserveLine| match group.sku(&line.sku) {
                Ok((sku, _)) => !group.skus[sku].stock.due.due(group.now).is_empty(),
                Err(_) => false,
            };
            if reserve.lines.iter().any(|line| is_due(self, line)) {
                alone = Alone::InTurn;
            }
            return Err(alone);
        }
        if key.is_some() || id.is_some() {
            self.claims.push(Claimed { at: self.members.len(), key, id });
        }
        let expires_at = self.now.plus_s(reserve.ttl_s);
        self.note_due(expires_at);
        let lines = self.held();
        self.members.push(Member { at, expires_at, lines });
        Ok(())
    }

    /// Chooses cells for a line, those that have most first.
    fn choose(&mut self, line: &ReserveLine) -> Result<(), Alone> {
        let node = match &line.node {
            Some(node) => Some(self.network.catalogue.node_index(node).ok_or(Alone::Refused)?),
            None => None,
        };
        let mut left = line.quantity.units();
        if left > QUANTITY_MAX {
            return Err(Alone::Refused);
        }
        let (sku, index) = self.sku(&line.sku)?;
        if self.skus[sku].cells.is_empty() && self.take_first(sku, index, node, left) {
            return Ok(());
        }
        self.complete(sku, index);
        let asked = |cell: &Cell| cell.free > 0 && node.is_none_or(|node| node == cell.key.node);
        let rank = |cell: &Cell| (Reverse(cell.free), cell.key.node);
        let mut places: Vec<usize> = self.skus[sku].cells.clone().filter(|at| asked(&self.cells[*at])).collect();
        let free: u64 = places.iter().map(|at| u64::from(self.cells[*at].free)).sum();
        if free < u64::from(left) {
            return Err(Alone::Refused);
        }
        // One cell is enough as a rule; the others are put in order only when it is not.
        match places.iter().copied().min_by_key(|at| rank(&self.cells[*at])) {
            Some(best) if self.cells[best].free >= left => places = vec![best],
            _ => places.sort_unstable_by_key(|at| rank(&self.cells[*at])),
        }
        for at in places {
            let units = self.cells[at].free.min(left);
            self.cells[at].free -= units;
            self.cells[at].taken += units;
            left -= units;
            self.chosen.push(Chosen { sku, cell: at, units });
            if left == 0 {
                break;
            }
            if self.chosen.len() > RESERVATION_CELLS_MAX {
                return Err(Alone::InTurn);
            }
        }
        Ok(())
    }

    /// The first line of a sku takes all of it from the cell that has most, if that is enough; the other cells are not
    /// remembered, as most skus of a wide batch are asked for once.
    fn take_first(&mut self, sku: usize, index: SkuIndex, node: Option<NodeIndex>, units: u32) -> bool {
        let network = self.network;
        let asked = |at: NodeIndex| node.is_none_or(|node| node == at) && network.supplies(at);
        let cells = self.skus[sku].stock.cells.iter().filter(|cell| asked(cell.node));
        let cells = cells.map(|cell| (cell.word.free(), cell));
        let Some((free, cell)) = cells.max_by_key(|(free, cell)| (*free, Reverse(cell.node))) else { return false };
        if free < units {
            return false;
        }
        let (at, key) = (self.cells.len(), CellKey { sku: index, node: cell.node });
        let (word, reserved) = (cell.word, cell.reserved);
        self.cells.push(Cell { key, word, reserved, free: free - units, taken: units });
        self.skus[sku].cells = at..at + 1;
        self.chosen.push(Chosen { sku, cell: at, units });
        true
    }

    /// Completes the picture of a sku: every cell that supplies.
    fn complete(&mut self, sku: usize, index: SkuIndex) {
        if self.skus[sku].complete {
            return;
        }
        let network = self.network;
        let first = self.skus[sku].cells.clone();
        let from = self.cells.len();
        let supplying = self.skus[sku].stock.cells.iter().filter(|cell| network.supplies(cell.node));
        self.cells.extend(supplying.map(|cell| Cell {
            key: CellKey { sku: index, node: cell.node },
            word: cell.word,
            reserved: cell.reserved,
            free: cell.word.free(),
            taken: 0,
        }));
        // What the first line took stands in the new picture from now on.
        for old in first {
            let (key, taken) = (self.cells[old].key, std::mem::take(&mut self.cells[old].taken));
            let again = (from..self.cells.len()).find(|at| self.cells[*at].key == key);
            let new = again.expect("the catalogue stands still, so the cell supplies still");
            self.cells[new].taken = taken;
            self.cells[new].free = self.cells[new].free.saturating_sub(taken);
            self.chosen.iter_mut().filter(|chosen| chosen.cell == old).for_each(|chosen| chosen.cell = new);
        }
        self.skus[sku].cells = from..self.cells.len();
        self.skus[sku].complete = true;
    }

    /// A product as the group knows it.
    fn sku(&mut self, name: &Text) -> Result<(usize, SkuIndex), Alone> {
        if let Some((last, at)) = &self.last
            && Arc::ptr_eq(last, name)
        {
            return Ok(*at);
        }
        let network = self.network;
        let front = network.front(name).ok_or(Alone::Refused)?;
        let (sku, next) = (front.index(), self.skus.len());
        if network.limits.of(sku).is_some() {
            return Err(Alone::InTurn);
        }
        let at = *self.sku_at.entry(sku).or_insert(next);
        if at == next {
            match front.kind() {
                ItemKind::Product => {}
                ItemKind::Kit | ItemKind::Service | ItemKind::Digital => {
                    self.sku_at.remove(&sku);
                    return Err(Alone::InTurn);
                }
            }
            let (stock, ends) = (network.sku(sku), JournalTime::default());
            self.skus.push(Sku { stock, complete: false, cells: 0..0, run: u32::MAX, ends, holders: 0..0 });
        }
        self.last = Some((name.clone(), (at, sku)));
        Ok((at, sku))
    }

    /// The chosen cells as the next member's lines.
    fn held(&mut self) -> HeldLines {
        let cells = &self.cells;
        let held = |chosen: &Chosen| {
            let CellKey { sku, node } = cells[chosen.cell].key;
            Held { sku, node, quantity: chosen.units }
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
        for chosen in &self.chosen {
            let sku = &mut self.skus[chosen.sku];
            if sku.run != self.run {
                if !sku.holders.is_empty() {
                    self.due.push((chosen.sku, sku.ends, sku.holders.clone()));
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
        let moved = taken.len() - usize::from(planted(Bug::BatchLosesCell) && taken.len() > 1);
        events.extend(taken[..moved].iter().map(|cell| {
            let units = cell.taken as i32;
            let delta = LevelDelta { available: -units, reserved: units, ..LevelDelta::default() };
            Event::StockMoved(StockMoved { cell: cell.key, kind: MovementKind::Reserved, delta })
        }));
        let keyed = |claimed: &&Claimed<'_>| claimed.key.is_some() && !planted(Bug::BatchLosesKeys);
        for claimed in self.claims.iter().filter(keyed) {
            if let Some(key) = self.wanted[self.members[claimed.at].at].key {
                let answer = Answer::Reservation(ReservationKey(first.0 + claimed.at as u64));
                let (hash, fingerprint) = (key.hash, key.fingerprint);
                events.push(Event::KeyUsed(KeyUsed { hash, fingerprint, answer, before: None }));
            }
        }
        events
    }
}
