//! A sample of a parcel that came.

use crate::domain::event::{Event, TransitNoted};
use crate::domain::transit::{Arrived, TransitKey};

pub(super) fn transit() -> Vec<Event> {
    let key = TransitKey { carrier: "post".into(), service: "parcel".into(), zone: 4 };
    vec![Event::TransitNoted(Box::new(TransitNoted { key, arrived: Arrived { day: 19_675, days: 3 } }))]
}
