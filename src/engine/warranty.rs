//! Warranties as orders ask for them. What is *not* here: what they are, and when they begin (`domain::particulars`).

use crate::domain::command::{AskedWarranty, PlaceOrder};
use crate::domain::particulars::Warranty;
use crate::domain::rejection::Fault;

/// Lines that are warranties; all faults together.
pub(super) fn warranties(command: &PlaceOrder) -> Result<Vec<Warranty>, Vec<Fault>> {
    let (mut faults, mut found) = (Vec::new(), Vec::with_capacity(command.wishes.warranties.len()));
    for AskedWarranty { line, covers, months } in &command.wishes.warranties {
        let covered = covers.as_ref().map(|id| command.lines.iter().position(|line| line.id == *id));
        match covered {
            Some(None) => {
                let detail = format!("the order has no line {:?}", covers.as_deref().unwrap_or_default());
                faults.push(Fault::new(format!("lines[{line}].warranty.covers"), "unknown_line", detail));
            }
            covered => {
                let covers = covered.flatten().map_or(*line, |at| at as u16);
                found.push(Warranty { line: *line, covers, months: *months, registered: Vec::new() });
            }
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}
