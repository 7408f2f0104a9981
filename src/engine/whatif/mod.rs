//! What would have been: the orders of a journal, decided again under other rules, rates, stock, nodes or demand, and
//! compared with what was decided.
//!
//! **The world as it was, plus what is otherwise.** Records are read one by one, each with the state after it. For every
//! cell it is known by how many units the supposed world has more or fewer than the real one had: what was supposed of its
//! stock, and the difference between what orders took there in either world. So stock follows the plans of the supposed
//! world from the first that differs on, while receipts, counts, transfers, carts and losses happen as they did.
//!
//! **Which decisions.** Every plan that was recorded when an order was placed or sourced again is made again at its place in
//! the journal, by the routing that makes all others, from what its solver saw then plus what is otherwise. So where
//! nothing is supposed every decision is made from the same inputs, and what comes of them must be the same. An order that
//! is decided alike in both worlds follows the journal from then on; one that is not is followed by its own account
//! (`other`): what was cancelled, refused or found short of it there is so here, where it has such units. What waits here
//! is served when units come, first come, first served.
//!
//! **What stays as it was.** Units that channel limits let nobody have; what nodes had to do on a day, and which had all they
//! can handle; carts,
//! transfers and physical corrections, which may find fewer units here than there: such a cell owes them, gives nothing, and
//! is told ([`Comparison::owed`]). Plans of which too little was recorded (`followed`) are taken over.
//!
//! **Cost.** One fold and, for every plan, one routing and the price of each plan that differs. Memory: the state of the
//! journal, its catalogue once more, and an entry for every order that is otherwise. Nothing is written and nothing locked.
//!
//! | file | what |
//! |---|---|
//! | `suppose` | what is supposed, and the scenes that need a look over the journal first |
//! | `world` | catalogue and stock of the supposed world |
//! | `decide` | a recorded plan, made again |
//! | `other` | orders that are otherwise, and who waits here |
//! | `figures` | what plans come to |
//!
//! What is *not* here: reading a journal, and the search for rules that reach a target (`replay`).

pub(in crate::engine) mod decide;
pub(in crate::engine) mod figures;
mod other;
mod suppose;
mod world;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use self::decide::{Case, Leg, Made, Recorded};
pub use self::figures::Figures;
use self::figures::Valuing;
use self::other::{Held, Other, Queues, held_of};
pub use self::suppose::{MoreStock, SceneKind, Suppose, SupposedRules, Survey, Surveyed};
use self::suppose::{Scene, Treatment};
use self::world::World;
use super::order_rules::rules_among;
use crate::domain::archive::Archiving;
use crate::domain::decision::Decision;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::evidence::Ruled;
use crate::domain::ids::{OrderKey, Text};
use crate::domain::order::{Allocation, Order, OrderEvent};
use crate::domain::record::Record;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::book::RuleBook;
use crate::domain::rules::groups::GroupRules;
use crate::domain::state::State;
use crate::domain::time::WallTime;

/// Most decisions that differ that are told one by one.
pub const DIFFERENCES_MAX: usize = 1_000;

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Records read.
    pub records: u64,
    /// Orders that count.
    pub orders: u64,
    /// Plans that were made again.
    pub decided: u64,
    /// Those of them by rules that mind orders to come, while nothing was known of these: as if nothing were worth anything.
    pub unpriced: u64,
    /// Those of them that other rules are not supposed for: the order names some, or a narrower scope holds.
    pub not_concerned: u64,
    /// Those of them that are the same.
    pub same: u64,
    /// Plans of which too little was recorded: they were taken over.
    pub followed: u64,
    /// What was decided.
    pub before: Figures,
    /// What would have been.
    pub after: Figures,
    /// Units that were taken as they were although the supposed world had used them, at the end.
    pub owed: u64,
    /// The first plans that differ.
    pub differences: Vec<Difference>,
}

/// A plan that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the order.
    pub order: String,
    /// What was decided: nodes and their units.
    pub before: Vec<(String, u64)>,
    /// What would have been.
    pub after: Vec<(String, u64)>,
    /// Units that were not filled.
    pub unfilled_before: u64,
    /// Units that would not have been.
    pub unfilled_after: u64,
}

/// See the module.
pub struct WhatIf {
    suppose: Suppose,
    rules: Option<Arc<AppliedRules>>,
    /// All rule sets as they are by now, those supposed among them.
    book: Option<RuleBook>,
    scene: Scene,
    world: World,
    others: HashMap<OrderKey, Other>,
    queues: Queues,
    comparison: Comparison,
    has_begun: bool,
    /// The wall clock of the last record.
    wall: WallTime,
}

/// A recorded plan and the one that was made instead.
struct Again {
    key: OrderKey,
    recorded: Recorded,
    made: Option<Made>,
    treatment: Treatment,
}

impl WhatIf {
    /// Before the first record. `surveyed` is what a look over the same records found out, where one is needed.
    pub fn new(suppose: Suppose, surveyed: Surveyed) -> Self {
        let Surveyed { rules, scene } = surveyed;
        Self {
            suppose,
            // What is asked is what they do while they are on.
            rules: rules.map(|rules| Arc::new(rules.always())),
            book: None,
            scene,
            world: World::default(),
            others: HashMap::new(),
            queues: Queues::default(),
            comparison: Comparison::default(),
            has_begun: false,
            wall: WallTime(0),
        }
    }

    /// Begins at a state, with the records after it.
    pub fn begin(&mut self, state: &State) {
        self.has_begun = true;
        if !state.is_empty() {
            self.world.begin(state, &self.suppose);
        }
        self.suppose_rules();
    }

    /// Reads the next record, with the state after it. Where nothing was begun the first one must be the journal's first;
    /// else it is where reading begins, and nothing of it is decided again.
    pub fn see(&mut self, record: &Record, state: &State) {
        self.comparison.records += 1;
        (self.wall, self.world.now) = (record.header.wall, record.header.decided_at);
        if !std::mem::replace(&mut self.has_begun, true) && record.header.seq != 1 {
            return self.begin(state);
        }
        for event in &record.events {
            self.world.learn(event, record.header.seq, &self.suppose);
        }
        let changes_rules = |event: &Event| matches!(event, Event::RuleSetPut(_) | Event::RuleSetChanged(_));
        if self.book.is_none() || record.events.iter().any(changes_rules) {
            self.suppose_rules();
        }
        let hour = self.hour_of(record);
        if hour.is_some() {
            self.world.supply(record, state, &self.suppose, &self.scene);
        }
        let again: Vec<Again> = record.events.iter().filter_map(|event| self.again(event, record, state)).collect();
        self.world.move_stock(record, state, &self.suppose);
        for again in again {
            self.settle(again, record.header.wall, state);
        }
        self.follow(record, state);
        if let Some(hour) = hour {
            self.place_extras(hour, state);
        }
        self.serve(record.header.wall, state);
    }

    /// What came of it, up to the last record.
    pub fn finish(mut self, state: &State) -> Comparison {
        self.place_extras(i64::MAX, state);
        for order in state.orders().filter(|order| !order.is_archived()) {
            let treatment = self.scene.treatment(&self.suppose, &order.facts, order.key);
            let lines = order.lines.iter();
            let waits: u64 = lines.map(|line| u64::from(line.unallocated) + u64::from(line.waiting())).sum();
            if treatment.counts {
                self.comparison.before.waiting += waits;
            }
            if treatment.counts && treatment.decides && !self.others.contains_key(&order.key) {
                self.comparison.after.waiting += waits;
            }
        }
        self.comparison.after.waiting += self.others.values().map(|other| other.waits).sum::<u64>();
        self.comparison.owed = self.world.owed(state);
        self.comparison
    }

    /// What came of it so far.
    pub fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    /// A plan that a record tells of, made again from the stock before the record.
    fn again(&mut self, event: &Event, record: &Record, state: &State) -> Option<Again> {
        let Event::OrderChanged(changed) = event else { return None };
        let (allocations, backordered, decision) = match &changed.event {
            OrderEvent::Placed { allocations, backordered, decision: Some(decision), .. }
            | OrderEvent::Sourced { allocations, backordered, decision: Some(decision) } => {
                (allocations, backordered, decision)
            }
            _ => return None,
        };
        let order = order_of(state, changed.key)?;
        let is_first = order.fulfillment_orders.len() == allocations.len();
        let recorded = Recorded::of(allocations, backordered, decision, is_first);
        let treatment = self.scene.treatment(&self.suppose, &order.facts, changed.key);
        self.comparison.orders += u64::from(is_first && treatment.counts);
        let mut again = Again { key: changed.key, recorded, made: None, treatment };
        if !treatment.decides || self.others.contains_key(&changed.key) {
            return Some(again);
        }
        self.world.supply(record, state, &self.suppose, &self.scene);
        if treatment.copies > 0 {
            let rules = self.rules_for(order, Some(&again.recorded), record.header.wall);
            let case = Case::of(order);
            again.made = decide::again(&self.world, record, state, &case, &again.recorded, &rules);
            match again.made {
                Some(_) => {
                    self.comparison.decided += 1;
                    let minds = rules.all().any(|rules| rules.looks_ahead());
                    self.comparison.unpriced += u64::from(minds && !self.world.knows_prices());
                    let concerns = |supposed| rules.all().any(|rules| Arc::ptr_eq(rules, supposed));
                    self.comparison.not_concerned += u64::from(self.rules.as_ref().is_some_and(|own| !concerns(own)));
                }
                None => self.comparison.followed += 1,
            }
        }
        Some(again)
    }

    /// Takes a plan that was made again into the accounts, once the record's own stock has moved.
    fn settle(&mut self, again: Again, wall: WallTime, state: &State) {
        let Again { key, recorded, made, treatment } = again;
        let Some(order) = order_of(state, key) else { return };
        let case = Case::of(order);
        let rules = self.rules_of_then(order, &recorded, wall);
        if treatment.counts {
            let figures = self.valuing(&case, &rules, wall).recorded(&recorded);
            self.comparison.before.add(&figures);
        }
        if !treatment.decides || self.others.contains_key(&key) {
            return;
        }
        let is_same = made.as_ref().is_none_or(|made| made.is(&recorded));
        if let Some(made) = &made {
            self.comparison.same += u64::from(is_same);
            if !is_same {
                self.differ(order, &recorded, made);
            }
        }
        let first = made.unwrap_or_else(|| Made::taken_over(&recorded));
        if treatment.copies > 0 {
            let figures = self.valuing(&case, &rules, wall).made(&first, recorded.is_first);
            self.comparison.after.add(&figures);
        }
        if !is_same || treatment.copies != 1 {
            self.part(order, (&recorded, &first), treatment.copies, wall, state);
        }
    }

    /// An order goes its own way from here on.
    fn part(
        &mut self,
        order: &Order,
        (recorded, first): (&Recorded, &Made),
        copies: u32,
        wall: WallTime,
        state: &State,
    ) {
        let before = held_of(order);
        self.world.shift_all(order, &before, 1, state);
        let mut held = Vec::new();
        for copy in 0..copies {
            let own = if copy == 0 {
                let mut own = before.clone();
                own.take_legs(&recorded.legs);
                own.add_legs(&first.legs);
                own
            } else {
                self.copy(order, wall)
            };
            self.world.shift_all(order, &own, -1, state);
            held.push(own);
        }
        self.keep(order.key, order, Other::new(order, before, held));
    }

    fn keep(&mut self, key: OrderKey, order: &Order, mut other: Other) {
        self.queues.wait(key, order, &mut other);
        self.others.insert(key, other);
    }

    /// Another order like this one, sourced from what is there now.
    fn copy(&mut self, order: &Order, wall: WallTime) -> Held {
        let case = Case::of(order);
        let units = (0..).zip(&order.lines).map(|(line, own)| (line, own.placed.quantity)).collect();
        let (rules, then) = (self.rules_for(order, None, wall), self.rules_of_order(order, wall));
        let made = decide::anew(&self.world, &case, units, &rules, wall);
        let figures = self.valuing(&case, &then, wall).made(&made, true);
        self.comparison.after.add(&figures);
        Held::of(&made.legs)
    }

    /// Up to which hour orders of other days are placed with a record, where the scene puts some here.
    fn hour_of(&self, record: &Record) -> Option<i64> {
        let placed = record.events.iter().find_map(|event| match event {
            Event::OrderChanged(changed) => match &changed.event {
                OrderEvent::Placed { facts, .. } => Some(facts),
                _ => None,
            },
            _ => None,
        });
        self.scene.hour_of(placed?)
    }

    /// Places orders of other days, up to an hour.
    fn place_extras(&mut self, hour: i64, state: &State) {
        while let Some((key, order)) = self.scene.next_extra(hour) {
            let held = self.copy(&order, self.wall);
            self.world.shift_all(&order, &held, -1, state);
            let other = Other::new(&order, Held::default(), vec![held]);
            self.keep(key, &order, other);
            if let Some(other) = self.others.get_mut(&key) {
                other.extra = Some(order);
            }
        }
    }

    /// What else the record tells of orders.
    fn follow(&mut self, record: &Record, state: &State) {
        let mut changed = BTreeSet::new();
        for event in &record.events {
            match event {
                Event::Archiving(Archiving::Left(key)) => drop(self.others.remove(key)),
                Event::OrderChanged(told) => {
                    changed.insert(told.key);
                    if let (OrderEvent::Filled { allocations }, Some(order)) = (&told.event, order_of(state, told.key))
                    {
                        self.fill(order, allocations, record.header.wall, state);
                    }
                }
                _ => {}
            }
        }
        for key in changed {
            let Some(order) = order_of(state, key) else { continue };
            let Some(mut other) = self.others.remove(&key) else { continue };
            other.follow(order, |held, sign| self.world.shift_all(order, held, sign, state));
            let waits = other.waits;
            self.queues.wait(key, order, &mut other);
            if other.waits > waits {
                // Units that came to be wanted are looked for at once.
                let skus = order.lines.iter().flat_map(|line| line.placed.stock(1)).map(|(sku, _)| sku);
                self.world.touched.extend(skus);
            }
            self.others.insert(key, other);
        }
    }

    /// Waiting units that were filled then are filled here by the same nodes, where these have them here too.
    fn fill(&mut self, order: &Order, allocations: &[Allocation], wall: WallTime, state: &State) {
        let treatment = self.scene.treatment(&self.suppose, &order.facts, order.key);
        let legs: Vec<Leg> = allocations.iter().map(Leg::of).collect();
        let case = Case::of(order);
        let rules = self.rules_of_order(order, wall);
        if treatment.counts {
            let figures = self.valuing(&case, &rules, wall).filled_then(&legs);
            self.comparison.before.add(&figures);
        }
        if !treatment.decides || self.others.contains_key(&order.key) {
            return;
        }
        if self.world.can_give(order, &legs, state) {
            let figures = self.valuing(&case, &rules, wall).filled(&legs);
            self.comparison.after.add(&figures);
            return;
        }
        let before = held_of(order);
        let mut held = before.clone();
        held.take_legs(&legs);
        self.world.shift_all(order, &Held::of(&legs), 1, state);
        self.keep(order.key, order, Other::new(order, before, vec![held]));
    }

    /// Gives what came free to those who wait here.
    fn serve(&mut self, wall: WallTime, state: &State) {
        for sku in std::mem::take(&mut self.world.touched) {
            for key in self.queues.waiting_for(sku) {
                if !self.world.has_free(sku) {
                    break;
                }
                let Some(mut other) = self.others.remove(&key) else {
                    self.queues.leave(sku, key);
                    continue;
                };
                let extra = other.extra.take();
                if let Some(order) = extra.as_deref().or_else(|| order_of(state, key)) {
                    self.serve_one(order, &mut other, wall, state);
                    self.queues.wait(key, order, &mut other);
                }
                other.extra = extra;
                self.others.insert(key, other);
            }
        }
    }

    fn serve_one(&mut self, order: &Order, other: &mut Other, wall: WallTime, state: &State) {
        let case = Case::of(order);
        let (rules, then) = (self.rules_for(order, None, wall), self.rules_of_order(order, wall));
        for copy in &mut other.copies {
            let units = copy.lacks(order);
            if units.is_empty() {
                continue;
            }
            let made = decide::anew(&self.world, &case, units, &rules, wall);
            if made.legs.is_empty() {
                continue;
            }
            let figures = self.valuing(&case, &then, wall).filled(&made.legs);
            self.comparison.after.add(&figures);
            self.world.shift_all(order, &Held::of(&made.legs), -1, state);
            copy.add_legs(&made.legs);
        }
    }

    /// Puts the rules that are supposed among those that there are by now.
    fn suppose_rules(&mut self) {
        self.book = self.rules.as_ref().map(|rules| self.world.network.catalogue.rules().supposing(rules));
    }

    /// Rules by which an order is sourced here: those supposed where they apply, else those of then, else what applies now.
    fn rules_for(&self, order: &Order, recorded: Option<&Recorded>, wall: WallTime) -> GroupRules {
        let others = match recorded {
            Some(recorded) => self.rules_of_then(order, recorded, wall),
            None => self.rules_of_now(order, wall),
        };
        let (Some(rules), Some(book)) = (&self.rules, &self.book) else { return others };
        let here = rules_among(&self.world.network, book, order, wall);
        let supposed = |group: u16| {
            let applies = Arc::ptr_eq(here.of(group), rules);
            if applies { rules.clone() } else { others.of(group).clone() }
        };
        GroupRules::of_groups(supposed(0), order.other_groups().map(|group| (group, supposed(group))))
    }

    fn rules_of_then(&self, order: &Order, recorded: &Recorded, wall: WallTime) -> GroupRules {
        let own = (&recorded.rule_set, recorded.rule_set_version);
        self.known_rules(own, &recorded.ruled).unwrap_or_else(|| self.rules_of_now(order, wall))
    }

    /// Rules by which an order was decided then: what plans are valued by.
    fn rules_of_order(&self, order: &Order, wall: WallTime) -> GroupRules {
        let made = order.decision.as_deref();
        let known = |made: &Decision| self.known_rules((&made.rule_set, made.rule_set_version), &made.evidence.ruled);
        made.and_then(known).unwrap_or_else(|| self.rules_of_now(order, wall))
    }

    /// The versions that made a decision; `None` when one of them cannot be had.
    fn known_rules(&self, (name, version): (&Text, u32), ruled: &[Ruled]) -> Option<GroupRules> {
        let rules = self.world.network.catalogue.rules();
        let own = rules.applied(name, version)?;
        let of = |ruled: &Ruled| Some((ruled.group, rules.applied(&ruled.rule_set, ruled.version)?));
        let groups: Vec<_> = ruled.iter().map(of).collect::<Option<_>>()?;
        Some(GroupRules::of_groups(own, groups.into_iter()))
    }

    fn rules_of_now(&self, order: &Order, wall: WallTime) -> GroupRules {
        rules_among(&self.world.network, self.world.network.catalogue.rules(), order, wall)
    }

    fn valuing<'a>(&'a self, case: &'a Case<'a>, rules: &'a GroupRules, wall: WallTime) -> Valuing<'a> {
        Valuing { network: &self.world.network, then: &self.world.then, case, rules, wall }
    }

    fn differ(&mut self, order: &Order, recorded: &Recorded, made: &Made) {
        if self.comparison.differences.len() >= DIFFERENCES_MAX {
            return;
        }
        let told = |legs: &[Leg]| {
            legs.iter().map(|leg| (self.world.network.node_name(leg.node), leg.units())).collect::<Vec<_>>()
        };
        let sum = |units: &BTreeMap<u16, u32>| units.values().map(|units| u64::from(*units)).sum();
        let difference = Difference {
            order: order.name(),
            before: told(&recorded.legs),
            after: told(&made.legs),
            unfilled_before: sum(&recorded.unfilled),
            unfilled_after: sum(&made.unfilled),
        };
        self.comparison.differences.push(difference);
    }
}

fn order_of(state: &State, key: OrderKey) -> Option<&Order> {
    match state.entity(&EntityKey::Order(key)) {
        Some(Entity::Order(order)) => Some(order),
        _ => None,
    }
}
