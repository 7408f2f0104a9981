//! Lines of a return: units of one line of its order, what of them came, and what became of it.
//!
//! What is *not* here: the return itself (`returns`).

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, SkuIndex, Text};
use super::return_policy::Outside;
use super::return_status::{Condition, Disposition};
use super::stock::LawBroken;

/// Units that were received and of which nobody has said what becomes of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldUnits {
    /// Where they are.
    pub node: NodeIndex,
    /// Their grade, once somebody looked.
    pub condition: Option<Condition>,
    /// How many.
    pub units: u32,
}

/// Units of which was said what becomes of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Disposed {
    /// Where they came to.
    pub node: NodeIndex,
    /// Their grade.
    pub condition: Condition,
    /// What becomes of them.
    pub disposition: Disposition,
    /// How many.
    pub units: u32,
}

/// A line of a return: units of one line of its order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReturnLine {
    /// Position of the order's line.
    pub line: u16,
    /// Id of the order's line.
    pub id: Text,
    /// What.
    pub sku: SkuIndex,
    /// How many.
    pub quantity: u32,
    /// What all of them are worth to the customer, minor units of the order's currency.
    pub value: i64,
    /// What of that is kept for restocking, in hundredths of a percent.
    pub fee_bps: u16,
    /// Why they come back.
    pub reason: Text,
    /// The state they are said to be in.
    pub stated: Option<Condition>,
    /// Why the policy does not take them.
    pub outside: Option<Outside>,
    /// Where they shall come to.
    pub node: Option<NodeIndex>,
    /// Units that came.
    pub received: u32,
    /// Units that were not in the parcel.
    pub missing: u32,
    /// Units that came and of which nobody has said what becomes of them.
    pub held: Vec<HeldUnits>,
    /// Units of which was said what becomes of them.
    pub disposed: Vec<Disposed>,
}

impl ReturnLine {
    /// A line as it is requested.
    pub fn requested(line: u16, id: Text, sku: SkuIndex, quantity: u32, value: i64, reason: Text) -> Self {
        Self {
            line,
            id,
            sku,
            quantity,
            value,
            fee_bps: 0,
            reason,
            stated: None,
            outside: None,
            node: None,
            received: 0,
            missing: 0,
            held: Vec::new(),
            disposed: Vec::new(),
        }
    }

    /// Units that have neither come nor been missed.
    pub fn expected(&self) -> u32 {
        self.quantity.saturating_sub(self.received).saturating_sub(self.missing)
    }

    /// Units that came and that nobody has looked at.
    pub fn ungraded(&self) -> u32 {
        self.held.iter().filter(|held| held.condition.is_none()).map(|held| held.units).sum()
    }

    /// What so many of its units are worth to the customer: their share without the fee, each rounded half up.
    pub(super) fn worth(&self, units: u32) -> i64 {
        self.worth_of_parts(i128::from(units), 1)
    }

    /// What so many parts of its units are worth to him, of which each has so many.
    pub(super) fn worth_of_parts(&self, parts: i128, of_each: i128) -> i64 {
        let share = half_up(i128::from(self.value) * parts, i128::from(self.quantity.max(1)) * of_each);
        let kept = half_up(share * i128::from(self.fee_bps), 10_000);
        i64::try_from(share - kept).unwrap_or(i64::MAX)
    }
}

pub(super) fn half_up(of: i128, parts: i128) -> i128 {
    (2 * of + parts) / (2 * parts)
}

/// Units of a line that something is said about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Part {
    /// Position of the line within the return.
    pub line: u16,
    /// How many.
    pub units: u32,
    /// Where they are.
    pub node: NodeIndex,
    /// Their grade, if somebody looked.
    pub condition: Option<Condition>,
    /// What becomes of them, if that was said.
    pub disposition: Option<Disposition>,
}

impl Part {
    /// Whether they were not in the parcel.
    pub fn is_missing(&self) -> bool {
        self.condition == Some(Condition::Missing) || self.disposition == Some(Disposition::Missing)
    }
}

impl ReturnLine {
    pub(super) fn hold(&mut self, node: NodeIndex, condition: Option<Condition>, units: u32) {
        hold(&mut self.held, node, condition, units);
    }

    pub(super) fn release(
        &mut self,
        node: NodeIndex,
        condition: Option<Condition>,
        units: u32,
    ) -> Result<(), LawBroken> {
        let missing = || LawBroken(format!("{units} units of line {} are not held so", self.id));
        release(&mut self.held, node, condition, units).then_some(()).ok_or_else(missing)
    }

    pub(super) fn settle(&mut self, part: &Part, condition: Condition, disposition: Disposition) {
        settle(&mut self.disposed, Disposed { node: part.node, condition, disposition, units: part.units });
    }
}

/// Adds units of one grade at one node.
pub(super) fn hold(all: &mut Vec<HeldUnits>, node: NodeIndex, condition: Option<Condition>, units: u32) {
    let same = |held: &&mut HeldUnits| held.node == node && held.condition == condition;
    match all.iter_mut().find(same) {
        Some(held) => held.units += units,
        None => all.push(HeldUnits { node, condition, units }),
    }
}

/// Takes units of one grade at one node away; `false` where there are fewer.
pub(super) fn release(all: &mut Vec<HeldUnits>, node: NodeIndex, condition: Option<Condition>, units: u32) -> bool {
    let same = |held: &&mut HeldUnits| held.node == node && held.condition == condition && held.units >= units;
    let Some(held) = all.iter_mut().find(same) else { return false };
    held.units -= units;
    all.retain(|held| held.units > 0);
    true
}

/// Adds units that got their fate.
pub(super) fn settle(all: &mut Vec<Disposed>, units: Disposed) {
    let same = |known: &&mut Disposed| Disposed { units: known.units, ..units } == **known;
    match all.iter_mut().find(same) {
        Some(known) => known.units += units.units,
        None => all.push(units),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_fees_are_rounded_half_up_and_all_units_together_are_worth_the_whole() {
        let worth = |quantity, value, fee_bps| {
            let line = ReturnLine::requested(0, "1".into(), SkuIndex(0), quantity, value, "late".into());
            let line = ReturnLine { fee_bps, ..line };
            (1..=quantity).map(|units| line.worth(units)).collect::<Vec<_>>()
        };
        assert_eq!(worth(3, 2_997, 1_000), [899, 1_798, 2_697], "fees of 99.9, 199.8 and 299.7");
        assert_eq!(worth(3, 100, 0), [33, 67, 100]);
        assert_eq!(worth(2, 5, 0), [3, 5], "a half is rounded up");
        assert_eq!(worth(1, 5, 1_000), [4], "and so is half of a fee");
        assert_eq!(worth(2, 2_997, 10_000), [0, 0]);
    }
}
