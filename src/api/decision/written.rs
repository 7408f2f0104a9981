//! A decision written straight to JSON bytes: what quotes and orders are answered with, thousands of times a second.
//!
//! Promises: byte for byte what serde makes of [`super::DecisionJson`], which stays the one description of the shape
//! (tests compare the two). Nothing is allocated but the bytes.
//!
//! Not here: which losers are shown, and why they lost; what would have let them ship, and a plan with fewer shipments,
//! which only the decision resource tells.

use super::{GroupJson, LineNames, PassesIfJson, RuledJson, gap, ruled, terms};
use crate::domain::catalogue::Catalogue;
use crate::domain::decision::{Decision, FenceReason, LineUnits, Loser, Why};
use crate::domain::limits::LOSERS_IN_REPLY;
use crate::domain::money::Currency;
use crate::domain::sourcing::{Reason, costed};
use crate::domain::weighed::Carried;

/// Bytes a decision takes, about: itself, and the losers in a reply.
pub(super) const BYTES: usize = 512 + 224 * LOSERS_IN_REPLY;

/// Writes a decision with some of its losers, and how many there are.
pub(super) fn decision(
    out: &mut Vec<u8>,
    decision: &Decision,
    lines: &(impl LineNames + ?Sized),
    catalogue: &Catalogue,
    (losers, losers_count): (&[Loser], usize),
    groups: &[GroupJson],
) {
    raw(out, r#"{"rule_set":"#);
    text(out, &decision.rule_set);
    raw(out, r#","rule_set_version":"#);
    number(out, i64::from(decision.rule_set_version));
    if decision.is_ruled_by_group() {
        // Few orders go by several versions.
        raw(out, r#","ruled":"#);
        let all: Vec<RuledJson> = ruled(decision, lines).collect();
        serde_json::to_writer(&mut *out, &all).expect("memory takes all bytes");
    }
    if let Some(node) = lines.preferred_node() {
        raw(out, r#","preferred_node":"#);
        text(out, node);
    }
    raw(out, r#","optimal":"#);
    truth(out, decision.optimal);
    raw(out, r#","gap":"#);
    serde_json::to_writer(&mut *out, &gap(decision.cost.amount, decision.lower_bound)).expect("memory takes all bytes");
    let currency = decision.cost.currency;
    raw(out, r#","cost":"#);
    money(out, decision.cost.amount, currency);
    raw(out, r#","lower_bound":"#);
    money(out, decision.lower_bound, currency);
    raw(out, r#","terms":"#);
    list(out, terms(decision), |out, term| {
        raw(out, r#"{"name":"#);
        text(out, term.name);
        raw(out, r#","amount":"#);
        number(out, term.amount);
        raw(out, "}");
    });
    raw(out, r#","assignments":"#);
    list(out, &decision.assignments, |out, assignment| {
        raw(out, r#"{"node":"#);
        text(out, &catalogue.node(assignment.node).id);
        raw(out, r#","lines":"#);
        list(out, &assignment.lines, |out, units| write_units(out, *units, lines));
        raw(out, r#","cost":"#);
        number(out, assignment.cost);
        raw(out, "}");
    });
    raw(out, r#","unfilled":"#);
    list(out, &decision.unfilled, |out, units| write_units(out, *units, lines));
    if let Some(weighed) = decision.evidence.weighed() {
        let uneconomic = decision.uneconomic();
        if !uneconomic.is_empty() {
            raw(out, r#","uneconomic":"#);
            list(out, &uneconomic, |out, units| write_units(out, *units, lines));
        }
        if !weighed.carried.is_empty() {
            raw(out, r#","carried_by":"#);
            list(out, &weighed.carried, |out, carried| write_carried(out, carried, catalogue));
        }
    }
    raw(out, r#","rejected":"#);
    let unit = Unit::of(currency);
    list(out, losers, |out, loser| write_loser(out, loser, catalogue, &unit));
    raw(out, r#","rejected_count":"#);
    number(out, losers_count as i64);
    if !groups.is_empty() {
        // Few orders have several destinations.
        raw(out, r#","groups":"#);
        serde_json::to_writer(&mut *out, groups).expect("memory takes all bytes");
    }
    raw(out, "}");
}

fn write_units(out: &mut Vec<u8>, units: LineUnits, lines: &(impl LineNames + ?Sized)) {
    let (line, sku) = lines.line(units.line);
    raw(out, r#"{"line":"#);
    text(out, line);
    raw(out, r#","sku":"#);
    text(out, sku);
    raw(out, r#","quantity":"#);
    number(out, i64::from(units.quantity));
    raw(out, "}");
}

fn write_carried(out: &mut Vec<u8>, carried: &Carried, catalogue: &Catalogue) {
    raw(out, r#"{"node":"#);
    text(out, &catalogue.node(carried.node).id);
    raw(out, r#","carrier":"#);
    text(out, &carried.carrier);
    raw(out, r#","service":"#);
    text(out, &carried.service);
    raw(out, r#","parcels":"#);
    number(out, i64::from(carried.parcels));
    raw(out, r#","price":"#);
    number(out, carried.price);
    raw(out, "}");
}

fn write_loser(out: &mut Vec<u8>, loser: &Loser, catalogue: &Catalogue, unit: &Unit) {
    raw(out, r#"{"node":"#);
    text(out, &catalogue.node(loser.node).id);
    raw(out, r#","reason":""#);
    raw(out, word(&loser.why));
    raw(out, r#"","detail":""#);
    detail(out, &loser.why, unit);
    if let Some(by) = loser.costlier_by() {
        raw(out, r#"","costlier_by":"#);
        number(out, by);
        raw(out, if loser.is_exact() { r#","exact":true"# } else { r#","exact":false"# });
    } else {
        raw(out, r#"""#);
    }
    if let Some(passes_if) = PassesIfJson::of(loser) {
        raw(out, r#","passes_if":"#);
        serde_json::to_writer(&mut *out, &passes_if).expect("memory takes all bytes");
    }
    if let Some(metres) = loser.distance_m {
        raw(out, r#","distance_km":"#);
        kilometres(out, metres);
    }
    raw(out, "}");
}

/// Why a node lost, in a word that stays.
pub(super) fn word(why: &Why) -> &'static str {
    match why {
        Why::Fenced(FenceReason::Inactive) => "inactive",
        Why::Fenced(FenceReason::RejectedThisOrder) => "rejected_this_order",
        Why::Fenced(FenceReason::NotOfChannel) => "not_of_channel",
        Why::Fenced(FenceReason::NotPreferred) => "not_preferred",
        Why::Fenced(FenceReason::NotChosen) => "not_chosen",
        Why::Fenced(FenceReason::NoCompartment) => "no_compartment",
        Why::Fenced(FenceReason::OutOfRegion) => "out_of_region",
        Why::Fenced(FenceReason::TooFar) => "too_far",
        Why::Fenced(FenceReason::WrongKind) => "wrong_kind",
        Why::Fenced(FenceReason::NotListed) => "not_listed",
        Why::Fenced(FenceReason::LacksCapability) => "lacks_capability",
        Why::Fenced(FenceReason::PastCutoff) => "past_cutoff",
        Why::Fenced(FenceReason::ArrivesTooLate) => "arrives_too_late",
        Why::Fenced(FenceReason::TooDear) => "too_dear",
        Why::Fenced(FenceReason::NoService) => "no_service",
        Why::Fenced(FenceReason::AtCapacity) => "capacity",
        Why::NotRecorded => "not_recorded",
        Why::NoStock | Why::Lost { reason: Reason::NoStock, .. } => "no_stock",
        Why::Lost { reason: Reason::Tied, .. } => "tied",
        Why::Lost { reason: Reason::Costlier { .. }, .. } => "costlier",
        Why::Lost { reason: Reason::PartialStock { .. }, .. } => "partial_stock",
        Why::Outweighed { reason, .. } => outweighed(*reason),
    }
}

/// Why a node lost that the kernel in full saw, in a word that stays.
fn outweighed(reason: costed::Reason) -> &'static str {
    match reason {
        costed::Reason::NoStock => "no_stock",
        costed::Reason::NotTogether => "same_node",
        costed::Reason::NoService => "no_service",
        costed::Reason::OutOfReach => "out_of_reach",
        costed::Reason::Tied => "tied",
        costed::Reason::FillsLess { .. } => "partial_stock",
        costed::Reason::Costlier { .. } => "costlier",
        costed::Reason::NotAsked => "not_compared",
    }
}

/// Why a node lost, in words; none needs an escape in JSON.
pub(super) fn detail(out: &mut Vec<u8>, why: &Why, unit: &Unit) {
    let more = |out: &mut Vec<u8>, by: i64| {
        amount(out, by, unit);
        raw(out, " more");
    };
    match *why {
        Why::Fenced(FenceReason::Inactive) => raw(out, "switched off"),
        Why::Fenced(FenceReason::RejectedThisOrder) => raw(out, "rejected this order, or could not pick it"),
        Why::Fenced(FenceReason::NotOfChannel) => raw(out, "does not serve the channel"),
        Why::Fenced(FenceReason::NotPreferred) => raw(out, "another node was preferred, and has all of it"),
        Why::Fenced(FenceReason::NotChosen) => raw(out, "its customer comes to another node, or has a slot of it"),
        Why::Fenced(FenceReason::NoCompartment) => raw(out, "no compartment of its lockers is free for it"),
        Why::Fenced(FenceReason::OutOfRegion) => raw(out, "is in a country that the rules leave out"),
        Why::Fenced(FenceReason::TooFar) => raw(out, "is farther than the rules allow"),
        Why::Fenced(FenceReason::WrongKind) => raw(out, "is of a kind that the rules leave out"),
        Why::Fenced(FenceReason::NotListed) => raw(out, "the rules name others, or leave it out"),
        Why::Fenced(FenceReason::LacksCapability) => raw(out, "cannot do all that the rules ask for"),
        Why::Fenced(FenceReason::PastCutoff) => raw(out, "its cutoff of the day has passed"),
        Why::Fenced(FenceReason::ArrivesTooLate) => raw(out, "nobody takes it there from it in time"),
        Why::Fenced(FenceReason::TooDear) => raw(out, "all of it sent from it costs more than the rules allow"),
        Why::Fenced(FenceReason::NoService) => raw(out, "no carrier takes it there from it"),
        Why::Fenced(FenceReason::AtCapacity) => raw(out, "has as many shipments today as it can handle"),
        Why::NotRecorded => raw(out, "farther than the nodes whose stock was recorded, or has none of it"),
        Why::NoStock => raw(out, "has none of what is wanted"),
        Why::Lost { reason: Reason::NoStock, .. } => raw(out, "has nothing that any line could take"),
        Why::Lost { reason: Reason::Tied, .. } => raw(out, "costs the same; the plan's nodes are nearer or came first"),
        Why::Lost { reason: Reason::Costlier { by }, .. } => {
            raw(out, "the cheapest plan with it costs ");
            more(out, by);
        }
        Why::Lost { reason: Reason::PartialStock { units, of, by }, .. } => {
            raw(out, "has ");
            count(out, units);
            raw(out, " of ");
            count(out, of);
            raw(out, " units; the cheapest plan with it costs ");
            more(out, by);
        }
        Why::Outweighed { reason, .. } => match reason {
            costed::Reason::NoStock => raw(out, "has nothing that any line could take"),
            costed::Reason::NotTogether => {
                raw(out, "has not all of what the rules let leave from one node in full only")
            }
            costed::Reason::NoService => raw(out, "no service carries what it has"),
            costed::Reason::OutOfReach => raw(out, "can ship, but no plan that the rules allow lets it"),
            costed::Reason::Tied => raw(out, "costs the same; the plan's nodes are nearer or came first"),
            costed::Reason::FillsLess { units } => {
                raw(out, "the best plan with it fills ");
                count(out, units.into());
                raw(out, " units less");
            }
            costed::Reason::Costlier { by } => {
                raw(out, "the cheapest plan with it costs ");
                more(out, by);
            }
            costed::Reason::NotAsked => raw(out, "the order is too large to say by how much"),
        },
    }
}

/// How amounts of a currency are shown; looked up once for all losers.
pub(super) struct Unit {
    currency: Currency,
    /// Digits after the point, and ten to their power.
    places: usize,
    scale: u64,
}

impl Unit {
    pub(super) fn of(currency: Currency) -> Self {
        let places = currency.exponent();
        Self { currency, places: usize::from(places), scale: 10_u64.pow(u32::from(places)) }
    }
}

fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    raw(out, "[");
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            raw(out, ",");
        }
        write(out, item);
    }
    raw(out, "]");
}

#[inline]
fn raw(out: &mut Vec<u8>, json: &str) {
    out.extend_from_slice(json.as_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    // Looked at to the end, which is shorter than to stop early.
    let escapes = text.bytes().fold(false, |any, byte| any | (byte < b' ') | (byte == b'"') | (byte == b'\\'));
    if !escapes {
        raw(out, r#"""#);
        raw(out, text);
        raw(out, r#"""#);
    } else {
        serde_json::to_writer(out, text).expect("memory takes all bytes");
    }
}

fn number(out: &mut Vec<u8>, number: i64) {
    serde_json::to_writer(out, &number).expect("memory takes all bytes");
}

fn count(out: &mut Vec<u8>, count: u64) {
    serde_json::to_writer(out, &count).expect("memory takes all bytes");
}

fn truth(out: &mut Vec<u8>, truth: bool) {
    raw(out, if truth { "true" } else { "false" });
}

fn money(out: &mut Vec<u8>, amount: i64, currency: Currency) {
    raw(out, r#"{"amount":"#);
    number(out, amount);
    raw(out, r#","currency":""#);
    raw(out, currency.code());
    raw(out, r#""}"#);
}

/// Money as [`crate::domain::money::Money`] shows itself, without the machinery of formats.
fn amount(out: &mut Vec<u8>, amount: i64, unit: &Unit) {
    if amount < 0 {
        raw(out, "-");
    }
    // Two places are what nearly all have; a division by a constant is a tenth of another.
    let whole = |scale| (amount.unsigned_abs() / scale, amount.unsigned_abs() % scale);
    let (whole, rest) = if unit.scale == 100 { whole(100) } else { whole(unit.scale) };
    count(out, whole);
    if unit.places > 0 {
        decimals(out, rest, unit.places);
    }
    raw(out, " ");
    raw(out, unit.currency.code());
}

/// Metres as kilometres, as a number with a fraction is written: as few digits as say it, at least one.
fn kilometres(out: &mut Vec<u8>, metres: u64) {
    count(out, metres / 1_000);
    match metres % 1_000 {
        rest if rest % 100 == 0 => decimals(out, rest / 100, 1),
        rest if rest % 10 == 0 => decimals(out, rest / 10, 2),
        rest => decimals(out, rest, 3),
    }
}

/// A point and so many digits, at most four.
fn decimals(out: &mut Vec<u8>, value: u64, places: usize) {
    let digit = |scale: u64| b'0' + (value / scale % 10) as u8;
    let digits = [digit(1_000), digit(100), digit(10), digit(1)];
    out.push(b'.');
    out.extend_from_slice(&digits[4 - places..]);
}

#[cfg(test)]
mod tests {
    use super::super::DecisionJson;
    use super::*;
    use crate::domain::command::PlaceLine;
    use crate::domain::decision::{Assignment, Evidence, Terms};
    use crate::domain::evidence::Ruled;
    use crate::domain::geo::Position;
    use crate::domain::ids::{NodeIndex, Text};
    use crate::domain::money::Money;
    use crate::domain::node::{Node, NodeKind};
    use crate::domain::quantity::Quantity;
    use crate::domain::sourcing::Change;
    use crate::domain::weighed::{CostTerm, Priced, Weighed};

    const NODES: u64 = 40;

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, most: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (z ^ z >> 27) % most
        }

        /// Of any size, zero and small ones often.
        fn amount(&mut self) -> i64 {
            let bits = self.below(43);
            self.below(1 << bits) as i64
        }

        fn why(&mut self) -> Why {
            let lost = |dice: &mut Self, reason| Why::Lost { reason, exact: dice.below(2) == 0 };
            match self.below(10) {
                0 => {
                    let reasons = [
                        FenceReason::Inactive,
                        FenceReason::TooFar,
                        FenceReason::AtCapacity,
                        FenceReason::NoCompartment,
                    ];
                    Why::Fenced(reasons[self.below(4) as usize])
                }
                1 => Why::Fenced(FenceReason::RejectedThisOrder),
                2 => Why::NotRecorded,
                3 => Why::NoStock,
                4 => lost(self, Reason::NoStock),
                5 => lost(self, Reason::Tied),
                8 => {
                    let reason = costed::Reason::Costlier { by: self.amount() + 1 };
                    Why::Outweighed { reason, exact: self.below(2) == 0 }
                }
                9 => {
                    let reasons = [
                        costed::Reason::NoStock,
                        costed::Reason::NotTogether,
                        costed::Reason::NoService,
                        costed::Reason::OutOfReach,
                        costed::Reason::Tied,
                        costed::Reason::FillsLess { units: 2 },
                        costed::Reason::NotAsked,
                    ];
                    let reason = reasons[self.below(7) as usize];
                    Why::Outweighed { reason, exact: true }
                }
                6 => {
                    let by = self.amount() + 1;
                    lost(self, Reason::Costlier { by })
                }
                _ => {
                    let (units, of, by) = (self.below(100), self.below(1 << 40), self.amount() + 1);
                    lost(self, Reason::PartialStock { units, of, by })
                }
            }
        }
    }

    /// A tariff, or what the kernel in full saw.
    fn priced(dice: &mut Dice) -> Priced {
        if dice.below(2) == 0 {
            return Priced::default();
        }
        let uneconomic = (0..dice.below(3)).map(|line| LineUnits { line: line as u16, quantity: 2 }).collect();
        let carried = |dice: &mut Dice| Carried {
            node: NodeIndex(dice.below(NODES) as u32),
            group: 0,
            carrier: "post \"1\"".into(),
            service: "ground".into(),
            parcels: 1 + dice.below(3) as u32,
            price: dice.amount(),
        };
        let amounts = vec![(CostTerm::Shipping, dice.amount()), (CostTerm::Late, dice.amount())];
        let carried = (0..dice.below(3)).map(|_| carried(dice)).collect();
        Priced::Weighed(Box::new(Weighed { amounts, uneconomic, carried, ..Weighed::default() }))
    }

    /// Versions of groups that did not go by the order's, as few orders have.
    fn by_group(dice: &mut Dice) -> Vec<Ruled> {
        let many = dice.below(5).saturating_sub(3);
        let ruled = |_| Ruled { group: 0, rule_set: "store \"1\"".into(), version: dice.below(9) as u32 };
        (0..many).map(ruled).collect()
    }

    fn node(number: u64) -> Node {
        let name: Text = ["north \"1\"", "süd\\2", "\u{7}bell", "plain"][number as usize % 4].into();
        Node {
            id: format!("{name}-{number}").into(),
            kind: NodeKind::Warehouse,
            name,
            position: Position::default(),
            country: "US".into(),
            postal_code: "00000".into(),
            time_zone: "UTC".into(),
            active: true,
            inactive_reason: None,
            handling: None,
            capacity_per_day: None,
            cutoff_min: None,
            calendar: None,
            capabilities: vec![],
        }
    }

    #[test]
    fn what_is_written_is_what_serde_writes() {
        let seed = 7;
        let dice = &mut Dice(seed);
        let currencies = ["USD", "JPY", "KWD", "CLF"].map(|code| Currency::parse(code).expect("a code"));
        let mut catalogue = Catalogue::new(Currency::USD);
        (0..NODES).for_each(|n| catalogue.put_node(NodeIndex(n as u32), node(n)));
        let lines: Vec<PlaceLine> = ["sku-1", "a\"b\\c", "ünï\n"]
            .iter()
            .map(|sku| PlaceLine {
                id: (*sku).into(),
                sku: (*sku).into(),
                quantity: Quantity::new(1).expect("not zero"),
                unit_price: 0,
                group: 0,
            })
            .collect();
        for round in 0..500 {
            let units = |dice: &mut Dice| {
                let units = |dice: &mut Dice| LineUnits { line: dice.below(3) as u16, quantity: dice.below(9) as u32 };
                (0..dice.below(4)).map(|_| units(dice)).collect::<Vec<_>>()
            };
            let assignment = |dice: &mut Dice| Assignment {
                node: NodeIndex(dice.below(NODES) as u32),
                lines: units(dice),
                cost: dice.amount(),
            };
            let currency = currencies[dice.below(4) as usize];
            let decision = Decision {
                rule_set: "default \"1\"".into(),
                rule_set_version: dice.below(9) as u32,
                catalogue_seq: 1,
                cost: Money { amount: dice.amount(), currency },
                lower_bound: dice.amount(),
                optimal: dice.below(2) == 0,
                terms: Terms { per_shipment: dice.amount(), distance: dice.amount(), split: dice.amount() },
                assignments: (0..dice.below(4)).map(|_| assignment(dice)).collect(),
                unfilled: units(dice),
                evidence: Evidence { priced: priced(dice), ruled: by_group(dice), ..Evidence::default() }.into(),
            };
            let loser = |dice: &mut Dice| Loser {
                node: NodeIndex(dice.below(NODES) as u32),
                distance_m: (dice.below(4) > 0).then(|| {
                    let reach = [10, 1_000, 20_100_000][dice.below(3) as usize];
                    dice.below(reach) / [1, 10, 1_000][dice.below(3) as usize] * [1, 10, 1_000][dice.below(3) as usize]
                }),
                why: dice.why(),
                change: Change::default(),
            };
            let losers: Vec<Loser> = (0..dice.below(30)).map(|_| loser(dice)).collect();
            let by_serde = DecisionJson::of(&decision, &lines[..], &catalogue, &losers, 99);
            let group = |_| GroupJson::of((1, &decision), &lines[..], &catalogue, &losers);
            let groups: Vec<GroupJson> = (0..dice.below(3)).map(group).collect();
            let by_serde = DecisionJson { groups: groups.clone(), ..by_serde };
            let by_serde = serde_json::to_string(&by_serde).expect("text keys and finite numbers");
            let mut written = Vec::new();
            super::decision(&mut written, &decision, &lines[..], &catalogue, (&losers, 99), &groups);
            assert_eq!(String::from_utf8(written).expect("text"), by_serde, "seed {seed}, round {round}");
        }
    }

    #[test]
    fn money_in_words_is_as_money_shows_itself() {
        for code in ["USD", "JPY", "KWD", "CLF"] {
            let currency = Currency::parse(code).expect("a code");
            for amount in [0, 1, -1, 9, 10, 99, 100, 12_345, -12_345, 1_000_000_001, i64::MAX, i64::MIN] {
                let money = Money { amount, currency };
                let mut out = Vec::new();
                super::amount(&mut out, amount, &Unit::of(currency));
                assert_eq!(String::from_utf8(out).expect("text"), money.to_string());
            }
        }
    }
}
