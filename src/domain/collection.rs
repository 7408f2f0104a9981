//! Who comes for a fulfilment order that is ready: the code he hands in, and that he is there.
//!
//! ```text
//! awaited, with a code ─arrives, where he stands─► awaited ─handed over, shipped, stopped─► over
//!                     └──────another code──────┴─► awaited, one try more
//! ```
//! Other codes are counted: after [`CODE_TRIES_MAX`] of them it is a case, and nothing is handed over until somebody has
//! looked at that.
//!
//! A code is told to nobody but who asks for it by name: no list, no feed, no log and no refusal has it. It lies in a sealed
//! block, as personal facts do. Compared with what is handed in it takes as long whatever that is.
//!
//! What is *not* here: until when it waits, and what becomes of what nobody came for: its fulfilment order knows.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use super::ids::Text;
use super::order::Sealed;
use super::stock::LawBroken;
use super::time::WallTime;

/// Shortest and longest code, in bytes.
pub const CODE_BYTES_MIN: usize = 4;
/// See [`CODE_BYTES_MIN`].
pub const CODE_BYTES_MAX: usize = 32;
/// Other codes that may be handed in before somebody has to look at it, and from then on at every one.
pub const CODE_TRIES_MAX: u8 = 5;

/// What whoever runs the shop has decided about orders of a delivery method that are ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CollectionRule {
    /// Whether they are handed over for a code only.
    pub code: bool,
    /// How long they wait where nobody says, seconds; as long as it takes when `None`.
    pub window_s: Option<u32>,
}

/// How long what is ready is kept for a customer who said that he is there, whenever its window ends, seconds: 2 hours.
pub const ARRIVED_GRACE_S: u64 = 2 * 60 * 60;

/// That the customer is there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Arrival {
    /// Since when.
    pub at: WallTime,
    /// Where he stands, when he said so.
    pub spot: Option<Text>,
}

/// What happened to a collection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CollectionEvent {
    /// It is ready, and handed over for this code only.
    Awaited {
        /// The code, plain for now.
        code: Sealed,
    },
    /// The customer is there.
    Arrived {
        /// Since when, and where he stands.
        arrival: Arrival,
    },
    /// Nobody comes for it any more.
    Over,
    /// Somebody handed in another code.
    Tried,
}

/// Who comes for a fulfilment order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Collection {
    /// The code he hands in, when there is one.
    pub code: Option<Sealed>,
    /// That he is there.
    pub arrival: Option<Arrival>,
    /// Whether nobody comes for it any more.
    pub over: bool,
    /// Other codes that were handed in. It lies beside the collection in files, so that one without any is written as ever.
    #[serde(skip)]
    pub tries: u8,
}

impl Collection {
    /// The code as it is told to who asks for it.
    pub fn code(&self) -> Option<&str> {
        self.code.as_ref().and_then(|code| std::str::from_utf8(&code.bytes).ok())
    }

    /// Whether what was handed in is the code. Letters count as one, small or large.
    pub fn opens(&self, handed_in: &str) -> bool {
        let Some(code) = &self.code else { return true };
        let other = handed_in.as_bytes();
        let byte = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or(0).to_ascii_uppercase();
        let differs =
            (0..CODE_BYTES_MAX).fold(0, |so_far, at| so_far | black_box(byte(&code.bytes, at) ^ byte(other, at)));
        black_box(differs) == 0 && other.len() == code.bytes.len()
    }

    /// The next state of a collection. A fulfilment order that is ready again after it was over is another.
    pub fn fold(before: Option<Self>, event: &CollectionEvent) -> Result<Self, LawBroken> {
        let before = before.filter(|known| !known.over);
        match (before, event) {
            (None, CollectionEvent::Awaited { code }) => Ok(Self { code: Some(code.clone()), ..Self::default() }),
            (known, CollectionEvent::Arrived { arrival }) => {
                Ok(Self { arrival: Some(arrival.clone()), ..known.unwrap_or_default() })
            }
            (Some(known), CollectionEvent::Over) => Ok(Self { over: true, ..known }),
            (Some(known), CollectionEvent::Tried) if known.code.is_some() => {
                Ok(Self { tries: known.tries.saturating_add(1), ..known })
            }
            (known, _) => Err(LawBroken(format!("a collection ({}) cannot take that", known.is_some()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_opens_and_nothing_else_does() {
        let code = |text: &str| Sealed { key_id: 0, bytes: text.into() };
        let awaited = Collection::fold(None, &CollectionEvent::Awaited { code: code("K7PM-22") }).expect("legal");
        assert!(awaited.opens("K7PM-22") && awaited.opens("k7pm-22"));
        for wrong in ["", "K7PM-2", "K7PM-222", "K7PM-23", "A7PM-22", "K7PM-22\0"] {
            assert!(!awaited.opens(wrong), "{wrong:?}");
        }
        assert!(Collection::default().opens(""), "without a code it is open to all");
        let over = Collection::fold(Some(awaited.clone()), &CollectionEvent::Over).expect("legal");
        assert!(Collection::fold(Some(over.clone()), &CollectionEvent::Over).is_err());
        assert_eq!(
            Collection::fold(Some(over), &CollectionEvent::Awaited { code: code("B") }).map(|c| c.over),
            Ok(false)
        );
        assert!(Collection::fold(Some(awaited.clone()), &CollectionEvent::Awaited { code: code("C") }).is_err());
        let tried = Collection::fold(Some(awaited), &CollectionEvent::Tried).expect("legal");
        assert_eq!(tried.tries, 1);
        assert!(Collection::fold(Some(Collection::default()), &CollectionEvent::Tried).is_err(), "there is no code");
    }
}
