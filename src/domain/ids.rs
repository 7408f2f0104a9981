//! Names and indices: one type per idea, so that two ids cannot be mixed.
//!
//! Skus, nodes and channels have dense indices, given in their creation event and never reused. Orders and reservations have a
//! generated number (their *key*) whose text form needs no map; an id chosen by the caller is mapped to it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::{ID_BYTES_MAX, SKU_BYTES_MAX};

/// Shared immutable text.
pub type Text = Arc<str>;

/// Dense index of a stock-keeping unit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SkuIndex(pub u32);

/// Dense index of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct NodeIndex(pub u32);

/// Dense index of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ChannelIndex(pub u32);

impl ChannelIndex {
    /// The index as a position in a vector.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl SkuIndex {
    /// The index as a position in a vector.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl NodeIndex {
    /// The index as a position in a vector.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

/// Generated number of an order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct OrderKey(pub u64);

/// Generated number of a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ReservationKey(pub u64);

/// Generated number of a document of inbound supply.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct InboundKey(pub u64);

/// Generated number of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct TransferKey(pub u64);
/// Generated number of a subscription.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SubscriptionKey(pub u64);

/// Generated number of a draft.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct DraftKey(pub u64);

/// Generated number of a cycle count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct CycleCountKey(pub u64);

/// Generated number of a return.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ReturnKey(pub u64);

/// Generated number of a wave.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct WaveKey(pub u64);

/// A fulfilment order: the order it belongs to and its number within it, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct FulfillmentKey {
    /// The order.
    pub order: OrderKey,
    /// Number within the order, from 1.
    pub number: u16,
}

/// An edit of an order: the order and its number within it, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EditKey {
    /// The order.
    pub order: OrderKey,
    /// Number within the order, from 1.
    pub number: u16,
}

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Text form of a key: Crockford's base 32, lower case, without leading zeros.
fn spell(mut n: u64) -> String {
    let mut digits = Vec::with_capacity(13);
    loop {
        digits.push(DIGITS[(n % 32) as usize] as char);
        n /= 32;
        if n == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

fn unspell(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 13 || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.bytes().try_fold(0u64, |n, byte| {
        let digit = DIGITS.iter().position(|d| *d == byte)? as u64;
        n.checked_mul(32)?.checked_add(digit)
    })
}

impl OrderKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("o-")?).map(Self)
    }
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "o-{}", spell(self.0))
    }
}

impl ReservationKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("r-")?).map(Self)
    }
}

impl fmt::Display for ReservationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r-{}", spell(self.0))
    }
}

impl InboundKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("i-")?).map(Self)
    }
}

impl fmt::Display for InboundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i-{}", spell(self.0))
    }
}

impl TransferKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("t-")?).map(Self)
    }
}

impl fmt::Display for TransferKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t-{}", spell(self.0))
    }
}

/// Reads `<prefix><order>-<number>`, as it would be written.
fn numbered(text: &str, prefix: &str) -> Option<(OrderKey, u16)> {
    let (order, number) = text.strip_prefix(prefix)?.split_once('-')?;
    let digits = number;
    let number: u16 = digits.parse().ok().filter(|n| *n > 0)?;
    (number.to_string() == digits).then_some((OrderKey(unspell(order)?), number))
}

impl SubscriptionKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("s-")?).map(Self)
    }
}

impl fmt::Display for SubscriptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s-{}", spell(self.0))
    }
}

impl DraftKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("d-")?).map(Self)
    }
}

impl fmt::Display for DraftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d-{}", spell(self.0))
    }
}

impl CycleCountKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("c-")?).map(Self)
    }
}

impl fmt::Display for CycleCountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c-{}", spell(self.0))
    }
}

impl ReturnKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("rt-")?).map(Self)
    }
}

impl fmt::Display for ReturnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rt-{}", spell(self.0))
    }
}

impl WaveKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        unspell(text.strip_prefix("w-")?).map(Self)
    }
}

impl fmt::Display for WaveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w-{}", spell(self.0))
    }
}

impl FulfillmentKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        numbered(text, "f-").map(|(order, number)| Self { order, number })
    }
}

impl EditKey {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        numbered(text, "e-").map(|(order, number)| Self { order, number })
    }
}

impl fmt::Display for EditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e-{}-{}", spell(self.order.0), self.number)
    }
}

impl fmt::Display for FulfillmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f-{}-{}", spell(self.order.0), self.number)
    }
}

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// Empty or too long.
    #[error("must be 1 to {max} bytes long, is {is}")]
    Length {
        /// Bytes it has.
        is: usize,
        /// Bytes it may have.
        max: usize,
    },
    /// A character outside the allowed set.
    #[error("may hold only {allowed}; found {found:?}")]
    Character {
        /// The offender.
        found: char,
        /// The allowed set, in words.
        allowed: &'static str,
    },
    /// It has the form of a generated id.
    #[error("has the form of an id that Ordain generates itself")]
    Reserved,
}

/// Checks an id chosen by a caller: 1 to 128 of `[A-Za-z0-9._:~-]`.
pub fn check_id(text: &str) -> Result<(), BadId> {
    if text.is_empty() || text.len() > ID_BYTES_MAX {
        return Err(BadId::Length { is: text.len(), max: ID_BYTES_MAX });
    }
    let bad = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "._:~-".contains(*c)));
    bad.map_or(Ok(()), |found| Err(BadId::Character { found, allowed: "A-Z a-z 0-9 . _ : ~ -" }))
}

/// Checks an id of an order or reservation: as [`check_id`], and not of a generated form.
pub fn check_caller_id(text: &str) -> Result<(), BadId> {
    check_id(text)?;
    let generated = OrderKey::parse(text).is_some() || ReservationKey::parse(text).is_some();
    let generated = generated || EditKey::parse(text).is_some();
    if generated { Err(BadId::Reserved) } else { Ok(()) }
}

/// Checks a sku or channel order id: 1 to 128 bytes of printable text, byte-exact.
pub fn check_sku(text: &str) -> Result<(), BadId> {
    if text.is_empty() || text.len() > SKU_BYTES_MAX {
        return Err(BadId::Length { is: text.len(), max: SKU_BYTES_MAX });
    }
    let bad = text.chars().find(|c| c.is_control());
    bad.map_or(Ok(()), |found| Err(BadId::Character { found, allowed: "printable characters" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_its_text() {
        for n in [0, 1, 31, 32, 33, 1_000_000, u64::MAX] {
            assert_eq!(OrderKey::parse(&OrderKey(n).to_string()), Some(OrderKey(n)));
            let fulfillment = FulfillmentKey { order: OrderKey(n), number: 7 };
            assert_eq!(FulfillmentKey::parse(&fulfillment.to_string()), Some(fulfillment));
        }
        for text in ["o-", "o-00", "o-u", "r-1", "o-zzzzzzzzzzzzzz", "1"] {
            assert_eq!(OrderKey::parse(text), None, "{text}");
        }
        assert_eq!(FulfillmentKey::parse("f-1-07"), None);
    }

    #[test]
    fn a_caller_cannot_take_a_generated_id() {
        assert_eq!(check_caller_id("o-1"), Err(BadId::Reserved));
        assert_eq!(check_caller_id("e-1-1"), Err(BadId::Reserved));
        assert_eq!(check_caller_id("e-1-01"), Ok(()));
        assert_eq!(check_caller_id("o-U"), Ok(()));
        assert!(check_caller_id("a b").is_err());
        assert!(check_caller_id(&"x".repeat(129)).is_err());
    }
}
