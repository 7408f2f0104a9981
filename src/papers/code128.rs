//! Code 128 and GS1-128: text as bars.
//!
//! Digits go two to a symbol (code set C) where that saves width, everything else one to a symbol (code set B). Which
//! symbols they are and how each looks is the library's; the choice of sets is made here, once for all forms, since printers
//! that draw the code themselves (ZPL) have to make the same. Source: ISO/IEC 15417, and GS1 General Specifications 5.4.
//!
//! Bound: printable ASCII. What is *not* here: sizes (`sheet`).

use barcoders::sym::code128;

/// Fewest digits between other characters that are worth two changes of the set.
const DIGITS_BETWEEN: usize = 6;
/// Fewest digits at an end that are worth one.
const DIGITS_AT_END: usize = 4;

/// Why a text has no Code 128 here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotEncodable {
    /// It has nothing.
    #[error("is empty")]
    Empty,
    /// It has a character that Code 128 cannot tell.
    #[error("has {0:?}; a bar code takes printable ASCII characters")]
    Character(char),
    /// It does not fit where it has to stand.
    #[error("is too long for the label: its bar code takes {modules} modules, at most {most} fit")]
    TooLong {
        /// Modules it takes, quiet zones left out.
        modules: u32,
        /// Modules that there is room for.
        most: u32,
    },
}

/// What a symbol stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Set {
    /// One printable character.
    B,
    /// Two digits.
    C,
}

/// A text as bars.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Code128 {
    is_gs1: bool,
    parts: Vec<(Set, String)>,
    modules: Vec<bool>,
}

impl Code128 {
    /// Of any printable ASCII text.
    pub fn of(text: &str) -> Result<Self, NotEncodable> {
        Self::encoded(text, false)
    }

    /// Of a GS1 element string: with FNC1 in front, by which a reader knows it for one.
    pub fn gs1(element: &str) -> Result<Self, NotEncodable> {
        Self::encoded(element, true)
    }

    fn encoded(text: &str, is_gs1: bool) -> Result<Self, NotEncodable> {
        if let Some(bad) = text.chars().find(|c| !matches!(c, ' '..='~')) {
            return Err(NotEncodable::Character(bad));
        }
        let parts = parts(text);
        if parts.is_empty() {
            return Err(NotEncodable::Empty);
        }
        let mut written = String::new();
        for (at, (set, part)) in parts.iter().enumerate() {
            written.push(match set {
                Set::B => '\u{181}',
                Set::C => '\u{106}',
            });
            if at == 0 && is_gs1 {
                written.push('\u{179}');
            }
            written.push_str(part);
        }
        let code = code128::Code128::new(&written).expect("printable ASCII, and digits by twos in set C");
        let modules = code.encode().into_iter().map(|module| module == 1).collect();
        Ok(Self { is_gs1, parts, modules })
    }

    /// Modules from the first bar to the last; `true` is dark.
    pub fn modules(&self) -> &[bool] {
        &self.modules
    }

    /// How many modules it takes, quiet zones left out.
    pub fn width(&self) -> u32 {
        self.modules.len() as u32
    }

    /// What it says, in the language of ZPL, which names the sets itself.
    pub fn zpl(&self) -> String {
        let mut written = String::new();
        for (at, (set, part)) in self.parts.iter().enumerate() {
            written.push_str(match (at, set) {
                (0, Set::B) => ">:",
                (0, Set::C) => ">;",
                (_, Set::B) => ">6",
                (_, Set::C) => ">5",
            });
            if at == 0 && self.is_gs1 {
                written.push_str(">8");
            }
            written.push_str(&part.replace('>', ">0"));
        }
        written
    }
}

/// A text cut where the code set changes.
fn parts(text: &str) -> Vec<(Set, String)> {
    let mut parts: Vec<(Set, String)> = Vec::new();
    let mut add = |set: Set, text: &str| match parts.last_mut() {
        _ if text.is_empty() => {}
        Some((last, part)) if *last == set => part.push_str(text),
        _ => parts.push((set, text.to_owned())),
    };
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let others = rest.bytes().skip(digits).take_while(|byte| !byte.is_ascii_digit()).count();
        let (run, after) = rest.split_at(digits);
        let (is_first, is_last) = (rest.len() == text.len(), after.is_empty());
        let worth = match (is_first, is_last) {
            (true, true) => 2,
            (false, false) => DIGITS_BETWEEN,
            _ => DIGITS_AT_END,
        };
        if digits < worth {
            add(Set::B, run);
        } else if is_first {
            // The odd one goes with what follows.
            add(Set::C, &run[..digits - digits % 2]);
            add(Set::B, &run[digits - digits % 2..]);
        } else {
            add(Set::B, &run[..digits % 2]);
            add(Set::C, &run[digits % 2..]);
        }
        let (others, after) = after.split_at(others);
        add(Set::B, others);
        rest = after;
    }
    parts
}
