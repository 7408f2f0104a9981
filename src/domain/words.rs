//! Words that many entities say alike, as their channel, their country and the steps of their story: read back as one piece
//! of memory, where a million orders would each hold a dozen of their own.
//!
//! A field whose words come again and again is read by [`word`], one whose texts are seldom the same by [`text`]. What is
//! written is the same as ever. Each thread remembers so many words as it has places, and whoever comes to a place last.

use std::cell::RefCell;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::ids::Text;

/// Places of a thread; a few times as many as there are words as a rule.
const PLACES: usize = 256;
/// Longer ones are texts.
const WORD_BYTES_MAX: usize = 24;

thread_local! {
    static KNOWN: RefCell<[Option<Text>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// A word, in memory that others may have part in.
pub fn shared(word: &str) -> Text {
    if word.len() > WORD_BYTES_MAX {
        return word.into();
    }
    let place = word.bytes().fold(word.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    KNOWN.with_borrow_mut(|known| {
        let known = &mut known[place % PLACES];
        match known {
            Some(known) if **known == *word => known.clone(),
            _ => known.insert(word.into()).clone(),
        }
    })
}

/// Reads a text that others say as well.
pub fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    deserializer.deserialize_str(Said(shared))
}

/// As [`word`], where there may be none.
pub fn maybe_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    Ok(Option::<Word>::deserialize(deserializer)?.map(|Word(word)| word))
}

/// Reads a text of its own, into the memory where it stays.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    deserializer.deserialize_str(Said(|text| text.into()))
}

/// Reads bytes as one piece; they are written as any other list of bytes.
pub fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_byte_buf(Bytes)
}

struct Word(Text);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer).map(Self)
    }
}

struct Said(fn(&str) -> Text);

impl Visitor<'_> for Said {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(self.0(text))
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Vec<u8>, A::Error> {
        let mut read = Vec::new();
        while let Some(byte) = bytes.next_element()? {
            read.push(byte);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_word_that_comes_again_takes_no_memory_and_every_word_is_itself() {
        let long = "x".repeat(WORD_BYTES_MAX + 1);
        assert!(Arc::ptr_eq(&shared("web"), &shared("web")));
        assert!(!Arc::ptr_eq(&shared(&long), &shared(&long)));
        // More than there are places, so that some share one.
        for n in (0..10 * PLACES).chain(0..10 * PLACES) {
            let word = n.to_string();
            assert_eq!(*shared(&word), *word);
        }
        assert_eq!((&*shared(""), &*shared(&long)), ("", &*long));
    }
}
