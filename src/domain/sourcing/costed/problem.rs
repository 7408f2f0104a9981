//! What the kernel in full is asked: lines, stock, capacities, and what everything costs.
//!
//! Promises: integers only; money in minor units, weight in grams. All of a kind lies in one list, so that a problem
//! that is used again allocates nothing.
//!
//! Bounds: every figure of money is below [`FIGURE_MAX`] either way, and a whole order's stay below 2⁵⁸ (asserted).
//!
//! Not here: nodes, carriers, calendars, rules. The caller has removed every node that may not serve, has turned
//! articles into slots, and has put lateness, carbon and the like into the figures of offers and units.

use std::ops::Range;

use super::super::problem::Need;

/// What no figure of money in a problem reaches, in minor units.
pub const FIGURE_MAX: i64 = 1 << 42;

/// A line of demand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Units wanted; zero is allowed and asks for nothing.
    pub quantity: u32,
    /// Grams of one unit, or what else adds up in a parcel and its brackets are told in.
    pub unit_weight_g: u64,
    /// What one unit takes, all of it from the same node: a range of the problem's `needs`.
    pub needs: Range<usize>,
    /// What it costs to leave units of it unfilled; of no effect where filling comes first.
    pub shortage: Shortage,
    /// All of it ships, or none.
    pub complete: bool,
    /// Lines that name the same number ship from one node, all of them in full, or not at all.
    pub together: Option<u8>,
}

/// What it costs not to fill a line, minor units, none negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortage {
    /// Once, when any unit is missing.
    pub per_line: i64,
    /// For each missing unit.
    pub per_unit: i64,
}

/// A node that may ship.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The caller's number of the node; the kernel never reads it.
    pub node: u32,
    /// Handling of one parcel, minor units, not negative.
    pub per_shipment: i64,
    /// Handling of one unit, minor units.
    pub per_unit: i64,
    /// The services that may carry its parcels: a range of the problem's `offers`.
    pub offers: Range<usize>,
    /// Units it can still pick.
    pub units_max: Option<u32>,
    /// Parcels it may send for this order; each pays its handling, its service and the split.
    pub parcels_max: u32,
}

/// A carrier's service for a parcel from one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The caller's number of the service; the kernel never reads it.
    pub service: u32,
    /// What it asks by weight: a table of the problem's `rates`.
    pub table: u32,
    /// What one parcel costs beside, as lateness or carbon, minor units, not negative.
    pub plus: i64,
}

/// What services ask for a parcel, by bracket of weight.
///
/// A parcel pays the cheapest bracket that holds it, so a table that falls with weight counts as flat up to there, unless it
/// is told as it is ([`Rates::add_told`]): then every bracket is priced for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    up_to_g: Vec<u64>,
    /// A row per table; [`Rates::NOT_CARRIED`] where it takes no parcel that heavy.
    costs: Vec<i64>,
    dearest: i64,
    /// Whether some table does not carry some bracket.
    has_gaps: bool,
}

impl Rates {
    pub(super) const NOT_CARRIED: i64 = i64::MAX / 4;

    /// Stands in a table that is told as it is for a parcel that nobody carries.
    pub const NONE: i64 = -1;

    /// Rates on a scale: the grams up to which each bracket goes, ascending. Services with different scales share the one
    /// that has all their steps.
    ///
    /// # Panics
    /// When the scale does not ascend.
    pub fn new(up_to_g: Vec<u64>) -> Self {
        assert!(up_to_g.is_sorted_by(|a, b| a < b), "the brackets of a scale ascend: {up_to_g:?}");
        Self { up_to_g, costs: Vec::new(), dearest: 0, has_gaps: false }
    }

    /// Adds a table: the cost in each bracket from the lightest; one that is shorter than the scale carries no more.
    /// Returns its number.
    ///
    /// # Panics
    /// When it is longer than the scale, or a cost is negative or reaches [`FIGURE_MAX`].
    pub fn add_table(&mut self, costs: &[i64]) -> u32 {
        assert!(costs.len() <= self.up_to_g.len(), "a table has no more brackets than its scale: {}", costs.len());
        assert!(
            costs.iter().all(|cost| (0..FIGURE_MAX).contains(cost)),
            "a rate is 0 to below {FIGURE_MAX}: {costs:?}"
        );
        let first = self.costs.len();
        self.dearest = costs.iter().copied().fold(self.dearest, i64::max);
        self.costs.extend(costs);
        let mut least = Self::NOT_CARRIED;
        for cost in self.costs[first..].iter_mut().rev() {
            least = least.min(*cost);
            *cost = least;
        }
        self.has_gaps |= costs.len() < self.up_to_g.len();
        self.costs.resize(first + self.up_to_g.len(), Self::NOT_CARRIED);
        (first / self.up_to_g.len().max(1)) as u32
    }

    /// Adds a table as it is told, where a parcel may cost less than a lighter one, or not be carried ([`Rates::NONE`]). Returns
    /// its number.
    ///
    /// # Panics
    /// When it is longer than the scale, or a cost is below [`Rates::NONE`] or reaches [`FIGURE_MAX`].
    pub fn add_told(&mut self, costs: &[i64]) -> u32 {
        assert!(costs.len() <= self.up_to_g.len(), "a table has no more brackets than its scale: {}", costs.len());
        let range = Self::NONE..FIGURE_MAX;
        assert!(costs.iter().all(|cost| range.contains(cost)), "a rate is 0 to below {FIGURE_MAX}: {costs:?}");
        let first = self.costs.len();
        self.dearest = costs.iter().copied().fold(self.dearest, i64::max);
        self.costs.extend(costs.iter().map(|cost| if *cost == Self::NONE { Self::NOT_CARRIED } else { *cost }));
        self.has_gaps |= costs.len() < self.up_to_g.len() || costs.contains(&Self::NONE);
        self.costs.resize(first + self.up_to_g.len(), Self::NOT_CARRIED);
        (first / self.up_to_g.len().max(1)) as u32
    }

    /// How many tables there are.
    pub fn count(&self) -> usize {
        self.costs.len() / self.up_to_g.len().max(1)
    }

    /// The grams up to which its brackets go.
    pub fn scale(&self) -> &[u64] {
        &self.up_to_g
    }

    /// Figures of all tables.
    pub fn figures(&self) -> usize {
        self.costs.len()
    }

    /// The costs of a table as they are told, up to the heaviest bracket that it carries.
    pub fn told(&self, table: u32) -> impl ExactSizeIterator<Item = i64> + Clone {
        let costs = self.table(table);
        let carried = costs.iter().rposition(|cost| *cost < Self::NOT_CARRIED).map_or(0, |last| last + 1);
        costs[..carried].iter().map(|cost| if *cost < Self::NOT_CARRIED { *cost } else { Self::NONE })
    }

    /// The costs of all tables as they are told, one table after another, where each carries every bracket.
    pub fn whole(&self) -> Option<&[i64]> {
        (!self.has_gaps).then_some(&self.costs)
    }

    /// Brackets of the scale.
    pub(super) fn brackets(&self) -> usize {
        self.up_to_g.len()
    }

    /// The first bracket from `from` on that holds so many grams; the number of brackets when none does.
    pub(super) fn bracket(&self, from: usize, grams: u64) -> usize {
        let longer = self.up_to_g[from..].iter().take(4).take_while(|up_to| **up_to < grams).count();
        if longer < 4 { from + longer } else { from + self.up_to_g[from..].partition_point(|up_to| *up_to < grams) }
    }

    /// Grams the brackets up to this one hold.
    pub(super) fn up_to_g(&self, bracket: usize) -> u64 {
        self.up_to_g[bracket]
    }

    /// The costs of a table by bracket.
    pub fn table(&self, table: u32) -> &[i64] {
        let width = self.up_to_g.len();
        &self.costs[table as usize * width..(table as usize + 1) * width]
    }
}

/// What comes first: units or money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filling {
    /// As many units as can be, whatever they cost; then the least cost.
    #[default]
    First,
    /// Units whose filling costs more than their shortage are left.
    Priced,
}

/// One order to source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// How many slots `Need::slot` and `available` speak of.
    pub slots: usize,
    /// What is wanted.
    pub lines: Vec<Line>,
    /// What the lines need, line by line.
    pub needs: Vec<Need>,
    /// Who may ship. Of plans that cost the same the one whose parcels come from earlier candidates wins, so the caller
    /// lists the nearer first.
    pub candidates: Vec<Candidate>,
    /// Pieces this order may take, `slots` per candidate in their order.
    pub available: Vec<u32>,
    /// What one unit costs from there, a figure per line and candidate, candidate by candidate: landed cost, the price of
    /// scarce stock, the risk of a short pick; negative for stock that should go.
    pub unit_costs: Vec<i64>,
    /// Services of all candidates.
    pub offers: Vec<Offer>,
    /// What services ask. Kept by `clear`.
    pub rates: Rates,
    /// Minor units for each parcel beyond the first, not negative.
    pub split: i64,
    /// Most parcels of a plan.
    pub shipments_max: Option<u32>,
    /// Units first, or money.
    pub filling: Filling,
    /// All units of the order ship, or none.
    pub complete: bool,
}

impl Problem {
    /// Bytes of memory that its figures take.
    pub fn bytes(&self) -> usize {
        let Self { lines, needs, candidates, available, unit_costs, offers, rates, .. } = self;
        let wanted = size_of_val(&lines[..]) + size_of_val(&needs[..]);
        let offered = size_of_val(&candidates[..]) + size_of_val(&available[..]) + size_of_val(&unit_costs[..]);
        wanted + offered + size_of_val(&offers[..]) + size_of_val(&rates.up_to_g[..]) + size_of_val(&rates.costs[..])
    }

    /// Starts anew, with the memory and the rates of the problem before.
    pub fn clear(&mut self, slots: usize) {
        (self.slots, self.split, self.shipments_max) = (slots, 0, None);
        (self.filling, self.complete) = (Filling::First, false);
        self.lines.clear();
        self.needs.clear();
        self.candidates.clear();
        self.available.clear();
        self.unit_costs.clear();
        self.offers.clear();
    }

    /// Adds a line of demand; its `needs` are those given here.
    pub fn add_line(&mut self, line: Line, needs: impl IntoIterator<Item = Need>) {
        let first = self.needs.len();
        self.needs.extend(needs);
        self.lines.push(Line { needs: first..self.needs.len(), ..line });
    }

    /// Adds a candidate with what it has of every slot, what a unit of every line costs there, and its services; its
    /// `offers` are those given here.
    pub fn add_candidate(
        &mut self,
        candidate: Candidate,
        available: impl IntoIterator<Item = u32>,
        unit_costs: impl IntoIterator<Item = i64>,
        offers: impl IntoIterator<Item = Offer>,
    ) {
        let first = self.offers.len();
        self.available.extend(available);
        self.unit_costs.extend(unit_costs);
        self.offers.extend(offers);
        self.candidates.push(Candidate { offers: first..self.offers.len(), ..candidate });
    }

    /// What one unit of a line needs.
    pub fn needs_of(&self, line: usize) -> &[Need] {
        &self.needs[self.lines[line].needs.clone()]
    }

    /// What a candidate has, by slot.
    pub fn has(&self, candidate: usize) -> &[u32] {
        &self.available[candidate * self.slots..(candidate + 1) * self.slots]
    }

    /// What one unit of a line costs from a candidate, its handling included, minor units.
    pub(super) fn unit_cost(&self, candidate: usize, line: usize) -> i64 {
        self.candidates[candidate].per_unit + self.unit_costs[candidate * self.lines.len() + line]
    }

    /// What a unit of every line costs from a candidate, its handling apart.
    pub(super) fn unit_costs_of(&self, candidate: usize) -> &[i64] {
        let lines = self.lines.len();
        &self.unit_costs[candidate * lines..(candidate + 1) * lines]
    }

    /// The services of a candidate.
    pub(super) fn offers_of(&self, candidate: usize) -> &[Offer] {
        &self.offers[self.candidates[candidate].offers.clone()]
    }

    /// The cheapest service for a parcel, and what it asks; the first of equals.
    pub(super) fn cheapest(&self, candidate: usize, bracket: usize) -> Option<(u32, i64)> {
        let asks = |offer: &Offer| (offer.service, self.rates.table(offer.table)[bracket] + offer.plus);
        let asked = self.offers_of(candidate).iter().map(asks).filter(|(_, asks)| *asks < Rates::NOT_CARRIED);
        asked.min_by_key(|(_, asks)| *asks)
    }

    /// What every figure of the order can add up to at most, minor units.
    pub(super) fn magnitude(&self) -> i64 {
        let units: i64 = self.lines.iter().map(|line| i64::from(line.quantity)).sum();
        units.saturating_mul(self.dearest_unit())
    }

    /// What no unit costs more than, whoever sends or leaves it, alone or not: at most twice that and a little.
    pub fn dearest_unit(&self) -> i64 {
        let unit = widest(self.unit_costs.iter().copied())
            + widest(self.candidates.iter().map(|candidate| candidate.per_unit))
            + widest(self.lines.iter().map(|line| line.shortage.per_line))
            + widest(self.lines.iter().map(|line| line.shortage.per_unit));
        let parcel = widest(self.candidates.iter().map(|candidate| candidate.per_shipment))
            + widest(self.offers.iter().map(|offer| offer.plus))
            + self.rates.dearest
            + self.split;
        unit + parcel
    }

    /// Whether all figures of the order together stay below 2⁵⁸, as `solve` asks for, whatever comes first.
    pub fn fits(&self) -> bool {
        let units: i128 = self.lines.iter().map(|line| i128::from(line.quantity)).sum();
        let magnitude = i128::from(self.magnitude());
        (2 * magnitude + 1) * units + magnitude < 1 << 58
    }

    pub(super) fn assert_sane(&self) {
        let (candidates, lines) = (self.candidates.len(), self.lines.len());
        assert!(
            self.available.len() == candidates * self.slots && self.unit_costs.len() == candidates * lines,
            "every candidate says what it has of every slot and what a unit of every line costs there"
        );
        // The sign of a bitwise or is that of the least of them all.
        let shortages = self.lines.iter().fold(0, |or, line| or | line.shortage.per_line | line.shortage.per_unit);
        let parcels = self.candidates.iter().fold(shortages | self.split, |or, of| or | of.per_shipment);
        let charges = self.offers.iter().fold(parcels, |or, offer| or | offer.plus);
        assert!(charges >= 0 && self.split < FIGURE_MAX, "a charge is 0 to below {FIGURE_MAX}");
        assert!(self.needs.iter().all(|need| usize::from(need.slot) < self.slots), "needs name slots that are there");
    }
}

/// What no figure exceeds either way: their bits together.
fn widest(figures: impl Iterator<Item = i64>) -> i64 {
    let widest = figures.fold(0, |or, figure| or | figure ^ figure >> 63);
    assert!(widest < FIGURE_MAX, "no figure of money reaches {FIGURE_MAX}");
    widest + 1
}
