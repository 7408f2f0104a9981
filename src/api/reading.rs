//! Reading a body field by field, so that every fault of it is told at once and each names its field and its limit.
//!
//! A request's shape is written once, as a struct inside `shape!`: that is the struct a conversion takes, the schema
//! of the OpenAPI document, and the reader. A field is required unless its type is an [`Option`]; the type of a field
//! says what may stand there (`scalar`, `words`). A fault does not stop the reading: it is added to [`Faults`], the
//! field is `None`, and the others are read on.
//!
//! Bounds: [`FAULTS_MAX`] faults are told, names in paths are cut at [`NAME_SHOWN_MAX`] characters. What is *not* here:
//! what only the engine can know, such as whether a sku exists.

use std::borrow::Cow;
use std::cell::RefCell;

use super::json::Json;
use crate::domain::rejection::Fault;

/// Most faults told of one body.
pub const FAULTS_MAX: usize = 100;
/// Longest part of a caller's own word that a path or detail repeats, in characters.
pub const NAME_SHOWN_MAX: usize = 64;

/// The faults found so far.
#[derive(Debug, Default)]
pub struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    fn add(&self, fault: impl FnOnce() -> Fault) {
        let mut found = self.0.borrow_mut();
        if found.len() < FAULTS_MAX {
            found.push(fault());
        }
    }
}

/// A place in a body: how to name it, and where its faults go.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    faults: &'a Faults,
    up: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Whole,
    Field(&'a str),
    Entry(usize),
}

impl<'a> At<'a> {
    /// The body itself.
    pub fn body(faults: &'a Faults) -> Self {
        Self { faults, up: None, step: Step::Whole }
    }

    /// A field of this object.
    pub fn field<'b>(&'b self, name: &'b str) -> At<'b> {
        At { faults: self.faults, up: Some(self), step: Step::Field(name) }
    }

    /// An entry of this list.
    pub fn entry(&self, number: usize) -> At<'_> {
        At { faults: self.faults, up: Some(self), step: Step::Entry(number) }
    }

    /// Adds a fault of this place. Always `None`, so that a reader can end with it.
    pub fn fault<T>(&self, code: &'static str, detail: impl Into<String>) -> Option<T> {
        self.faults.add(|| Fault::new(self.path(), code, detail));
        None
    }

    /// Adds a fault: there is something else than `wanted`.
    pub fn wrong_type<T>(&self, wanted: &str, found: &Json<'_>) -> Option<T> {
        self.fault("wrong_type", format!("must be {wanted}, is {}", found.kind()))
    }

    /// Reads this place apart from the rest, with faults of its own.
    pub fn alone<T>(&self, read: impl FnOnce(&At<'_>) -> Option<T>) -> Result<T, Vec<Fault>> {
        let faults = Faults::default();
        let value = read(&At { faults: &faults, up: self.up, step: self.step });
        finished(value, faults)
    }

    fn path(&self) -> String {
        let mut path = self.up.map(At::path).unwrap_or_default();
        match self.step {
            Step::Whole => {}
            Step::Entry(number) => path.push_str(&format!("[{number}]")),
            Step::Field(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&shown(name));
            }
        }
        path
    }
}

/// A caller's own word, cut to what may be repeated to him.
pub fn shown(word: &str) -> Cow<'_, str> {
    match word.char_indices().nth(NAME_SHOWN_MAX) {
        None => Cow::Borrowed(word),
        Some((end, _)) => Cow::Owned(format!("{}…", &word[..end])),
    }
}

/// What can be read from JSON.
pub trait Shape: Sized {
    /// Reads it, or adds a fault to `at` and gives `None`.
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self>;

    /// What it means that the field is not there.
    fn left_out(at: &At<'_>) -> Option<Self> {
        at.fault("missing_field", "is required")
    }
}

/// Reads a whole body: what it says, or every fault of it.
pub fn read<T: Shape>(json: &Json<'_>) -> Result<T, Vec<Fault>> {
    let faults = Faults::default();
    let value = T::read(json, &At::body(&faults));
    finished(value, faults)
}

/// What was read when there is no fault, else every fault.
pub fn finished<T>(value: Option<T>, faults: Faults) -> Result<T, Vec<Fault>> {
    match (value, faults.0.into_inner()) {
        (Some(value), faults) if faults.is_empty() => Ok(value),
        (_, faults) => {
            assert!(!faults.is_empty(), "what could not be read has a fault");
            Err(faults)
        }
    }
}

/// The fields of one object.
pub struct Fields<'a> {
    fields: &'a [(Cow<'a, str>, Json<'a>)],
    at: &'a At<'a>,
}

impl<'a> Fields<'a> {
    /// Of an object; anything else is a fault.
    pub fn of(json: &'a Json<'a>, at: &'a At<'a>) -> Option<Self> {
        match json {
            Json::Object(fields) => Some(Self { fields, at }),
            other => at.wrong_type("an object", other),
        }
    }

    /// Reads one field.
    pub fn field<T: Shape>(&self, name: &'static str) -> Option<T> {
        let name = plain(name);
        let at = self.at.field(name);
        match self.fields.iter().find(|(field, _)| field == name) {
            Some((_, json)) => T::read(json, &at),
            None => T::left_out(&at),
        }
    }

    /// Refuses fields that no reader asked for and fields that are there twice.
    pub fn finish(&self, known: &[&'static str]) {
        for (number, (name, _)) in self.fields.iter().enumerate() {
            if !known.iter().any(|known| plain(known) == name) {
                self.at.field(name).fault::<()>("unknown_field", "is not a field here");
            } else if self.fields[..number].iter().any(|(earlier, _)| earlier == name) {
                self.at.field(name).fault::<()>("duplicate_field", "is given more than once");
            }
        }
    }
}

/// The name of a field whose Rust name is escaped (`r#type`).
fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// A request's shape, written once: struct, schema and reader. `check = path` names a function that judges the fields
/// together once each of them could be read.
macro_rules! shape {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$note:meta])* pub $field:ident: $type:ty,)* }
        $(check = $check:path;)?
    ) => {
        #[derive(Clone, Debug, utoipa::ToSchema)]
        $(#[$meta])*
        pub struct $name { $($(#[$note])* pub $field: $type,)* }

        impl $crate::api::reading::Shape for $name {
            fn read(json: &$crate::api::json::Json<'_>, at: &$crate::api::reading::At<'_>) -> Option<Self> {
                let fields = $crate::api::reading::Fields::of(json, at)?;
                $(let $field = fields.field(stringify!($field));)*
                fields.finish(&[$(stringify!($field)),*]);
                let whole = Self { $($field: $field?),* };
                $($check(&whole, at);)?
                Some(whole)
            }
        }
    };
}
pub(crate) use shape;

impl<T: Shape> Shape for Option<T> {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        match json {
            Json::Null => Some(None),
            json => T::read(json, at).map(Some),
        }
    }

    fn left_out(_: &At<'_>) -> Option<Self> {
        Some(None)
    }
}

/// What can stand in a list, and how often.
pub trait Listed: Shape {
    /// Fewest entries.
    const LEAST: usize = 1;
    /// Most entries.
    const MOST: usize;
}

impl<T: Listed> Shape for Vec<T> {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let Json::List(entries) = json else { return at.wrong_type("a list", json) };
        if entries.len() < T::LEAST || entries.len() > T::MOST {
            let detail = format!("must have {} to {} entries, has {}", T::LEAST, T::MOST, entries.len());
            return at.fault("list_length_out_of_range", detail);
        }
        let mut all = Some(Vec::with_capacity(entries.len()));
        for (number, entry) in entries.iter().enumerate() {
            match (&mut all, T::read(entry, &at.entry(number))) {
                (Some(read), Some(entry)) => read.push(entry),
                _ => all = None,
            }
        }
        all
    }
}

impl Shape for bool {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        match json {
            Json::Bool(truth) => Some(*truth),
            Json::Bare(text) if text == "true" => Some(true),
            Json::Bare(text) if text == "false" => Some(false),
            other => at.wrong_type("true or false", other),
        }
    }
}
