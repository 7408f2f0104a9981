//! A parsed body, borrowing from its bytes: the raw material of every conversion.
//!
//! Promises: fields keep their order and their repetitions, so that both can be judged; whole numbers stay whole; depth
//! is bounded by the parser (128), size by the body's own bound. The same tree is made of query parameters and of rows
//! of a table, whose values are [`Json::Bare`]: text that is read as whatever its field wants. What is *not* here: what
//! a body must look like (`reading`).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without a fraction that fits.
    Whole(i64),
    /// Any other number.
    Fraction(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// Text of a query parameter or of a cell of a table: a number, a truth or a text, as its reader wants.
    Bare(Cow<'a, str>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object, in the order it was written.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Bytes that are not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not JSON: {0}")]
pub struct Malformed(pub String);

impl<'a> Json<'a> {
    /// Reads one value and nothing after it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        serde_json::from_slice(bytes).map_err(|error| Malformed(error.to_string()))
    }

    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Whole(_) | Self::Fraction(_) => "a number",
            Self::Text(_) | Self::Bare(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Takes a field out of an object.
    pub fn take(&mut self, name: &str) -> Option<Self> {
        let Self::Object(fields) = self else { return None };
        let at = fields.iter().position(|(field, _)| field == name)?;
        Some(fields.remove(at).1)
    }

    /// 64 bits that tell two bodies apart by what they say: order of fields and blanks do not count. Kept in the
    /// journal, so what is hashed never changes.
    pub fn fingerprint(&self) -> u64 {
        let mut said = Vec::with_capacity(1024);
        self.feed(&mut said);
        let mut first = [0; 8];
        first.copy_from_slice(&blake3::hash(&said).as_bytes()[..8]);
        u64::from_le_bytes(first)
    }

    /// Whether it bears a name of the caller's, by which it is recognised when it comes again.
    pub fn names_itself(&self) -> bool {
        let Self::Object(fields) = self else { return false };
        fields.iter().any(|(name, _)| matches!(&**name, "id" | "channel_order_id"))
    }

    fn feed(&self, said: &mut Vec<u8>) {
        match self {
            Self::Null => feed(said, b'n', &[]),
            Self::Bool(truth) => feed(said, b'b', &[u8::from(*truth)]),
            Self::Whole(number) => feed(said, b'i', &number.to_le_bytes()),
            Self::Fraction(number) => match whole_of(*number) {
                Some(number) => feed(said, b'i', &number.to_le_bytes()),
                None => feed(said, b'f', &number.to_bits().to_le_bytes()),
            },
            Self::Text(text) | Self::Bare(text) => feed(said, b's', text.as_bytes()),
            Self::List(entries) => {
                feed(said, b'l', &(entries.len() as u64).to_le_bytes());
                entries.iter().for_each(|entry| entry.feed(said));
            }
            Self::Object(fields) => {
                feed(said, b'o', &(fields.len() as u64).to_le_bytes());
                let mut sorted: Vec<_> = fields.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
                for (name, value) in sorted {
                    feed(said, b'k', name.as_bytes());
                    value.feed(said);
                }
            }
        }
    }
}

fn feed(said: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    said.push(tag);
    said.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    said.extend_from_slice(bytes);
}

/// The whole number a fraction stands for: `2.0` and `2e3` are whole.
pub fn whole_of(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53: beyond it a float no longer tells neighbours apart
    (number == libm::trunc(number) && number.abs() <= EXACT).then_some(number as i64)
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Whole(number) => serializer.serialize_i64(*number),
            Self::Fraction(number) => serializer.serialize_f64(*number),
            Self::Text(text) | Self::Bare(text) => serializer.serialize_str(text),
            Self::List(entries) => serializer.collect_seq(entries),
            Self::Object(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, value))),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Json::Fraction(number as f64), Json::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Json::Fraction(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
        }
        Ok(Json::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(Json::Object(fields))
    }
}

/// Name of a field, borrowed where it holds no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Text(name) => Ok(Self(name)),
            other => Err(serde::de::Error::custom(format_args!("a field is named by text, not by {}", other.kind()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(text: &str) -> u64 {
        Json::parse(text.as_bytes()).unwrap().fingerprint()
    }

    #[test]
    fn a_fingerprint_tells_what_is_said_not_how() {
        let same = fingerprint(r#"{"a":1,"b":["x",{"c":null,"d":2}]}"#);
        assert_eq!(fingerprint(r#" { "b" : ["x", {"d": 2.0, "c": null}], "a": 1 } "#), same);
        for other in [r#"{"a":1,"b":["x",{"c":null,"d":3}]}"#, r#"{"a":"1","b":["x",{"c":null,"d":2}]}"#, "{}"] {
            assert_ne!(fingerprint(other), same, "{other}");
        }
    }

    #[test]
    fn a_fingerprint_stays_what_it_was() {
        assert_eq!(
            fingerprint(r#"{"owner":"cart-81","ttl_s":600,"lines":[{"sku":"A","quantity":2}]}"#),
            12_660_157_037_071_330_622
        );
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for text in ["", "{", "{\"a\":1,}", "[1 2]", "nul", "{} {}", "\u{1}", "{\"a\":1e999}"] {
            assert!(Json::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        let error = Json::parse(b"{\n  \"a\": x}").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        assert!(Json::parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn what_was_read_is_written_as_it_was() {
        let text = r#"{"b":[1,-2.5,true,null,"a \"b\" ü"],"a":{"z":{},"y":[]},"b":9223372036854775807}"#;
        let json = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(Json::parse("[".repeat(100_000).as_bytes()).is_err());
        assert!(Json::parse(format!("{}1{}", "[".repeat(200), "]".repeat(200)).as_bytes()).is_err());
        assert!(Json::parse(format!("{}1{}", "[".repeat(60), "]".repeat(60)).as_bytes()).is_ok());
    }

    #[test]
    fn numbers_keep_what_they_are() {
        let parse = |text: &'static str| Json::parse(text.as_bytes()).unwrap();
        assert_eq!(parse("9223372036854775807"), Json::Whole(i64::MAX));
        assert_eq!(parse("99999999999999999999"), Json::Fraction(1e20));
        assert_eq!(parse("2.5"), Json::Fraction(2.5));
        assert_eq!((whole_of(2e3), whole_of(2.5), whole_of(1e300)), (Some(2000), None, None));
    }
}
