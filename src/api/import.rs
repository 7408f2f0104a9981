//! Imports: lines of NDJSON or rows of CSV, each of the same shape as the body of the request it stands for, and the
//! report of what became of them.
//!
//! A row's columns are named by the path of their field, as faults name them: `lines[0].sku`, `value.amount`. An empty
//! cell is a field left out. Bounds: [`REFUSALS_TOLD_MAX`] refusals are told one by one, all are counted.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use super::address::AddressFormatLine;
use super::calendar::CalendarPut;
use super::carrier::CarrierPut;
use super::item::ItemPut;
use super::json::Json;
use super::node::NodePut;
use super::order::NewOrder;
use super::past_order::{PastShipmentShape, past_order};
use super::problem::Problem;
use super::reading::{At, Faults, Shape, finished, shape};
use super::scalar::{Count, Id, Instant, Name, Sequence, Sku};
use super::stock::sequence_needs_source;
use super::zones::{PostalPrefix, ZoneChartPut};
use crate::domain::command::{Command, SetOnHand};

/// Most refusals that a report tells one by one.
pub const REFUSALS_TOLD_MAX: usize = 10_000;
/// Most columns of a table.
pub const COLUMNS_MAX: usize = 5_000;
/// Most entries of a list that columns can name.
const ENTRIES_MAX: usize = 1_200;

/// What can be imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportKind {
    /// Items, each with its `sku`.
    Items,
    /// Nodes, each with its `id`.
    Nodes,
    /// Counts, each with its `sku` and `node`.
    Stock,
    /// Orders, to be placed.
    Orders,
    /// Orders that ended, with their own dates.
    History,
    /// How addresses are written, each with its `country`.
    AddressFormats,
    /// Carriers, each with its `id`.
    Carriers,
    /// Calendars, each with its `id`.
    Calendars,
    /// Charts of zones, each with its `table` and `from`.
    Zones,
}

shape! {
    /// How an import goes on.
    #[derive(Copy, Default, utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct ImportParams {
        /// Stop at the first bad line; what was taken before stays.
        #[param(inline)]
        pub strict: Option<bool>,
    }
}

shape! {
    /// A count of one cell.
    pub struct CountLine {
        /// The sku.
        pub sku: Sku,
        /// The node.
        pub node: Id,
        /// What was counted.
        pub on_hand: Count,
        /// What the caller believes is there; nothing is compared when left out.
        pub expected: Option<Count>,
        /// Who counted.
        pub source: Option<Name>,
        /// The counter's own sequence.
        pub source_seq: Option<Sequence>,
        /// When it was counted.
        pub as_of: Option<Instant>,
    }
    check = CountLine::judge;
}

impl ImportKind {
    /// The kind a path names.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "items" => Some(Self::Items),
            "nodes" => Some(Self::Nodes),
            "stock" => Some(Self::Stock),
            "orders" => Some(Self::Orders),
            "address_formats" => Some(Self::AddressFormats),
            "history" => Some(Self::History),
            "carriers" => Some(Self::Carriers),
            "calendars" => Some(Self::Calendars),
            "zones" => Some(Self::Zones),
            _ => None,
        }
    }

    /// The command of one line.
    pub fn command(self, mut line: Json<'_>) -> Result<Command, Problem> {
        let fingerprint = line.fingerprint();
        let faults = Faults::default();
        let at = At::body(&faults);
        let command = match self {
            Self::Items => {
                let sku: Option<Sku> = named(&mut line, "sku", &at);
                sku.zip(ItemPut::read(&line, &at)).map(|(sku, put)| Command::PutItem(Box::new(put.item(sku.0))))
            }
            Self::Nodes => {
                let id: Option<Id> = named(&mut line, "id", &at);
                id.zip(NodePut::read(&line, &at)).map(|(id, put)| Command::PutNode(Box::new(put.node(id.0))))
            }
            Self::Stock => CountLine::read(&line, &at).map(CountLine::command),
            Self::AddressFormats => {
                AddressFormatLine::read(&line, &at).map(|line| Command::PutAddressFormat(Box::new(line.format())))
            }
            Self::Orders => {
                NewOrder::read(&line, &at).map(|order| Command::PlaceOrder(Box::new(order.order(fingerprint))))
            }
            Self::Carriers => {
                let id: Option<Id> = named(&mut line, "id", &at);
                id.zip(CarrierPut::read(&line, &at)).map(|(id, put)| put.command(id.0))
            }
            Self::Calendars => {
                let id: Option<Id> = named(&mut line, "id", &at);
                id.zip(CalendarPut::read(&line, &at)).map(|(id, put)| put.command(id.0))
            }
            Self::Zones => {
                let table: Option<Id> = named(&mut line, "table", &at);
                let from: Option<PostalPrefix> = named(&mut line, "from", &at);
                let chart = ZoneChartPut::read(&line, &at);
                table.zip(from).zip(chart).map(|((table, from), chart)| chart.command(table.0, from.0))
            }
            Self::History => {
                let closed_at: Option<Instant> = named(&mut line, "closed_at", &at);
                let shipments: Option<Option<Vec<PastShipmentShape>>> = named(&mut line, "shipments", &at);
                let order = NewOrder::read(&line, &at).map(|order| order.order(fingerprint));
                let past = order.zip(closed_at).zip(shipments);
                past.map(|((order, closed), shipments)| {
                    Command::ImportOrder(Box::new(past_order(order, closed, shipments)))
                })
            }
        };
        finished(command, faults).map_err(|faults| Problem::of_faults(&faults))
    }
}

/// Takes the field that stands in a path elsewhere.
fn named<T: Shape>(line: &mut Json<'_>, name: &'static str, at: &At<'_>) -> Option<T> {
    let at = at.field(name);
    match line.take(name) {
        Some(value) => T::read(&value, &at),
        None => T::left_out(&at),
    }
}

impl CountLine {
    fn judge(&self, at: &At<'_>) {
        sequence_needs_source(self.source_seq.is_some(), self.source.is_some(), at);
    }

    fn command(self) -> Command {
        Command::SetOnHand(SetOnHand {
            sku: self.sku.0,
            node: self.node.0,
            on_hand: self.on_hand.0,
            expected: self.expected.map(|count| count.0),
            source: self.source.map(|source| source.0),
            source_seq: self.source_seq.map(|seq| seq.0),
            as_of: self.as_of.map(Instant::wall),
        })
    }
}

/// Why a line of an import was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// Number of the line, from 1; the heading of a table is line 1.
    pub line: u64,
    /// Stable code.
    pub code: &'static str,
    /// The field it is about, when it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// In words.
    pub detail: String,
}

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportReport {
    /// How many lines took effect.
    pub accepted: u64,
    /// How many did not.
    pub refused_count: u64,
    /// Line at which it stopped before the end, when it did.
    pub stopped_at: Option<u64>,
    /// Refused lines in their order, at most 10,000 of them.
    pub refused: Vec<Refusal>,
}

impl ImportReport {
    /// A line was refused.
    pub fn refuse(&mut self, line: u64, problem: &Problem) {
        self.refused_count += 1;
        if self.refused.len() < REFUSALS_TOLD_MAX {
            let field = problem.facts.get("field").and_then(|field| field.as_str()).map(str::to_owned);
            self.refused.push(Refusal { line, code: problem.code, field, detail: problem.detail.clone() });
        }
    }
}

/// One step of a column's path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Entry(usize),
}

/// The columns of a table, by the paths of their fields.
#[derive(Clone, Debug)]
pub struct Columns(Vec<Vec<Step>>);

impl Columns {
    /// Reads the heading of a table.
    pub fn parse<'a>(heading: impl Iterator<Item = &'a str>) -> Result<Self, Problem> {
        let bad = |name: &str| Problem::new("malformed_table", format!("{name:?} is not the path of a field"));
        let paths = heading.map(|name| path(name).ok_or_else(|| bad(name))).collect::<Result<Vec<_>, _>>()?;
        if paths.len() > COLUMNS_MAX {
            let detail = format!("a table has at most {COLUMNS_MAX} columns, this one has {}", paths.len());
            return Err(Problem::new("malformed_table", detail));
        }
        Ok(Self(paths))
    }

    /// The object that one row means.
    pub fn object<'a>(&'a self, cells: impl Iterator<Item = &'a str>) -> Json<'a> {
        let mut object = Json::Object(Vec::new());
        for (path, cell) in self.0.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            put(&mut object, path, cell);
        }
        object
    }
}

fn path(name: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for part in name.trim().split('.') {
        let (field, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if field.is_empty() {
            return None;
        }
        steps.push(Step::Field(field.to_owned()));
        while let Some(inside) = rest.strip_prefix('[') {
            let (number, after) = inside.split_once(']')?;
            steps.push(Step::Entry(number.parse().ok().filter(|n| *n < ENTRIES_MAX)?));
            rest = after;
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Some(steps)
}

fn put<'a>(into: &mut Json<'a>, path: &'a [Step], cell: &'a str) {
    let Some((step, rest)) = path.split_first() else {
        *into = Json::Bare(Cow::Borrowed(cell));
        return;
    };
    let place = match step {
        Step::Field(name) => {
            if !matches!(into, Json::Object(_)) {
                *into = Json::Object(Vec::new());
            }
            let Json::Object(fields) = into else { return };
            let at = fields.iter().position(|(field, _)| field == name).unwrap_or_else(|| {
                fields.push((Cow::Borrowed(name), Json::Null));
                fields.len() - 1
            });
            &mut fields[at].1
        }
        Step::Entry(number) => {
            if !matches!(into, Json::List(_)) {
                *into = Json::List(Vec::new());
            }
            let Json::List(entries) = into else { return };
            while entries.len() <= *number {
                entries.push(Json::Null);
            }
            &mut entries[*number]
        }
    };
    put(place, rest, cell);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_means_the_object_its_columns_name() {
        let columns = Columns::parse("sku,value.amount,lines[1].sku,lines[0].sku,empty".split(',')).unwrap();
        let row = columns.object("A 1,250,C,B,".split(','));
        let bare = |text: &'static str| Json::Bare(Cow::Borrowed(text));
        let object = |name: &'static str, value| Json::Object(vec![(Cow::Borrowed(name), value)]);
        let wanted = Json::Object(vec![
            ("sku".into(), bare("A 1")),
            ("value".into(), object("amount", bare("250"))),
            ("lines".into(), Json::List(vec![object("sku", bare("B")), object("sku", bare("C"))])),
        ]);
        assert_eq!(row, wanted);
        for bad in ["", "a..b", "a[x]", "a[1", "[0]", "a[9999]", "a[0]b"] {
            assert!(Columns::parse(std::iter::once(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_row_of_items_becomes_an_item() {
        let heading = "sku,name,kind,weight_g,dimensions_mm.length,dimensions_mm.width,dimensions_mm.height,\
                       value.amount,value.currency";
        let columns = Columns::parse(heading.split(',')).unwrap();
        let row = columns.object("A 1,12 mugs,product,350,100,80,90,1250,USD".split(','));
        let Ok(Command::PutItem(item)) = ImportKind::Items.command(row) else { panic!("is an item") };
        assert_eq!((&*item.sku, &*item.name, item.weight_g), ("A 1", "12 mugs", 350));
        assert_eq!(item.value.map(|value| value.amount), Some(1250));
    }

    #[test]
    fn a_count_keeps_who_counted_and_when() {
        let line =
            br#"{"sku":"A","node":"n","on_hand":1,"source":"till","source_seq":7,"as_of":"2026-01-02T03:04:05Z"}"#;
        let Ok(Command::SetOnHand(set)) = ImportKind::Stock.command(Json::parse(line).unwrap()) else {
            panic!("is a count")
        };
        assert_eq!((set.source.as_deref(), set.source_seq), (Some("till"), Some(7)));
        assert_eq!(set.as_of.map(|at| at.0), Some(1_767_323_045_000));
        let alone = Json::parse(br#"{"sku":"A","node":"n","on_hand":1,"source_seq":7}"#).unwrap();
        assert!(ImportKind::Stock.command(alone).is_err(), "a sequence is of a source");
    }

    #[test]
    fn a_bad_row_names_its_field() {
        let line = Json::parse(br#"{"sku":"A","node":"n","on_hand":-1}"#).unwrap();
        let problem = ImportKind::Stock.command(line).unwrap_err();
        let mut report = ImportReport::default();
        report.refuse(7, &problem);
        let [refusal] = &report.refused[..] else { panic!("one line was refused") };
        assert_eq!((refusal.line, refusal.code), (7, "quantity_out_of_range"));
        assert_eq!(refusal.field.as_deref(), Some("on_hand"));
    }
}
