//! Picking: which way orders are picked, where things lie at a node, and how far somebody walks to fetch them. All pure.
//!
//! **The way** is the first of these that the node can do and the load asks for: wave (more than 50 lines), zone (more than
//! 20 different items), batch (more than 100 units), cluster (11 to 50 lines), else order by order. The thresholds are data
//! ([`PickingRule`]), of all nodes or of one.
//!
//! **The floor** is aisles side by side, numbered from 0, as far from each other as the rule says, joined at both ends by a
//! cross aisle; a bin lies so many metres from the front of its aisle. Tours begin and end where aisle 0 begins, tours of a
//! zone where the first aisle of that zone does. The order is that of an S: through the first aisle one way, through the next
//! the other way. Between two bins of an aisle it is straight, between aisles around the nearer end. Bins nobody has told of
//! come last and count no way.
//!
//! | way | a tour fetches |
//! |---|---|
//! | discrete | one fulfilment order, of the whole floor |
//! | cluster | [`PickingRule::cart_orders`] of them, each into its own tote |
//! | batch | [`PickingRule::batch_orders`] of them, sorted afterwards |
//! | zone | what lies in one zone, of [`PickingRule::cart_orders`] of them, passed on from zone to zone |
//! | wave | what lies in one zone, of all of them, in all zones at once |
//!
//! What is *not* here: who picks when (`wave`), and stock.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{FulfillmentKey, SkuIndex, Text};

/// A way of picking.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum PickMethod {
    /// One fulfilment order after the other.
    Discrete,
    /// Several at once, each into its own tote.
    Cluster,
    /// Several at once, sorted afterwards.
    Batch,
    /// Zone by zone, passed on.
    Zone,
    /// All zones at once.
    Wave,
}

impl PickMethod {
    /// Every way, in the order in which they are asked for.
    pub const ALL: [Self; 5] = [Self::Wave, Self::Zone, Self::Batch, Self::Cluster, Self::Discrete];

    /// The word of the API, and of the capability of a node that can do it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Discrete => "discrete_order_picking",
            Self::Cluster => "cluster_picking",
            Self::Batch => "batch_picking",
            Self::Zone => "zone_picking",
            Self::Wave => "wave_picking",
        }
    }

    /// Whether a node with these capabilities can: order by order every node can.
    pub fn is_among(self, capabilities: &[Text]) -> bool {
        self == Self::Discrete || capabilities.iter().any(|capability| **capability == *self.word())
    }

    fn by_zone(self) -> bool {
        matches!(self, Self::Zone | Self::Wave)
    }
}

/// How much is to be picked together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Load {
    /// Lines.
    pub lines: u32,
    /// Different items.
    pub items: u32,
    /// Units.
    pub units: u64,
}

/// How nodes pick. Lengths are metres.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PickingRule {
    /// The way, whatever the load; by the thresholds when `None`, or where the node cannot.
    pub method: Option<PickMethod>,
    /// In waves above so many lines.
    pub wave_over_lines: u32,
    /// By zones above so many different items.
    pub zone_over_items: u32,
    /// In batches above so many units.
    pub batch_over_units: u32,
    /// In clusters from so many lines on.
    pub cluster_from_lines: u32,
    /// In clusters up to so many lines.
    pub cluster_to_lines: u32,
    /// Most fulfilment orders of a wave.
    pub wave_orders: u16,
    /// Most units of a wave; a single fulfilment order may have more.
    pub wave_units: Option<u32>,
    /// Fulfilment orders of one cart.
    pub cart_orders: u16,
    /// Fulfilment orders of one batch.
    pub batch_orders: u16,
    /// Length of an aisle.
    pub aisle_m: u16,
    /// From one aisle to the next.
    pub aisle_gap_m: u16,
}

impl Default for PickingRule {
    fn default() -> Self {
        Self {
            method: None,
            wave_over_lines: 50,
            zone_over_items: 20,
            batch_over_units: 100,
            cluster_from_lines: 11,
            cluster_to_lines: 50,
            wave_orders: 100,
            wave_units: None,
            cart_orders: 8,
            batch_orders: 30,
            aisle_m: 30,
            aisle_gap_m: 4,
        }
    }
}

impl PickingRule {
    /// The way a load is picked at a node with these capabilities.
    pub fn method(&self, load: Load, capabilities: &[Text]) -> PickMethod {
        let can = |method: &PickMethod| method.is_among(capabilities);
        let asked = |method: &PickMethod| match method {
            PickMethod::Wave => load.lines > self.wave_over_lines,
            PickMethod::Zone => load.items > self.zone_over_items,
            PickMethod::Batch => load.units > u64::from(self.batch_over_units),
            PickMethod::Cluster => (self.cluster_from_lines..=self.cluster_to_lines).contains(&load.lines),
            PickMethod::Discrete => true,
        };
        let by_load = || PickMethod::ALL.into_iter().find(|method| can(method) && asked(method));
        self.method.filter(can).or_else(by_load).unwrap_or(PickMethod::Discrete)
    }
}

/// Where a sku lies at a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BinPlace {
    /// Name of the bin.
    pub bin: Text,
    /// Its zone; the empty one when nobody named any.
    pub zone: Text,
    /// Its aisle, from 0.
    pub aisle: u16,
    /// Metres from the front of the aisle.
    pub at_m: u16,
}

/// Units of a sku that a fulfilment order wants of a node. Of a kit there is one of every component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Who wants them.
    pub fulfillment: FulfillmentKey,
    /// Position of its line.
    pub line: u16,
    /// Units of the line.
    pub line_units: u32,
    /// What.
    pub sku: SkuIndex,
    /// Units of it.
    pub units: u32,
    /// Where it lies.
    pub place: Option<BinPlace>,
}

/// An entry of a pick list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pick {
    /// For which fulfilment order.
    pub fulfillment: FulfillmentKey,
    /// Position of its line.
    pub line: u16,
    /// What.
    pub sku: SkuIndex,
    /// Units of it.
    pub units: u32,
    /// Units of the line that are picked with this entry: none at any but the last component of a kit.
    pub completes: u32,
    /// Name of the bin.
    pub bin: Option<Text>,
}

/// An entry of a list as it is printed: units that are still to be fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetch {
    /// For which fulfilment order.
    pub fulfillment: FulfillmentKey,
    /// For which line of its order.
    pub line: u16,
    /// What.
    pub sku: SkuIndex,
    /// Units.
    pub units: u32,
    /// Name of the bin, where somebody told where it lies.
    pub bin: Option<Text>,
    /// Its aisle, likewise.
    pub aisle: Option<u16>,
}

/// A tour: its pick list in walking order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tour {
    /// Its zone, when it stays in one.
    pub zone: Option<Text>,
    /// How far it is, metres.
    pub metres: u32,
    /// How far its entries would be if every fulfilment order were fetched by itself, metres.
    pub alone_metres: u32,
    /// Its entries.
    pub picks: Vec<Pick>,
}

/// How much it is.
pub fn load(wanted: &[Wanted]) -> Load {
    let lines: BTreeSet<_> = wanted.iter().map(|one| (one.fulfillment, one.line)).collect();
    let items: BTreeSet<_> = wanted.iter().map(|one| one.sku).collect();
    Load {
        lines: u32::try_from(lines.len()).unwrap_or(u32::MAX),
        items: u32::try_from(items.len()).unwrap_or(u32::MAX),
        units: wanted.iter().map(|one| u64::from(one.units)).sum(),
    }
}

/// The tours that fetch all of it. Fulfilment orders stay in the order in which they are first named.
pub fn tours(method: PickMethod, rule: &PickingRule, wanted: &[Wanted]) -> Vec<Tour> {
    let orders = by_order(wanted);
    let together = match method {
        PickMethod::Discrete => 1,
        PickMethod::Cluster | PickMethod::Zone => usize::from(rule.cart_orders),
        PickMethod::Batch => usize::from(rule.batch_orders),
        PickMethod::Wave => orders.len(),
    };
    let alone: BTreeMap<FulfillmentKey, (u32, usize)> =
        orders.iter().map(|(key, own)| (*key, (walk(rule, own, None).1, own.len()))).collect();
    let mut tours = Vec::new();
    for several in orders.chunks(together.max(1)) {
        let all: Vec<&Wanted> = several.iter().flat_map(|(_, own)| own.iter().copied()).collect();
        if method.by_zone() {
            tours.extend(by_zone(&all).into_iter().map(|(zone, own)| tour(rule, &own, Some(zone), &alone)));
        } else {
            tours.push(tour(rule, &all, None, &alone));
        }
    }
    share_rest(&mut tours, &alone);
    tours
}

/// What every fulfilment order wants, in the order in which they are first named.
fn by_order(wanted: &[Wanted]) -> Vec<(FulfillmentKey, Vec<&Wanted>)> {
    let mut at: BTreeMap<FulfillmentKey, usize> = BTreeMap::new();
    let mut orders: Vec<(FulfillmentKey, Vec<&Wanted>)> = Vec::new();
    for one in wanted {
        let place = *at.entry(one.fulfillment).or_insert_with(|| {
            orders.push((one.fulfillment, Vec::new()));
            orders.len() - 1
        });
        orders[place].1.push(one);
    }
    orders
}

/// The same by zone; the components of a kit stay together, where the first of them lies.
fn by_zone<'a>(wanted: &[&'a Wanted]) -> BTreeMap<Text, Vec<&'a Wanted>> {
    let zone = |one: &Wanted| one.place.as_ref().map_or_else(|| Text::from(""), |place| place.zone.clone());
    let mut of_line: BTreeMap<(FulfillmentKey, u16), Text> = BTreeMap::new();
    let mut zones: BTreeMap<Text, Vec<&Wanted>> = BTreeMap::new();
    for one in wanted.iter().copied() {
        let zone = of_line.entry((one.fulfillment, one.line)).or_insert_with(|| zone(one)).clone();
        zones.entry(zone).or_default().push(one);
    }
    zones
}

fn tour(
    rule: &PickingRule,
    wanted: &[&Wanted],
    zone: Option<Text>,
    alone: &BTreeMap<FulfillmentKey, (u32, usize)>,
) -> Tour {
    let first_aisle =
        zone.as_ref().and_then(|_| wanted.iter().filter_map(|one| one.place.as_ref()).map(|p| p.aisle).min());
    let (walked, metres) = walk(rule, wanted, first_aisle);
    let share = |one: &Wanted| alone.get(&one.fulfillment).map_or(0, |(metres, parts)| metres / *parts as u32);
    let alone_metres = wanted.iter().map(|one| share(one)).fold(0, u32::saturating_add);
    Tour { zone: zone.filter(|zone| !zone.is_empty()), metres, alone_metres, picks: picks(&walked) }
}

/// What is left of the way of each fulfilment order by itself, once it was shared over its entries, goes to the first tour.
fn share_rest(tours: &mut [Tour], alone: &BTreeMap<FulfillmentKey, (u32, usize)>) {
    let rest: u32 = alone.values().map(|(metres, parts)| metres % *parts as u32).fold(0, u32::saturating_add);
    if let Some(first) = tours.first_mut() {
        first.alone_metres = first.alone_metres.saturating_add(rest);
    }
}

/// In walking order, and how far that is, from the front of an aisle and back to it.
fn walk<'a>(rule: &PickingRule, wanted: &[&'a Wanted], from_aisle: Option<u16>) -> (Vec<&'a Wanted>, u32) {
    let mut aisles: BTreeMap<u16, Vec<&Wanted>> = BTreeMap::new();
    let mut nowhere = Vec::new();
    for one in wanted.iter().copied() {
        match &one.place {
            Some(place) => aisles.entry(place.aisle).or_default().push(one),
            None => nowhere.push(one),
        }
    }
    let mut walked: Vec<&Wanted> = Vec::with_capacity(wanted.len());
    for (number, (_, mut aisle)) in aisles.into_iter().enumerate() {
        aisle
            .sort_by_key(|one| one.place.as_ref().map(|p| (p.at_m, p.bin.clone(), one.sku, one.fulfillment, one.line)));
        if number % 2 == 1 {
            aisle.reverse();
        }
        walked.append(&mut aisle);
    }
    let home = (from_aisle.unwrap_or(0), 0);
    let stops = walked.iter().filter_map(|one| one.place.as_ref()).map(|place| (place.aisle, place.at_m));
    let (mut metres, mut at) = (0u32, home);
    for stop in stops.chain((!walked.is_empty()).then_some(home)) {
        metres = metres.saturating_add(rule.way(at, stop));
        at = stop;
    }
    nowhere.sort_by_key(|one| (one.sku, one.fulfillment, one.line));
    walked.extend(nowhere);
    (walked, metres)
}

impl PickingRule {
    /// Metres between two places, each an aisle and metres from its front.
    fn way(&self, (aisle, at): (u16, u16), (to_aisle, to): (u16, u16)) -> u32 {
        if aisle == to_aisle {
            return u32::from(at.abs_diff(to));
        }
        let length = u32::from(self.aisle_m).max(u32::from(at)).max(u32::from(to));
        let (at, to) = (u32::from(at), u32::from(to));
        let across = u32::from(aisle.abs_diff(to_aisle)) * u32::from(self.aisle_gap_m);
        across + (at + to).min(length - at + length - to)
    }
}

/// Entries in this order: the last component of a line completes it.
fn picks(walked: &[&Wanted]) -> Vec<Pick> {
    let last: BTreeMap<(FulfillmentKey, u16), usize> =
        walked.iter().enumerate().map(|(at, one)| ((one.fulfillment, one.line), at)).collect();
    let pick = |(at, one): (usize, &&Wanted)| Pick {
        fulfillment: one.fulfillment,
        line: one.line,
        sku: one.sku,
        units: one.units,
        completes: if last.get(&(one.fulfillment, one.line)) == Some(&at) { one.line_units } else { 0 },
        bin: one.place.as_ref().map(|place| place.bin.clone()),
    };
    walked.iter().enumerate().map(pick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OrderKey;

    fn can(words: &[&str]) -> Vec<Text> {
        words.iter().map(|word| Text::from(*word)).collect()
    }

    fn all() -> Vec<Text> {
        can(&["wave_picking", "zone_picking", "batch_picking", "cluster_picking"])
    }

    fn of(lines: u32, items: u32, units: u64) -> Load {
        Load { lines, items, units }
    }

    #[test]
    fn the_first_threshold_that_the_node_can_decides_the_way() {
        let rule = PickingRule::default();
        let cases = [
            (of(51, 21, 101), PickMethod::Wave),
            (of(50, 21, 101), PickMethod::Zone),
            (of(50, 20, 101), PickMethod::Batch),
            (of(50, 20, 100), PickMethod::Cluster),
            (of(11, 1, 11), PickMethod::Cluster),
            (of(10, 10, 10), PickMethod::Discrete),
            (of(10, 20, 100), PickMethod::Discrete),
            (of(1, 1, 101), PickMethod::Batch),
            (of(10, 21, 10), PickMethod::Zone),
        ];
        for (load, method) in cases {
            assert_eq!(rule.method(load, &all()), method, "{load:?}");
            assert_eq!(rule.method(load, &[]), PickMethod::Discrete, "a node that can nothing else: {load:?}");
        }
        // What the node cannot is passed over, and the next is asked.
        assert_eq!(rule.method(of(51, 21, 101), &can(&["batch_picking", "zone_picking"])), PickMethod::Zone);
        assert_eq!(rule.method(of(51, 21, 101), &can(&["batch_picking"])), PickMethod::Batch);
        assert_eq!(
            rule.method(of(51, 21, 101), &can(&["cluster_picking"])),
            PickMethod::Discrete,
            "51 lines are too many"
        );
        assert_eq!(rule.method(of(50, 1, 1), &can(&["gift_wrap", "cluster_picking"])), PickMethod::Cluster);
    }

    #[test]
    fn a_rule_has_its_own_thresholds_or_names_the_way() {
        let rule = PickingRule { wave_over_lines: 2, ..PickingRule::default() };
        assert_eq!(rule.method(of(3, 1, 3), &all()), PickMethod::Wave);
        let rule = PickingRule { method: Some(PickMethod::Batch), ..PickingRule::default() };
        assert_eq!(rule.method(of(1, 1, 1), &all()), PickMethod::Batch);
        assert_eq!(rule.method(of(60, 1, 60), &can(&["wave_picking"])), PickMethod::Wave, "it cannot pick in batches");
    }

    fn wants(order: u64, line: u16, sku: u32, place: Option<(u16, u16)>) -> Wanted {
        let zone = |aisle: u16| if aisle < 2 { "a" } else { "b" };
        Wanted {
            fulfillment: FulfillmentKey { order: OrderKey(order), number: 1 },
            line,
            line_units: 2,
            sku: SkuIndex(sku),
            units: 2,
            place: place.map(|(aisle, at_m)| BinPlace {
                bin: format!("{aisle}-{at_m}").as_str().into(),
                zone: zone(aisle).into(),
                aisle,
                at_m,
            }),
        }
    }

    fn bins(tour: &Tour) -> Vec<&str> {
        tour.picks.iter().map(|pick| pick.bin.as_deref().unwrap_or("-")).collect()
    }

    #[test]
    fn a_pick_list_goes_through_the_aisles_in_an_s() {
        let rule = PickingRule { aisle_m: 20, aisle_gap_m: 5, ..PickingRule::default() };
        let wanted = [
            wants(1, 0, 1, Some((2, 5))),
            wants(1, 1, 2, None),
            wants(1, 2, 3, Some((0, 18))),
            wants(1, 3, 4, Some((0, 2))),
            wants(1, 4, 5, Some((1, 4))),
            wants(1, 5, 6, Some((1, 16))),
        ];
        let tours = tours(PickMethod::Discrete, &rule, &wanted);
        assert_eq!(bins(&tours[0]), ["0-2", "0-18", "1-16", "1-4", "2-5", "-"]);
        // 2 + 16, around the back 2 + 5 + 4, 12, around the front 4 + 5 + 5, home 5 + 10.
        assert_eq!(tours[0].metres, 2 + 16 + 11 + 12 + 14 + 15);
        assert_eq!(tours[0].alone_metres, tours[0].metres);
    }

    #[test]
    fn each_way_has_its_tours_and_all_fetch_the_same() {
        let rule = PickingRule { cart_orders: 2, batch_orders: 3, ..PickingRule::default() };
        let wanted: Vec<_> =
            (0..5).flat_map(|n| [wants(n, 0, 1, Some((0, 3))), wants(n, 1, 2, Some((3, 9)))]).collect();
        let count = |method| tours(method, &rule, &wanted).len();
        assert_eq!(PickMethod::ALL.map(count), [2, 6, 2, 3, 5]);
        let alone: u32 = tours(PickMethod::Discrete, &rule, &wanted).iter().map(|tour| tour.metres).sum();
        for method in PickMethod::ALL {
            let tours = tours(method, &rule, &wanted);
            let units: u32 = tours.iter().flat_map(|tour| &tour.picks).map(|pick| pick.completes).sum();
            assert_eq!(units, 20, "{method:?}");
            assert_eq!(tours.iter().map(|tour| tour.alone_metres).sum::<u32>(), alone, "{method:?}");
            assert!(tours.iter().map(|tour| tour.metres).sum::<u32>() <= alone, "{method:?}");
        }
        let zones: Vec<_> = tours(PickMethod::Wave, &rule, &wanted).iter().map(|tour| tour.zone.clone()).collect();
        assert_eq!(zones, [Some(Text::from("a")), Some("b".into())]);
    }

    #[test]
    fn a_kit_is_picked_with_the_last_of_its_components_and_in_one_zone() {
        let wanted = [wants(1, 0, 1, Some((0, 9))), wants(1, 0, 2, Some((3, 1))), wants(1, 1, 3, Some((3, 2)))];
        for method in [PickMethod::Discrete, PickMethod::Wave] {
            let tours = tours(method, &PickingRule::default(), &wanted);
            let of_kit: Vec<_> =
                tours[0].picks.iter().filter(|pick| pick.line == 0).map(|pick| pick.completes).collect();
            assert_eq!(of_kit, [0, 2], "{method:?}");
        }
        assert_eq!(load(&wanted), of(2, 3, 6));
    }
}
