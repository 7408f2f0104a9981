//! Money in minor units of a currency.

use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::number::{whole, whole_schema};
use crate::api::json::Json;
use crate::api::reading::{At, Shape, shape};
use crate::domain::money::{Currency, Money};

/// Largest amount of money in one field, in minor units.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// Minor units of a currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct Amount(pub i64);

impl Shape for Amount {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        whole(json, at, 0, AMOUNT_MAX, "amount_out_of_range").map(Self)
    }
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        whole_schema(0, AMOUNT_MAX, "Minor units of a currency.")
    }
}

impl ToSchema for Amount {}

/// An ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CurrencyCode(pub Currency);

impl Serialize for CurrencyCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.code())
    }
}

impl Shape for CurrencyCode {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        match Currency::parse(text) {
            Some(currency) => Some(Self(currency)),
            None => at.fault("invalid_currency", "must be three upper-case letters (ISO 4217)"),
        }
    }
}

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some("ISO 4217 code."));
        text.pattern(Some("^[A-Z]{3}$")).into()
    }
}

impl ToSchema for CurrencyCode {}

shape! {
    /// Money in minor units of its currency; prices and values are never negative.
    #[derive(Copy)]
    #[schema(as = Price)]
    pub struct Price {
        /// Minor units (cents).
        pub amount: Amount,
        /// Currency.
        pub currency: CurrencyCode,
    }
}

impl From<Price> for Money {
    fn from(price: Price) -> Self {
        Self { amount: price.amount.0, currency: price.currency.0 }
    }
}

/// Money in minor units of its currency.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyJson {
    /// Minor units (cents).
    pub amount: i64,
    /// Currency.
    pub currency: CurrencyCode,
}

impl From<Money> for MoneyJson {
    fn from(money: Money) -> Self {
        Self { amount: money.amount, currency: CurrencyCode(money.currency) }
    }
}
