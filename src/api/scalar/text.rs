//! Texts.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::api::json::Json;
use crate::api::reading::{At, Listed, Shape, shown};
use crate::domain::address::{PATTERN_BYTES_MAX, REGION_BYTES_MAX};
use crate::domain::carrier::TRACKED;
use crate::domain::collection::{CODE_BYTES_MAX, CODE_BYTES_MIN};
use crate::domain::dispatch::COMPANY_DIGITS;
use crate::domain::ids::{BadId, Text, check_caller_id, check_id, check_sku};
use crate::domain::limits::{
    ATP_SKUS_MAX, BIN_BYTES_MAX, ID_BYTES_MAX, NAME_BYTES_MAX, OWNER_BYTES_MAX, REASON_BYTES_MAX, SKU_BYTES_MAX,
    WAVE_ORDERS_MAX,
};

/// Longest postal code, in bytes.
const POSTAL_CODE_BYTES_MAX: usize = 20;
/// Longest name of a time zone, in bytes.
const TIME_ZONE_BYTES_MAX: usize = 64;
/// Most capabilities of a node.
const CAPABILITIES_MAX: usize = 64;

/// What a text may be.
pub struct Rule {
    code: &'static str,
    min: usize,
    max: usize,
    pattern: Option<&'static str>,
    check: fn(&str) -> Result<(), String>,
}

impl Rule {
    /// Free text of so many bytes.
    const fn free(min: usize, max: usize) -> Self {
        Self { code: "text_out_of_range", min, max, pattern: None, check: printable }
    }

    /// A name in a system, which has a check of its own.
    const fn strict(code: &'static str, max: usize, check: fn(&str) -> Result<(), String>) -> Self {
        Self { code, min: 1, max, pattern: None, check }
    }

    const fn like(self, pattern: &'static str) -> Self {
        Self { pattern: Some(pattern), ..self }
    }

    /// Reads a text, or refuses it.
    pub fn read(&self, json: &Json<'_>, at: &At<'_>) -> Option<Text> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        if text.len() < self.min || text.len() > self.max {
            let Self { code, min, max, .. } = *self;
            return at.fault(code, format!("must be {min} to {max} bytes long, is {}", text.len()));
        }
        match (self.check)(text) {
            Ok(()) => Some(text.as_ref().into()),
            Err(detail) => at.fault(self.code, detail),
        }
    }

    /// How the OpenAPI document tells it.
    pub fn schema(&self, description: &str) -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(description.trim()));
        text.pattern(self.pattern).min_length(Some(self.min)).max_length(Some(self.max)).into()
    }
}

/// Texts, each with its rule.
macro_rules! texts {
    ($($(#[doc = $doc:literal])* $name:ident: $rule:expr;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Text);

        impl Shape for $name {
            fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
                const RULE: Rule = $rule;
                RULE.read(json, at).map(Self)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $rule.schema(concat!($($doc),*))
            }
        }

        impl ToSchema for $name {}

        impl From<$name> for Text {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    )* };
}

texts! {
    /// An id: 1 to 128 of A-Z a-z 0-9 . _ : ~ -
    Id: Rule::strict("invalid_id", ID_BYTES_MAX, |text| told(check_id(text))).like(ID_PATTERN);
    /// An id chosen by the caller; not of the form of an id that Ordain generates itself.
    CallerId: Rule::strict("invalid_id", ID_BYTES_MAX, |text| told(check_caller_id(text))).like(ID_PATTERN);
    /// A sku: 1 to 128 bytes of printable text, byte-exact.
    Sku: Rule::strict("invalid_id", SKU_BYTES_MAX, |text| told(check_sku(text)));
    /// A lot or a serial number: 1 to 128 bytes of printable text, byte-exact.
    LotId: Rule::strict("invalid_id", SKU_BYTES_MAX, |text| told(check_sku(text)));
    /// A channel's own id of an order: 1 to 128 bytes of printable text, byte-exact.
    ChannelOrderId: Rule::strict("invalid_id", SKU_BYTES_MAX, |text| told(check_sku(text)));
    /// Generated id of a fulfilment order.
    FulfillmentId: Rule::strict("invalid_id", ID_BYTES_MAX, |text| told(check_id(text))).like(ID_PATTERN);
    /// Name of a bin or a zone: 1 to 32 bytes.
    BinName: Rule::free(1, BIN_BYTES_MAX);
    /// A code that whoever comes for something hands in: 4 to 32 bytes.
    CollectionCode: Rule::free(CODE_BYTES_MIN, CODE_BYTES_MAX);
    /// The prefix of a company in GS1 numbers: 4 to 12 digits.
    CompanyPrefix: Rule::strict("invalid_company_prefix", *COMPANY_DIGITS.end(), company_prefix).like("^[0-9]{4,12}$");
    /// A label: 1 to 128 bytes.
    Owner: Rule::free(1, OWNER_BYTES_MAX);
    /// A name for people: 1 to 500 bytes.
    Name: Rule::free(1, NAME_BYTES_MAX);
    /// Free text: why. 1 to 500 bytes.
    Reason: Rule::free(1, REASON_BYTES_MAX);
    /// Part of an address or of a person's data; may be empty. Up to 500 bytes.
    Personal: Rule::free(0, NAME_BYTES_MAX);
    /// An address with `{tracking_number}` in it: 1 to 500 bytes, by http or https.
    TrackingUrl: Rule::strict("invalid_url", NAME_BYTES_MAX, tracking_url).like("^https?://.*\\{tracking_number\\}");
    /// A postal code; may be empty. Up to 20 bytes.
    PostalCode: Rule::free(0, POSTAL_CODE_BYTES_MAX);
    /// A regular expression: 1 to 1,000 bytes.
    Pattern: Rule::free(1, PATTERN_BYTES_MAX);
    /// A region, state or province: 1 to 100 bytes.
    RegionName: Rule::free(1, REGION_BYTES_MAX);
    /// ISO 3166-1 alpha-2 country: two upper-case letters.
    Country: Rule::strict("invalid_country", NAME_BYTES_MAX, country).like("^[A-Z]{2}$");
    /// IANA time zone, such as America/Chicago.
    TimeZone: Rule::strict("invalid_time_zone", TIME_ZONE_BYTES_MAX, time_zone);
}

/// An address that can be shown as a link, and has a place for the number.
fn tracking_url(text: &str) -> Result<(), String> {
    let is_link = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\'));
    match () {
        () if !is_link || !is_plain => {
            Err("must begin with https:// or http:// and have no spaces or quotes".to_owned())
        }
        () if !text.contains(TRACKED) => Err(format!("must have {TRACKED} in it")),
        () => Ok(()),
    }
}

/// Digits, so many that there are numbers left for parcels.
fn company_prefix(text: &str) -> Result<(), String> {
    match COMPANY_DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => Err(format!("must be {} to {} digits", COMPANY_DIGITS.start(), COMPANY_DIGITS.end())),
    }
}

const ID_PATTERN: &str = "^[A-Za-z0-9._:~-]{1,128}$";

impl Listed for Sku {
    const MOST: usize = ATP_SKUS_MAX;
}

impl Listed for FulfillmentId {
    const MOST: usize = WAVE_ORDERS_MAX;
}

impl Listed for Id {
    const LEAST: usize = 0;
    const MOST: usize = CAPABILITIES_MAX;
}

fn told(checked: Result<(), BadId>) -> Result<(), String> {
    checked.map_err(|bad| bad.to_string())
}

fn printable(text: &str) -> Result<(), String> {
    let bad = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    bad.map_or(Ok(()), |found| Err(format!("may hold only printable characters; found {found:?}")))
}

fn country(text: &str) -> Result<(), String> {
    let good = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    if good { Ok(()) } else { Err(format!("must be two upper-case letters (ISO 3166-1), is {:?}", shown(text))) }
}

fn time_zone(text: &str) -> Result<(), String> {
    let known = jiff::tz::TimeZone::get(text).map(drop);
    known.map_err(|_| format!("must be an IANA time zone, is {:?}", shown(text)))
}
