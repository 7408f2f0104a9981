//! Components that a request names of kits that come back: which they are, and which kits are taken apart for it.
//!
//! A receipt names whole kits, be it that something is missing of them: of each component so many units that they make the same
//! number of kits. What came before is taken apart as far as its components are named; those that are not named stay as they
//! were, in the grade of their kit.
//!
//! What is *not* here: what is said of whole kits (`return_parts`), and what a component is worth (`domain::return_kits`).

use std::collections::BTreeMap;

use super::network::Network;
use super::return_parts::{check_said, line_of, node_of};
use crate::domain::command::ReturnedUnits;
use crate::domain::ids::{NodeIndex, SkuIndex, Text};
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::returns::{
    ApartKits, Condition, Disposition, HeldUnits, KitPart, Part, Piece, Return, ReturnEvent, ReturnVerb, TakenApart,
};

/// What a request says of components, each piece with the position of the request's line that names it.
#[derive(Default)]
pub(super) struct Apart {
    /// Kits that are taken apart for it.
    pub(super) taken: Vec<TakenApart>,
    /// What is said of components.
    pub(super) pieces: Vec<(usize, Piece)>,
}

impl Apart {
    /// What the return is told.
    pub(super) fn events(self) -> Vec<ReturnEvent> {
        let pieces: Vec<Piece> = self.pieces.into_iter().map(|(_, piece)| piece).collect();
        let said = (!pieces.is_empty()).then_some(ReturnEvent::Pieces { pieces });
        self.taken.into_iter().map(ReturnEvent::TakenApart).chain(said).collect()
    }

    /// The kits that come with it, which nobody has graded as a whole.
    pub(super) fn kits(&self) -> impl Iterator<Item = Part> + '_ {
        self.taken.iter().map(|taken| Part {
            line: taken.line,
            units: taken.kits,
            node: taken.node,
            condition: taken.condition,
            disposition: None,
        })
    }
}

/// A line of a request that names a component, as the return knows both.
struct Named<'a> {
    at: usize,
    line: u16,
    sku: SkuIndex,
    said: &'a ReturnedUnits,
}

/// Who reads a request.
struct Reading<'a> {
    network: &'a Network,
    order: &'a Order,
    returned: &'a Return,
}

/// Components of kits that came.
pub(super) fn arriving_apart(
    network: &Network,
    (order, returned): (&Order, &Return),
    lines: &[ReturnedUnits],
    at: Option<NodeIndex>,
) -> Result<Apart, Rejection> {
    let reading = Reading { network, order, returned };
    let mut came: BTreeMap<u16, Vec<Named<'_>>> = BTreeMap::new();
    for named in reading.named(lines)? {
        check_said(named.at, named.said, ReturnVerb::Receive, true)?;
        came.entry(named.line).or_default().push(named);
    }
    let mut apart = Apart::default();
    for (line, named) in came {
        let own = &returned.lines[usize::from(line)];
        let node = at.map_or_else(|| node_of(returned, own), Ok)?;
        let parts = reading.parts_of(line);
        let kits = whole_kits(network, &parts, &named)?;
        if named.iter().all(Named::is_missing) {
            let detail = "is missing of all that is in the kits: they are missing as a whole";
            return Err(Rejection::invalid(format!("lines[{}].component", named[0].at), "not_in_parcel", detail));
        }
        if kits > own.expected() {
            let (id, line) = (returned.name(), own.id.to_string());
            let (there, requested) = (own.expected(), kits);
            return Err(Rejection::NotInReturn { id, line, what: "expected", there, requested });
        }
        apart.taken.push(TakenApart { line, node, condition: None, kits, parts });
        // Of what nobody has looked at nothing is said yet.
        let said = named.iter().filter(|named| named.said.condition.is_some() || named.said.disposition.is_some());
        apart.pieces.extend(said.map(|named| (named.at, named.piece(node, None, named.said.quantity.units()))));
    }
    Ok(apart)
}

/// Components of kits that came before, found where they are; kits are taken apart where too few of them lie singly. `left`
/// are the whole kits of each line that the request says nothing of.
pub(super) fn held_apart(
    network: &Network,
    (order, returned): (&Order, &Return),
    lines: &[ReturnedUnits],
    verb: ReturnVerb,
    mut left: Vec<Vec<HeldUnits>>,
) -> Result<Apart, Rejection> {
    let reading = Reading { network, order, returned };
    let mut apart = Apart::default();
    let mut all: BTreeMap<u16, ApartKits> = BTreeMap::new();
    for named in reading.named(lines)? {
        check_said(named.at, named.said, verb, verb == ReturnVerb::Inspect)?;
        let parts = reading.parts_of(named.line);
        let known = || returned.apart(named.line).cloned().unwrap_or_else(|| ApartKits::none(named.line, &parts));
        let kits = all.entry(named.line).or_insert_with(known);
        let wanted = if verb == ReturnVerb::Inspect { None } else { named.said.condition };
        let units = named.said.quantity.units();
        let each = parts.iter().find(|part| part.sku == named.sku).map_or(1, |part| part.each);
        let lacking = units.saturating_sub(singly(kits, named.sku, wanted)).div_ceil(each);
        let whole = &mut left[usize::from(named.line)];
        for (node, kits_there) in take(whole, wanted, lacking) {
            kits.add(node, wanted, kits_there);
            apart.taken.push(TakenApart {
                line: named.line,
                node,
                condition: wanted,
                kits: kits_there,
                parts: parts.clone(),
            });
        }
        let there = singly(kits, named.sku, wanted);
        if units > there {
            let (id, line, requested) = (returned.name(), named.said.line.to_string(), units);
            let what =
                if verb == ReturnVerb::Inspect { "there ungraded of it" } else { "there of it in that condition" };
            return Err(Rejection::NotInReturn { id, line, what, there, requested });
        }
        let held = kits.component(named.sku).map(|own| own.held.clone()).unwrap_or_default();
        for (node, some) in take(&mut held.clone(), wanted, units) {
            let piece = named.piece(node, wanted, some);
            assert!(kits.say(&piece), "what was found there is there");
            apart.pieces.push((named.at, piece));
        }
    }
    Ok(apart)
}

impl Reading<'_> {
    /// The lines of a request that name components.
    fn named<'b>(&self, lines: &'b [ReturnedUnits]) -> Result<Vec<Named<'b>>, Rejection> {
        let of_kits = lines.iter().enumerate().filter_map(|(at, said)| Some((at, said, said.component.as_ref()?)));
        let named = |(at, said, component): (usize, &'b ReturnedUnits, &'b Text)| {
            let line = line_of(self.returned, at, said)?;
            let sku = self.network.sku_index(component);
            let sku = sku.filter(|sku| self.parts_of(line).iter().any(|part| part.sku == *sku));
            let unknown = || {
                let detail = format!("there is no {component:?} in what line {:?} is of", &*said.line);
                Rejection::invalid(format!("lines[{at}].component"), "unknown_component", detail)
            };
            Ok(Named { at, line, sku: sku.ok_or_else(unknown)?, said })
        };
        of_kits.map(named).collect()
    }

    /// What a kit of a line is made of; nothing where the line is of no kit.
    fn parts_of(&self, line: u16) -> Vec<KitPart> {
        if let Some(known) = self.returned.apart(line) {
            return known.parts();
        }
        let own = self.returned.lines[usize::from(line)].line;
        let mut parts: Vec<KitPart> = Vec::new();
        for component in &self.order.lines[usize::from(own)].placed.components {
            match parts.iter_mut().find(|part| part.sku == component.sku) {
                Some(part) => part.each += component.quantity,
                None => parts.push(KitPart { sku: component.sku, each: component.quantity, weight: 1 }),
            }
        }
        let value = |part: &KitPart| self.network.catalogue.item(part.sku).value.filter(|value| value.amount > 0);
        if parts.iter().all(|part| value(part).is_some()) {
            for part in &mut parts {
                part.weight = value(part).map_or(1, |value| value.amount.unsigned_abs());
            }
        }
        parts
    }
}

impl Named<'_> {
    fn is_missing(&self) -> bool {
        let ReturnedUnits { condition, disposition, .. } = *self.said;
        condition == Some(Condition::Missing) || disposition == Some(Disposition::Missing)
    }

    fn piece(&self, node: NodeIndex, before: Option<Condition>, units: u32) -> Piece {
        let ReturnedUnits { condition, disposition, .. } = *self.said;
        Piece { line: self.line, sku: self.sku, units, node, before, condition, disposition }
    }
}

/// How many kits these components make: each as many.
fn whole_kits(network: &Network, parts: &[KitPart], named: &[Named<'_>]) -> Result<u32, Rejection> {
    let units = |part: &KitPart| -> u64 {
        named.iter().filter(|own| own.sku == part.sku).map(|own| u64::from(own.said.quantity.units())).sum()
    };
    let kits = parts.iter().map(|part| units(part).div_ceil(u64::from(part.each))).max().unwrap_or(0);
    let lacks = parts.iter().find(|part| units(part) != kits * u64::from(part.each));
    if let Some(part) = lacks {
        let (sku, has, needs) = (network.sku_name(part.sku), units(part), kits * u64::from(part.each));
        let line = &named[0].said.line;
        let detail =
            format!("{kits} kits of line {line:?} have {needs} of {sku}, not {has}: what is not there is missing");
        return Err(Rejection::invalid(format!("lines[{}].component", named[0].at), "incomplete_kit", detail));
    }
    Ok(u32::try_from(kits).unwrap_or(u32::MAX))
}

/// Units of a component that lie singly in a condition.
fn singly(kits: &ApartKits, sku: SkuIndex, wanted: Option<Condition>) -> u32 {
    let held = kits.component(sku).into_iter().flat_map(|own| &own.held);
    held.filter(|held| held.condition == wanted).map(|held| held.units).sum()
}

/// Takes so many units in a condition, or all there are; answers where.
fn take(held: &mut [HeldUnits], wanted: Option<Condition>, mut units: u32) -> Vec<(NodeIndex, u32)> {
    let mut taken = Vec::new();
    for own in held.iter_mut().filter(|own| own.condition == wanted) {
        let some = own.units.min(units);
        if some > 0 {
            taken.push((own.node, some));
            own.units -= some;
            units -= some;
        }
    }
    taken
}
