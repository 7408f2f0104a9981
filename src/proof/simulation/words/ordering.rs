//! Words of customers: what they reserve, order, sketch and subscribe to.

use super::{context, number, units};
use crate::domain::command::*;
use crate::domain::delivery::{BROUGHT, LOCKER, TO_STORE};
use crate::domain::draft::DraftTerms;
use crate::domain::geo::Position;
use crate::domain::hold::HoldKind;
use crate::domain::ids::Text;
use crate::domain::money::Currency;
use crate::domain::order::{OrderType, Sealed};
use crate::domain::payment::PaymentMark;
use crate::domain::subscription::{Every, WhenShort};
use crate::domain::time::WallTime;

/// One of a batch.
pub struct Part {
    /// The line that asks for it alone.
    pub line: String,
    /// What is asked for.
    pub one: ReserveOne,
}

/// The parts of a line that asks for many reservations; `None` when it does not.
pub fn batch(words: &[&str]) -> Option<Vec<Part>> {
    let ["batch", parts @ ..] = words else { return None };
    let part = |part: &[&str]| {
        let (keyed, words) = match part {
            ["key", words @ ..] => (true, words),
            words => (false, words),
        };
        let line = format!("reserve {}", words.join(" "));
        let key = context(keyed.then_some(line.as_str())).key;
        Part { line, one: ReserveOne { key, reserve: reserve(words) } }
    };
    Some(parts.split(|word| *word == "/").map(part).collect())
}

pub(super) fn reserve(words: &[&str]) -> Reserve {
    let [id, seconds, rest @ ..] = words else { panic!("a name, seconds and lines, not {words:?}") };
    let (mut partial, mut channel, mut customer, mut parts) = (false, None, None, rest);
    loop {
        parts = match parts {
            ["partial", rest @ ..] => {
                partial = true;
                rest
            }
            ["via", name, rest @ ..] => {
                channel = Some(Text::from(*name));
                rest
            }
            ["by", name, rest @ ..] => {
                customer = Some(Text::from(*name));
                rest
            }
            _ => break,
        }
    }
    Reserve {
        id: (!id.starts_with('-')).then(|| (*id).into()),
        fingerprint: 0,
        owner: "cart".into(),
        ttl_s: number(seconds) as u64,
        lines: reserve_lines(parts),
        partial,
        channel,
        customer,
    }
}

pub(super) fn reserve_lines(parts: &[&str]) -> Vec<ReserveLine> {
    let line = |part: &[&str]| match part {
        [sku, n] => ReserveLine { sku: (*sku).into(), quantity: units(n), node: None },
        [sku, n, "at", node] => ReserveLine { sku: (*sku).into(), quantity: units(n), node: Some((*node).into()) },
        other => panic!("not a line of a reservation: {other:?}"),
    };
    parts.split(|word| *word == "+").map(line).collect()
}

pub(super) fn sketched(parts: &[&str]) -> DraftTerms {
    let said = Sealed { key_id: 0, bytes: parts.join(" ").into_bytes() };
    let lines = parts.split(|word| *word == "+").filter(|part| !part.is_empty()).count() as u32;
    DraftTerms { channel: Some("web".into()), customer: None, lines, said }
}

pub(super) fn subscription(id: &str, every: &str, seconds: i64, parts: &[&str], wall: WallTime) -> PutSubscription {
    let terms = format!("{every} {seconds} {}", parts.join(" "));
    let (when_short, parts) = match parts {
        ["retry", parts @ ..] => (WhenShort::Retry, parts),
        parts => (WhenShort::Backorder, parts),
    };
    // Its orders get ids of their own.
    let order = order(id, parts, wall);
    let fingerprint = context(Some(terms.as_str())).key.expect("it was given one").fingerprint;
    PutSubscription {
        id: id.into(),
        order: PlaceOrder { id: None, channel_order_id: "".into(), fingerprint, ..order },
        every: Every::parse(every).unwrap_or_else(|| panic!("{every} is a period")),
        next_at: WallTime(wall.0 + seconds * 1_000),
        when_short,
    }
}

pub(super) fn order(id: &str, words: &[&str], wall: WallTime) -> PlaceOrder {
    let (mut reservation, mut reacquire, mut kind, mut parts) = (None, false, OrderType::Standard, words);
    let mut wishes = Wishes::default();
    let (mut channel, mut customer) = (Text::from("web"), Text::from("customer-1"));
    let (mut holds, mut release_at, mut method) = (Vec::new(), None, Text::from("ship"));
    loop {
        parts = match parts {
            ["with", name, rest @ ..] => {
                reservation = Some(Text::from(*name));
                rest
            }
            ["near", node, rest @ ..] => {
                wishes.preferred_node = Some((*node).into());
                rest
            }
            ["to_store", node, rest @ ..] => {
                method = TO_STORE.into();
                wishes.preferred_node = Some((*node).into());
                rest
            }
            ["locker", node, rest @ ..] => {
                method = LOCKER.into();
                wishes.preferred_node = Some((*node).into());
                rest
            }
            [way @ ("pickup" | "curbside"), node, rest @ ..] => {
                method = (*way).into();
                wishes.preferred_node = Some((*node).into());
                rest
            }
            ["differs", way, node, rest @ ..] => {
                wishes.ways.push(AskedWay { group: 1, method: (*way).into(), node: Some((*node).into()) });
                rest
            }
            ["brought", rest @ ..] => {
                method = BROUGHT.into();
                rest
            }
            ["reacquire", rest @ ..] => {
                reacquire = true;
                rest
            }
            ["held", rest @ ..] => {
                let (kind, reason) = (HoldKind::Payment, "not paid".into());
                holds.push(AskedHold { kind, reason, release_at: None, release_on: Some(PaymentMark::Paid) });
                rest
            }
            ["via", name, rest @ ..] => {
                channel = (*name).into();
                rest
            }
            ["by", name, rest @ ..] => {
                customer = (*name).into();
                rest
            }
            ["later", seconds, rest @ ..] => {
                release_at = Some(WallTime(wall.0 + number(seconds) * 1_000));
                rest
            }
            ["waits", rest @ ..] => {
                kind = OrderType::Backorder;
                rest
            }
            ["early", rest @ ..] => {
                kind = OrderType::PreOrder;
                rest
            }
            ["rests", rest @ ..] => {
                wishes.deferred = Some(Deferred { allocate_at: None });
                rest
            }
            ["due", seconds, rest @ ..] => {
                let allocate_at = Some(WallTime(wall.0 + number(seconds) * 1_000));
                wishes.deferred = Some(Deferred { allocate_at });
                rest
            }
            ["urgent", priority, rest @ ..] => {
                wishes.priority = number(priority) as u8;
                rest
            }
            ["slot", node, id, rest @ ..] => {
                let line = rest.iter().filter(|word| **word == "+").count() as u16;
                wishes.slots.push(AskedSlot { line, node: (*node).into(), slot: (*id).into() });
                rest
            }
            _ => break,
        }
    }
    let line = |(at, part): (usize, &[&str])| {
        let (sku, n, group) = match part {
            [sku, n] => (*sku, *n, 0),
            [sku, n, "far"] => (*sku, *n, 1),
            other => panic!("not a line of an order: {other:?}"),
        };
        let id = (at + 1).to_string().as_str().into();
        PlaceLine { id, sku: sku.into(), quantity: units(n), unit_price: 100, group }
    };
    PlaceOrder {
        id: Some(id.into()),
        fingerprint: 0,
        kind,
        channel,
        channel_order_id: id.into(),
        customer,
        personal: Sealed::default(),
        currency: Currency::USD,
        destinations: vec![ship_to("", 40.0, -75.0), ship_to("far", 34.0, -118.0)],
        lines: parts.split(|word| *word == "+").enumerate().map(line).collect(),
        delivery_method: method,
        reservation,
        reacquire,
        rule_set: None,
        placed_at: None,
        payment: None,
        total: None,
        holds,
        wishes: Wishes { release_at, ..wishes },
    }
}

pub(super) fn ship_to(group: &str, latitude: f64, longitude: f64) -> ShipTo {
    ShipTo {
        group: group.into(),
        country: "US".into(),
        postal_code: "10001".into(),
        parts: None,
        position: Position::from_degrees(latitude, longitude),
        personal: Sealed::default(),
    }
}
