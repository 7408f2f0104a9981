//! All rule sets, and which of them an order is sourced by.
//!
//! **Which.** The one that the order names, in its active version. Else, of the active ones that apply to it (scope, then
//! schedule), the one whose scope asks for most; of equally specific ones one with a schedule, then the one that was
//! activated last. `default` applies to every order, so there is always one. Presets are found by their names alone.
//!
//! Promises: what applies is an `Arc` that is made at an activation and read ever after; where nothing but `default` is
//! active, to choose is to clone it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::applied::AppliedRules;
use super::presets::{is_preset, presets, presets_by_carriers, weighted_score};
use super::versions::{Planned, RuleSetEvent, RuleVersions};
use super::weights::Weights;
use super::{RuleTerms, Schedule, VersionState};
use crate::domain::ids::Text;
use crate::domain::rule_set::RuleSet;
use crate::domain::stock::LawBroken;
use crate::domain::time::{JournalTime, WallTime};

/// An order that names no rule set.
pub struct Unnamed<'a> {
    /// Its channel.
    pub channel: &'a str,
    /// The country it goes to, or the group of its lines that is asked for.
    pub country: &'a str,
    /// How that is delivered.
    pub delivery_method: &'a str,
    /// When it is sourced.
    pub at: WallTime,
    /// The node that is nearest to where it goes; asked only where a scope names nodes.
    pub nearest: &'a dyn Fn() -> Option<Text>,
}

/// One version as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Name of the rule set.
    pub name: Text,
    /// Its number.
    pub version: u32,
    /// How far it is.
    pub state: VersionState,
    /// What it says.
    pub terms: Arc<RuleTerms>,
    /// The version of that name that is to be activated, and when.
    pub planned: Option<Planned>,
    /// Whether it is there from the first use and cannot be put.
    pub preset: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct RuleBook {
    /// Versions that directories are founded with.
    founded: BTreeMap<Text, Arc<AppliedRules>>,
    presets: Vec<Arc<AppliedRules>>,
    /// The presets that ask carriers.
    by_carriers: Vec<Arc<AppliedRules>>,
    /// The preset that others are compared with: it is nowhere among those that are active.
    score: Arc<AppliedRules>,
    sets: BTreeMap<Text, RuleVersions>,
    /// A version that is supposed to have been activated last.
    supposed: Option<Arc<AppliedRules>>,
    /// The active version of every name, presets too.
    active: BTreeMap<Text, Arc<AppliedRules>>,
    /// Active ones that apply to some orders only, the most specific first.
    scoped: Vec<Arc<AppliedRules>>,
    /// What applies where none of those does.
    usual: Arc<AppliedRules>,
    /// Whether some active one minds what nodes can handle.
    counts_work: bool,
    /// Whether some active one minds orders to come.
    looks_ahead: bool,
}

impl Default for RuleBook {
    fn default() -> Self {
        let usual = Arc::new(AppliedRules::founded(&RuleSet::default_v1()));
        let mut book = Self {
            founded: BTreeMap::new(),
            presets: presets(),
            by_carriers: presets_by_carriers(),
            score: weighted_score(),
            sets: BTreeMap::new(),
            supposed: None,
            active: BTreeMap::new(),
            scoped: Vec::new(),
            usual,
            counts_work: false,
            looks_ahead: false,
        };
        book.arrange();
        book
    }
}

impl RuleBook {
    /// Knows the version that a directory is founded with.
    pub fn found(&mut self, rule_set: &RuleSet) {
        self.founded.insert(rule_set.name.clone(), Arc::new(AppliedRules::founded(rule_set)));
        self.arrange();
    }

    /// Knows the versions of a name.
    pub fn put(&mut self, name: Text, versions: RuleVersions) {
        self.sets.insert(name, versions);
        self.arrange();
    }

    /// The same as if a version were active under its name, activated last; a preset then for orders that name none too.
    pub fn supposing(&self, rules: &Arc<AppliedRules>) -> Self {
        let mut book = Self { supposed: Some(rules.clone()), ..self.clone() };
        book.arrange();
        book
    }

    /// Folds what happened in; `seq` is that of the record.
    pub fn change(&mut self, name: &Text, seq: u64, event: &RuleSetEvent) -> Result<(), LawBroken> {
        let after = RuleVersions::fold(self.sets.get(name).cloned(), name, seq, event)?;
        self.put(name.clone(), after);
        Ok(())
    }

    /// Makes what orders are sourced by.
    fn arrange(&mut self) {
        let founded = self.founded.iter().map(|(name, rules)| (name.clone(), rules.clone())).collect();
        let before = std::mem::replace(&mut self.active, founded);
        for (name, set) in &self.sets {
            let Some((version, terms)) = set.active.and_then(|version| Some((version, set.terms(version)?))) else {
                continue;
            };
            let known = before.get(name).filter(|known| known.version == version && known.terms == *terms).cloned();
            let applied = known.unwrap_or_else(|| Arc::new(AppliedRules::of(name.clone(), version, terms.clone())));
            self.active.insert(name.clone(), applied);
        }
        if let Some(supposed) = &self.supposed {
            self.active.insert(supposed.name.clone(), supposed.clone());
        }
        let loads = |rules: &AppliedRules| rules.weights.as_ref().is_some_and(Weights::asks_load);
        self.counts_work = self.active.values().any(|rules| rules.minds_capacity() || loads(rules));
        self.looks_ahead = self.active.values().any(|rules| rules.looks_ahead());
        let mut ranked: Vec<_> = self.active.values().cloned().collect();
        ranked.sort_by_cached_key(|rules| std::cmp::Reverse(self.rank(rules)));
        let is_wide = |rules: &Arc<AppliedRules>| {
            rules.terms.scope.specificity() == 0 && rules.terms.schedule == Schedule::Always
        };
        if let Some(at) = ranked.iter().position(is_wide) {
            self.usual = ranked[at].clone();
            ranked.truncate(at);
        }
        self.scoped = ranked;
        let supposed = self.supposed.as_ref().map(|supposed| supposed.name.clone());
        for preset in self.presets.iter().filter(|preset| supposed.as_ref() != Some(&preset.name)) {
            self.active.insert(preset.name.clone(), preset.clone());
        }
    }

    fn supposes(&self, name: &str) -> bool {
        self.supposed.as_ref().is_some_and(|supposed| *supposed.name == *name)
    }

    /// The highest is asked first; names tell equal ones apart.
    fn rank(&self, rules: &AppliedRules) -> (usize, bool, u64, Text) {
        let seq = match self.supposes(&rules.name) {
            true => u64::MAX,
            false => self.sets.get(&rules.name).map_or(0, |set| set.activated_seq),
        };
        let has_schedule = rules.terms.schedule != Schedule::Always;
        (rules.terms.scope.specificity(), has_schedule, seq, rules.name.clone())
    }

    /// The active version of a name; of a preset the one that asks carriers, where there are any.
    pub fn named(&self, name: &str, has_carriers: bool) -> Option<&Arc<AppliedRules>> {
        let by_carriers = || self.by_carriers.iter().find(|preset| *preset.name == *name);
        let asks = has_carriers && !self.supposes(name);
        asks.then(by_carriers).flatten().or_else(|| self.active.get(name))
    }

    /// A version to source by, or to compare with, active or not.
    pub fn applied(&self, name: &str, version: u32) -> Option<Arc<AppliedRules>> {
        let known = [&self.active, &self.founded].into_iter().filter_map(|rules| rules.get(name));
        let mut known = known.chain(self.by_carriers.iter().filter(|preset| *preset.name == *name));
        if let Some(known) = known.find(|rules| rules.version == version) {
            return Some(known.clone());
        }
        let Version { name, version, terms, .. } = self.version(name, version)?;
        Some(Arc::new(AppliedRules::of(name, version, terms)))
    }

    /// Whether some active version applies to some orders only.
    pub fn has_scopes(&self) -> bool {
        !self.scoped.is_empty()
    }

    /// What an order is sourced by that names none.
    #[inline]
    pub fn of(&self, order: &Unnamed<'_>) -> &Arc<AppliedRules> {
        if self.scoped.is_empty() { &self.usual } else { self.most_specific(order) }
    }

    fn most_specific(&self, order: &Unnamed<'_>) -> &Arc<AppliedRules> {
        let has = |entries: &[Text], asked: &str| entries.is_empty() || entries.iter().any(|entry| **entry == *asked);
        let mut nearest: Option<Option<Text>> = None;
        let mut applies = |rules: &&Arc<AppliedRules>| {
            let scope = &rules.terms.scope;
            rules.terms.schedule.is_on(order.at)
                && has(&scope.channels, order.channel)
                && has(&scope.countries, order.country)
                && has(&scope.delivery_methods, order.delivery_method)
                && (scope.nodes.is_empty()
                    || nearest
                        .get_or_insert_with(order.nearest)
                        .as_ref()
                        .is_some_and(|node: &Text| scope.nodes.contains(node)))
        };
        self.scoped.iter().find(|rules| applies(rules)).unwrap_or(&self.usual)
    }

    /// Whether a decision was made by rules that leave units which somebody has.
    pub fn fences(&self, name: &str, version: u32) -> bool {
        match self.sets.get(name) {
            Some(set) => set.terms(version).is_some_and(|terms| terms.keeps_out()),
            None => self.by_carriers.iter().any(|preset| *preset.name == *name && preset.version == version),
        }
    }

    /// Whether shipments of a day are counted: some active rule set minds what nodes can handle.
    #[inline]
    pub fn counts_work(&self) -> bool {
        self.counts_work
    }

    /// Whether some active rule set minds orders to come.
    pub fn looks_ahead(&self) -> bool {
        self.looks_ahead
    }

    /// How many names somebody put.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether nobody put any.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The versions that were put under a name.
    pub fn versions(&self, name: &str) -> Option<&RuleVersions> {
        self.sets.get(name)
    }

    /// Number of the version that is put next under a name.
    pub fn next(&self, name: &str) -> u32 {
        let founded = self.founded.get(name).map_or(1, |founded| founded.version + 1);
        self.sets.get(name).map_or(founded, RuleVersions::next)
    }

    /// The active version of every name, presets too; of a name without one the last draft.
    pub fn all(&self) -> Vec<Version> {
        let of_score = std::iter::once(&self.score.name);
        let mut names: Vec<&Text> = self.active.keys().chain(self.sets.keys()).chain(of_score).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| self.current(name)).collect()
    }

    /// The active version of a name, else its last draft; of a preset the one that asks carriers.
    pub fn current(&self, name: &str) -> Option<Version> {
        let last = || self.sets.get(name).map(|set| set.next() - 1);
        let score = || (*self.score.name == *name).then_some(self.score.version);
        let version = self.named(name, true).map(|rules| rules.version).or_else(last).or_else(score)?;
        self.version(name, version)
    }

    /// One version.
    pub fn version(&self, name: &str, version: u32) -> Option<Version> {
        let set = self.sets.get(name);
        let presets = self.presets.iter().chain(&self.by_carriers).chain(std::iter::once(&self.score));
        let presets = presets.filter(|preset| *preset.name == *name);
        let mut founded = self.founded.get(name).into_iter().chain(presets);
        let founded = founded.find(|rules| rules.version == version).map(|rules| rules.terms.clone());
        let terms = set.and_then(|set| set.terms(version)).cloned().or(founded)?;
        let founded = if terms.compares_only() { VersionState::Draft } else { VersionState::Active };
        let state = set.map_or(founded, |set| set.state_of(version));
        let (name, planned, preset) = (name.into(), set.and_then(|set| set.planned), is_preset(name));
        Some(Version { name, version, state, terms, planned, preset })
    }

    /// The next instant after one at which the schedule of an active version may begin or end.
    pub fn next_edge(&self, after: WallTime) -> Option<WallTime> {
        self.active.values().filter_map(|rules| rules.terms.schedule.next_edge(after)).min()
    }

    /// When the next planned activation is due.
    pub fn next_due(&self) -> Option<JournalTime> {
        self.sets.values().filter_map(|set| set.planned.map(|planned| planned.at.journal)).min()
    }

    /// Activations that are due, the soonest first.
    pub fn due(&self, now: JournalTime) -> Vec<(Text, u32)> {
        let planned = self.sets.iter().filter_map(|(name, set)| Some((set.planned?, name)));
        let mut due: Vec<_> = planned.filter(|(planned, _)| planned.at.journal <= now).collect();
        due.sort_by_key(|(planned, name)| (planned.at.journal, (*name).clone()));
        due.into_iter().map(|(planned, name)| (name.clone(), planned.version)).collect()
    }
}
