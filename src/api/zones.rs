//! Tables of zones by postal prefix: one chart at a time under a name, or inside a carrier.

use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::json::Json;
use super::reading::{At, Listed, Shape, shape, shown};
use super::scalar::{Id, Zone};
use crate::domain::carrier::faults::range_fault;
use crate::domain::carrier::zones::{BadRange, Chart, Prefix, ZoneRange};
use crate::domain::carrier::{RANGES_MAX, ShippingTerms, ZoneChart};
use crate::domain::command::Command;
use crate::domain::ids::Text;

/// The beginning of a postal code: 1 to 8 letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PostalPrefix(pub Prefix);

impl Serialize for PostalPrefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Shape for PostalPrefix {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        match Prefix::parse(text) {
            Some(prefix) => Some(Self(prefix)),
            None => at.fault("invalid_prefix", format!("must be 1 to 8 letters and digits, is {:?}", shown(text))),
        }
    }
}

impl Listed for PostalPrefix {
    const MOST: usize = 1_000;
}

impl PartialSchema for PostalPrefix {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9A-Za-z]{1,8}$"));
        text.description(Some("The beginning of a postal code: 1 to 8 letters and digits.")).into()
    }
}

impl ToSchema for PostalPrefix {}

shape! {
    /// Postal codes that lie in a zone.
    #[derive(Copy, Serialize)]
    #[schema(as = ZoneRange)]
    pub struct RangeShape {
        /// The first prefix.
        pub to: PostalPrefix,
        /// The last one, of the same length; the first alone when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub upto: Option<PostalPrefix>,
        /// Their zone, from 1.
        pub zone: Zone,
    }
}

impl Listed for RangeShape {
    const MOST: usize = RANGES_MAX;
}

shape! {
    /// A row of a table that stands in the carrier itself.
    #[derive(Copy, Serialize)]
    #[schema(as = ZoneRow)]
    pub struct RowShape {
        /// Prefix of where parcels come from; anywhere when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub from: Option<PostalPrefix>,
        /// The first prefix of where they go.
        pub to: PostalPrefix,
        /// The last one, of the same length; the first alone when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub upto: Option<PostalPrefix>,
        /// Their zone, from 1.
        pub zone: Zone,
    }
}

impl Listed for RowShape {
    const MOST: usize = RANGES_MAX;
}

shape! {
    /// The zones of destinations for parcels from one prefix, under the name of a table. Put again it is replaced.
    #[derive(Serialize)]
    pub struct ZoneChartPut {
        /// Ranges of prefixes; the longest prefix that fits a code wins. No two of a length overlap.
        pub ranges: Vec<RangeShape>,
    }
    check = ZoneChartPut::judge;
}

fn range(to: PostalPrefix, upto: Option<PostalPrefix>, zone: Zone) -> ZoneRange {
    ZoneRange { first: to.0, last: upto.unwrap_or(to).0, zone: zone.0 }
}

/// Charts of a table's rows, or the rows that are wrong.
pub fn charts(rows: &[RowShape]) -> Result<Vec<Chart>, Vec<(usize, BadRange)>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| (rows[*at].from.is_none(), rows[*at].from));
    let (mut charts, mut bad) = (Vec::new(), Vec::new());
    for group in order.chunk_by(|a, b| rows[*a].from == rows[*b].from) {
        let ranges: Vec<_> = group.iter().map(|at| &rows[*at]).map(|row| range(row.to, row.upto, row.zone)).collect();
        match Chart::new(rows[group[0]].from.map(|from| from.0), &ranges) {
            Ok(chart) => charts.push(chart),
            Err(wrong) => bad.extend(wrong.into_iter().map(|(at, why)| (group[at], why))),
        }
    }
    bad.sort_by_key(|(at, _)| *at);
    if bad.is_empty() { Ok(charts) } else { Err(bad) }
}

/// The rows of charts.
pub fn rows(charts: &[Chart]) -> Vec<RowShape> {
    let row = |chart: &Chart, shape: RangeShape| RowShape {
        from: chart.from.map(PostalPrefix),
        to: shape.to,
        upto: shape.upto,
        zone: shape.zone,
    };
    charts.iter().flat_map(|chart| chart.ranges().iter().map(|range| row(chart, RangeShape::from(range)))).collect()
}

/// Tells what is wrong with ranges.
pub fn tell(bad: Vec<(usize, BadRange)>, list: &At<'_>) {
    for (number, why) in bad {
        let fault = range_fault(String::new(), why);
        list.entry(number).fault::<()>(fault.code, fault.detail);
    }
}

impl From<&ZoneRange> for RangeShape {
    fn from(range: &ZoneRange) -> Self {
        let upto = (range.last != range.first).then_some(PostalPrefix(range.last));
        Self { to: PostalPrefix(range.first), upto, zone: Zone(range.zone) }
    }
}

impl ZoneChartPut {
    fn chart(&self, from: Prefix) -> Result<Chart, Vec<(usize, BadRange)>> {
        let ranges: Vec<_> = self.ranges.iter().map(|shape| range(shape.to, shape.upto, shape.zone)).collect();
        Chart::new(Some(from), &ranges)
    }

    fn judge(&self, at: &At<'_>) {
        let from = Prefix::of("0").expect("is a digit");
        if let Err(bad) = self.chart(from) {
            tell(bad, &at.field("ranges"));
        }
    }

    /// The command that puts it.
    pub fn command(&self, table: Text, from: Prefix) -> Command {
        let chart = self.chart(from).expect("a shape that was read makes a chart");
        Command::PutShipping(Box::new(ShippingTerms::ZoneChart(ZoneChart { table, from, chart })))
    }
}

/// A chart of a table.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ZoneChart)]
pub struct ZoneChartJson {
    /// Name of the table.
    pub table: Id,
    /// Prefix of where parcels come from.
    pub from: PostalPrefix,
    /// Where they go.
    pub ranges: Vec<RangeShape>,
}

impl ZoneChartJson {
    /// A chart of a table.
    pub fn of(table: &Text, from: Prefix, chart: &Chart) -> Self {
        let ranges = chart.ranges().iter().map(RangeShape::from).collect();
        Self { table: Id(table.clone()), from: PostalPrefix(from), ranges }
    }
}
