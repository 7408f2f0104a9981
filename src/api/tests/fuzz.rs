//! Every body and every cursor against mutated text.

use super::super::fulfillment::{Picking, Stopping};
use super::super::page::{Cursor, FulfillmentCursor, OrderCursor};
use super::*;
use crate::fuzzing::fuzz;

/// Reads a body as one shape.
type Reading = fn(&[u8]) -> Result<(), Problem>;

#[test]
fn every_shape_of_a_body_is_read_or_refused() {
    fuzz(
        "body",
        |_| {},
        |bytes| {
            let Ok(json) = Json::parse(bytes) else { return };
            let _ = json.fingerprint();
            let shapes: [Reading; 19] = [
                read_as::<NodePut>,
                read_as::<NodeChange>,
                read_as::<ItemPut>,
                read_as::<Adjustments>,
                read_as::<Moves>,
                read_as::<CountPut>,
                read_as::<AtpRequest>,
                read_as::<NewReservation>,
                read_as::<ReservationChange>,
                read_as::<ReservationBatch>,
                read_as::<NewOrder>,
                read_as::<Cancellation>,
                read_as::<Rejecting>,
                read_as::<Shorting>,
                read_as::<Shipping>,
                read_as::<Nothing>,
                read_as::<Picking>,
                read_as::<Stopping>,
                read_as::<Foreseeing>,
            ];
            for shape in shapes {
                if let Err(problem) = shape(bytes) {
                    assert!(CODES.iter().any(|(code, ..)| *code == problem.code), "{} is listed", problem.code);
                    let _ = problem.to_json("r");
                }
            }
        },
    );
}

#[test]
fn every_cursor_is_read_or_refused() {
    fuzz(
        "cursor",
        |_| {},
        |bytes| {
            let text = serde_json::to_string(&String::from_utf8_lossy(bytes)).expect("text is JSON");
            for read in [read_as::<Cursor>, read_as::<OrderCursor>, read_as::<FulfillmentCursor>] {
                let _ = read(text.as_bytes());
            }
        },
    );
}
