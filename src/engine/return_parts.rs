//! Units of a return that a request names: which they are, and whether that can be said of them.

use std::collections::BTreeMap;

use crate::domain::command::ReturnedUnits;
use crate::domain::decision::LineUnits;
use crate::domain::ids::NodeIndex;
use crate::domain::rejection::Rejection;
use crate::domain::returns::{Condition, Disposition, HeldUnits, Part, Return, ReturnLine, ReturnVerb};

/// Units that a request names, each part with the position of the request's line that names it.
pub(super) type NamedParts = Vec<(usize, Part)>;

/// The parts alone.
pub(super) fn parts_of(named: NamedParts) -> Vec<Part> {
    named.into_iter().map(|(_, part)| part).collect()
}

/// The same units by the lines of the order, each line once.
pub(super) fn of_order(returned: &Return, parts: &[Part]) -> Vec<LineUnits> {
    let mut units: BTreeMap<u16, u32> = BTreeMap::new();
    for part in parts {
        *units.entry(returned.lines[usize::from(part.line)].line).or_default() += part.units;
    }
    units.into_iter().map(|(line, quantity)| LineUnits { line, quantity }).collect()
}

/// Position of a line within the return.
pub(super) fn line_of(returned: &Return, at: usize, named: &ReturnedUnits) -> Result<u16, Rejection> {
    let line = returned.lines.iter().position(|line| line.id == named.line);
    let unknown = || {
        let detail = format!("return {} has no line {:?}", returned.name(), &*named.line);
        Rejection::invalid(format!("lines[{at}].line"), "unknown_line", detail)
    };
    line.map(|line| line as u16).ok_or_else(unknown)
}

/// Where units of a line come to when nobody says it: where the parcels go, or where they should.
pub(super) fn node_of(returned: &Return, line: &ReturnLine) -> Result<NodeIndex, Rejection> {
    let missing = |detail: &str| Rejection::invalid("node", "missing_field", detail.to_owned());
    let mut nodes = returned.labels.iter().map(|label| label.node.or(line.node));
    let first = nodes.next().unwrap_or(line.node);
    if nodes.any(|node| node != first) {
        return Err(missing("is required: the parcels of the return go to several nodes"));
    }
    first.ok_or_else(|| missing("is required: the return has no node of its own"))
}

/// The lines of a request that are about whole units, with their positions.
fn whole(lines: &[ReturnedUnits]) -> impl Iterator<Item = (usize, &ReturnedUnits)> {
    lines.iter().enumerate().filter(|(_, named)| named.component.is_none())
}

/// Units that came, each with its node, beside kits that come in pieces.
pub(super) fn arriving(
    returned: &Return,
    lines: &[ReturnedUnits],
    at: Option<NodeIndex>,
    kits: impl Iterator<Item = Part>,
) -> Result<NamedParts, Rejection> {
    if lines.is_empty() {
        return Err(Rejection::invalid("lines", "no_lines", "names no line"));
    }
    let mut came: BTreeMap<u16, u32> = kits.map(|kits| (kits.line, kits.units)).collect();
    let mut parts = NamedParts::new();
    for (number, named) in whole(lines) {
        let line = line_of(returned, number, named)?;
        let own = &returned.lines[usize::from(line)];
        let sum = came.entry(line).or_default();
        *sum = sum.saturating_add(named.quantity.units());
        if *sum > own.expected() {
            let (id, requested) = (returned.name(), *sum);
            let (line, there) = (own.id.to_string(), own.expected());
            return Err(Rejection::NotInReturn { id, line, what: "expected", there, requested });
        }
        let node = at.map_or_else(|| node_of(returned, own), Ok)?;
        parts.push((number, part_of(line, node, number, named, ReturnVerb::Receive)?));
    }
    Ok(parts)
}

/// What is said of units, if that can be: what becomes of them is said of graded ones.
fn part_of(line: u16, node: NodeIndex, at: usize, named: &ReturnedUnits, verb: ReturnVerb) -> Result<Part, Rejection> {
    check_said(at, named, verb, verb == ReturnVerb::Receive)?;
    let ReturnedUnits { quantity, condition, disposition, .. } = *named;
    Ok(Part { line, units: quantity.units(), node, condition, disposition })
}

/// Whether what a line of the request says can be said with a step: what becomes of units is said of graded ones, and that they
/// are missing where somebody first sees whether they are there.
pub(super) fn check_said(
    at: usize,
    named: &ReturnedUnits,
    verb: ReturnVerb,
    may_be_missing: bool,
) -> Result<(), Rejection> {
    let ReturnedUnits { condition, disposition, .. } = *named;
    let is_missing = condition == Some(Condition::Missing) || disposition == Some(Disposition::Missing);
    let fault = |field: &str, detail: &str| {
        Err(Rejection::invalid(format!("lines[{at}].{field}"), "missing_field", detail.to_owned()))
    };
    let found = disposition.is_some_and(|disposition| disposition != Disposition::Missing);
    match verb {
        _ if condition == Some(Condition::Missing) && found => Err(Rejection::invalid(
            format!("lines[{at}].disposition"),
            "not_in_parcel",
            "is of units that are there, the condition says they are missing",
        )),
        _ if is_missing && !may_be_missing => Err(Rejection::invalid(
            format!("lines[{at}].condition"),
            "not_in_parcel",
            "is missing, which only a receipt says of units that did not come",
        )),
        _ if is_missing => Ok(()),
        ReturnVerb::Receive if disposition.is_some() && condition.is_none() => {
            fault("condition", "is required where a disposition is given")
        }
        ReturnVerb::Inspect | ReturnVerb::Dispose if condition.is_none() => fault("condition", "is required"),
        ReturnVerb::Dispose if disposition.is_none() => fault("disposition", "is required"),
        _ => Ok(()),
    }
}

/// Units that came before, found where they are: what is to be graded is not graded yet, what is to be disposed of is. Answers
/// also what is left of each line of the return, of which nothing is said.
pub(super) fn of_held(
    returned: &Return,
    lines: &[ReturnedUnits],
    verb: ReturnVerb,
) -> Result<(NamedParts, Vec<Vec<HeldUnits>>), Rejection> {
    if lines.is_empty() {
        return Err(Rejection::invalid("lines", "no_lines", "names no line"));
    }
    let mut left: Vec<_> = returned.lines.iter().map(|line| line.held.clone()).collect();
    let mut parts = Vec::new();
    for (number, named) in whole(lines) {
        let line = line_of(returned, number, named)?;
        let wanted = if verb == ReturnVerb::Inspect { None } else { named.condition };
        let mut units = named.quantity.units();
        let held = &mut left[usize::from(line)];
        let there: u32 = held.iter().filter(|held| held.condition == wanted).map(|held| held.units).sum();
        if units > there {
            let (id, line, requested) = (returned.name(), named.line.to_string(), units);
            let what = if verb == ReturnVerb::Inspect { "there ungraded" } else { "there in that condition" };
            return Err(Rejection::NotInReturn { id, line, what, there, requested });
        }
        for held in held.iter_mut().filter(|held| held.condition == wanted) {
            let some = held.units.min(units);
            if some > 0 {
                let part = part_of(line, held.node, number, named, verb)?;
                parts.push((number, Part { units: some, ..part }));
                held.units -= some;
                units -= some;
            }
        }
    }
    Ok((parts, left))
}
