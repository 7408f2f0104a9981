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
        let share = half_up(i128::from(self.value) * i128::from(units), i128::from(self.quantity.max(1)));
        let kept = half_up(share * i128::from(self.fee_bps), 10_000);
        i64::try_from(share - kept).unwrap_or(i64::MAX)
    }
}

fn half_up(of: i128, parts: i128) -> i128 {
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
        let same = |held: &&mut HeldUnits| held.node == node && held.condition == condition;
        match self.held.iter_mut().find(same) {
            Some(held) => held.units += units,
            None => self.held.push(HeldUnits { node, condition, units }),
        }
    }

    pub(super) fn release(
        &mut self,
        node: NodeIndex,
        condition: Option<Condition>,
        units: u32,
    ) -> Result<(), LawBroken> {
        let same = |held: &&mut HeldUnits| held.node == node && held.condition == condition && held.units >= units;
        let missing = || LawBroken(format!("{units} units of line {} are not held so", self.id));
        let held = self.held.iter_mut().find(same).ok_or_else(missing)?;
        held.units -= units;
        self.held.retain(|held| held.units > 0);
        Ok(())
    }

    pub(super) fn settle(&mut self, part: &Part, condition: Condition, disposition: Disposition) {
        let (node, units) = (part.node, part.units);
        let same = |known: &&mut Disposed| {
            known.node == node && known.condition == condition && known.disposition == disposition
        };
        match self.disposed.iter_mut().find(same) {
            Some(known) => known.units += units,
            None => self.disposed.push(Disposed { node, condition, disposition, units }),
        }
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
