//! Kits of a return that are taken apart: of each component how many there are, in which state, and what becomes of them.
//!
//! A kit comes back as a unit of its line and may get one fate as a whole; then nothing of it is here. Where its components
//! are looked at singly it is *taken apart*: units of its components take its place, where it is and with its grade, and each
//! is graded and gets its fate as units of a line do. What was not in the box is missing of a kit that came.
//!
//! A component is worth that share of its kit which the value of its item has of the values of all that is in the kit; where
//! one of the items has no value, every unit is worth the same. That is fixed when the first kit of the line is taken apart.
//!
//! Law, per component: units held, disposed of and missing = units in the kits that were taken apart.
//!
//! What is *not* here: what is done to stock (the engine), and what goes back to the customer (`return_money`).

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, SkuIndex};
use super::return_line::{self, Disposed, HeldUnits, ReturnLine};
use super::return_status::{Condition, Disposition};
use super::returns::Return;
use super::stock::LawBroken;

/// What a kit is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KitPart {
    /// The component.
    pub sku: SkuIndex,
    /// Units of it in one kit, at least 1.
    pub each: u32,
    /// What one unit weighs in the worth of the kit, at least 1 for some component.
    pub weight: u64,
}

/// Kits of a line, all alike, that are taken apart where they are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenApart {
    /// Position of the line within the return.
    pub line: u16,
    /// Where they are.
    pub node: NodeIndex,
    /// Their grade, if somebody looked.
    pub condition: Option<Condition>,
    /// How many.
    pub kits: u32,
    /// What one of them is made of.
    pub parts: Vec<KitPart>,
}

/// Units of a component that something is said about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Piece {
    /// Position of the line within the return.
    pub line: u16,
    /// The component.
    pub sku: SkuIndex,
    /// How many.
    pub units: u32,
    /// Where they are.
    pub node: NodeIndex,
    /// Their grade until now.
    pub before: Option<Condition>,
    /// Their grade from now on; `Missing` when they were not in the box.
    pub condition: Option<Condition>,
    /// What becomes of them, if that was said.
    pub disposition: Option<Disposition>,
}

impl Piece {
    /// Whether they were not in the box.
    pub fn is_missing(&self) -> bool {
        self.condition == Some(Condition::Missing) || self.disposition == Some(Disposition::Missing)
    }
}

/// A component of the kits of a line that were taken apart.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Component {
    /// What it is in a kit.
    pub part: KitPart,
    /// Units that were not in the box.
    pub missing: u32,
    /// Units of which nobody has said what becomes of them.
    pub held: Vec<HeldUnits>,
    /// Units of which was said what becomes of them.
    pub disposed: Vec<Disposed>,
}

/// The kits of a line that were taken apart.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApartKits {
    /// Position of the line within the return.
    pub line: u16,
    /// How many.
    pub kits: u32,
    /// What of them there is, in the order in which a kit names it.
    pub components: Vec<Component>,
}

impl ApartKits {
    /// None yet, of a line whose kits are made of this.
    pub fn none(line: u16, parts: &[KitPart]) -> Self {
        let component = |part: &KitPart| Component { part: *part, missing: 0, held: Vec::new(), disposed: Vec::new() };
        Self { line, kits: 0, components: parts.iter().map(component).collect() }
    }

    /// What one kit is made of.
    pub fn parts(&self) -> Vec<KitPart> {
        self.components.iter().map(|component| component.part).collect()
    }

    /// What one kit weighs.
    pub fn whole(&self) -> i128 {
        self.weigh(|component| component.part.each)
    }

    /// What weighs what was missing of them.
    pub fn missing(&self) -> i128 {
        self.weigh(|component| component.missing)
    }

    /// What weighs all of which was said what becomes of it.
    pub fn disposed(&self) -> i128 {
        self.weigh(|component| component.disposed.iter().map(|disposed| disposed.units).sum())
    }

    fn weigh(&self, units: impl Fn(&Component) -> u32) -> i128 {
        let weight = |own: &Component| i128::from(own.part.weight) * i128::from(units(own));
        self.components.iter().map(weight).sum()
    }

    /// Whether something of them waits to be graded, or to get its fate.
    pub fn holds(&self, ungraded: bool) -> bool {
        let mut held = self.components.iter().flat_map(|component| &component.held);
        held.any(|held| !ungraded || held.condition.is_none())
    }

    /// Whether something of them is, or was, at a node.
    pub fn is_at(&self, node: NodeIndex) -> bool {
        let held = |own: &Component| own.held.iter().any(|held| held.node == node);
        let disposed = |own: &Component| own.disposed.iter().any(|disposed| disposed.node == node);
        self.components.iter().any(|own| held(own) || disposed(own))
    }

    /// The component of a sku.
    pub fn component(&self, sku: SkuIndex) -> Option<&Component> {
        self.components.iter().find(|component| component.part.sku == sku)
    }

    /// So many more kits, all of one grade.
    pub fn add(&mut self, node: NodeIndex, condition: Option<Condition>, kits: u32) {
        self.kits += kits;
        for component in &mut self.components {
            return_line::hold(&mut component.held, node, condition, component.part.each.saturating_mul(kits));
        }
    }

    /// Something is said of units of a component; `false` where they are not there so, or it cannot be said.
    pub fn say(&mut self, piece: &Piece) -> bool {
        let Some(own) = self.components.iter_mut().find(|own| own.part.sku == piece.sku) else { return false };
        let Piece { units, node, before, .. } = *piece;
        if units == 0 || !return_line::release(&mut own.held, node, before, units) {
            return false;
        }
        match (piece.condition, piece.disposition) {
            _ if piece.is_missing() => own.missing += units,
            (Some(condition), Some(disposition)) => {
                return_line::settle(&mut own.disposed, Disposed { node, condition, disposition, units });
            }
            (Some(condition), None) => return_line::hold(&mut own.held, node, Some(condition), units),
            (None, _) => return false,
        }
        true
    }
}

impl ReturnLine {
    /// What units of a component in the kits that were taken apart are worth to the customer, before any fee: their share of
    /// those kits.
    pub fn value_of(&self, kits: &ApartKits, own: &Component) -> i64 {
        let weight = i128::from(own.part.weight) * i128::from(own.part.each) * i128::from(kits.kits);
        let all = i128::from(self.quantity.max(1)) * kits.whole();
        i64::try_from(return_line::half_up(i128::from(self.value) * weight, all)).unwrap_or(i64::MAX)
    }
}

impl Return {
    /// The kits of a line that were taken apart, by its position.
    pub fn apart(&self, line: u16) -> Option<&ApartKits> {
        self.kits.iter().find(|own| own.line == line)
    }

    pub(super) fn take_apart(&mut self, apart: &TakenApart) -> Result<(), LawBroken> {
        let TakenApart { line, node, condition, kits, parts } = apart;
        let broken = || LawBroken(format!("return {}: {apart:?} is not made so", self.key));
        let at = self.kits.iter().position(|own| own.line == *line);
        let is_so = at.is_none_or(|at| self.kits[at].parts() == *parts);
        let is_kit = !parts.is_empty() && ApartKits::none(*line, parts).whole() > 0;
        if *kits == 0 || !is_so || !is_kit {
            return Err(broken());
        }
        self.line_mut(*line)?.release(*node, *condition, *kits)?;
        let at = at.unwrap_or_else(|| {
            self.kits.push(ApartKits::none(*line, parts));
            self.kits.len() - 1
        });
        self.kits[at].add(*node, *condition, *kits);
        Ok(())
    }

    pub(super) fn say_of_piece(&mut self, piece: &Piece) -> Result<(), LawBroken> {
        let own = self.kits.iter_mut().find(|own| own.line == piece.line);
        let is_said = own.is_some_and(|own| own.say(piece));
        is_said.then_some(()).ok_or_else(|| LawBroken(format!("return {}: {piece:?} is not there", self.key)))
    }
}
