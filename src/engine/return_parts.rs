//! Units of a return that a request names: which they are, and whether that can be said of them.

use std::collections::BTreeMap;

use crate::domain::command::ReturnedUnits;
use crate::domain::decision::LineUnits;
use crate::domain::ids::NodeIndex;
use crate::domain::rejection::Rejection;
use crate::domain::returns::{Condition, Disposition, Part, Return, ReturnLine, ReturnVerb};

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
fn line_of(returned: &Return, at: usize, named: &ReturnedUnits) -> Result<u16, Rejection> {
    let line = returned.lines.iter().position(|line| line.id == named.line);
    let unknown = || {
        let detail = format!("return {} has no line {:?}", returned.name(), &*named.line);
        Rejection::invalid(format!("lines[{at}].line"), "unknown_line", detail)
    };
    line.map(|line| line as u16).ok_or_else(unknown)
}

/// Where units of a line come to when nobody says it: where the parcels go, or where they should.
fn node_of(returned: &Return, line: &ReturnLine) -> Result<NodeIndex, Rejection> {
    let missing = |detail: &str| Rejection::invalid("node", "missing_field", detail.to_owned());
    let mut nodes = returned.labels.iter().map(|label| label.node.or(line.node));
    let first = nodes.next().unwrap_or(line.node);
    if nodes.any(|node| node != first) {
        return Err(missing("is required: the parcels of the return go to several nodes"));
    }
    first.ok_or_else(|| missing("is required: the return has no node of its own"))
}

/// Units that came, each with its node.
pub(super) fn arriving(
    returned: &Return,
    lines: &[ReturnedUnits],
    at: Option<NodeIndex>,
) -> Result<NamedParts, Rejection> {
    if lines.is_empty() {
        return Err(Rejection::invalid("lines", "no_lines", "names no line"));
    }
    let (mut parts, mut came): (NamedParts, BTreeMap<u16, u32>) = (Vec::new(), BTreeMap::new());
    for (number, named) in lines.iter().enumerate() {
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
    let part =
        Part { line, units: named.quantity.units(), node, condition: named.condition, disposition: named.disposition };
    let fault = |field: &str, detail: &str| {
        Err(Rejection::invalid(format!("lines[{at}].{field}"), "missing_field", detail.to_owned()))
    };
    let found = part.disposition.is_some_and(|disposition| disposition != Disposition::Missing);
    match verb {
        _ if named.condition == Some(Condition::Missing) && found => Err(Rejection::invalid(
            format!("lines[{at}].disposition"),
            "not_in_parcel",
            "is of units that are there, the condition says they are missing",
        )),
        _ if part.is_missing() && verb != ReturnVerb::Receive => Err(Rejection::invalid(
            format!("lines[{at}].condition"),
            "not_in_parcel",
            "is missing, which only a receipt says of units that did not come",
        )),
        ReturnVerb::Receive if part.is_missing() => Ok(part),
        ReturnVerb::Receive if part.disposition.is_some() && part.condition.is_none() => {
            fault("condition", "is required where a disposition is given")
        }
        ReturnVerb::Inspect | ReturnVerb::Dispose if part.condition.is_none() => fault("condition", "is required"),
        ReturnVerb::Dispose if part.disposition.is_none() => fault("disposition", "is required"),
        _ => Ok(part),
    }
}

/// Units that came before, found where they are: what is to be graded is not graded yet, what is to be disposed of is.
pub(super) fn of_held(returned: &Return, lines: &[ReturnedUnits], verb: ReturnVerb) -> Result<NamedParts, Rejection> {
    if lines.is_empty() {
        return Err(Rejection::invalid("lines", "no_lines", "names no line"));
    }
    let mut left: Vec<_> = returned.lines.iter().map(|line| line.held.clone()).collect();
    let mut parts = Vec::new();
    for (number, named) in lines.iter().enumerate() {
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
    Ok(parts)
}
