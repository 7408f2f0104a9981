//! What is bought when it is ordered: a document of supply for units that wait, in the record that lets them wait.
//!
//! A document is bought for so many units as nothing known of brings by then; it is one like any other, so the pegs of
//! whoever waits find it by its date. Whenever the queue of a sku changed, its purchases are brought to it: what lacks is
//! bought as far as the terms allow, and what nobody waits for any more is given back, the last to come first, before it
//! has come. Both are decided under the ledger of the sku, so nothing is bought twice.
//!
//! **Bounds**: per node and sku so many units a day and so many open, if the terms say so; what they leave waits, and the
//! clock buys it on the next day. Costs nothing where nothing is bought: one look at a flag. What is *not* here: who lacks
//! what at which node (`lacking`), terms and their room (`domain::supply`), documents and pegs (`inbound`).

use std::collections::{BTreeMap, BTreeSet};

use dashmap::DashMap;

use super::Engine;
use super::change::Change;
use super::lacking::Supply;
use super::network::Network;
use super::soonest::Soonest;
use super::table::Locked;
use super::turn::{Logged, Turn};
use super::withdrawal::Withdrawal;
use crate::domain::event::{Event, InboundChanged};
use crate::domain::ids::{InboundKey, NodeIndex, SkuIndex, Text};
use crate::domain::inbound::{Coming, Inbound, InboundEvent, SupplyKey};
use crate::domain::limits::{INBOUND_LINES_MAX, QUANTITY_MAX};
use crate::domain::order::OrderEvent;
use crate::domain::supply::{BoughtUnits, day_of, until_next_day};
use crate::domain::time::{JournalTime, WallTime};
use crate::sabotage::{Bug, planted};

/// Documents that are lowered in one go; of more the clock sees.
const LOWERED_MAX: usize = 1_024;
/// Most documents that one record makes: each names its supplier.
const DOCUMENTS_MAX: usize = if cfg!(test) { 8 } else { 128 };

/// What a document has of a sku that was bought.
#[derive(Clone, Copy, Debug)]
pub struct Bought {
    /// Where it comes to.
    pub node: NodeIndex,
    /// The day of UTC on which it was bought.
    pub day: i64,
    /// How many units.
    pub units: u32,
}

/// What was bought, by sku: as long as it is open, and on the day of its purchase.
#[derive(Debug, Default)]
pub struct Purchases {
    of: DashMap<SkuIndex, BTreeMap<InboundKey, Bought>>,
    /// Skus that may be bought again on another day.
    due: Soonest<SkuIndex>,
}

impl Purchases {
    fn of(&self, sku: SkuIndex) -> BTreeMap<InboundKey, Bought> {
        self.of.get(&sku).map(|bought| bought.clone()).unwrap_or_default()
    }

    /// Notes a document; of what neither is open nor was bought today nothing needs to know any more.
    fn note(&self, sku: SkuIndex, document: InboundKey, bought: Bought, open: &[Coming]) {
        let is_open = |key: InboundKey| open.iter().any(|coming| coming.document == SupplyKey::Inbound(key));
        let mut all = self.of.entry(sku).or_default();
        all.retain(|key, known| known.day == bought.day || is_open(*key));
        all.insert(document, bought);
    }

    fn lower(&self, sku: SkuIndex, document: InboundKey, units: u32) {
        if let Some(bought) = self.of.get_mut(&sku).as_mut().and_then(|all| all.get_mut(&document)) {
            bought.units = bought.units.saturating_sub(units);
        }
    }
}

/// Documents that a record buys.
#[derive(Debug, Default)]
pub struct Buying {
    at: WallTime,
    documents: Vec<Document>,
}

#[derive(Debug)]
struct Document {
    key: InboundKey,
    node: NodeIndex,
    supplier: Option<Text>,
    eta: WallTime,
    lines: Vec<(SkuIndex, u32)>,
}

impl Document {
    fn event(&self, at: WallTime) -> InboundEvent {
        InboundEvent::Bought {
            node: self.node,
            supplier: self.supplier.clone(),
            at,
            eta: self.eta,
            lines: self.lines.clone(),
        }
    }

    fn coming(&self) -> impl Iterator<Item = (SkuIndex, Coming)> {
        let (at, document, node) = (self.eta, SupplyKey::Inbound(self.key), self.node);
        self.lines.iter().map(move |&(sku, units)| (sku, Coming { at, document, node, units }))
    }
}

impl Buying {
    /// Whether nothing is bought.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Units of a sku that are bought.
    pub fn units_of(&self, sku: SkuIndex) -> u64 {
        let lines = self.documents.iter().flat_map(|document| &document.lines);
        lines.filter(|(bought, _)| *bought == sku).map(|(_, units)| u64::from(*units)).sum()
    }

    /// What goes into the record.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let changed =
            |document: &Document| InboundChanged { key: document.key, version: 1, event: document.event(self.at) };
        self.documents.iter().map(move |document| Event::InboundChanged(Box::new(changed(document))))
    }

    /// What it tells of the order it is bought for.
    pub fn told(&self) -> Option<OrderEvent> {
        let of = |document: &Document| {
            let (node, document_key, eta) = (document.node, document.key, document.eta);
            let one =
                move |&(sku, units): &(SkuIndex, u32)| BoughtUnits { sku, units, node, document: document_key, eta };
            document.lines.iter().map(one).collect::<Vec<_>>()
        };
        let units: Vec<BoughtUnits> = self.documents.iter().flat_map(of).collect();
        (!units.is_empty()).then_some(OrderEvent::Bought { units })
    }

    fn add(
        &mut self,
        key: impl FnOnce() -> InboundKey,
        node: NodeIndex,
        eta: WallTime,
        supplier: Option<&Text>,
        line: (SkuIndex, u32),
    ) {
        let fits = |document: &&mut Document| {
            (document.node, document.eta, document.supplier.as_ref()) == (node, eta, supplier)
                && document.lines.len() < INBOUND_LINES_MAX
        };
        match self.documents.iter_mut().find(fits) {
            Some(document) => document.lines.push(line),
            None => {
                let supplier = supplier.cloned();
                self.documents.push(Document { key: key(), node, supplier, eta, lines: vec![line] });
            }
        }
    }
}

impl Engine {
    /// What is bought for units that join the queues of these skus, whose ledgers the change holds. `joined` says how many
    /// of each.
    pub(super) fn buying(
        &self,
        network: &Network,
        change: &mut Change<'_>,
        joined: &BTreeMap<SkuIndex, u64>,
        now: WallTime,
    ) -> Buying {
        let mut buying = Buying { at: now, documents: Vec::new() };
        for (sku, units) in joined {
            self.buy(network, change, (*sku, *units), &mut buying);
        }
        buying
    }

    /// Buys of a sku what lacks and may be bought, up to so many units; answers whether something lacks that may be bought
    /// on another day.
    fn buy(
        &self,
        network: &Network,
        change: &mut Change<'_>,
        (sku, units): (SkuIndex, u64),
        buying: &mut Buying,
    ) -> bool {
        let terms = network.catalogue.policies().just_in_time(sku).filter(|(node, _)| network.supplies(*node));
        let mut terms: Vec<_> = terms.collect();
        if terms.is_empty() {
            return false;
        }
        terms.sort_by_key(|(node, terms)| (terms.lead_s, *node));
        let (now, demand) = (buying.at, self.demand_to_buy_for(network, change, sku));
        let coming = self.arriving(network, sku, change.ledger(sku));
        let mut supply = Supply::of(network, coming, self.purchases.of(sku));
        let (mut left, mut later) = (units, false);
        for (node, terms) in terms {
            if buying.documents.len() >= DOCUMENTS_MAX {
                return true;
            }
            let (eta, (today, open)) = (terms.eta(now), supply.at(node, day_of(now)));
            let lacks = supply.lacks_by(&demand, eta, node).min(left);
            let most = lacks.min(terms.room(today, open)).min(u64::from(QUANTITY_MAX));
            later |= most < lacks && terms.per_day.is_some();
            let Some(most) = u32::try_from(most).ok().filter(|most| *most > 0) else { continue };
            left -= u64::from(most);
            supply.plan(eta, node, most);
            let key = || InboundKey(self.next_key());
            buying.add(key, node, eta, terms.supplier.as_ref(), (sku, most));
        }
        later
    }

    /// Makes the documents of a record that is about to be appended; they stay locked until they are folded.
    pub(super) fn begin_buying(&self, buying: &Buying) -> Vec<Locked<Inbound>> {
        buying.documents.iter().map(|document| self.inbound.begin(document.key)).collect()
    }

    /// What was bought comes from now on. The caller holds the ledgers, and the record is appended.
    pub(super) fn note_buying(&self, buying: &Buying) {
        for document in &buying.documents {
            self.arrivals.note(document.coming());
            for (sku, units) in document.lines.iter().filter(|_| !planted(Bug::PurchaseUncounted)) {
                let bought = Bought { node: document.node, day: day_of(buying.at), units: *units };
                self.purchases.note(*sku, document.key, bought, &self.arrivals.of(*sku));
            }
        }
    }

    /// Folds what a record bought.
    pub(super) fn fold_buying(&self, buying: &Buying, slots: Vec<Locked<Inbound>>, logged: &Logged) {
        for (document, mut slot) in buying.documents.iter().zip(slots) {
            let folded = Inbound::fold(None, document.key, 1, logged.header(), &document.event(buying.at));
            *slot = Some(folded.expect("what was bought begins a document"));
            self.watch_supply(SupplyKey::Inbound(document.key), document.eta);
        }
    }

    /// Notes a document at start that was bought.
    pub(super) fn hold_purchase(&self, inbound: &Inbound) {
        let Some(at) = inbound.bought_at else { return };
        for line in &inbound.lines {
            let bought = Bought { node: inbound.node, day: day_of(at), units: line.expected };
            self.purchases.of.entry(line.sku).or_default().insert(inbound.key, bought);
        }
    }

    /// Units of a sku that can be bought early enough to be there at an instant, by node.
    pub(super) fn buyable(
        &self,
        network: &Network,
        sku: SkuIndex,
        coming: &[Coming],
        (now, by): (WallTime, WallTime),
    ) -> Vec<(NodeIndex, u64)> {
        let policies = network.catalogue.policies();
        let mut terms = policies.just_in_time(sku).peekable();
        if !policies.has_supply() || terms.peek().is_none() {
            return Vec::new();
        }
        let supply = Supply::of(network, coming.to_vec(), self.purchases.of(sku));
        let terms = terms.filter(|(node, _)| network.supplies(*node));
        let room = |(node, terms): (NodeIndex, &crate::domain::supply::JustInTime)| {
            let (today, open) = supply.at(node, day_of(now));
            (node, terms.room_by(now, by, today, open))
        };
        terms.map(room).collect()
    }

    /// Brings what was bought of a sku to what waits for it. The caller holds no entity and no ledger.
    pub(super) fn keep_purchases(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) {
        if !network.catalogue.policies().has_supply() {
            return;
        }
        for _ in 0..LOWERED_MAX {
            if !self.give_back(turn, network, sku) {
                break;
            }
        }
        self.buy_lacking(turn, network, sku);
    }

    /// These skus, and those that kits want with them: where a kit can be whole may be another node now.
    pub(super) fn with_parts(&self, network: &Network, mut skus: BTreeSet<SkuIndex>) -> BTreeSet<SkuIndex> {
        if network.catalogue.policies().has_supply() {
            let others = |sku: &SkuIndex| {
                let ledger = network.sku(*sku).ledger.lock();
                ledger.loose().values().flat_map(|(_, loose)| loose.others.to_vec()).collect::<Vec<_>>()
            };
            let parts: Vec<SkuIndex> = skus.iter().flat_map(others).collect();
            skus.extend(parts);
        }
        skus
    }

    /// Brings every purchase to what waits, at start.
    pub(super) fn keep_all_purchases(&self, turn: &Turn<'_>, network: &Network) {
        let mut skus: BTreeSet<SkuIndex> = network.catalogue.policies().bought().collect();
        skus.extend(self.purchases.of.iter().map(|bought| *bought.key()));
        skus.into_iter().for_each(|sku| self.keep_purchases(turn, network, sku));
    }

    /// Buys what may be bought on this day and not before; answers when the clock should come again.
    pub(super) fn purchases_due(&self, turn: &Turn<'_>, now: JournalTime) -> Option<JournalTime> {
        let due = self.purchases.due.take_due(now, LOWERED_MAX);
        if !due.is_empty() {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let skus: BTreeSet<SkuIndex> = due.into_iter().collect();
            skus.into_iter().for_each(|sku| self.keep_purchases(turn, &network, sku));
        }
        self.purchases.due.next()
    }

    /// Gives back units of the last document that was bought for more than is wanted; answers whether there was one.
    fn give_back(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) -> bool {
        if self.purchases.of.get(&sku).is_none_or(|bought| bought.is_empty()) {
            return false;
        }
        let now = turn.log.now().wall;
        let terms = network.catalogue.policies().just_in_time(sku).filter(|(node, _)| network.supplies(*node));
        let soonest = terms.map(|(_, terms)| terms.eta(now)).min();
        let surplus = |change: &mut Change<'_>| {
            let demand = self.demand_to_buy_for(network, change, sku);
            let coming = self.arriving(network, sku, change.ledger(sku));
            Supply::of(network, coming, self.purchases.of(sku)).surplus(&demand, soonest)
        };
        let own = BTreeSet::from([sku]);
        let seen = surplus(&mut Change::lock(network, &own));
        let Some((key, _)) = seen else { return false };
        let Some(mut slot) = self.inbound.lock(key) else { return false };
        let mut change = Change::lock(network, &own);
        let Some((_, units)) = surplus(&mut change).filter(|(now, _)| *now == key) else { return true };
        let inbound = slot.as_ref().expect("a locked entity is there");
        let is_it = |line: &&(u16, u32, SkuIndex)| line.2 == sku && line.1 > 0;
        let lines: Vec<(u16, u32, SkuIndex)> =
            (0..).zip(&inbound.lines).map(|(at, line)| (at, line.open(), line.sku)).collect();
        let Some(&(at, open, _)) = lines.iter().find(is_it).filter(|_| inbound.status().is_open()) else {
            return false;
        };
        let units = units.min(open);
        let event = InboundEvent::Lowered { lines: vec![(at, units)] };
        let changed = InboundChanged { key, version: inbound.version + 1, event };
        let (now, events) = (turn.now(), vec![Event::InboundChanged(Box::new(changed))]);
        let sealed = turn.seal(now, network.catalogue.seq, events, None).expect("one line is a small record");
        let brought: Vec<(SkuIndex, Coming)> = inbound.coming().filter(|(of, _)| *of == sku).collect();
        let left = brought.iter().map(|(of, coming)| (*of, Coming { units: coming.units - units, ..*coming }));
        let left: Vec<_> = left.filter(|(_, coming)| coming.units > 0).collect();
        let logged = turn.log_with(self, sealed, |at| {
            self.arrivals.forget(brought.into_iter());
            self.arrivals.note(left.into_iter());
            self.purchases.lower(sku, key, units);
            change.apply(Withdrawal::nothing(), at)
        });
        logged.fold_inbound(&mut slot);
        if let Some(at) = slot.as_ref().and_then(|inbound| inbound.ended_at) {
            self.ended_inbound.lock().push_back((at, key));
        }
        logged.done();
        true
    }

    /// Buys what lacks of a sku and may be bought; the rest is looked at on the next day.
    fn buy_lacking(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) {
        while network.catalogue.policies().just_in_time(sku).next().is_some() && self.buy_some(turn, network, sku) {}
    }

    /// Buys in one record; answers whether that is full and more may lack.
    fn buy_some(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) -> bool {
        let clocks = turn.clocks();
        let mut change = Change::lock(network, &BTreeSet::from([sku]));
        let mut buying = Buying { at: clocks.wall, documents: Vec::new() };
        if self.buy(network, &mut change, (sku, u64::MAX), &mut buying) {
            let next = JournalTime(clocks.journal.0.saturating_add(until_next_day(clocks.wall)));
            self.purchases.due.push(next, sku);
        }
        if buying.is_empty() {
            return false;
        }
        let events = buying.events().collect();
        let sealed = turn.seal(clocks.journal, network.catalogue.seq, events, None);
        let sealed = sealed.expect("so many documents of one line are a small record");
        let slots = self.begin_buying(&buying);
        let logged = turn.log_with(self, sealed, |at| {
            self.note_buying(&buying);
            change.apply(Withdrawal::nothing(), at)
        });
        self.fold_buying(&buying, slots, &logged);
        logged.done();
        buying.documents.len() >= DOCUMENTS_MAX
    }
}
