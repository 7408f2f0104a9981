//! Lists in pages: `?limit=&cursor=` and `{"items": [...], "next_cursor": "…"|null}`.
//!
//! A cursor is text that only the list that gave it can read; a page has at most `PAGE_MAX` entries.

use std::fmt::Display;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::json::Json;
use super::reading::{At, Shape, shape, shown};
use crate::domain::exception::ExceptionKey;
use crate::domain::ids::{
    CycleCountKey, DraftKey, FulfillmentKey, InboundKey, OrderKey, ReturnKey, SubscriptionKey, TransferKey, WaveKey,
};
use crate::domain::limits::{PAGE_DEFAULT, PAGE_MAX};

/// How many entries a page shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub usize);

impl Shape for Limit {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let Json::Bare(text) = json else { return at.wrong_type("a number", json) };
        match text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)) {
            Some(limit) => Some(Self(limit)),
            None => at.fault("invalid_limit", format!("must be from 1 to {PAGE_MAX}, is {:?}", shown(text))),
        }
    }
}

/// Cursors, each with what it says and how that is read.
macro_rules! cursors {
    ($($(#[doc = $doc:literal])* $name:ident($inner:ty) by $parse:expr;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl Shape for $name {
            fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
                let Json::Bare(text) = json else { return at.wrong_type("text", json) };
                match $parse(text.as_ref()) {
                    Some(place) => Some(Self(place)),
                    None => at.fault("invalid_cursor", format!("was not given by this list: {:?}", shown(text))),
                }
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).into()
            }
        }

        impl ToSchema for $name {}
    )* };
}

cursors! {
    /// Where a page of the catalogue begins: entries before it.
    Cursor(u64) by |text: &str| text.parse().ok().filter(|n: &u64| n.to_string() == text);
    /// The last order of the page before.
    OrderCursor(OrderKey) by OrderKey::parse;
    /// The last document of inbound supply of the page before.
    InboundCursor(InboundKey) by InboundKey::parse;
    /// The last cycle count of the page before.
    CycleCountCursor(CycleCountKey) by CycleCountKey::parse;
    /// The last return of the page before.
    ReturnCursor(ReturnKey) by ReturnKey::parse;
    /// The last wave of the page before.
    WaveCursor(WaveKey) by WaveKey::parse;
    /// The last transfer of the page before.
    TransferCursor(TransferKey) by TransferKey::parse;
    /// The last draft of the page before.
    DraftCursor(DraftKey) by DraftKey::parse;
    /// The last subscription of the page before.
    SubscriptionCursor(SubscriptionKey) by SubscriptionKey::parse;
    /// The last exception of the page before.
    ExceptionCursor(ExceptionKey) by ExceptionKey::parse;
    /// The last fulfilment order of the page before.
    FulfillmentCursor(FulfillmentKey) by FulfillmentKey::parse;
}

impl utoipa::PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(PAGE_MAX as i64));
        number.default(Some(PAGE_DEFAULT.into())).into()
    }
}

impl ToSchema for Limit {}

shape! {
    /// Which page of a list.
    #[derive(Copy, Default, utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct Paging {
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<Cursor>,
    }
}

/// Entries wanted.
pub fn length(limit: Option<Limit>) -> usize {
    limit.map_or(PAGE_DEFAULT, |limit| limit.0)
}

impl Paging {
    /// The page of a list whose cursor is the number of entries before it.
    pub fn slice<'a, T>(&self, all: &'a [T]) -> (&'a [T], Option<u64>) {
        let from = usize::try_from(self.cursor.map_or(0, |cursor| cursor.0)).unwrap_or(usize::MAX).min(all.len());
        let to = from.saturating_add(length(self.limit)).min(all.len());
        (&all[from..to], (to < all.len()).then_some(to as u64))
    }
}

/// One page.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Entries.
    pub items: Vec<T>,
    /// Cursor of the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The only page of a list.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// The only page of a list without entries.
    pub fn empty() -> Self {
        Self::whole(Vec::new())
    }

    /// A page and where the next one begins.
    pub fn new(items: Vec<T>, next: Option<impl Display>) -> Self {
        Self { items, next_cursor: next.map(|cursor| cursor.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_to_the_end() {
        let all: Vec<u32> = (0..5).collect();
        let mut paging = Paging { limit: Some(Limit(2)), cursor: None };
        let mut seen = Vec::new();
        loop {
            let (page, next) = paging.slice(&all);
            seen.extend_from_slice(page);
            let Some(next) = next else { break };
            paging.cursor = Some(Cursor(next));
        }
        assert_eq!(seen, all);
        assert_eq!(Paging { limit: None, cursor: Some(Cursor(u64::MAX)) }.slice(&all), (&[][..], None));
    }
}
