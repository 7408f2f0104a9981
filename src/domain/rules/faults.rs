//! What makes no sense in a version, whatever the catalogue holds: every fault at once, each by its field.
//!
//! What is *not* here: shapes and ranges of single values (the reader of requests), and whether names mean something
//! (`engine::rules`).

use super::{Fence, RuleTerms, Schedule, Term, Unfilled};
use crate::domain::ids::Text;
use crate::domain::limits::RULE_NAMES_MAX;
use crate::domain::rejection::Fault;
use crate::domain::rule_set::DEFAULT_RULE_SET;

impl RuleTerms {
    /// All that is wrong with it under a name.
    pub fn faults(&self, name: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_wide = self.scope.specificity() == 0 && self.schedule == Schedule::Always;
        if name == DEFAULT_RULE_SET && !is_wide {
            let field = if self.scope.specificity() > 0 { "scope" } else { "schedule" };
            let detail = "default applies to every order that nothing else applies to: leave it out";
            faults.push(Fault::new(field, "default_applies_always", detail));
        }
        for (part, entries) in self.scope.parts() {
            twice(&format!("scope.{part}"), entries, &mut faults);
        }
        if let Schedule::Between { from: Some(from), until: Some(until) } = &self.schedule
            && until <= from
        {
            faults.push(Fault::new("schedule.until", "time_out_of_order", "must come after from"));
        }
        self.faults_of_fences(&mut faults);
        self.faults_of_objective(&mut faults);
        self.faults_of_score(&mut faults);
        let scoped: usize = self.scope.parts().iter().map(|(_, entries)| entries.len()).sum();
        let fenced: usize = self.fences.iter().map(|fence| fence.named().len()).sum();
        if scoped + fenced > RULE_NAMES_MAX {
            let detail = format!("lists {} names in all, at most {RULE_NAMES_MAX}", scoped + fenced);
            faults.push(Fault::new("fences", "too_many", detail));
        }
        faults
    }

    fn faults_of_fences(&self, faults: &mut Vec<Fault>) {
        for (at, fence) in self.fences.iter().enumerate() {
            let is_there = |earlier: &Fence| earlier.word() == fence.word();
            if !matches!(fence, Fence::SameNode(_)) && self.fences[..at].iter().any(is_there) {
                let detail = format!("{} is there already", fence.word());
                faults.push(Fault::new(format!("fences[{at}].fence"), "duplicate_name", detail));
            }
            twice(&format!("fences[{at}].in"), fence.named(), faults);
            self.faults_of_group(at, faults);
        }
        let named = |of: fn(&Fence) -> bool| self.fences.iter().find(|fence| of(fence)).map(Fence::named);
        let only = named(|fence| matches!(fence, Fence::Nodes(_)));
        let never = named(|fence| matches!(fence, Fence::NotNodes(_)));
        if let (Some(only), Some(never)) = (only, never)
            && only.iter().all(|node| never.contains(node))
        {
            faults.push(Fault::new("fences", "nobody_left", "nodes and not_nodes together leave nobody"));
        }
    }

    /// A sku goes together with one group of skus, not with two.
    fn faults_of_group(&self, at: usize, faults: &mut Vec<Fault>) {
        let Fence::SameNode(skus) = &self.fences[at] else { return };
        let earlier = |sku: &Text| {
            self.fences[..at].iter().any(|fence| matches!(fence, Fence::SameNode(others) if others.contains(sku)))
        };
        for (entry, sku) in skus.iter().enumerate().filter(|(_, sku)| earlier(sku)) {
            let detail = format!("{sku} goes together with others already");
            faults.push(Fault::new(format!("fences[{at}].in[{entry}]"), "duplicate_name", detail));
        }
    }

    fn faults_of_objective(&self, faults: &mut Vec<Fault>) {
        for (at, term) in self.objective.iter().enumerate() {
            // The two kinds of distance are weighed side by side; no other two terms of one word are.
            let both = |earlier: &Term| earlier.word() == term.word() && term.word() != "distance";
            let same =
                |earlier: &Term| std::mem::discriminant(earlier) == std::mem::discriminant(term) || both(earlier);
            if self.objective[..at].iter().any(same) {
                let detail = format!("{} is there already", term.word());
                faults.push(Fault::new(format!("objective[{at}].term"), "duplicate_name", detail));
            }
        }
    }
}

impl RuleTerms {
    /// The score weighs nothing else and knows no bounds but who may ship.
    fn faults_of_score(&self, faults: &mut Vec<Fault>) {
        if !self.compares_only() {
            return;
        }
        let mut alone = |field: String| {
            let detail = "the score stands for all costs and bounds but those of nodes: leave it out, or the score";
            faults.push(Fault::new(field, "score_alone", detail));
        };
        let others = self.objective.iter().enumerate().filter(|(_, term)| **term != Term::Score);
        others.for_each(|(at, _)| alone(format!("objective[{at}].term")));
        let bounds = self.fences.iter().enumerate().filter(|(_, fence)| !fence.is_of_nodes());
        bounds.for_each(|(at, _)| alone(format!("fences[{at}].fence")));
        if self.unfilled != Unfilled::LastResort {
            alone("unfilled".into());
        }
    }
}

fn twice(field: &str, entries: &[Text], faults: &mut Vec<Fault>) {
    for (at, entry) in entries.iter().enumerate() {
        if entries[..at].contains(entry) {
            faults.push(Fault::new(format!("{field}[{at}]"), "duplicate_name", format!("{entry} is named twice")));
        }
    }
}
