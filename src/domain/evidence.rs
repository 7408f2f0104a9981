//! How it is written what is kept of what a solver saw (`recording`), and what it saw of the further destinations of an
//! order.
//!
//! Each destination is decided by itself, so each has evidence of its own: that of the first holds those of the others. No
//! more are kept than [`EVIDENCE_GROUPS_MAX`], which share what a record has room for.
//!
//! **Bytes.** The fields in their order. Evidence of one destination ends with what things cost (`weighed`). Of several it
//! ends with `SEVERAL`, which no tariff begins with, what things cost, the group that it is of, and the groups and evidence
//! of the others, none of which has others. Where groups went by other rules than their order, `RULED` and these stand
//! before all of that. Records and orders that hold such a one say so by their version
//! (`journal::codec`).
//!
//! [`EVIDENCE_GROUPS_MAX`]: super::limits::EVIDENCE_GROUPS_MAX

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::decision::{Decision, Evidence, FenceReason, LineUnits};
use super::geo::Position;
use super::ids::{NodeIndex, Text};
use super::sight::Sight;
use super::weighed::Priced;

/// Stands where a tariff has its charge per shipment.
pub(super) const SEVERAL: i64 = i64::MIN + 1;
/// Stands there where groups went by other rules than their order: they come next, and how such evidence ends behind them.
pub(super) const RULED: i64 = i64::MIN + 3;

/// What was seen of further destinations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Others {
    /// Which destination the evidence is of that holds them.
    pub own: u16,
    /// Which each of them is of; none has others.
    pub parts: Vec<(u16, Evidence)>,
}

/// The version by which a group was sourced, where that is not the order's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ruled {
    /// Which group.
    pub group: u16,
    /// Name of the rule set.
    pub rule_set: Text,
    /// Its version.
    pub version: u32,
}

/// The fields of evidence.
type Fields<Rest> = (Sight, Vec<(NodeIndex, FenceReason)>, Option<Position>, u32, bool, Rest);

fn evidence<Rest>(fields: Fields<Rest>, end: impl FnOnce(Rest) -> Ending) -> Evidence {
    let (sight, fenced, destination, nodes, truncated, rest) = fields;
    let Ending { priced, others, ruled } = end(rest);
    Evidence { sight, fenced, destination, nodes, truncated, priced, others, ruled }
}

impl Evidence {
    /// Tells why nodes were fenced, of each destination.
    pub fn fence(&mut self, nodes: &[NodeIndex], why: FenceReason) {
        let own = self.fenced.iter_mut().filter(|(node, _)| nodes.contains(node));
        own.for_each(|(_, reason)| *reason = why);
        let others = self.others.iter_mut().flat_map(|others| &mut others.parts);
        others.for_each(|(_, seen)| seen.fence(nodes, why));
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { sight, fenced, destination, nodes, truncated, priced, others, ruled } = self;
        let end = End(priced, others.as_deref(), ruled);
        (sight, fenced, destination, nodes, truncated, end).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Evidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::<Ending>::deserialize(deserializer)?;
        Ok(evidence(fields, |ending| ending))
    }
}

/// How evidence ends, to be written.
struct End<'a>(&'a Priced, Option<&'a Others>, &'a [Ruled]);

/// The same, read.
struct Ending {
    priced: Priced,
    others: Option<Box<Others>>,
    ruled: Vec<Ruled>,
}

/// The same behind the rules of groups: bytes that say they have some again mean nothing.
struct Unruled(Ending);

/// One of several, read: bytes that say it has others itself mean nothing.
struct Part(u16, Evidence);

impl Serialize for End<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.1, self.2) {
            (others, ruled @ [_, ..]) => (RULED, ruled, End(self.0, others, &[])).serialize(serializer),
            (Some(others), []) => (SEVERAL, self.0, others.own, &others.parts).serialize(serializer),
            (None, []) => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Ending {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(4, Figures { may_be_ruled: true })
    }
}

impl<'de> Deserialize<'de> for Unruled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(4, Figures { may_be_ruled: false }).map(Self)
    }
}

/// Reads how evidence ends.
struct Figures {
    may_be_ruled: bool,
}

impl<'de> Visitor<'de> for Figures {
    type Value = Ending;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("what things cost, and what was seen of other destinations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Ending, A::Error> {
        let missing = |at| A::Error::invalid_length(at, &self);
        match parts.next_element()?.ok_or_else(|| missing(0))? {
            RULED if self.may_be_ruled => {
                let ruled = parts.next_element()?.ok_or_else(|| missing(1))?;
                let Unruled(ending) = parts.next_element()?.ok_or_else(|| missing(2))?;
                Ok(Ending { ruled, ..ending })
            }
            SEVERAL => {
                let priced = parts.next_element()?.ok_or_else(|| missing(1))?;
                let own = parts.next_element()?.ok_or_else(|| missing(2))?;
                let others: Vec<Part> = parts.next_element()?.ok_or_else(|| missing(3))?;
                let parts = others.into_iter().map(|Part(group, seen)| (group, seen)).collect();
                Ok(Ending { priced, others: Some(Box::new(Others { own, parts })), ruled: Vec::new() })
            }
            first => Ok(Ending { priced: Priced::after(first, &mut parts)?, others: None, ruled: Vec::new() }),
        }
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (group, fields) = <(u16, Fields<Priced>)>::deserialize(deserializer)?;
        Ok(Self(group, evidence(fields, |priced| Ending { priced, others: None, ruled: Vec::new() })))
    }
}

impl Decision {
    /// Whether what was seen of several destinations was kept.
    pub fn is_of_several(&self) -> bool {
        self.evidence.others.is_some()
    }

    /// Whether groups went by other rules than their order.
    pub fn is_ruled_by_group(&self) -> bool {
        !self.evidence.ruled.is_empty()
    }

    /// The version by which a group was sourced.
    pub fn ruled(&self, group: u16) -> (&Text, u32) {
        let own = self.evidence.ruled.iter().find(|ruled| ruled.group == group);
        own.map_or((&self.rule_set, self.rule_set_version), |ruled| (&ruled.rule_set, ruled.version))
    }

    /// The decision of each destination, where what was seen of several was kept; `group_of` says where a line goes.
    pub fn by_group(&self, group_of: impl Fn(u16) -> u16) -> Vec<(u16, Self)> {
        let Some(others) = self.evidence.others.as_deref() else { return Vec::new() };
        let own = Evidence { others: None, ruled: Vec::new(), ..(*self.evidence).clone() };
        let seen = std::iter::once((others.own, own)).chain(others.parts.iter().cloned());
        let of = |(group, evidence): (u16, Evidence)| {
            let goes = |units: &LineUnits| group_of(units.line) == group;
            let assignments = self.assignments.iter().filter(|own| own.lines.first().is_some_and(goes));
            let assignments = assignments.cloned().collect();
            let unfilled = self.unfilled.iter().filter(|units| goes(units)).copied().collect();
            let (rule_set, rule_set_version) = self.ruled(group);
            let rule_set = rule_set.clone();
            let evidence = evidence.into();
            let own = Self { rule_set, rule_set_version, assignments, unfilled, evidence, ..self.clone() };
            // All together may not be proven though each is the best of what it saw.
            let optimal = self.optimal || own.is_best_of_seen();
            (group, Self { optimal, ..own })
        };
        seen.map(of).collect()
    }
}
