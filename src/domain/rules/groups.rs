//! Rules of an order: one version for all of it, and others for groups that go elsewhere or reach their customer in
//! another way than its first, and to which another version applies.
//!
//! Promises: an order of one destination has one version, and to ask for it costs nothing. What is *not* here: which
//! version that is (`book`).

use std::sync::Arc;

use super::applied::AppliedRules;

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupRules {
    /// Those of what goes to its first destination, as the order does.
    pub own: Arc<AppliedRules>,
    /// Groups that go by others, ascending.
    pub others: Vec<(u16, Arc<AppliedRules>)>,
}

impl GroupRules {
    /// The same for all groups.
    pub fn whole(own: Arc<AppliedRules>) -> Self {
        Self { own, others: Vec::new() }
    }

    /// Each group with its own; those that go by the rules of the order are no others.
    pub fn of_groups(own: Arc<AppliedRules>, groups: impl Iterator<Item = (u16, Arc<AppliedRules>)>) -> Self {
        let mut others: Vec<_> = groups.filter(|(_, rules)| !is_same(rules, &own)).collect();
        others.sort_unstable_by_key(|(group, _)| *group);
        Self { own, others }
    }

    /// Those of a group.
    pub fn of(&self, group: u16) -> &Arc<AppliedRules> {
        of_group(&self.others, group).unwrap_or(&self.own)
    }

    /// All of them; one may be there more than once.
    pub fn all(&self) -> impl Iterator<Item = &Arc<AppliedRules>> {
        std::iter::once(&self.own).chain(self.others.iter().map(|(_, rules)| rules))
    }
}

/// Those of a group, if they are others than the order's.
pub fn of_group(others: &[(u16, Arc<AppliedRules>)], group: u16) -> Option<&Arc<AppliedRules>> {
    others.iter().find(|(own, _)| *own == group).map(|(_, rules)| rules)
}

/// Whether both are one version.
pub fn is_same(one: &AppliedRules, other: &AppliedRules) -> bool {
    (&one.name, one.version) == (&other.name, other.version)
}
