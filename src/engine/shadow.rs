//! Versions of rule sets that run beside the live ones: what they decide is counted, and nothing follows from it.
//!
//! ```text
//! journal ─► a reader of its own ─► every recorded decision, made again by the version ─► sums
//! ```
//! A version is a shadow of its rule set by a policy that says so. From the record of that policy on, whoever reads the
//! journal has each decision judged that the version would have made, as a preview judges it: from what the solver saw then,
//! so that the shadow is measured on the stock of the live rules. Sums begin anew with another version, and with a start.
//!
//! Cost: nothing on the way of an order, which does not know of it; a decision made twice and two plans priced for the
//! reader. Where no version is a shadow the reader does not run. Bound: [`SHADOWS_MAX`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};

use parking_lot::Mutex;

use super::Engine;
use super::network::Network;
use super::order_rules::rules_among;
use super::preview::{Again, Judged};
use super::whatif::Figures;
use super::whatif::decide::{Case, Leg};
use super::whatif::figures::Valuing;
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::ids::Text;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::book::RuleBook;
use crate::domain::time::Now;

/// Most versions that run beside the live ones.
pub const SHADOWS_MAX: usize = 8;

/// What a shadow's decisions come to beside the live ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadowed {
    /// The version.
    pub version: u32,
    /// The record after which decisions are counted.
    pub since: u64,
    /// Decisions that were looked at.
    pub looked_at: u64,
    /// Those that the version would not have made.
    pub of_others: u64,
    /// Those of which too little was recorded.
    pub unknown: u64,
    /// Those that were compared and are the same.
    pub same: u64,
    /// Those that were compared and are not.
    pub differ: u64,
    /// What all that were compared come to as they were decided.
    pub live: Figures,
    /// What they would have come to.
    pub shadow: Figures,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Shadows {
    count: AtomicUsize,
    known: Mutex<BTreeMap<Text, Running>>,
}

/// A version as if it were on, and all rule sets with it.
type Supposed = (Arc<AppliedRules>, Arc<RuleBook>);

#[derive(Debug)]
struct Running {
    sums: Shadowed,
    /// Of the catalogue with that sequence.
    supposed: Option<(u64, Supposed)>,
}

impl Shadows {
    fn begin(&self, name: &Text, version: Option<u32>, since: u64) {
        let mut known = self.known.lock();
        match version {
            Some(version) => {
                let sums = Shadowed { version, since, ..Shadowed::default() };
                known.insert(name.clone(), Running { sums, supposed: None });
            }
            None => drop(known.remove(name)),
        }
        self.count.store(known.len(), Release);
    }
}

impl Engine {
    /// Whether a version of some rule set runs beside the live ones.
    pub fn has_shadows(&self) -> bool {
        self.shadows.count.load(Acquire) > 0
    }

    /// What the shadow of a rule set came to so far; `None` where it has none.
    pub fn shadow_of(&self, name: &str) -> Option<Shadowed> {
        self.shadows.known.lock().get(name).map(|running| running.sums.clone())
    }

    /// What a policy says of a rule set's shadow from a record on.
    pub(super) fn watch_shadow(&self, name: &Text, version: Option<u32>, since: u64) {
        self.shadows.begin(name, version, since);
    }

    /// What was said before a start.
    pub(super) fn open_shadows(&self) {
        let network = self.network.read().expect("nobody else knows the engine yet");
        for (key, policy) in network.catalogue.policies().iter() {
            if let (PolicyKey::Shadow(name), Policy::Shadow(version)) = (key, policy) {
                self.shadows.begin(name, *version, self.position());
            }
        }
    }

    /// Judges the decisions of a record. For a reader of the journal; may take a while.
    pub fn judge_shadows(&self, record: &Record) {
        for event in &record.events {
            let Event::OrderChanged(changed) = event else { continue };
            let (OrderEvent::Placed { decision: Some(decision), .. }
            | OrderEvent::Sourced { decision: Some(decision), .. }) = &changed.event
            else {
                continue;
            };
            // Who left memory meanwhile is not counted: a reader that is so far behind has told of it.
            let Some(order) = self.order_in_memory(changed.key) else { continue };
            let names: Vec<Text> = self.shadows.known.lock().keys().cloned().collect();
            for name in names {
                self.judge(&name, record, &order, decision);
            }
        }
    }

    fn judge(&self, name: &Text, record: &Record, order: &Order, decision: &Decision) {
        let Some((version, since, supposed)) = self.running(name) else { return };
        if record.header.seq <= since {
            return;
        }
        let Some((rules, book)) = supposed.or_else(|| self.suppose_shadow(name, version)) else { return };
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let at = Now { journal: record.header.decided_at, wall: record.header.wall };
        let judged = judged(&network, (&rules, &book), order, decision, at);
        drop(network);
        let mut known = self.shadows.known.lock();
        let Some(running) = known.get_mut(name).filter(|running| running.sums.version == version) else { return };
        let sums = &mut running.sums;
        sums.looked_at += 1;
        match judged {
            Outcome::OfOthers => sums.of_others += 1,
            Outcome::Unknown => sums.unknown += 1,
            Outcome::Compared { is_same, live, shadow } => {
                sums.same += u64::from(is_same);
                sums.differ += u64::from(!is_same);
                sums.live.add(&live);
                sums.shadow.add(&shadow);
            }
        }
    }

    fn running(&self, name: &Text) -> Option<(u32, u64, Option<Supposed>)> {
        let seq = self.catalogue(|catalogue| catalogue.seq);
        let known = self.shadows.known.lock();
        let running = known.get(name)?;
        let fresh = running.supposed.as_ref().filter(|(of, _)| *of == seq);
        let supposed = fresh.map(|(_, supposed)| supposed.clone());
        Some((running.sums.version, running.sums.since, supposed))
    }

    fn suppose_shadow(&self, name: &Text, version: u32) -> Option<Supposed> {
        let seq = self.catalogue(|catalogue| catalogue.seq);
        let supposed: Result<_, Rejection> = self.supposed(name, version);
        let (rules, book) = supposed.ok()?;
        let supposed = (rules, Arc::new(book));
        if let Some(running) = self.shadows.known.lock().get_mut(name) {
            running.supposed = Some((seq, supposed.clone()));
        }
        Some(supposed)
    }
}

enum Outcome {
    OfOthers,
    Unknown,
    Compared { is_same: bool, live: Figures, shadow: Figures },
}

fn judged(
    network: &Network,
    (rules, book): (&Arc<AppliedRules>, &RuleBook),
    order: &Order,
    decision: &Decision,
    at: Now,
) -> Outcome {
    let applies = rules_among(network, book, order, at.wall);
    if !applies.all().any(|own| Arc::ptr_eq(own, rules)) {
        return Outcome::OfOthers;
    }
    let supposed = |group: u16| Some(applies.of(group)).filter(|own| Arc::ptr_eq(own, rules));
    let judged = Again::default().judge(network, order, decision, (supposed, at), &|| true);
    let Ok(Judged { before, after, made_by }) = judged else { return Outcome::Unknown };
    let case = Case::of(order);
    let then = network.catalogue.shipping();
    let valuing = Valuing { network, then, case: &case, rules: &made_by, wall: at.wall };
    let figures = |decided: &super::preview::Decided| {
        let legs: Vec<Leg> = decided.shipped.iter().map(Leg::of_shipped).collect();
        let sums = valuing.legs(&legs, &decided.carried, then);
        Figures { orders: 1, unfilled: decided.unfilled, weighed: decided.cost, ..sums }
    };
    Outcome::Compared { is_same: before.is(&after), live: figures(&before), shadow: figures(&after) }
}
