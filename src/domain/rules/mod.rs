//! Rule sets as data: how orders are sourced, as immutable versions under a name.
//!
//! A version says *where* it applies (scope and schedule), *who may not ship* (fences: hard, each with a reason), *what is
//! best* (terms of the objective: soft, in money) and what a unit costs that nobody ships. A version is a draft until it is
//! activated, and retired when another of its name is; of each name one is active at most.
//!
//! | file | what |
//! |---|---|
//! | `versions` | the versions of one name: the entity and its fold |
//! | `applied` | a version as orders are sourced by it: a tariff, fences, a bound of shipments |
//! | `weights` | the same where a tariff cannot say it: what the kernel in full is told |
//! | `book` | all names: which version applies to an order |
//! | `scarcity` | what the last units of a node are worth |
//! | `presets` | rule sets that are there from the first use |
//! | `groups` | the versions of an order whose groups go different ways |
//! | `faults` | what makes no sense in a version, told by field |
//!
//! Promises: a version never changes; whoever reads a decision later finds the rules by which it was made. A fence that
//! cannot be carried yet is stored and refused when it is to be activated, never passed over in silence.
//!
//! Bounds: the constants of `limits`. What is *not* here: who looks at nodes (`engine::fences`) and the choice itself
//! (`sourcing`).

pub mod applied;
pub mod book;
pub mod faults;
pub mod groups;
pub mod presets;
pub mod scarcity;
pub mod versions;
pub mod weights;

use serde::{Deserialize, Serialize};

use super::ids::Text;
use super::node::NodeKind;
use super::time::WallTime;

/// What one version says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RuleTerms {
    /// To which orders it applies.
    pub scope: Scope,
    /// When it applies.
    pub schedule: Schedule,
    /// Who may not ship.
    pub fences: Vec<Fence>,
    /// What is best.
    pub objective: Vec<Term>,
    /// What a unit costs that nobody ships.
    pub unfilled: Unfilled,
}

impl RuleTerms {
    /// Whether a tariff, fences of nodes and a bound of shipments say all of it; the kernel in full decides otherwise.
    pub fn is_plain(&self) -> bool {
        let bounds_plans =
            |fence: &Fence| matches!(fence, Fence::ShipComplete | Fence::LineComplete | Fence::SameNode(_));
        self.objective.iter().all(Term::is_plain)
            && self.unfilled == Unfilled::LastResort
            && !self.fences.iter().any(bounds_plans)
    }

    /// Whether it is there to be compared with, and no order is sourced by it.
    pub fn compares_only(&self) -> bool {
        self.objective.contains(&Term::Score)
    }

    /// Whether units may be left that somebody has: nobody waits by it with a right to what comes next.
    pub fn keeps_out(&self) -> bool {
        !self.fences.is_empty() || !self.is_plain()
    }
}

/// To which orders a version applies that name no rule set; a part without entries asks for nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Channels.
    pub channels: Vec<Text>,
    /// Countries they go to.
    pub countries: Vec<Text>,
    /// How they are delivered.
    pub delivery_methods: Vec<Text>,
    /// Nodes, one of which is the nearest to where they go.
    pub nodes: Vec<Text>,
}

impl Scope {
    /// Its parts by name.
    pub fn parts(&self) -> [(&'static str, &[Text]); 4] {
        [
            ("channels", &self.channels),
            ("countries", &self.countries),
            ("delivery_methods", &self.delivery_methods),
            ("nodes", &self.nodes),
        ]
    }

    /// How many of its parts ask for something: the more, the more specific.
    pub fn specificity(&self) -> usize {
        self.parts().iter().filter(|(_, entries)| !entries.is_empty()).count()
    }
}

/// When a version applies. Outside of it orders are sourced as if the version were not active, so what was before is back
/// by itself.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Schedule {
    /// At all times.
    #[default]
    Always,
    /// From one instant up to another, which is not part of it.
    Between {
        /// The first instant; any before when `None`.
        from: Option<WallTime>,
        /// The first instant that it does not apply any more; for ever when `None`.
        until: Option<WallTime>,
    },
    /// In these months of every year, 1 to 12, in UTC.
    Months(Vec<u8>),
}

impl Schedule {
    /// Whether it applies at an instant.
    pub fn is_on(&self, at: WallTime) -> bool {
        match self {
            Self::Always => true,
            Self::Between { from, until } => from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until),
            Self::Months(months) => months.contains(&month_of(at)),
        }
    }

    /// The next instant after one at which it may begin to apply, or end to.
    pub fn next_edge(&self, after: WallTime) -> Option<WallTime> {
        match self {
            Self::Always => None,
            Self::Between { from, until } => [*from, *until].into_iter().flatten().filter(|edge| *edge > after).min(),
            Self::Months(_) => month_after(after),
        }
    }
}

/// The first instant of the month after that of an instant, in UTC.
fn month_after(at: WallTime) -> Option<WallTime> {
    let day = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(jiff::tz::TimeZone::UTC).date();
    let next = day.last_of_month().tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(WallTime(next.timestamp().as_millisecond()))
}

/// The month of an instant in UTC, 1 to 12.
fn month_of(at: WallTime) -> u8 {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let month = instant.to_zoned(jiff::tz::TimeZone::UTC).month();
    u8::try_from(month).unwrap_or(1)
}

/// Who may not ship. That a node is switched off, does not serve the channel, refused this order or has none of it needs no
/// fence: it never ships.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Fence {
    /// Nodes farther from the destination than so many metres.
    Within {
        /// Metres.
        metres: u64,
    },
    /// Nodes of other kinds.
    Kinds(Vec<NodeKind>),
    /// Nodes in other countries.
    Countries(Vec<Text>),
    /// Nodes in another country than the destination.
    SameCountry,
    /// Nodes that are not named.
    Nodes(Vec<Text>),
    /// Nodes that are named.
    NotNodes(Vec<Text>),
    /// Nodes that lack one of these capabilities.
    Capabilities(Vec<Text>),
    /// Nodes whose cutoff of today has passed.
    Cutoff,
    /// Nodes from which no service arrives so many days after the day of the order; without a number, by the date the
    /// order asks for.
    ArrivesBy {
        /// Days.
        days: Option<u16>,
    },
    /// Nodes from which more would be paid for all units asked for, sent in one shipment: for the way, carriers, handling and
    /// the units themselves, as far as rules weigh it. What is no money paid, as shadow prices or load, does not count.
    LandedCost {
        /// Minor units of the base currency.
        amount: i64,
    },
    /// Nodes that have as many shipments today as they can handle.
    Capacity,
    /// Plans with more shipments to one destination; units that are decided later are a plan of their own.
    MaxShipments {
        /// Shipments.
        count: u16,
    },
    /// Plans that leave a unit of the order.
    ShipComplete,
    /// Plans that leave a unit of a line of which they ship another.
    LineComplete,
    /// Plans in which these skus leave from different nodes, or only some of their units: all that an order asks of them
    /// leaves from one node, or nothing of it.
    SameNode(Vec<Text>),
}

/// A cost that is weighed, in minor units of the base currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Term {
    /// For every shipment.
    PerShipment {
        /// Minor units.
        amount: i64,
    },
    /// For weight and distance.
    WeightDistance {
        /// Millionths of a minor unit for a kilogram and kilometre.
        micro_per_kg_km: i64,
    },
    /// For every shipment beyond the first.
    Split {
        /// Minor units.
        amount: i64,
    },
    /// For greenhouse gas, by a fixed part for every parcel and one for weight and distance.
    Carbon {
        /// Minor units for a kilogram of CO2 equivalents.
        per_kg: i64,
    },
    /// For the kilometres of a shipment, whatever it weighs.
    Distance {
        /// Millionths of a minor unit for a kilometre.
        micro_per_km: i64,
    },
    /// What the cheapest service of a carrier asks.
    Shipping,
    /// What a node's handling costs.
    Handling,
    /// What a unit cost to have it there, as somebody said it, else the value of the item.
    UnitCost,
    /// For every day that a shipment is late: after the day that its order names, else after the day of the order.
    Late {
        /// Minor units.
        per_day: i64,
    },
    /// What a shipment from a node counts more than one from another, as somebody said it.
    Priority,
    /// What somebody else would have paid for a unit that is gone then: see `scarcity`.
    Scarcity,
    /// What it is worth to be rid of a unit, as somebody said it: the only term below zero.
    Markdown,
    /// What it costs when a node does not find a unit, as often as that happens.
    ShortPick {
        /// Minor units for a unit that is not found.
        amount: i64,
    },
    /// What it is worth that work is spread: for a shipment from a node whose day is full what its handling of one costs, of
    /// one that is half full half of that.
    LoadBalance,
    /// The same, with its own amount in the place of the handling.
    Balance {
        /// Minor units.
        amount: i64,
    },
    /// What a unit, and a shipment of its node, is worth to orders to come: see `domain::opportunity`.
    Opportunity,
    /// No cost: nodes are chosen by a score in the place of all costs, which others source by. To compare with, never to
    /// source by: see `sourcing::score`.
    Score,
}

/// What a unit costs that nobody ships.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Unfilled {
    /// As many units as can be filled are; then the cost is minded.
    #[default]
    LastResort,
    /// So much, against which filling is weighed.
    Charged {
        /// Minor units for a line of which a unit is missing.
        per_line: i64,
        /// Millionths of the item's value for every unit that is missing.
        value_share_micro: u32,
    },
}

/// How far a version is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum VersionState {
    /// It was never active.
    Draft,
    /// Orders are sourced by it.
    Active,
    /// It was active; another is.
    Retired,
}

impl Fence {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Within { .. } => "within_km",
            Self::Kinds(_) => "kind",
            Self::Countries(_) => "countries",
            Self::SameCountry => "same_country",
            Self::Nodes(_) => "nodes",
            Self::NotNodes(_) => "not_nodes",
            Self::Capabilities(_) => "capabilities",
            Self::Cutoff => "cutoff",
            Self::ArrivesBy { .. } => "arrives_by",
            Self::LandedCost { .. } => "landed_cost",
            Self::Capacity => "capacity",
            Self::MaxShipments { .. } => "max_shipments",
            Self::ShipComplete => "ship_complete",
            Self::LineComplete => "line_complete",
            Self::SameNode(_) => "same_node",
        }
    }

    /// Whether it keeps nodes out, as they stand: the others bound plans, services or money.
    pub fn is_of_nodes(&self) -> bool {
        match self {
            Self::Within { .. }
            | Self::Kinds(_)
            | Self::Countries(_)
            | Self::SameCountry
            | Self::Nodes(_)
            | Self::NotNodes(_)
            | Self::Capabilities(_)
            | Self::Cutoff
            | Self::Capacity => true,
            Self::ArrivesBy { .. }
            | Self::LandedCost { .. }
            | Self::MaxShipments { .. }
            | Self::ShipComplete
            | Self::LineComplete
            | Self::SameNode(_) => false,
        }
    }

    /// Names that it lists.
    pub fn named(&self) -> &[Text] {
        match self {
            Self::Countries(names)
            | Self::Nodes(names)
            | Self::NotNodes(names)
            | Self::Capabilities(names)
            | Self::SameNode(names) => names,
            _ => &[],
        }
    }
}

impl Term {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::PerShipment { .. } => "per_shipment",
            Self::WeightDistance { .. } | Self::Distance { .. } => "distance",
            Self::Split { .. } => "split",
            Self::Carbon { .. } => "carbon",
            Self::Shipping => "shipping",
            Self::Handling => "handling",
            Self::UnitCost => "unit_cost",
            Self::Late { .. } => "late",
            Self::Priority => "priority",
            Self::Scarcity => "scarcity",
            Self::Markdown => "markdown",
            Self::ShortPick { .. } => "short_pick",
            Self::LoadBalance | Self::Balance { .. } => "load_balance",
            Self::Opportunity => "opportunity",
            Self::Score => "score",
        }
    }

    /// Whether a tariff can say it.
    pub fn is_plain(&self) -> bool {
        matches!(
            self,
            Self::PerShipment { .. } | Self::WeightDistance { .. } | Self::Split { .. } | Self::Carbon { .. }
        )
    }
}

impl VersionState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}
