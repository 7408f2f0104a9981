//! Lists in pages: `?limit=&cursor=` and `{"items": [...], "next_cursor": "…"|null}`.
//!
//! A cursor is text that only the list that gave it can read; a page has at most `PAGE_MAX` entries.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::json::Json;
use super::reading::{At, Shape, shape, shown};
use crate::domain::limits::{PAGE_DEFAULT, PAGE_MAX};

/// How many entries a page shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub usize);

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub u64);

impl Shape for Limit {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let Json::Bare(text) = json else { return at.wrong_type("a number", json) };
        match text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)) {
            Some(limit) => Some(Self(limit)),
            None => at.fault("invalid_limit", format!("must be from 1 to {PAGE_MAX}, is {:?}", shown(text))),
        }
    }
}

impl Shape for Cursor {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let Json::Bare(text) = json else { return at.wrong_type("text", json) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse().ok().filter(|_| digits) {
            Some(cursor) => Some(Self(cursor)),
            None => at.fault("invalid_cursor", format!("was not given by this list: {:?}", shown(text))),
        }
    }
}

impl utoipa::PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(PAGE_MAX as i64));
        number.default(Some(PAGE_DEFAULT.into())).into()
    }
}

impl utoipa::PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).into()
    }
}

impl ToSchema for Limit {}
impl ToSchema for Cursor {}

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

impl Paging {
    /// Entries wanted.
    pub fn limit(&self) -> usize {
        self.limit.map_or(PAGE_DEFAULT, |limit| limit.0)
    }

    /// Where the page begins, if not at the start.
    pub fn cursor(&self) -> Option<u64> {
        self.cursor.map(|cursor| cursor.0)
    }

    /// The page of a list whose cursor is the number of entries before it.
    pub fn slice<'a, T>(&self, all: &'a [T]) -> (&'a [T], Option<u64>) {
        let from = usize::try_from(self.cursor().unwrap_or(0)).unwrap_or(usize::MAX).min(all.len());
        let to = from.saturating_add(self.limit()).min(all.len());
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
    /// A page and where the next one begins.
    pub fn new(items: Vec<T>, next: Option<u64>) -> Self {
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
