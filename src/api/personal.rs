//! Personal data: what is sealed at the edge when it comes in, and opened at the edge when it goes out.
//!
//! Everything behind the edge keeps it as opaque bytes; country, the first characters of the postal code and a coarse
//! position stay clear beside it. Key 0 means plain. What cannot be opened any more (erased) shows as empty.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::order::Sealed;

/// Key that means: not encrypted.
const PLAIN: u32 = 0;
/// The clear position is rounded to so many millionths of a degree: a hundredth of one, about a kilometre.
const COARSE_MICRO: i32 = 10_000;

/// What is sealed of a customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the API")]
pub struct Person {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Text>,
}

/// What is sealed of a destination.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the API")]
pub struct Address {
    pub name: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Text>,
    pub line1: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<Text>,
    pub city: Text,
    pub region: Text,
    pub postal_code: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Text>,
    /// As given: north, east.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrees: Option<(f64, f64)>,
}

/// Seals.
pub fn seal(personal: &impl Serialize) -> Sealed {
    let bytes = serde_json::to_vec(personal).expect("personal data is text and finite numbers");
    Sealed { key_id: PLAIN, bytes }
}

/// Opens; empty when it cannot be opened.
pub fn open<T: DeserializeOwned + Default>(sealed: &Sealed) -> T {
    opened(sealed).and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// The JSON that was sealed; `None` when it cannot be opened.
pub fn opened(sealed: &Sealed) -> Option<&[u8]> {
    (sealed.key_id == PLAIN).then_some(sealed.bytes.as_slice())
}

/// The position that may stay clear.
pub fn coarse(position: Position) -> Position {
    let round = |micro: i32| (micro + micro.signum() * COARSE_MICRO / 2) / COARSE_MICRO * COARSE_MICRO;
    Position { lat_micro: round(position.lat_micro), lon_micro: round(position.lon_micro) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_again() {
        let person = Person { name: Some("Customer".into()), email: Some("customer@example.org".into()), phone: None };
        let sealed = seal(&person);
        assert_eq!(open::<Person>(&sealed), person);
        assert_eq!(open::<Person>(&Sealed { key_id: 7, ..sealed }), Person::default());
        assert_eq!(open::<Address>(&Sealed::default()), Address::default());
    }

    #[test]
    fn the_clear_position_is_coarse() {
        let exact = Position { lat_micro: 41_878_113, lon_micro: -87_629_799 };
        assert_eq!(coarse(exact), Position { lat_micro: 41_880_000, lon_micro: -87_630_000 });
        let edge = Position { lat_micro: 90_000_000, lon_micro: -180_000_000 };
        assert_eq!(coarse(edge), edge);
    }
}
