//! The search for rules that reach a target, such as a fifth less time at no more cost.
//!
//! What is searched are the weights of the objective: what a day late, a shipment beyond the first, a shipment, weight and
//! way, way alone and greenhouse gas cost. Fences, scope and what is unfilled stay. Where there are carriers the search
//! begins with what they and nodes ask, so that weights are set against money; where there are none, with the rules as they
//! are. First a grid over the two weights that move most, then one weight at a time, each tried at a part and at a multiple;
//! the best is kept. Rules that break a limit are worse than all that do not, and of those the nearest to the aim is best,
//! then the cheapest. Plans may leave no more units than were left, unless something else is asked for. The search ends with the first that reach the aim, or when nothing near is better.
//!
//! It is a search, not a proof: `reached: false` says that none of those tried did. Every set is tried on all orders of the
//! period, with stock that follows its own plans. Bounds: [`TRIES_MAX`] sets, [`SEARCHED_MAX`] records of
//! [`SEARCHED_BYTES_MAX`] bytes, all of them in memory, and [`STATES_MAX`] states of the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use super::{ASKED_EVERY, Passes, Replayed, Source, Stop, currency_of};
use crate::domain::record::Record;
use crate::domain::rejection::Fault;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::{RuleTerms, Term};
use crate::domain::state::State;
use crate::engine::whatif::{Comparison, Figures, Suppose, Surveyed, WhatIf};
use crate::journal::bytes_of;

/// Most sets of rules that are tried.
const TRIES_MAX: usize = 60;
/// Most records of a journal that is searched.
pub const SEARCHED_MAX: u64 = 300_000;
/// Most bytes of them, as they lie in the journal; in memory they take some times as much.
pub const SEARCHED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// States of the journal that are held at once: each is as large as the state of the process that serves.
const STATES_MAX: usize = 2;
/// Millionths of a minor unit.
const MICRO: i64 = 1_000_000;

/// What of plans is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Days until a plan arrives.
    Time,
    /// What nodes and carriers ask.
    Cost,
    /// Shipments.
    Shipments,
    /// Shipments beyond the first.
    Splits,
    /// The way of all shipments.
    Distance,
    /// Greenhouse gas.
    Carbon,
    /// Units that plans left.
    Unfilled,
}

/// By how much a measure may change at most, per cent of what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    /// Which.
    pub measure: Measure,
    /// Per cent; below zero is less.
    pub percent: i32,
}

/// What rules shall reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is about.
    pub aim: Aim,
    /// What must not be given up for it. Where neither they nor the aim say how many units plans may leave, these may be no
    /// more: else whatever is not shipped would be soon there, and cost nothing.
    pub limits: Vec<Aim>,
}

impl Target {
    /// The aim, then all limits.
    fn all(&self) -> impl Iterator<Item = Aim> {
        let said = std::iter::once(self.aim).chain(self.limits.iter().copied());
        let is_said = said.clone().any(|aim| aim.measure == Measure::Unfilled);
        said.chain((!is_said).then_some(Aim { measure: Measure::Unfilled, percent: 0 }))
    }
}

/// Rules that reach a target, or come nearest of those tried.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whether they reach it.
    pub reached: bool,
    /// How many sets were tried.
    pub tried: u64,
    /// The rules.
    pub terms: RuleTerms,
    /// The aim, then the limits; by how much each changes, per cent, where there was anything before.
    pub measures: Vec<(Aim, Option<f64>)>,
}

impl Measure {
    /// Of sums over plans; `None` where nothing was measured.
    fn of(self, figures: &Figures) -> Option<f64> {
        let number = |number: u64| Some(number as f64);
        match self {
            Self::Time => (figures.dated > 0).then(|| figures.days as f64 / figures.dated as f64),
            Self::Cost => Some(figures.cost as f64),
            Self::Shipments => number(figures.shipments),
            Self::Splits => number(figures.splits),
            Self::Distance => number(figures.metres),
            Self::Carbon => number(figures.carbon_g),
            Self::Unfilled => number(figures.unfilled),
        }
    }
}

impl Aim {
    /// By how much its measure changes, in parts of what was; `None` where there was nothing.
    fn change(&self, comparison: &Comparison) -> Option<f64> {
        let (before, after) = (self.measure.of(&comparison.before)?, self.measure.of(&comparison.after)?);
        match (before, after) {
            (before, _) if before > 0.0 => Some(after / before - 1.0),
            (_, after) if after <= 0.0 => Some(0.0),
            _ => None,
        }
    }

    /// How far it is from kept; something where there was nothing is one whole away.
    fn excess(&self, comparison: &Comparison) -> f64 {
        let change = self.change(comparison).unwrap_or(1.0);
        // A hundredth of a millionth is no more than rounding.
        let excess = change - f64::from(self.percent) / 100.0;
        if excess <= 1e-8 { 0.0 } else { excess }
    }
}

/// How good rules are: the less the better, the first that differs decides.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Score {
    broken: f64,
    short: f64,
    cost: f64,
}

impl Score {
    fn of(target: &Target, comparison: &Comparison) -> Self {
        let broken = target.all().skip(1).map(|limit| limit.excess(comparison)).sum();
        Self { broken, short: target.aim.excess(comparison), cost: comparison.after.cost as f64 }
    }

    fn is_there(&self) -> bool {
        self.broken == 0.0 && self.short == 0.0
    }
}

/// Rules that were tried, and what came of them.
struct Tried {
    terms: RuleTerms,
    score: Score,
    comparison: Comparison,
}

/// A journal in memory, read again and again.
#[derive(Default)]
struct Kept {
    begins: State,
    records: Vec<Record>,
    /// Bytes of the records, as they lie in the journal.
    bytes: u64,
}

impl Kept {
    /// Holds one more record, up to the first that is too much.
    fn keep(&mut self, record: &Record, (records_max, bytes_max): (u64, u64)) {
        if self.beyond((records_max, bytes_max)).is_none() {
            self.bytes += bytes_of(record) as u64;
            self.records.push(record.clone());
        }
    }

    /// Why this is too much to search, where it is.
    fn beyond(&self, (records_max, bytes_max): (u64, u64)) -> Option<String> {
        if self.records.len() as u64 > records_max {
            return Some(format!("the journal has more than {records_max} records: too many to search"));
        }
        (self.bytes > bytes_max)
            .then(|| format!("the records of the journal have more than {bytes_max} bytes: too many to search"))
    }

    /// How many sets are tried side by side: each has a state of its own, beside that where a journal begins whose first
    /// records are gone.
    fn side_by_side(&self) -> usize {
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        threads.min(STATES_MAX - usize::from(!self.begins.is_empty()))
    }

    /// What the orders come to by these rules; `go_on` hears of so many more records, and answers whether to.
    fn compare(&self, suppose: &Suppose, terms: &RuleTerms, go_on: &dyn Fn(u64) -> bool) -> Result<Comparison, Stop> {
        let applied = AppliedRules::of("what-if".into(), 0, Arc::new(terms.clone()));
        let mut what_if = WhatIf::new(suppose.clone(), Surveyed::by(Arc::new(applied)));
        let mut state = self.begins.clone();
        what_if.begin(&state);
        for some in self.records.chunks(ASKED_EVERY as usize) {
            for record in some {
                state.apply(record).map_err(|law| Stop::Damaged(law.to_string()))?;
                what_if.see(record, &state);
            }
            if !go_on(some.len() as u64) {
                return Err(Stop::Unwanted);
            }
        }
        Ok(what_if.finish(&state))
    }
}

/// Looks for rules that reach the target.
pub(super) fn search(
    passes: &mut Passes<'_, impl Source>,
    suppose: &Suppose,
    surveyed: Surveyed,
    target: &Target,
) -> Result<Replayed, Stop> {
    const MOST: (u64, u64) = (SEARCHED_MAX, SEARCHED_BYTES_MAX);
    let mut kept = Kept::default();
    let mut has_begun = false;
    let last = passes.pass(&mut |record, state| {
        if !std::mem::replace(&mut has_begun, true) && record.header.seq > 1 {
            kept.begins = state.clone();
        } else {
            kept.keep(record, MOST);
        }
    })?;
    if let Some(detail) = kept.beyond(MOST) {
        return Err(refused("target", "too_many", &detail));
    }
    let mut searching = Searching { kept: &kept, suppose, target, tried: 0, passes };
    let (base, currency) = (searching.base(&surveyed, &last), currency_of(&last));
    drop(last);
    let best = searching.run(base)?;
    let measures = target.all().map(|aim| (aim, aim.change(&best.comparison).map(|part| part * 100.0))).collect();
    let found = Found { reached: best.score.is_there(), tried: searching.tried, terms: best.terms, measures };
    Ok(Replayed { comparison: best.comparison, found: Some(found), currency })
}

pub(super) fn refused(field: &str, code: &'static str, detail: &str) -> Stop {
    Stop::Faults(vec![Fault::new(field, code, detail)])
}

struct Searching<'a, 'p, S> {
    kept: &'a Kept,
    suppose: &'a Suppose,
    target: &'a Target,
    tried: u64,
    passes: &'a mut Passes<'p, S>,
}

impl<S: Source> Searching<'_, '_, S> {
    /// Where the search begins: the rules supposed, else `default` as it is now; with every weight that can matter.
    fn base(&self, surveyed: &Surveyed, last: &State) -> RuleTerms {
        let (now, has_carriers) = surveyed.usual(self.suppose, last);
        let mut terms = now;
        let has = |terms: &RuleTerms, word: fn(&Term) -> bool| terms.objective.iter().any(word);
        if has_carriers {
            if !has(&terms, |term| *term == Term::Shipping) {
                terms.objective.retain(|term| !matches!(term, Term::PerShipment { .. } | Term::WeightDistance { .. }));
                terms.objective.extend([Term::Shipping, Term::Handling]);
            }
            if !has(&terms, |term| matches!(term, Term::Late { .. })) {
                terms.objective.push(Term::Late { per_day: 0 });
            }
        } else if !has(&terms, |term| matches!(term, Term::WeightDistance { .. })) {
            terms.objective.push(Term::WeightDistance { micro_per_kg_km: 0 });
        }
        if !has(&terms, |term| matches!(term, Term::Split { .. })) {
            terms.objective.push(Term::Split { amount: 0 });
        }
        terms
    }

    fn run(&mut self, base: RuleTerms) -> Result<Tried, Stop> {
        let mut best = self.try_all(vec![base.clone()])?.pop().ok_or(Stop::Nothing)?;
        // What an order costs says what a weight must be to matter.
        let orders = best.comparison.after.orders.max(1);
        let typical = (best.comparison.after.cost / i64::try_from(orders).unwrap_or(i64::MAX)).max(16);
        let weights: Vec<usize> =
            (0..base.objective.len()).filter(|at| weight(&base.objective[*at]).is_some()).collect();
        let mut grid = Vec::new();
        for first in levels(0, typical) {
            for second in levels(0, typical) {
                let mut terms = base.clone();
                for (weight, amount) in weights.iter().rev().zip([second, first]) {
                    set_weight(&mut terms.objective[*weight], amount);
                }
                grid.push(terms);
            }
        }
        self.improve(&mut best, grid)?;
        while !best.score.is_there() && (self.tried as usize) < TRIES_MAX {
            let mut near = Vec::new();
            for at in &weights {
                let now = weight(&best.terms.objective[*at]).unwrap_or(0);
                for amount in levels(now, typical) {
                    let mut terms = best.terms.clone();
                    set_weight(&mut terms.objective[*at], amount);
                    near.push(terms);
                }
            }
            if !self.improve(&mut best, near)? {
                break;
            }
        }
        Ok(best)
    }

    /// Tries some sets, as long as there are tries left and none has reached the target; whether one is better.
    fn improve(&mut self, best: &mut Tried, mut sets: Vec<RuleTerms>) -> Result<bool, Stop> {
        let mut is_better = false;
        sets.retain(|terms| *terms != best.terms);
        for some in sets.chunks(self.kept.side_by_side()) {
            if best.score.is_there() || self.tried as usize + some.len() > TRIES_MAX {
                break;
            }
            for tried in self.try_all(some.to_vec())? {
                if tried.score < best.score {
                    *best = tried;
                    is_better = true;
                }
            }
        }
        Ok(is_better)
    }

    fn try_all(&mut self, sets: Vec<RuleTerms>) -> Result<Vec<Tried>, Stop> {
        let (kept, suppose, target) = (self.kept, self.suppose, self.target);
        let Passes { progress, tell, .. } = &mut *self.passes;
        let (count, is_wanted) = (sets.len(), AtomicBool::new(true));
        // Whoever waits is asked here while sets are tried elsewhere.
        let (read, heard) = sync_channel::<u64>(count);
        let tried: Vec<Result<Tried, Stop>> = thread::scope(|scope| {
            let one = |terms: RuleTerms| {
                let (read, is_wanted) = (read.clone(), &is_wanted);
                scope.spawn(move || {
                    let go_on = |records| read.send(records).is_ok() && is_wanted.load(Ordering::Relaxed);
                    let comparison = kept.compare(suppose, &terms, &go_on)?;
                    Ok(Tried { terms, score: Score::of(target, &comparison), comparison })
                })
            };
            let running: Vec<_> = sets.into_iter().map(one).collect();
            drop(read);
            for records in heard {
                progress.records += records;
                if is_wanted.load(Ordering::Relaxed) && !tell(*progress) {
                    is_wanted.store(false, Ordering::Relaxed);
                }
            }
            let joined = running.into_iter().map(|running| running.join());
            joined.map(|tried| tried.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        self.tried += count as u64;
        progress.tried = self.tried;
        if !is_wanted.load(Ordering::Relaxed) || !tell(*progress) {
            return Err(Stop::Unwanted);
        }
        tried.into_iter().collect()
    }
}

/// Amounts that are tried beside one: none, parts and multiples; where there is none, parts and multiples of what an order
/// costs.
fn levels(now: i64, typical: i64) -> Vec<i64> {
    match now {
        0 => vec![0, typical / 16, typical / 4, typical, typical * 4],
        now => vec![0, now / 4, now / 2, now * 2, now * 4],
    }
}

/// What a term weighs, in minor units; `None` where there is nothing to choose.
fn weight(term: &Term) -> Option<i64> {
    match term {
        Term::PerShipment { amount } | Term::Split { amount } => Some(*amount),
        Term::Late { per_day } => Some(*per_day),
        Term::Carbon { per_kg } => Some(*per_kg),
        // For a kilogram over a thousand kilometres, so that it is of the size of the others.
        Term::WeightDistance { micro_per_kg_km } => Some(*micro_per_kg_km * 1_000 / MICRO),
        Term::Distance { micro_per_km } => Some(*micro_per_km * 1_000 / MICRO),
        _ => None,
    }
}

fn set_weight(term: &mut Term, to: i64) {
    // What the API takes at most.
    let to = to.clamp(0, 1_000_000_000);
    match term {
        Term::PerShipment { amount } | Term::Split { amount } => *amount = to,
        Term::Late { per_day } => *per_day = to,
        Term::Carbon { per_kg } => *per_kg = to,
        Term::WeightDistance { micro_per_kg_km } => *micro_per_kg_km = (to * MICRO / 1_000).min(4_000 * MICRO),
        Term::Distance { micro_per_km } => *micro_per_km = (to * MICRO / 1_000).min(4_000 * MICRO),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entity::{Entity, EntityKey};
    use crate::domain::event::{DirectoryFounded, Event};
    use crate::domain::money::Currency;
    use crate::domain::record::Header;
    use crate::domain::time::{JournalTime, WallTime};

    #[test]
    fn what_is_not_shipped_reaches_no_target_unless_somebody_says_how_much_may_be_left() {
        let before = Figures { orders: 10, units: 10, cost: 9_000, days: 40, dated: 10, ..Figures::default() };
        let after = Figures { units: 6, unfilled: 4, cost: 3_000, days: 6, dated: 6, ..before };
        let quick = Comparison { before, after, ..Comparison::default() };
        let aim = Aim { measure: Measure::Time, percent: -20 };
        let unsaid = Target { aim, limits: vec![Aim { measure: Measure::Cost, percent: 0 }] };
        assert!(!Score::of(&unsaid, &quick).is_there(), "four of ten are not there at all");
        assert_eq!(
            unsaid.all().last(),
            Some(Aim { measure: Measure::Unfilled, percent: 0 }),
            "it is told with the others"
        );
        let all_there = Comparison { after: Figures { unfilled: 0, ..after }, ..quick.clone() };
        assert!(Score::of(&unsaid, &all_there).is_there());
        let allowed = Aim { measure: Measure::Unfilled, percent: 100 };
        let said = Target { limits: vec![allowed], ..unsaid.clone() };
        assert!(Score::of(&said, &quick).is_there());
        assert_eq!(said.all().collect::<Vec<_>>(), [aim, allowed]);
    }

    #[test]
    fn a_search_holds_two_states_at_most() {
        let mut kept = Kept::default();
        assert!((1..=2).contains(&kept.side_by_side()));
        let founded = DirectoryFounded { base_currency: Currency::USD };
        kept.begins.insert(EntityKey::Directory, Entity::Directory(founded));
        assert_eq!(kept.side_by_side(), 1, "beside that where the journal begins");
    }

    #[test]
    fn a_journal_is_too_much_to_search_by_its_records_or_by_their_bytes() {
        let founded = Event::DirectoryFounded(DirectoryFounded { base_currency: Currency::USD });
        let header = Header {
            seq: 1,
            time: JournalTime(0),
            wall: WallTime(0),
            decided_at: JournalTime(0),
            actor: "a".repeat(100).as_str().into(),
            source: "test".into(),
            request_id: "r".into(),
            catalogue_seq: 0,
            epoch: 1,
            partition: 0,
        };
        let record = Record { header, events: vec![founded] };
        let each = bytes_of(&record) as u64;
        assert!(each > 100);
        let told = |most| {
            let mut kept = Kept::default();
            (0..9).for_each(|_| kept.keep(&record, most));
            (kept.records.len(), kept.beyond(most).unwrap_or_default())
        };
        let (held, why) = told((3, u64::MAX));
        assert!(held == 4 && why.contains("more than 3 records"), "{held}, {why}");
        let (held, why) = told((9, 3 * each));
        assert!(held == 4 && why.contains(&format!("more than {} bytes", 3 * each)), "{held}, {why}");
        assert_eq!(told((9, 9 * each)), (9, String::new()));
    }
}
