//! GS1: check digits, and the serial shipping container code (SSCC).
//!
//! An SSCC is 18 digits: an extension digit, the company prefix, a serial reference that fills it up to 17, and the check
//! digit. Source: GS1 General Specifications, sections 2.2.1 (SSCC) and 7.9.1 (check digit). What is *not* here: who gives
//! numbers out.

use std::fmt;

/// Digits of an SSCC.
pub const SSCC_DIGITS: usize = 18;
/// Application identifier of an SSCC.
const SSCC_AI: &str = "00";

/// The check digit of digits: they weigh 3 and 1 by turns from the right, and it fills their sum up to a multiple of ten.
/// `None` when they are not digits.
pub fn check_digit(digits: &str) -> Option<u8> {
    let mut sum = 0;
    for (at, byte) in digits.bytes().rev().enumerate() {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        sum += digit * if at % 2 == 0 { 3 } else { 1 };
    }
    Some(((10 - sum % 10) % 10) as u8)
}

/// A serial shipping container code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sscc(String);

/// Why digits are no SSCC.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAnSscc {
    /// Not that many digits.
    #[error("must be {SSCC_DIGITS} digits")]
    NotDigits,
    /// The last one is another.
    #[error("has the wrong check digit: it must end in {0}")]
    WrongCheckDigit(u8),
}

impl Sscc {
    /// Reads one; its check digit has to be right.
    pub fn parse(text: &str) -> Result<Self, NotAnSscc> {
        let digits = text.len() == SSCC_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        let (body, last) = digits.then(|| text.split_at(SSCC_DIGITS - 1)).ok_or(NotAnSscc::NotDigits)?;
        let wanted = check_digit(body).ok_or(NotAnSscc::NotDigits)?;
        if last.as_bytes() != [b'0' + wanted] {
            return Err(NotAnSscc::WrongCheckDigit(wanted));
        }
        Ok(Self(text.to_owned()))
    }

    /// Its digits without the check digit.
    pub fn body(&self) -> &str {
        &self.0[..SSCC_DIGITS - 1]
    }

    /// Its element string: the application identifier and the digits, as a GS1-128 carries them.
    pub fn element(&self) -> String {
        format!("{SSCC_AI}{}", self.0)
    }

    /// As people read it.
    pub fn readable(&self) -> String {
        format!("({SSCC_AI}) {}", self.0)
    }
}

impl fmt::Display for Sscc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
