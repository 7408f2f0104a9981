//! How addresses are written in a country: what must be there, how a postal code looks, which regions there are. An
//! operator's data, put country by country; nothing is built in, and a country without a format is not judged.
//!
//! Promises: a postal code is matched as a whole and whatever its case, in time linear in its length; a region is one of
//! the spellings listed, whatever its case. All faults of an address are found together. Bounds: [`PATTERN_BYTES_MAX`],
//! [`REGIONS_MAX`] and `PATTERN_MEMORY_MAX`. What is *not* here: where an address lies, and whether anybody lives there.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::ids::Text;
use super::rejection::Fault;

/// Longest pattern of a postal code, in bytes.
pub const PATTERN_BYTES_MAX: usize = 1_000;
/// Most spellings of regions of one country.
pub const REGIONS_MAX: usize = 500;
/// Longest spelling of a region, in bytes.
pub const REGION_BYTES_MAX: usize = 100;
/// What a pattern may take once it is compiled, in bytes.
const PATTERN_MEMORY_MAX: usize = 1 << 20;
/// Regions that a fault names.
const REGIONS_TOLD: usize = 10;

const _: () =
    assert!(REGIONS_MAX * (REGION_BYTES_MAX + 3) + PATTERN_BYTES_MAX < super::limits::RECORD_BYTES_MAX - 4_096);

/// A part of an address that a country may require.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum AddressField {
    /// Who lives there.
    Name,
    /// The first line.
    Line1,
    /// The city.
    City,
    /// The region, state or province.
    Region,
    /// The postal code.
    PostalCode,
    /// A phone.
    Phone,
}

impl AddressField {
    /// The name of the field in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Line1 => "line1",
            Self::City => "city",
            Self::Region => "region",
            Self::PostalCode => "postal_code",
            Self::Phone => "phone",
        }
    }
}

/// How addresses of a country are written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AddressFormat {
    /// ISO 3166-1 alpha-2 country.
    pub country: Text,
    /// What may not be empty, ascending, each once.
    pub required: Vec<AddressField>,
    /// A regular expression that a whole postal code matches.
    pub postal_code: Option<Text>,
    /// Spellings of its regions; any text is one when there are none.
    pub regions: Vec<Text>,
}

/// What of an address its country's format looks at. It is judged and not kept: it is personal data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressParts {
    /// Whether it names somebody.
    pub name: bool,
    /// Whether it has a first line.
    pub line1: bool,
    /// Whether it has a city.
    pub city: bool,
    /// Whether it has a phone.
    pub phone: bool,
    /// The region as written.
    pub region: Text,
}

impl AddressParts {
    fn lacks(&self, field: AddressField, postal_code: &str) -> bool {
        match field {
            AddressField::Name => !self.name,
            AddressField::Line1 => !self.line1,
            AddressField::City => !self.city,
            AddressField::Phone => !self.phone,
            AddressField::Region => self.region.trim().is_empty(),
            AddressField::PostalCode => postal_code.trim().is_empty(),
        }
    }
}

/// A format at work.
#[derive(Clone, Debug)]
pub struct KnownFormat {
    format: AddressFormat,
    postal_code: Option<Regex>,
}

/// Why a pattern is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not a regular expression of at most {PATTERN_MEMORY_MAX} bytes once compiled: {0}")]
pub struct BadPattern(String);

/// The pattern of a postal code, which a whole one matches, whatever its case.
fn compiled(pattern: &str) -> Result<Regex, BadPattern> {
    // Checked apart, so that a bracket too many cannot close ours.
    let build =
        |pattern: &str| RegexBuilder::new(pattern).case_insensitive(true).size_limit(PATTERN_MEMORY_MAX).build();
    let why = |error: regex::Error| BadPattern(error.to_string().lines().last().unwrap_or_default().trim().to_owned());
    build(pattern).map_err(why)?;
    build(&format!("^(?:{pattern})$")).map_err(why)
}

impl KnownFormat {
    /// A format whose pattern is one.
    pub fn of(format: AddressFormat) -> Result<Self, BadPattern> {
        let postal_code = format.postal_code.as_deref().map(compiled).transpose()?;
        Ok(Self { format, postal_code })
    }

    /// A format that was put, by this program or one before: a pattern that this one refuses matches everything.
    pub fn recovered(format: AddressFormat) -> Self {
        Self::of(format.clone()).unwrap_or(Self { format, postal_code: None })
    }

    /// What was put.
    pub fn format(&self) -> &AddressFormat {
        &self.format
    }

    /// What is wrong with an address; `at` is the path of its object.
    pub fn faults(&self, at: &str, parts: &AddressParts, postal_code: &str) -> Vec<Fault> {
        let country = &self.format.country;
        let field = |field: AddressField| format!("{at}.{}", field.name());
        let missing = self.format.required.iter().filter(|needed| parts.lacks(**needed, postal_code));
        let mut faults: Vec<Fault> = missing
            .map(|needed| {
                Fault::new(field(*needed), "missing_field", format!("is required of an address in {country}"))
            })
            .collect();
        let postal_code = postal_code.trim();
        let pattern = self.postal_code.as_ref().filter(|_| !postal_code.is_empty());
        if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(postal_code)) {
            let wanted = self.format.postal_code.as_deref().unwrap_or_else(|| pattern.as_str());
            let detail = format!("is not a postal code of {country}, which are written {wanted}");
            faults.push(Fault::new(field(AddressField::PostalCode), "invalid_postal_code", detail));
        }
        let region = parts.region.trim();
        if !region.is_empty() && !self.format.regions.is_empty() && !self.knows(region) {
            let all = &self.format.regions;
            let some: Vec<&str> = all.iter().take(REGIONS_TOLD).map(|text| &**text).collect();
            let more = if all.len() > REGIONS_TOLD { format!(" … ({} in all)", all.len()) } else { String::new() };
            let detail = format!("is not a region of {country}, which are {}{more}", some.join(", "));
            faults.push(Fault::new(field(AddressField::Region), "unknown_region", detail));
        }
        faults
    }

    fn knows(&self, region: &str) -> bool {
        let lower = region.to_lowercase();
        self.format.regions.iter().any(|known| **known == *region || known.to_lowercase() == lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> KnownFormat {
        KnownFormat::of(AddressFormat {
            country: "US".into(),
            required: vec![AddressField::Line1, AddressField::City, AddressField::Region, AddressField::PostalCode],
            postal_code: Some(r"(\d{5})(?:[ \-](\d{4}))?|XY".into()),
            regions: vec!["CA".into(), "California".into(), "NY".into()],
        })
        .expect("a good pattern")
    }

    fn codes(region: &str, postal_code: &str, lines: bool) -> Vec<(String, &'static str)> {
        let parts = AddressParts { name: false, line1: lines, city: lines, phone: false, region: region.into() };
        us().faults("ship_to", &parts, postal_code).into_iter().map(|fault| (fault.field, fault.code)).collect()
    }

    #[test]
    fn an_address_is_judged_by_its_countrys_format() {
        for (region, postal_code) in [("CA", "95014"), ("california", "22162-1010"), ("ny", " 95014 "), ("NY", "xy")] {
            assert_eq!(codes(region, postal_code, true), [], "{region} {postal_code}");
        }
        // The pattern is one whole: no part of it may match a part of the code.
        for postal_code in ["950145", "9501", "XYZ", "AXY", "95014-"] {
            assert_eq!(codes("CA", postal_code, true), [("ship_to.postal_code".to_owned(), "invalid_postal_code")]);
        }
        assert_eq!(codes("ON", "95014", true), [("ship_to.region".to_owned(), "unknown_region")]);
    }

    #[test]
    fn all_faults_of_an_address_are_told_together() {
        let found = codes("Ontario", "K1A 0B1", false);
        let wanted = [
            ("ship_to.line1", "missing_field"),
            ("ship_to.city", "missing_field"),
            ("ship_to.postal_code", "invalid_postal_code"),
            ("ship_to.region", "unknown_region"),
        ];
        assert_eq!(found, wanted.map(|(field, code)| (field.to_owned(), code)));
        let empty = codes("", "", false);
        assert_eq!(empty.len(), 4, "what is empty is missing, and not wrong besides: {empty:?}");
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        let of = |pattern: &str| {
            let format = AddressFormat { postal_code: Some(pattern.into()), ..us().format().clone() };
            KnownFormat::of(format).map(drop)
        };
        for bad in ["(", "a)|(b", r"(?=a)b", "[", "(?:(?:(?:a{1000}){1000}){1000})"] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert_eq!(of(r"\d{3}-?\d{4}"), Ok(()));
    }
}
