//! What the kernel in full saw of an order, beside what every decision keeps; and the money by term.
//!
//! It lies with the evidence, so that whoever asks later why a node lost is answered from the figures of then, not from
//! what carriers and nodes ask by now.
//!
//! **Bytes.** Evidence ends with what things cost: three figures of a tariff, or `WEIGHED`, which no tariff begins with,
//! and a [`Weighed`]; where orders to come were minded, `AHEAD`, the same, and what that cost ([`Ahead`]). Records and orders
//! that hold one say so by their version (`journal::codec`).

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::decision::{Decision, Evidence, LineUnits, Terms};
use super::evidence::{RULED, SEVERAL};
use super::fulfillment::FulfillmentOrder;
use super::ids::{NodeIndex, Text};
use super::order::{Order, OrderEvent};
use super::sight::{SeenLine, Sight};
use super::sourcing::costed::{Candidate, Filling, Line, Offer, Problem, Rates, Shortage};
use super::told::Told;

/// Stands where a tariff has its charge per shipment.
const WEIGHED: i64 = i64::MIN;
/// Stands there where orders to come were minded.
const AHEAD: i64 = i64::MIN + 2;

/// A cost that a decision is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CostTerm {
    /// For every shipment.
    PerShipment,
    /// For weight and distance, or distance alone.
    Distance,
    /// For every shipment beyond the first.
    Split,
    /// What carriers ask.
    Shipping,
    /// What nodes ask for their handling.
    Handling,
    /// What units cost where they lie.
    UnitCost,
    /// For days that shipments take.
    Late,
    /// For greenhouse gas.
    Carbon,
    /// What the priorities of nodes are worth.
    Priority,
    /// For units that nobody ships.
    Unfilled,
    /// For the last units of nodes.
    Scarcity,
    /// For units that had better go, below zero.
    Markdown,
    /// For units that are not found, as often as that happens.
    ShortPick,
    /// For nodes that have much to do already.
    LoadBalance,
    /// For what orders to come would have of it.
    Opportunity,
}

/// How many terms there are.
pub const COST_TERMS: usize = 15;

impl CostTerm {
    /// Whether somebody is paid for it, so that it counts in a landed cost: the others are what is wished, feared or foreseen.
    pub fn is_paid(self) -> bool {
        matches!(
            self,
            Self::PerShipment | Self::Distance | Self::Split | Self::Shipping | Self::Handling | Self::UnitCost
        )
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::PerShipment => "per_shipment",
            Self::Distance => "distance",
            Self::Split => "split",
            Self::Shipping => "shipping",
            Self::Handling => "handling",
            Self::UnitCost => "unit_cost",
            Self::Late => "late",
            Self::Carbon => "carbon",
            Self::Priority => "priority",
            Self::Unfilled => "unfilled",
            Self::Scarcity => "scarcity",
            Self::Markdown => "markdown",
            Self::ShortPick => "short_pick",
            Self::LoadBalance => "load_balance",
            Self::Opportunity => "opportunity",
        }
    }
}

/// What things cost that a solver saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Priced {
    /// A tariff: per shipment, millionths per kilogram and kilometre, split.
    Tariff(i64, i64, i64),
    /// Figures of the kernel in full.
    Weighed(Box<Weighed>),
}

/// See the module. Amounts are minor units of the base currency.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Weighed {
    /// The cost of the whole plan by term, those that are weighed.
    pub amounts: Vec<(CostTerm, i64)>,
    /// Of the units that nobody ships those whose filling costs more than leaving them.
    pub uneconomic: Vec<LineUnits>,
    /// Who carries what.
    pub carried: Vec<Carried>,
    /// For every shipment beyond the first.
    pub split: i64,
    /// Most shipments.
    pub shipments_max: Option<u32>,
    /// Whether units are left whose filling costs more.
    pub by_price: bool,
    /// Whether all units ship or none.
    pub complete: bool,
    /// What lines, parcels, nodes and units cost.
    pub told: Told,
    /// What of all that is for orders to come, where some of it is.
    #[serde(skip)]
    pub ahead: Option<Box<Ahead>>,
}

/// What orders to come were minded by: part of what a parcel and a unit cost.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ahead {
    /// Of a parcel, by candidate.
    pub per_shipment: Vec<i64>,
    /// Of a unit, by candidate and seen line.
    pub per_unit: Vec<i64>,
}

/// A line as it was weighed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WeighedLine {
    /// Load of a unit: its grams, or its grams above so many bits of its volume.
    pub unit_weight_g: u64,
    /// Cost of leaving any of it.
    pub per_line: i64,
    /// Cost of leaving a unit.
    pub per_unit: i64,
    /// Whether all of it ships or none.
    pub complete: bool,
    /// Lines of one number ship from one node.
    pub together: Option<u8>,
}

/// A candidate as it was weighed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WeighedNode {
    /// For every parcel, whoever carries it.
    pub per_shipment: i64,
    /// For every unit, whichever it is.
    pub per_unit: i64,
    /// Position of its table.
    pub table: u16,
    /// Parcels it may send.
    pub parcels_max: u32,
}

/// What a carrier takes from a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Carried {
    /// From where.
    pub node: NodeIndex,
    /// Whereto.
    pub group: u16,
    /// Carrier.
    pub carrier: Text,
    /// Service.
    pub service: Text,
    /// Parcels.
    pub parcels: u32,
    /// What they cost together.
    pub price: i64,
}

impl Order {
    /// By which services the parcels of one of its fulfilment orders were to leave, where its plan chose them.
    pub fn carried(&self, fulfillment: &FulfillmentOrder) -> impl Iterator<Item = &Carried> + Clone {
        let decision = self.decision.as_ref().into_iter();
        decision.flat_map(|decision| decision.carried(fulfillment.node, fulfillment.group))
    }
}

impl Default for Priced {
    fn default() -> Self {
        Self::Tariff(0, 0, 0)
    }
}

impl Serialize for Priced {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tariff(per_shipment, micro_per_kg_km, split) => {
                (per_shipment, micro_per_kg_km, split).serialize(serializer)
            }
            Self::Weighed(weighed) => match &weighed.ahead {
                Some(ahead) => (AHEAD, weighed, ahead).serialize(serializer),
                None => (WEIGHED, weighed).serialize(serializer),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Priced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Figures;

        impl<'de> Visitor<'de> for Figures {
            type Value = Priced;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("three figures of a tariff, or what the kernel in full saw")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Priced, A::Error> {
                let first = next(&mut parts, 0)?;
                Priced::after(first, &mut parts)
            }
        }

        deserializer.deserialize_tuple(3, Figures)
    }
}

impl Priced {
    /// The rest of it behind its first figure.
    pub(super) fn after<'de, A: SeqAccess<'de>>(first: i64, parts: &mut A) -> Result<Self, A::Error> {
        match first {
            WEIGHED => Ok(Self::Weighed(next(parts, 1)?)),
            AHEAD => {
                let weighed: Box<Weighed> = next(parts, 1)?;
                let ahead = Some(next(parts, 2)?);
                Ok(Self::Weighed(Box::new(Weighed { ahead, ..*weighed })))
            }
            SEVERAL | RULED => Err(A::Error::custom("what stands behind others or rules of groups has none itself")),
            per_shipment => Ok(Self::Tariff(per_shipment, next(parts, 1)?, next(parts, 2)?)),
        }
    }
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(parts: &mut A, at: usize) -> Result<T, A::Error> {
    parts.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &"what things cost"))
}

impl Evidence {
    /// What the kernel in full saw, where it decided.
    pub fn weighed(&self) -> Option<&Weighed> {
        match &self.priced {
            Priced::Weighed(weighed) => Some(weighed),
            Priced::Tariff(..) => None,
        }
    }

    /// The same evidence of a question by a tariff that was put to the kernel in full, as it bounds shipments; the terms of the
    /// tariff stay where those of a tariff are told.
    pub fn weighed_by_tariff(self, full: &Problem) -> Self {
        if self.sight.is_empty() {
            return self;
        }
        let of = |(node, _): (NodeIndex, u32)| {
            let at = full.candidates.iter().position(|own| own.node == node.0);
            at.expect("what was seen is what was asked")
        };
        let candidates: Vec<usize> = self.sight.candidates().map(of).collect();
        let node = |(table, at): (u16, &usize)| WeighedNode {
            per_shipment: full.candidates[*at].per_shipment,
            per_unit: 0,
            table,
            parcels_max: full.candidates[*at].parcels_max,
        };
        let table = |at: &usize| full.rates.told(full.offers[full.candidates[*at].offers.start].table).collect();
        let line = |line: SeenLine<'_>| WeighedLine { unit_weight_g: line.unit_weight_g, ..WeighedLine::default() };
        let weighed = Weighed {
            amounts: [CostTerm::PerShipment, CostTerm::Distance, CostTerm::Split].map(|term| (term, 0)).to_vec(),
            split: full.split,
            shipments_max: full.shipments_max,
            told: Told::listed(
                &self.sight.lines().map(line).collect::<Vec<_>>(),
                full.rates.scale(),
                &candidates.iter().map(table).collect::<Vec<_>>(),
                &(0..).zip(&candidates).map(node).collect::<Vec<_>>(),
                &vec![0; candidates.len() * full.lines.len()],
            ),
            ..Weighed::default()
        };
        Self { priced: Priced::Weighed(Box::new(weighed)), ..self }
    }

    /// The same, made when there is none yet: what was seen by a tariff cannot stand beside it.
    pub fn weighed_mut(&mut self) -> &mut Weighed {
        if let Priced::Tariff(..) = self.priced {
            self.priced = Priced::Weighed(Box::default());
            self.truncated |= !self.sight.is_empty();
            self.sight = Sight::default();
        }
        match &mut self.priced {
            Priced::Weighed(weighed) => weighed,
            Priced::Tariff(..) => unreachable!("it was just made"),
        }
    }
}

impl Evidence {
    /// Adds what another part of the order cost, left, and was carried by.
    pub fn add(&mut self, other: &Weighed) {
        let weighed = self.weighed_mut();
        for (term, amount) in &other.amounts {
            match weighed.amounts.iter_mut().find(|(known, _)| known == term) {
                Some((_, known)) => *known = known.saturating_add(*amount),
                None => weighed.amounts.push((*term, *amount)),
            }
        }
        weighed.uneconomic.extend_from_slice(&other.uneconomic);
        weighed.carried.extend_from_slice(&other.carried);
    }
}

impl Decision {
    /// Whether the kernel in full made it.
    pub fn is_weighed(&self) -> bool {
        self.evidence.weighed().is_some()
    }

    /// Whether some of what it weighed is for orders to come, at any of its destinations.
    pub fn minds_orders_ahead(&self) -> bool {
        let minds = |seen: &Evidence| seen.weighed().is_some_and(|weighed| weighed.ahead.is_some());
        let others = self.evidence.others.iter().flat_map(|others| &others.parts);
        minds(&self.evidence) || others.map(|(_, seen)| seen).any(minds)
    }

    /// What it cost as it was made, minor units of the base currency, whatever was moved since.
    pub fn recorded_cost(&self) -> i64 {
        let Terms { per_shipment, distance, split } = self.terms;
        let weighed = self.evidence.weighed().into_iter().flat_map(|weighed| &weighed.amounts);
        let amounts = weighed.map(|(_, amount)| *amount).chain([per_shipment, distance, split]);
        amounts.fold(0, i64::saturating_add)
    }

    /// The services that were weighed and chosen for what leaves a node for a destination.
    pub fn carried(&self, node: NodeIndex, group: u16) -> impl Iterator<Item = &Carried> + Clone {
        let carried = self.evidence.weighed().into_iter().flat_map(|weighed| &weighed.carried);
        carried.filter(move |own| (own.node, own.group) == (node, group))
    }

    /// Of the units that still wait those whose filling cost more than leaving them.
    pub fn uneconomic(&self) -> Vec<LineUnits> {
        let Some(weighed) = self.evidence.weighed() else { return Vec::new() };
        let waits = |line: u16| self.unfilled.iter().filter(|u| u.line == line).map(|u| u.quantity).sum::<u32>();
        let left =
            weighed.uneconomic.iter().map(|u| LineUnits { line: u.line, quantity: u.quantity.min(waits(u.line)) });
        left.filter(|u| u.quantity > 0).collect()
    }

    /// The problem of the kernel in full, from what was recorded of it, and which of the recorded candidates each of its
    /// candidates is.
    pub fn restate_weighed(&self, weighed: &Weighed) -> (Problem, Vec<usize>) {
        let seen = &self.evidence.sight;
        let mut problem = Problem::default();
        problem.clear(seen.slots());
        (problem.split, problem.shipments_max, problem.complete) =
            (weighed.split, weighed.shipments_max, weighed.complete);
        problem.filling = if weighed.by_price { Filling::Priced } else { Filling::First };
        let told = &weighed.told;
        problem.rates = Rates::new(told.up_to_g().collect());
        let tables: Vec<u32> = told.tables().map(|table| problem.rates.add_told(table)).collect();
        for (line, own) in seen.lines().zip(told.lines()) {
            problem.add_line(own.line(line.quantity), line.needs());
        }
        let order = nearest_first(seen.candidates().map(|(node, metres)| (node, u64::from(metres))));
        for &at in &order {
            let own = told.node(at);
            let offer = Offer { service: 0, table: tables[usize::from(own.table)], plus: 0 };
            problem.add_candidate(
                own.candidate(seen.node(at)),
                seen.has(at).iter().copied(),
                told.unit_costs(at),
                [offer],
            );
        }
        (problem, order)
    }
}

impl WeighedLine {
    /// The same to the kernel; its needs are added with it.
    pub fn line(&self, quantity: u32) -> Line {
        let Self { unit_weight_g, per_line, per_unit, complete, together } = *self;
        Line { quantity, unit_weight_g, needs: 0..0, shortage: Shortage { per_line, per_unit }, complete, together }
    }
}

impl WeighedNode {
    /// The same to the kernel; its offers are added with it.
    pub fn candidate(&self, node: NodeIndex) -> Candidate {
        let Self { per_shipment, per_unit, parcels_max, .. } = *self;
        Candidate { node: node.0, per_shipment, per_unit, offers: 0..0, units_max: None, parcels_max }
    }
}

/// Positions of candidates, the nearest first, then by index: so the kernel breaks ties.
pub fn nearest_first(candidates: impl Iterator<Item = (NodeIndex, u64)>) -> Vec<usize> {
    let mut order: Vec<(u64, NodeIndex, usize)> =
        candidates.enumerate().map(|(at, (node, metres))| (metres, node, at)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, at)| at).collect()
}

impl OrderEvent {
    /// The decision that it tells of.
    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Placed { decision, .. } | Self::Sourced { decision, .. } => decision.as_deref(),
            Self::EditOpened { decision, .. } => Some(decision),
            Self::Routed { decision } | Self::RoutingFailed { decision } | Self::AllocationFailed { decision } => {
                Some(decision)
            }
            _ => None,
        }
    }
}

impl Order {
    /// The decisions that it holds: its own, and those of edits.
    pub fn decisions(&self) -> impl Iterator<Item = &Decision> {
        let of_edits = self.edits.iter().filter_map(|edit| edit.decision.as_deref());
        self.decision.as_deref().into_iter().chain(of_edits)
    }
}
