//! How addresses of a country are written: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{Listed, shape};
use super::scalar::{Country, Pattern, RegionName};
use super::words::as_words;
use crate::domain::address::{AddressField, AddressFormat, REGIONS_MAX};
use crate::domain::ids::Text;

shape! {
    /// How addresses of a country are written, whole. Orders to it are judged by it from then on; a country without a
    /// format is not judged.
    pub struct AddressFormatPut {
        /// Fields of an address that may not be empty; none when left out.
        pub required: Option<Vec<AddressField>>,
        /// A regular expression that a whole postal code matches, whatever its case; any text is one when left out.
        pub postal_code_pattern: Option<Pattern>,
        /// Regions in every spelling that is taken, whatever its case; any text is one when left out.
        pub regions: Option<Vec<RegionName>>,
    }
}

shape! {
    /// The same as a line of an import, with its country.
    pub struct AddressFormatLine {
        /// Which country.
        pub country: Country,
        /// Fields of an address that may not be empty; none when left out.
        pub required: Option<Vec<AddressField>>,
        /// A regular expression that a whole postal code matches.
        pub postal_code_pattern: Option<Pattern>,
        /// Regions in every spelling that is taken.
        pub regions: Option<Vec<RegionName>>,
    }
}

impl Listed for AddressField {
    const LEAST: usize = 0;
    const MOST: usize = 6;
}

impl Listed for RegionName {
    const LEAST: usize = 0;
    const MOST: usize = REGIONS_MAX;
}

impl AddressFormatPut {
    /// The format of a country.
    pub fn format(self, country: Text) -> AddressFormat {
        let mut required = self.required.unwrap_or_default();
        required.sort_unstable();
        required.dedup();
        let regions = self.regions.unwrap_or_default().into_iter().map(|region| region.0).collect();
        AddressFormat { country, required, postal_code: self.postal_code_pattern.map(Text::from), regions }
    }
}

impl AddressFormatLine {
    /// The format of its country.
    pub fn format(self) -> AddressFormat {
        let Self { country, required, postal_code_pattern, regions } = self;
        AddressFormatPut { required, postal_code_pattern, regions }.format(country.0)
    }
}

/// How addresses of a country are written.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AddressFormat)]
#[allow(missing_docs, reason = "the fields are those of `AddressFormatPut`")]
pub struct AddressFormatJson {
    pub country: Country,
    #[serde(serialize_with = "as_words")]
    pub required: Vec<AddressField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code_pattern: Option<Pattern>,
    pub regions: Vec<RegionName>,
}

impl From<&AddressFormat> for AddressFormatJson {
    fn from(format: &AddressFormat) -> Self {
        Self {
            country: Country(format.country.clone()),
            required: format.required.clone(),
            postal_code_pattern: format.postal_code.clone().map(Pattern),
            regions: format.regions.iter().cloned().map(RegionName).collect(),
        }
    }
}
