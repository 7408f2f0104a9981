//! Nodes: put, changed and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{At, shape};
use super::scalar::{
    Amount, Clearable, Country, Id, Latitude, Longitude, Name, PerDay, PostalCode, Reason, TimeOfDay, TimeZone,
    position,
};
use super::words::as_word;
use crate::domain::command::NodePatch;
use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::node::{Handling, Node, NodeKind};

shape! {
    /// A node, whole.
    pub struct NodePut {
        /// Kind of place.
        pub kind: NodeKind,
        /// Name for people.
        pub name: Name,
        /// Degrees north.
        pub latitude: Latitude,
        /// Degrees east.
        pub longitude: Longitude,
        /// Country.
        pub country: Country,
        /// Postal code.
        pub postal_code: PostalCode,
        /// IANA time zone.
        pub time_zone: TimeZone,
        /// Whether it may supply.
        pub active: bool,
        /// Why it is switched off.
        pub inactive_reason: Option<Reason>,
        /// Cost of handling, minor units of the base currency.
        pub handling: Option<HandlingShape>,
        /// Shipments it can handle in a day.
        pub capacity_per_day: Option<PerDay>,
        /// Local time after which work starts the next day.
        pub cutoff: Option<TimeOfDay>,
        /// Name of its calendar.
        pub calendar: Option<Id>,
        /// What it can do.
        pub capabilities: Option<Vec<Id>>,
    }
}

shape! {
    /// Cost of handling, minor units of the base currency.
    #[derive(Copy, Serialize)]
    #[schema(as = Handling)]
    pub struct HandlingShape {
        /// Per shipment.
        pub per_shipment: Amount,
        /// Per unit.
        pub per_unit: Amount,
    }
}

shape! {
    /// Part of a node to change; what is left out stays as it is.
    pub struct NodeChange {
        /// Switch it on or off.
        pub active: Option<bool>,
        /// Why it is switched off.
        pub inactive_reason: Option<Reason>,
        /// Name for people.
        pub name: Option<Name>,
        /// Degrees north; together with `longitude`.
        pub latitude: Option<Latitude>,
        /// Degrees east; together with `latitude`.
        pub longitude: Option<Longitude>,
        /// Kind of place.
        pub kind: Option<NodeKind>,
        /// Country.
        pub country: Option<Country>,
        /// Postal code.
        pub postal_code: Option<PostalCode>,
        /// IANA time zone.
        pub time_zone: Option<TimeZone>,
        /// Cost of handling; `null` takes it away.
        #[schema(value_type = Option<HandlingShape>)]
        pub handling: Clearable<HandlingShape>,
        /// Name of its calendar; `null` takes it away.
        #[schema(value_type = Option<Id>)]
        pub calendar: Clearable<Id>,
        /// Shipments a day; `null` lifts the bound.
        #[schema(value_type = Option<PerDay>)]
        pub capacity_per_day: Clearable<PerDay>,
        /// Local time of cutoff; `null` takes it away.
        #[schema(value_type = Option<TimeOfDay>)]
        pub cutoff: Clearable<TimeOfDay>,
        /// What it can do.
        pub capabilities: Option<Vec<Id>>,
    }
    check = NodeChange::judge;
}

impl From<HandlingShape> for Handling {
    fn from(shape: HandlingShape) -> Self {
        Self { per_shipment: shape.per_shipment.0, per_unit: shape.per_unit.0 }
    }
}

impl NodePut {
    /// The node under its id.
    pub fn node(self, id: Text) -> Node {
        Node {
            id,
            kind: self.kind,
            name: self.name.0,
            position: Position::from_degrees(self.latitude.0, self.longitude.0).unwrap_or_default(),
            country: self.country.0,
            postal_code: self.postal_code.0,
            time_zone: self.time_zone.0,
            active: self.active,
            inactive_reason: self.inactive_reason.map(Text::from).filter(|_| !self.active),
            handling: self.handling.map(Handling::from),
            capacity_per_day: self.capacity_per_day.map(|n| n.0),
            cutoff_min: self.cutoff.map(|time| time.minutes),
            calendar: self.calendar.map(Text::from),
            capabilities: texts(self.capabilities.unwrap_or_default()),
        }
    }
}

impl NodeChange {
    fn judge(&self, at: &At<'_>) {
        position(self.latitude, self.longitude, at);
    }

    /// The change of the domain.
    pub fn patch(self) -> NodePatch {
        let degrees = self.latitude.zip(self.longitude);
        NodePatch {
            active: self.active,
            inactive_reason: self.inactive_reason.map(Text::from),
            name: self.name.map(Text::from),
            position: degrees.and_then(|(north, east)| Position::from_degrees(north.0, east.0)),
            kind: self.kind,
            country: self.country.map(|country| country.0),
            postal_code: self.postal_code.map(|code| code.0),
            time_zone: self.time_zone.map(|zone| zone.0),
            handling: self.handling.0.map(|handling| handling.map(Handling::from)),
            calendar: self.calendar.0.map(|calendar| calendar.map(Text::from)),
            capacity_per_day: self.capacity_per_day.0.map(|n| n.map(|n| n.0)),
            cutoff_min: self.cutoff.0.map(|time| time.map(|time| time.minutes)),
            capabilities: self.capabilities.map(texts),
        }
    }
}

fn texts(ids: Vec<Id>) -> Vec<Text> {
    ids.into_iter().map(Text::from).collect()
}

/// A node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Node)]
#[allow(missing_docs, reason = "the fields are those of `NodePut`")]
pub struct NodeJson {
    pub id: Id,
    #[serde(serialize_with = "as_word")]
    pub kind: NodeKind,
    pub name: Name,
    pub latitude: Latitude,
    pub longitude: Longitude,
    pub country: Country,
    pub postal_code: PostalCode,
    pub time_zone: TimeZone,
    pub active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactive_reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handling: Option<HandlingShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_per_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<TimeOfDay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Id>,
    pub capabilities: Vec<Id>,
}

impl From<&Node> for NodeJson {
    fn from(node: &Node) -> Self {
        let handling =
            node.handling.map(|h| HandlingShape { per_shipment: Amount(h.per_shipment), per_unit: Amount(h.per_unit) });
        Self {
            id: Id(node.id.clone()),
            kind: node.kind,
            name: Name(node.name.clone()),
            latitude: Latitude(node.position.latitude()),
            longitude: Longitude(node.position.longitude()),
            country: Country(node.country.clone()),
            postal_code: PostalCode(node.postal_code.clone()),
            time_zone: TimeZone(node.time_zone.clone()),
            active: node.active,
            inactive_reason: node.inactive_reason.clone().map(Reason),
            handling,
            capacity_per_day: node.capacity_per_day,
            cutoff: node.cutoff_min.map(|minutes| TimeOfDay { minutes }),
            calendar: node.calendar.clone().map(Id),
            capabilities: node.capabilities.iter().cloned().map(Id).collect(),
        }
    }
}
