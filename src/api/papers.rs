//! Labels and papers of orders, returns and nodes: what is asked of them, and what they say.
//!
//! Personal data is opened here, at the edge, as for the JSON of an order. What is *not* here: how they look (`papers`).

use std::collections::BTreeMap;
use std::sync::Arc;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::dispatch::sscc;
use super::json::Json;
use super::personal::{Address, open};
use super::problem::Problem;
use super::reading::{At, Shape, shape};
use super::scalar::{Day, Name, ParcelNumber};
use crate::domain::catalogue::Catalogue;
use crate::domain::dispatch::{ManifestKey, Parcels, ParcelsState};
use crate::domain::fulfillment::{FulfillmentOrder, Shipment};
use crate::domain::ids::{FulfillmentKey, NodeIndex, Text};
use crate::domain::item::{Item, ItemKind};
use crate::domain::node::Node;
use crate::domain::order::{Destination, Order};
use crate::domain::picking::Fetch;
use crate::domain::promise::calendar::CivilDay;
use crate::domain::returns::{Return, ReturnLabel, ReturnLine};
use crate::domain::time::JournalTime;
use crate::domain::wave::{PickTask, Wave};
use crate::papers::code128::NotEncodable;
use crate::papers::gs1::Sscc;
use crate::papers::label::{Label, kilograms};
use crate::papers::paper::{Column, Paper};
use crate::papers::sheet::Sheet;
use crate::papers::{pdf, png, zpl};

/// Countries that write the city before the postal code; most others write it after.
const CITY_FIRST: &[&str] =
    &["AU", "BD", "CA", "CO", "GB", "HK", "ID", "IE", "IN", "JP", "KR", "NZ", "PK", "SG", "TH", "TW", "US", "VN", "ZA"];

/// In what form a label is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelFormat {
    /// For printers of labels.
    Zpl,
    /// For all printers.
    Pdf,
    /// A picture.
    Png,
}

impl LabelFormat {
    /// The media type of the answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Zpl => "application/zpl",
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
        }
    }

    /// A sheet in that form.
    pub fn printed(self, sheet: Sheet) -> Vec<u8> {
        match self {
            Self::Zpl => zpl::zpl(&sheet).into_bytes(),
            Self::Pdf => pdf::pdf(&[sheet]),
            Self::Png => png::png(&sheet),
        }
    }
}

/// Number of a logistic unit, given by the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SsccText(pub Sscc);

impl Shape for SsccText {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        match Sscc::parse(text) {
            Ok(sscc) => Some(Self(sscc)),
            Err(why) => at.fault("invalid_sscc", why.to_string()),
        }
    }
}

impl PartialSchema for SsccText {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.pattern(Some("^[0-9]{18}$")).into()
    }
}

impl ToSchema for SsccText {}

shape! {
    /// What a label shall say besides what is known.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct LabelParams {
        /// In what form; PDF when left out.
        #[param(inline)]
        pub format: Option<LabelFormat>,
        /// Carrier, before it left; that of its shipment when left out.
        #[param(inline)]
        pub carrier: Option<Name>,
        /// The carrier's service, in the same way.
        #[param(inline)]
        pub service: Option<Name>,
        /// Tracking number, in the same way.
        #[param(inline)]
        pub tracking_number: Option<Name>,
        /// Serial shipping container code of the parcel, 18 digits: printed as GS1-128. That of its number when it has one
        /// and this is left out.
        #[param(inline)]
        pub sscc: Option<SsccText>,
        /// Which of the parcels into which it was packed, from 1; the first when left out.
        #[param(inline)]
        pub parcel: Option<ParcelNumber>,
    }
}

shape! {
    /// In what form a label is printed.
    #[derive(Copy, utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct PrintParams {
        /// In what form; PDF when left out.
        #[param(inline)]
        pub format: Option<LabelFormat>,
    }
}

shape! {
    /// Which shipments of a node.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct ManifestParams {
        /// Those a carrier has, named as its shipments name it.
        #[param(inline)]
        pub carrier: Name,
        /// Those that left on that day, by the clock of the node.
        #[param(inline)]
        pub date: Day,
    }
}

/// A fulfilment order, its order, others that leave in one shipment with it, and where all of them are known.
#[derive(Clone, Copy)]
pub struct Fulfilled<'a> {
    order: &'a Order,
    fulfillment: &'a FulfillmentOrder,
    with: &'a [(Arc<Order>, u16)],
    catalogue: &'a Catalogue,
}

impl<'a> Fulfilled<'a> {
    /// `None` when the order has no such number.
    pub fn of(order: &'a Order, number: u16, catalogue: &'a Catalogue) -> Option<Self> {
        order.fulfillment(number).map(|fulfillment| Self { order, fulfillment, with: &[], catalogue })
    }

    /// The same with others that leave in one shipment with it: its parcel has what is in all of them.
    #[must_use]
    pub fn with(self, with: &'a [(Arc<Order>, u16)]) -> Self {
        Self { with, ..self }
    }

    /// It and the others.
    fn parts(self) -> impl Iterator<Item = Self> {
        let others = self.with.iter().filter_map(move |(order, number)| Self::of(order, *number, self.catalogue));
        std::iter::once(Self { with: &[], ..self }).chain(others)
    }

    fn name(&self) -> String {
        FulfillmentKey { order: self.order.key, number: self.fulfillment.number }.to_string()
    }

    fn node(&self) -> &'a Node {
        self.catalogue.node(self.fulfillment.node)
    }

    fn destination(&self) -> &'a Destination {
        &self.order.facts.destinations[usize::from(self.fulfillment.group)]
    }

    /// Its lines that have units: the line's id, what it is, and of how many how many are picked.
    fn items(&self) -> impl Iterator<Item = (&'a str, &'a Item, u32, u32)> {
        let Self { order, catalogue, .. } = *self;
        let some = self.fulfillment.lines.iter().filter(|part| part.quantity > 0);
        some.map(move |part| {
            let placed = &order.lines[usize::from(part.line)].placed;
            (&*placed.id, catalogue.item(placed.sku), part.quantity, part.picked)
        })
    }

    fn weight_g(&self) -> u64 {
        let weight =
            |one: Self| one.items().map(|(_, item, units, _)| weight_of(item, units, one.catalogue)).sum::<u64>();
        self.parts().map(weight).sum()
    }

    fn units(&self) -> u64 {
        self.parts().map(|one| one.fulfillment.units()).sum()
    }

    /// Its label, in the form asked for.
    ///
    /// # Errors
    ///
    /// Nothing of it is sent, it says too little to be sent, it has no such parcel, or its tracking number cannot be a bar
    /// code.
    pub fn label(&self, asked: &LabelParams, parcels: Option<&Parcels>) -> Result<Label, Problem> {
        if !self.fulfillment.status.is_live() || self.fulfillment.units() == 0 {
            let detail = format!("fulfilment order {} is {}", self.name(), self.fulfillment.status.word());
            return Err(Problem::new("nothing_to_send", detail));
        }
        let shipment = self.fulfillment.shipment.as_ref();
        let said = |asked: &Option<Name>, known: fn(&Shipment) -> &str| {
            asked
                .as_ref()
                .map(|name| name.0.to_string())
                .or_else(|| shipment.map(|known_of| known(known_of).to_owned()))
        };
        let parcel = self.parcel(asked.parcel, parcels)?;
        let of_parcels = || parcel.map(|(of, _)| of.carrier.to_string());
        let carrier = said(&asked.carrier, |shipment| &shipment.carrier).or_else(of_parcels);
        let tracking_number = said(&asked.tracking_number, |shipment| &shipment.tracking_number);
        let (Some(carrier), Some(tracking_number)) = (&carrier, &tracking_number) else {
            let missing = [("carrier", &carrier), ("tracking_number", &tracking_number)];
            let missing: Vec<&str> =
                missing.into_iter().filter(|(_, said)| said.is_none()).map(|(name, _)| name).collect();
            let detail = format!(
                "fulfilment order {} has not left: a label needs its {}, as parameters here or by its shipment",
                self.name(),
                missing.join(" and ")
            );
            return Err(Problem::new("label_incomplete", detail).with("missing", missing));
        };
        Ok(Label {
            title: None,
            from: node_lines(self.node()),
            to: known_lines(self.destination(), &self.name())?,
            carrier: carrier.clone(),
            service: said(&asked.service, |shipment| &shipment.service),
            tracking_number: tracking_number.clone(),
            weight_g: self.weight_of_parcel(parcel),
            reference: self.name(),
            sscc: asked.sscc.clone().map(|sscc| sscc.0).or_else(|| parcel.map(number_of)),
        })
    }

    /// What was said of a parcel, else what all units weigh; nothing where there are several, and nobody knows what is in
    /// which.
    fn weight_of_parcel(&self, parcel: Option<(&Parcels, usize)>) -> u64 {
        match parcel {
            Some((of, at)) if of.weights_g[at] > 0 => of.weights_g[at].into(),
            Some((of, _)) if of.count() > 1 => 0,
            _ => self.weight_g(),
        }
    }

    /// Which of its parcels is meant; none where it was not packed into parcels with numbers that leave.
    fn parcel<'p>(
        &self,
        asked: Option<ParcelNumber>,
        parcels: Option<&'p Parcels>,
    ) -> Result<Option<(&'p Parcels, usize)>, Problem> {
        let parcels = parcels.filter(|parcels| !matches!(parcels.state, ParcelsState::Void { .. }));
        let at = asked.map_or(0, |number| usize::from(number.0) - 1);
        match parcels {
            None if asked.is_none() => Ok(None),
            Some(parcels) if at < parcels.weights_g.len() => Ok(Some((parcels, at))),
            _ => Err(Problem::new("not_found", format!("fulfilment order {} has no parcel {}", self.name(), at + 1))),
        }
    }

    /// What goes into the parcel: what is in it, from whom, for whom.
    pub fn packing_slip(&self) -> Paper {
        let columns = &[("Line", 12, false), ("Item", 24, false), ("Name", 50, false), ("Quantity", 14, true)];
        let row = |(line, item, quantity, _): (&str, &Item, u32, u32)| {
            vec![line.to_owned(), item.sku.to_string(), item.name.to_string(), quantity.to_string()]
        };
        let shipment = self.fulfillment.shipment.as_ref();
        let sent = shipment.map(|s| vec![format!("{} {}", s.carrier, s.service), s.tracking_number.to_string()]);
        let mut heading = vec![
            ("FROM", node_lines(self.node())),
            ("TO", address_lines(self.destination())),
            ("ORDER", vec![self.order.name(), self.order.facts.channel_order_id.to_string(), self.placed_on()]),
        ];
        let others: Vec<String> = self.parts().skip(1).map(|one| one.order.name()).collect();
        heading.extend((!others.is_empty()).then(|| ("WITH ORDERS", vec![others.join(", ")])));
        heading.extend(sent.map(|lines| ("SHIPMENT", lines)));
        Paper {
            title: "Packing slip".to_owned(),
            code: self.name(),
            heading,
            columns: columns_of(columns),
            rows: self.parts().flat_map(|one| one.items().map(row).collect::<Vec<_>>()).collect(),
            below: vec![format!("{} units, {} kg", self.units(), kilograms(self.weight_g()))],
        }
    }

    /// What is still to be picked, in walking order: the entries as `to_fetch` of the engine tells them.
    pub fn pick_list(&self, to_fetch: &[Fetch]) -> Paper {
        let lines = to_fetch.iter().map(|one| (one, self.order.lines[usize::from(one.line)].placed.id.to_string()));
        Paper {
            title: "Pick list".to_owned(),
            code: self.name(),
            heading: vec![
                ("NODE", node_lines(self.node())),
                (
                    "ORDER",
                    vec![self.order.name(), self.placed_on(), self.order.method_of(self.fulfillment.group).to_string()],
                ),
            ],
            ..fetched(lines, ("Line", 11), self.catalogue)
        }
    }

    fn placed_on(&self) -> String {
        day_at(self.node(), self.order.facts.placed_at.0).to_string()
    }
}

/// A task of a wave: what is still to be fetched, in walking order.
pub fn task_list(wave: &Wave, (number, task): (u16, &PickTask), to_fetch: &[Fetch], catalogue: &Catalogue) -> Paper {
    let lines = to_fetch.iter().map(|one| (one, one.fulfillment.to_string()));
    let zone = task.zone.as_ref().map(|zone| format!("zone {zone}"));
    let picker = task.picker.as_ref().map(|picker| format!("for {picker}"));
    let about = [Some(wave.name()), Some(format!("task {number}, {} m", task.metres)), zone, picker];
    Paper {
        title: "Pick list".to_owned(),
        code: format!("{}/{number}", wave.key),
        heading: vec![("NODE", node_lines(catalogue.node(wave.node))), ("WAVE", about.into_iter().flatten().collect())],
        ..fetched(lines, ("For", 15), catalogue)
    }
}

/// The table of a pick list, and what stands below it: entries, and for what each is.
fn fetched<'f>(
    lines: impl Iterator<Item = (&'f Fetch, String)>,
    (title, share): (&'static str, u32),
    catalogue: &Catalogue,
) -> Paper {
    let mut units = 0;
    let row = |(one, of): (&Fetch, String)| {
        units += u64::from(one.units);
        let item = catalogue.item(one.sku);
        let text = |of: Option<String>| of.unwrap_or_default();
        vec![
            text(one.aisle.map(|aisle| aisle.to_string())),
            text(one.bin.as_ref().map(ToString::to_string)),
            item.sku.to_string(),
            item.name.to_string(),
            of,
            one.units.to_string(),
            "____".to_owned(),
        ]
    };
    let rows: Vec<_> = lines.map(row).collect();
    let below = if units == 0 { "Nothing is left to pick".to_owned() } else { format!("{units} units to pick") };
    let columns = &[
        ("Aisle", 7, true),
        ("Bin", 13, false),
        ("Item", 21, false),
        ("Name", 44 - share, false),
        (title, share, false),
        ("Pick", 8, true),
        ("Done", 7, true),
    ];
    Paper {
        columns: columns_of(columns),
        rows,
        below: vec![below, "Picked by ____________________".to_owned()],
        ..Paper::default()
    }
}

/// The number of a parcel.
fn number_of((parcels, at): (&Parcels, usize)) -> Sscc {
    sscc(&parcels.prefix, parcels.first + at as u64)
}

/// Something as it is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Printed {
    /// Its media type.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A label as it is printed.
///
/// # Errors
///
/// Its tracking number cannot be a bar code, or not one that fits.
pub fn label(label: &Label, format: Option<LabelFormat>) -> Result<Printed, Problem> {
    let format = format.unwrap_or(LabelFormat::Pdf);
    let not = |why: NotEncodable| Problem::new("not_a_bar_code", format!("the tracking number {why}"));
    let sheet = label.sheet().map_err(not)?;
    Ok(Printed { media_type: format.media_type(), bytes: format.printed(sheet) })
}

/// The label of a parcel of a return, from the customer to the node it comes to.
///
/// # Errors
///
/// It has no such parcel, or nobody knows from where or to where it goes.
pub fn return_label(known: &Return, number: usize, order: &Order, catalogue: &Catalogue) -> Result<Label, Problem> {
    let missing = || Problem::new("not_found", format!("return {} has no label {number}", known.name()));
    let label: &ReturnLabel = number.checked_sub(1).and_then(|at| known.labels.get(at)).ok_or_else(missing)?;
    let nowhere = || {
        let detail = format!("nobody said where return {} goes", known.name());
        Problem::new("label_incomplete", detail).with("missing", vec!["node"])
    };
    let node = label.node.or_else(|| known.lines.iter().find_map(|line| line.node)).ok_or_else(nowhere)?;
    let line = known.lines.iter().find(|line| line.node == Some(node)).or_else(|| known.lines.first());
    let group = line.map_or(0, |line| usize::from(order.lines[usize::from(line.line)].placed.group));
    let weighs = |line: &ReturnLine| weight_of(catalogue.item(line.sku), line.quantity, catalogue);
    Ok(Label {
        title: Some("RETURN"),
        from: known_lines(&order.facts.destinations[group], &known.name())?,
        to: node_lines(catalogue.node(node)),
        carrier: label.carrier.to_string(),
        service: label.service.as_ref().map(ToString::to_string),
        tracking_number: label.tracking_number.to_string(),
        // What of several parcels is in which is not known.
        weight_g: if known.labels.len() == 1 { known.lines.iter().map(weighs).sum() } else { 0 },
        reference: format!("{}/{number}", known.key),
        sscc: None,
    })
}

impl ManifestParams {
    /// Whether a fulfilment order is on the manifest of a node: where its parcels say on which they are, on that; else on that
    /// of its carrier where it left, of the day that `day_of` says for the instant at which it did.
    pub fn takes(
        &self,
        node: NodeIndex,
        (order, number): (&Order, u16),
        parcels: Option<&Parcels>,
        day_of: impl Fn(JournalTime) -> i32,
    ) -> bool {
        if let Some(ParcelsState::Left { manifest, .. }) = parcels.map(|parcels| &parcels.state) {
            return *manifest == self.key(node);
        }
        let Some(own) = order.fulfillment(number) else { return false };
        let is_carriers = own.shipment.as_ref().is_some_and(|shipment| shipment.carrier == self.carrier.0);
        let is_from_here = own.node == node && !order.came_from_elsewhere(number);
        let day = CivilDay::from(self.date.0).0;
        is_carriers && is_from_here && order.left_at(number).is_some_and(|at| day_of(at) == day)
    }

    /// The manifest of a node.
    pub fn key(&self, node: NodeIndex) -> ManifestKey {
        ManifestKey { node, carrier: self.carrier.0.clone(), day: CivilDay::from(self.date.0).0 }
    }
}

/// A shipment that a carrier took: its order, which fulfilment order, and its parcels where they have numbers.
pub type Taken = (Arc<Order>, u16, Option<Parcels>);

/// A fulfilment order on a manifest, and when it left.
struct OnManifest<'a> {
    at: Option<JournalTime>,
    one: Fulfilled<'a>,
    shipment: &'a Shipment,
    parcels: Option<&'a Parcels>,
}

/// Those that left in one shipment together, each where its first one is.
fn in_shipments(all: Vec<OnManifest<'_>>) -> Vec<Vec<OnManifest<'_>>> {
    let mut shipments: Vec<Vec<OnManifest<'_>>> = Vec::with_capacity(all.len());
    let mut joined: BTreeMap<(&[FulfillmentKey], &Text), usize> = BTreeMap::new();
    for own in all {
        let together = &own.one.fulfillment.ships_with[..];
        let next = shipments.len();
        let at = match together {
            [] => next,
            some => *joined.entry((some, &own.shipment.tracking_number)).or_insert(next),
        };
        match shipments.get_mut(at) {
            Some(shipment) => shipment.push(own),
            None => shipments.push(vec![own]),
        }
    }
    shipments
}

/// What a carrier took from a node in a day: one row for every shipment, in the order in which they left, and one for every
/// further parcel with a number.
pub fn manifest(node: &Node, asked: &ManifestParams, taken: &[Taken], catalogue: &Catalogue) -> Paper {
    let all = taken.iter().filter_map(|(order, number, parcels)| {
        let one = Fulfilled::of(order, *number, catalogue)?;
        Some(OnManifest {
            at: order.left_at(*number),
            one,
            shipment: one.fulfillment.shipment.as_ref()?,
            parcels: parcels.as_ref(),
        })
    });
    let mut all: Vec<OnManifest<'_>> = all.collect();
    all.sort_by_key(|own| (own.at, own.one.order.key, own.one.fulfillment.number));
    let taken = in_shipments(all);
    let rows = |parts: &Vec<OnManifest<'_>>| {
        let OnManifest { one, shipment, .. } = &parts[0];
        let destination = one.destination();
        let numbered = parts.iter().filter_map(|own| own.parcels);
        let mut numbers = numbered
            .flat_map(|own| (0..own.weights_g.len()).map(|at| number_of((own, at)).to_string()).collect::<Vec<_>>());
        let others = parts.len() - 1;
        let first = vec![
            shipment.tracking_number.to_string(),
            numbers.next().unwrap_or_default(),
            shipment.service.to_string(),
            if others == 0 { one.name() } else { format!("{} +{others}", one.name()) },
            format!("{} {}", destination.country, destination.postal_prefix),
            parts.iter().map(|own| own.one.fulfillment.units()).sum::<u64>().to_string(),
            kilograms(parts.iter().map(|own| own.one.weight_g()).sum()),
        ];
        let columns = first.len();
        let further = numbers.map(|number| {
            let mut row = vec![String::new(); columns];
            row[1] = number;
            row
        });
        std::iter::once(first).chain(further).collect::<Vec<_>>()
    };
    let units: u64 = taken.iter().flatten().map(|own| own.one.fulfillment.units()).sum();
    let weight: u64 = taken.iter().flatten().map(|own| own.one.weight_g()).sum();
    let columns = &[
        ("Tracking number", 22, false),
        ("SSCC", 22, false),
        ("Service", 13, false),
        ("Fulfilment order", 19, false),
        ("To", 8, false),
        ("Units", 7, true),
        ("kg", 9, true),
    ];
    Paper {
        title: "Manifest".to_owned(),
        code: format!("{} {}", node.id, asked.date.0),
        heading: vec![
            ("FROM", node_lines(node)),
            ("CARRIER", vec![asked.carrier.0.to_string(), asked.date.0.to_string()]),
        ],
        columns: columns_of(columns),
        rows: taken.iter().flat_map(rows).collect(),
        below: vec![
            format!("{} shipments, {units} units, {} kg", taken.len(), kilograms(weight)),
            "Handed over by ____________________    Taken by ____________________".to_owned(),
        ],
    }
}

/// A paper as it is printed.
pub fn paper(paper: &Paper) -> Printed {
    Printed { media_type: LabelFormat::Pdf.media_type(), bytes: pdf::pdf(&paper.sheets()) }
}

fn columns_of(columns: &[(&'static str, u32, bool)]) -> Vec<Column> {
    columns.iter().map(|&(title, share, is_number)| Column { title, share, is_number }).collect()
}

/// What so many units weigh; a kit that has no weight weighs what its components do.
fn weight_of(item: &Item, units: u32, catalogue: &Catalogue) -> u64 {
    let components = item.components.iter().filter(|_| item.kind == ItemKind::Kit && item.weight_g == 0);
    let of_components = components
        .map(|component| u64::from(catalogue.item(component.sku).weight_g) * u64::from(component.quantity))
        .sum::<u64>();
    (u64::from(item.weight_g) + of_components) * u64::from(units)
}

/// The day of an instant in milliseconds since 1970, by the clock of a node.
pub(super) fn day_at(node: &Node, at: i64) -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::get(&node.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(zone).date()
}

fn node_lines(node: &Node) -> Vec<String> {
    let place = format!("{} {}", node.postal_code, node.country);
    vec![node.name.to_string(), place.trim().to_owned()]
}

/// The lines of an address that can be sent to.
fn known_lines(destination: &Destination, of: &str) -> Result<Vec<String>, Problem> {
    let address: Address = open(&destination.personal);
    if address.name.trim().is_empty() && address.line1.trim().is_empty() {
        let detail = format!("{of} goes to an address that names nobody and no street, or was erased");
        return Err(Problem::new("label_incomplete", detail).with("missing", vec!["address"]));
    }
    Ok(address_lines(destination))
}

/// An address line by line, empty ones left out.
fn address_lines(destination: &Destination) -> Vec<String> {
    let address: Address = open(&destination.personal);
    let some = |text: Option<Text>| text.map(|text| text.to_string()).unwrap_or_default();
    let (city, region, code) = (address.city.trim(), address.region.trim(), address.postal_code.trim());
    let place = match CITY_FIRST.contains(&&*destination.country) {
        true if city.is_empty() => format!("{region} {code}"),
        true => format!("{city}, {region} {code}"),
        false => format!("{code} {city} {region}"),
    };
    let lines = [
        address.name.to_string(),
        some(address.company),
        address.line1.to_string(),
        some(address.line2),
        place.trim().trim_end_matches(',').to_owned(),
        destination.country.to_string(),
    ];
    lines.into_iter().filter(|line| !line.trim().is_empty()).collect()
}
