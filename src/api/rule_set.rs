//! Rule sets: put, activated, shown. What was put is shown again as it was put.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::channel::ids;
use super::json::Json;
use super::reading::{At, Listed, Shape, shape};
use super::scalar::{Amount, DaysAhead, Id, Instant, Kilometres, MonthNumber, RatePart, Shipments, VersionNumber};
use super::words::{DeliveryMethod, FenceWord, TermWord, UnfilledWord, Worded};
use crate::domain::command::{ActivateRules, PutRules};
use crate::domain::ids::Text;
use crate::domain::limits::{RULE_NAMES_MAX, RULE_PARTS_MAX};
use crate::domain::node::NodeKind;
use crate::domain::rules::book::Version;
use crate::domain::rules::versions::RuleVersions;
use crate::domain::rules::{Fence, RuleTerms, Schedule, Scope, Term, Unfilled};

shape! {
    /// A version of a rule set.
    #[derive(Serialize)]
    pub struct RuleSetPut {
        /// To which orders it applies that name no rule set; to all when left out.
        pub scope: Option<ScopeShape>,
        /// When it applies; always when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub schedule: Option<ScheduleShape>,
        /// Who may not ship.
        pub fences: Option<Vec<FenceShape>>,
        /// Costs that are weighed, in minor units of the base currency. Of plans that cost the same, as all do where there is
        /// none, those of nearer nodes are best.
        pub objective: Vec<TermShape>,
        /// What a unit costs that nobody ships: `"last_resort"` (the default) fills first and then minds the cost.
        pub unfilled: Option<UnfilledShape>,
    }
}

shape! {
    /// To which orders a version applies; what is left out asks for nothing.
    #[derive(Default, Serialize)]
    #[schema(as = RuleScope)]
    pub struct ScopeShape {
        /// Channels.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub channels: Option<Vec<RuleName>>,
        /// Countries they go to.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub countries: Option<Vec<RuleName>>,
        /// How they are delivered.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub delivery_methods: Option<Vec<RuleName>>,
        /// Nodes, one of which is the nearest to where they go.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub nodes: Option<Vec<RuleName>>,
    }
    check = ScopeShape::judge;
}

shape! {
    /// When a version applies: either between two instants, or in months of every year, in UTC.
    #[derive(Serialize)]
    #[schema(as = RuleSchedule)]
    pub struct ScheduleShape {
        /// The first instant.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub from: Option<Instant>,
        /// The first instant after it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub until: Option<Instant>,
        /// Months, 1 to 12.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub months: Option<Vec<MonthNumber>>,
    }
    check = ScheduleShape::judge;
}

shape! {
    /// A fence, with the fields that its word asks for.
    #[derive(Serialize)]
    #[schema(as = RuleFence)]
    pub struct FenceShape {
        /// Which.
        pub fence: FenceWord,
        /// `within_km`: kilometres to the destination.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub km: Option<Kilometres>,
        /// `kind`, `countries`, `nodes`, `not_nodes`, `capabilities`, `same_node`: kinds, countries, nodes, capabilities of
        /// which all are asked for, skus. `same_node` may be there once for each group of skus: all that an order asks of
        /// them leaves from one node in full, or nothing of it does.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub r#in: Option<Vec<RuleName>>,
        /// `arrives_by`: days after the day of the order; by the day that the order names when left out, any where it names
        /// none.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub days: Option<DaysAhead>,
        /// `landed_cost`: most that may be paid for all units asked for from the node: for the way, carriers, handling and
        /// units, as far as the objective names them; no shadow price, scarcity, load or lateness.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub amount: Option<Amount>,
        /// `max_shipments`: how many.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub count: Option<Shipments>,
    }
    check = FenceShape::judge;
}

shape! {
    /// One term of the objective, with the fields that its word asks for.
    #[derive(Serialize)]
    #[schema(as = Term)]
    pub struct TermShape {
        /// Which.
        pub term: TermWord,
        /// `per_shipment`, `split`, `short_pick`: minor units. `load_balance`: the same for a shipment from a node whose day is
        /// full; what its handling of one costs when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub amount: Option<Amount>,
        /// `distance`: minor units per kilogram and kilometre.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub amount_per_kg_km: Option<RatePart>,
        /// `distance`: minor units per kilometre.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub amount_per_km: Option<RatePart>,
        /// `late`: minor units for every day after the one that the order names as its `arrives_by`, else after the day of
        /// the order.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub amount_per_day: Option<Amount>,
        /// `carbon`: minor units per kilogram of CO2 equivalents.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub amount_per_kg: Option<Amount>,
    }
    check = TermShape::judge;
}

/// What a unit costs that nobody ships: a word, or charges.
#[derive(Clone, Debug)]
pub enum UnfilledShape {
    /// The word.
    Word(UnfilledWord),
    /// Charges.
    Charges(UnfilledCharges),
}

shape! {
    /// What a unit costs that nobody ships.
    #[derive(Serialize)]
    pub struct UnfilledCharges {
        /// Minor units for every line of which a unit is missing.
        pub per_line: Amount,
        /// Share of the item's value for every unit that is missing.
        pub value_share: RatePart,
    }
}

shape! {
    /// A version is to apply.
    pub struct RuleActivation {
        /// Which.
        pub version: VersionNumber,
        /// From when on; at once when left out. Activating another version meanwhile calls it off.
        pub at: Option<Instant>,
    }
}

ids! {
    /// A name that a rule set lists.
    RuleName in 1, RULE_NAMES_MAX;
}

impl Serialize for RuleName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Listed for FenceShape {
    const LEAST: usize = 0;
    const MOST: usize = RULE_PARTS_MAX;
}

impl Listed for TermShape {
    const LEAST: usize = 0;
    const MOST: usize = RULE_PARTS_MAX;
}

impl Listed for MonthNumber {
    const MOST: usize = 12;
}

fn named(names: Option<Vec<RuleName>>) -> Vec<Text> {
    names.into_iter().flatten().map(|name| name.0.0).collect()
}

fn listed(names: &[Text]) -> Option<Vec<RuleName>> {
    (!names.is_empty()).then(|| names.iter().map(|name| RuleName(Id(name.clone()))).collect())
}

/// Countries are two upper-case letters.
fn judge_countries(names: &[RuleName], at: &At<'_>) {
    for (number, name) in names.iter().enumerate() {
        if !(name.0.0.len() == 2 && name.0.0.bytes().all(|byte| byte.is_ascii_uppercase())) {
            at.entry(number).fault::<()>("invalid_country", "must be two upper-case letters (ISO 3166-1)");
        }
    }
}

impl ScopeShape {
    fn judge(&self, at: &At<'_>) {
        judge_countries(self.countries.as_deref().unwrap_or_default(), &at.field("countries"));
        let methods = at.field("delivery_methods");
        for (number, name) in self.delivery_methods.iter().flatten().enumerate() {
            if DeliveryMethod::of_word(&name.0.0).is_none() {
                methods.entry(number).fault::<()>("unknown_word", "is not a delivery method");
            }
        }
    }

    fn of(scope: &Scope) -> Self {
        Self {
            channels: listed(&scope.channels),
            countries: listed(&scope.countries),
            delivery_methods: listed(&scope.delivery_methods),
            nodes: listed(&scope.nodes),
        }
    }
}

impl ScheduleShape {
    fn judge(&self, at: &At<'_>) {
        let between = self.from.is_some() || self.until.is_some();
        if between == self.months.is_some() {
            at.fault::<()>("bad_schedule", "has from, until or both, or months");
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            at.field("until").fault::<()>("time_out_of_order", "must come after from");
        }
    }

    fn schedule(self) -> Schedule {
        match self.months {
            Some(months) => Schedule::Months(months.into_iter().map(|month| month.0).collect()),
            None => Schedule::Between { from: self.from.map(Instant::wall), until: self.until.map(Instant::wall) },
        }
    }

    fn of(schedule: &Schedule) -> Option<Self> {
        match schedule {
            Schedule::Always => None,
            Schedule::Between { from, until } => {
                Some(Self { from: from.map(Instant::from), until: until.map(Instant::from), months: None })
            }
            Schedule::Months(months) => {
                Some(Self { from: None, until: None, months: Some(months.iter().map(|m| MonthNumber(*m)).collect()) })
            }
        }
    }
}

/// Judges which fields are there: those of `wanted` have to be, others must not.
pub(super) fn judge_fields(at: &At<'_>, word: &str, fields: &[(&'static str, bool)], wanted: &[&str]) {
    for (name, is_there) in fields {
        match (wanted.contains(name), is_there) {
            (true, false) => at.field(name).fault::<()>("missing_field", format!("is required beside {word}")),
            (false, true) => at.field(name).fault::<()>("unknown_field", format!("is not a field beside {word}")),
            _ => None,
        };
    }
}

impl FenceShape {
    fn judge(&self, at: &At<'_>) {
        let wanted: &[&str] = match self.fence {
            FenceWord::WithinKm => &["km"],
            FenceWord::Kind
            | FenceWord::Countries
            | FenceWord::Nodes
            | FenceWord::NotNodes
            | FenceWord::Capabilities
            | FenceWord::SameNode => &["in"],
            FenceWord::ArrivesBy if self.days.is_some() => &["days"],
            FenceWord::LandedCost => &["amount"],
            FenceWord::MaxShipments => &["count"],
            FenceWord::ArrivesBy
            | FenceWord::SameCountry
            | FenceWord::Cutoff
            | FenceWord::Capacity
            | FenceWord::ShipComplete
            | FenceWord::LineComplete => &[],
        };
        let there = [
            ("km", self.km.is_some()),
            ("in", self.r#in.is_some()),
            ("days", self.days.is_some()),
            ("amount", self.amount.is_some()),
            ("count", self.count.is_some()),
        ];
        judge_fields(at, self.fence.word(), &there, wanted);
        let names = self.r#in.as_deref().unwrap_or_default();
        let place = at.field("in");
        match self.fence {
            FenceWord::Countries => judge_countries(names, &place),
            FenceWord::Kind => {
                for (number, name) in names.iter().enumerate() {
                    if NodeKind::of_word(&name.0.0).is_none_or(|kind| kind == NodeKind::Virtual) {
                        let detail = "must be one of warehouse, store, third_party, supplier";
                        place.entry(number).fault::<()>("unknown_word", detail);
                    }
                }
            }
            _ => {}
        }
    }

    fn fence(self) -> Fence {
        let names = named(self.r#in);
        match self.fence {
            FenceWord::WithinKm => Fence::Within { metres: self.km.map_or(0, |km| u64::from(km.metres)) },
            FenceWord::Kind => Fence::Kinds(names.iter().filter_map(|name| NodeKind::of_word(name)).collect()),
            FenceWord::Countries => Fence::Countries(names),
            FenceWord::SameCountry => Fence::SameCountry,
            FenceWord::Nodes => Fence::Nodes(names),
            FenceWord::NotNodes => Fence::NotNodes(names),
            FenceWord::Capabilities => Fence::Capabilities(names),
            FenceWord::Cutoff => Fence::Cutoff,
            FenceWord::ArrivesBy => Fence::ArrivesBy { days: self.days.map(|days| days.0) },
            FenceWord::LandedCost => Fence::LandedCost { amount: self.amount.map_or(0, |amount| amount.0) },
            FenceWord::Capacity => Fence::Capacity,
            FenceWord::MaxShipments => Fence::MaxShipments { count: self.count.map_or(1, |count| count.0) },
            FenceWord::ShipComplete => Fence::ShipComplete,
            FenceWord::LineComplete => Fence::LineComplete,
            FenceWord::SameNode => Fence::SameNode(names),
        }
    }

    fn of(fence: &Fence) -> Self {
        let word = FenceWord::of_word(fence.word()).expect("every fence has its word");
        let bare = Self { fence: word, km: None, r#in: listed(fence.named()), days: None, amount: None, count: None };
        match fence {
            Fence::Within { metres } => {
                Self { km: Some(Kilometres { metres: u32::try_from(*metres).unwrap_or(u32::MAX) }), ..bare }
            }
            Fence::Kinds(kinds) => {
                let words = kinds.iter().map(|kind| RuleName(Id(kind.word().into())));
                Self { r#in: Some(words.collect()), ..bare }
            }
            Fence::ArrivesBy { days } => Self { days: days.map(DaysAhead), ..bare },
            Fence::LandedCost { amount } => Self { amount: Some(Amount(*amount)), ..bare },
            Fence::MaxShipments { count } => Self { count: Some(Shipments(*count)), ..bare },
            _ => bare,
        }
    }
}

impl TermShape {
    fn judge(&self, at: &At<'_>) {
        let wanted: &[&str] = match self.term {
            TermWord::PerShipment | TermWord::Split | TermWord::ShortPick => &["amount"],
            TermWord::Distance if self.amount_per_km.is_some() => &["amount_per_km"],
            TermWord::Distance => &["amount_per_kg_km"],
            TermWord::Late => &["amount_per_day"],
            TermWord::Carbon => &["amount_per_kg"],
            TermWord::LoadBalance if self.amount.is_some() => &["amount"],
            TermWord::Shipping
            | TermWord::Handling
            | TermWord::UnitCost
            | TermWord::Priority
            | TermWord::Scarcity
            | TermWord::Markdown
            | TermWord::LoadBalance
            | TermWord::Opportunity
            | TermWord::Score => &[],
        };
        let there = [
            ("amount", self.amount.is_some()),
            ("amount_per_kg_km", self.amount_per_kg_km.is_some()),
            ("amount_per_km", self.amount_per_km.is_some()),
            ("amount_per_day", self.amount_per_day.is_some()),
            ("amount_per_kg", self.amount_per_kg.is_some()),
        ];
        judge_fields(at, self.term.word(), &there, wanted);
    }

    fn term(self) -> Term {
        let amount = self.amount.map_or(0, |amount| amount.0);
        let micro = |part: Option<RatePart>| part.map_or(0, |part| i64::from(part.millionths));
        match self.term {
            TermWord::PerShipment => Term::PerShipment { amount },
            TermWord::Distance if self.amount_per_km.is_some() => {
                Term::Distance { micro_per_km: micro(self.amount_per_km) }
            }
            TermWord::Distance => Term::WeightDistance { micro_per_kg_km: micro(self.amount_per_kg_km) },
            TermWord::Split => Term::Split { amount },
            TermWord::Carbon => Term::Carbon { per_kg: self.amount_per_kg.map_or(0, |amount| amount.0) },
            TermWord::Late => Term::Late { per_day: self.amount_per_day.map_or(0, |amount| amount.0) },
            TermWord::ShortPick => Term::ShortPick { amount },
            TermWord::Shipping => Term::Shipping,
            TermWord::Handling => Term::Handling,
            TermWord::UnitCost => Term::UnitCost,
            TermWord::Priority => Term::Priority,
            TermWord::Scarcity => Term::Scarcity,
            TermWord::Markdown => Term::Markdown,
            TermWord::Opportunity => Term::Opportunity,
            TermWord::Score => Term::Score,
            TermWord::LoadBalance => self.amount.map_or(Term::LoadBalance, |amount| Term::Balance { amount: amount.0 }),
        }
    }

    fn of(term: &Term) -> Self {
        let bare = Self {
            term: TermWord::of_word(term.word()).expect("every term has its word"),
            amount: None,
            amount_per_kg_km: None,
            amount_per_km: None,
            amount_per_day: None,
            amount_per_kg: None,
        };
        let part = |micro: i64| Some(RatePart { millionths: u32::try_from(micro).unwrap_or(u32::MAX) });
        match term {
            Term::PerShipment { amount }
            | Term::Split { amount }
            | Term::ShortPick { amount }
            | Term::Balance { amount } => Self { amount: Some(Amount(*amount)), ..bare },
            Term::WeightDistance { micro_per_kg_km } => Self { amount_per_kg_km: part(*micro_per_kg_km), ..bare },
            Term::Distance { micro_per_km } => Self { amount_per_km: part(*micro_per_km), ..bare },
            Term::Late { per_day } => Self { amount_per_day: Some(Amount(*per_day)), ..bare },
            Term::Carbon { per_kg } => Self { amount_per_kg: Some(Amount(*per_kg)), ..bare },
            _ => bare,
        }
    }
}

impl RuleSetPut {
    /// The command for one name.
    pub fn command(self, name: Text) -> PutRules {
        let scope = self.scope.unwrap_or_default();
        let terms = RuleTerms {
            scope: Scope {
                channels: named(scope.channels),
                countries: named(scope.countries),
                delivery_methods: named(scope.delivery_methods),
                nodes: named(scope.nodes),
            },
            schedule: self.schedule.map_or(Schedule::Always, ScheduleShape::schedule),
            fences: self.fences.into_iter().flatten().map(FenceShape::fence).collect(),
            objective: self.objective.into_iter().map(TermShape::term).collect(),
            unfilled: self.unfilled.map_or(Unfilled::LastResort, UnfilledShape::unfilled),
        };
        PutRules { name, terms: Arc::new(terms) }
    }

    /// What a version says.
    pub fn of(terms: &RuleTerms) -> Self {
        Self {
            scope: Some(ScopeShape::of(&terms.scope)),
            schedule: ScheduleShape::of(&terms.schedule),
            fences: Some(terms.fences.iter().map(FenceShape::of).collect()),
            objective: terms.objective.iter().map(TermShape::of).collect(),
            unfilled: Some(UnfilledShape::of(&terms.unfilled)),
        }
    }
}

impl RuleActivation {
    /// The command for one name.
    pub fn command(self, name: Text) -> ActivateRules {
        ActivateRules { name, version: self.version.0, at: self.at.map(Instant::wall) }
    }
}

/// A version of a rule set.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RuleSet)]
pub struct RuleSetJson {
    /// Its name.
    pub name: Id,
    /// Its version, from 1.
    pub version: u32,
    /// `draft`, `active` or `retired`.
    pub state: &'static str,
    /// Whether it is there from the first use, is found by its name alone and cannot be put.
    pub preset: bool,
    /// The version of that name that is to be activated, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlannedJson>,
    /// What it says.
    #[serde(flatten)]
    pub terms: RuleSetPut,
}

/// A version that is to be activated.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = PlannedVersion)]
pub struct PlannedJson {
    /// Which.
    pub version: u32,
    /// When.
    pub at: Instant,
}

/// How far a version is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = RuleSetVersion)]
pub struct VersionJson {
    /// Its number.
    pub version: u32,
    /// `draft`, `active` or `retired`.
    pub state: &'static str,
}

impl VersionJson {
    /// All versions that were put under a name, newest first.
    pub fn all(versions: &RuleVersions) -> Vec<Self> {
        let shown = |version| Self { version, state: versions.state_of(version).word() };
        (1..versions.next()).rev().map(shown).collect()
    }
}

impl From<&Version> for RuleSetJson {
    fn from(version: &Version) -> Self {
        Self {
            name: Id(version.name.clone()),
            version: version.version,
            state: version.state.word(),
            preset: version.preset,
            planned: version
                .planned
                .map(|planned| PlannedJson { version: planned.version, at: planned.at.wall.into() }),
            terms: RuleSetPut::of(&version.terms),
        }
    }
}

impl UnfilledShape {
    fn unfilled(self) -> Unfilled {
        match self {
            Self::Word(UnfilledWord::LastResort) => Unfilled::LastResort,
            Self::Charges(charges) => {
                Unfilled::Charged { per_line: charges.per_line.0, value_share_micro: charges.value_share.millionths }
            }
        }
    }

    fn of(unfilled: &Unfilled) -> Self {
        match unfilled {
            Unfilled::LastResort => Self::Word(UnfilledWord::LastResort),
            Unfilled::Charged { per_line, value_share_micro } => Self::Charges(UnfilledCharges {
                per_line: Amount(*per_line),
                value_share: RatePart { millionths: *value_share_micro },
            }),
        }
    }
}

impl Shape for UnfilledShape {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        match json {
            Json::Object(_) => UnfilledCharges::read(json, at).map(Self::Charges),
            Json::Text(_) | Json::Bare(_) => UnfilledWord::read(json, at).map(Self::Word),
            other => at.wrong_type("a word or an object", other),
        }
    }
}

impl Serialize for UnfilledShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Word(word) => word.serialize(serializer),
            Self::Charges(charges) => charges.serialize(serializer),
        }
    }
}

impl PartialSchema for UnfilledShape {
    fn schema() -> RefOr<Schema> {
        let either = AnyOfBuilder::new().item(UnfilledWord::schema()).item(UnfilledCharges::schema());
        either.description(Some("`last_resort`, or what a unit costs that nobody ships.")).into()
    }
}

impl ToSchema for UnfilledShape {}
