//! Dispatch: numbers of parcels, parcels, and the manifests that are closed.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::event::Names;
use super::reading::{Listed, shape};
use super::scalar::{CompanyPrefix, Day, Digit, Instant, Name, WeighedGrams};
use super::tracking::TrackedJson;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{CloseOut, Command, PackParcels, PutNumbers};
use crate::domain::dispatch::{
    Dispatch, DispatchEvent, DispatchKey, Manifest, ManifestKey, Numbers, Parcels, ParcelsState, SsccPrefix,
};
use crate::domain::event::DispatchChanged;
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::limits::PARCELS_MAX;
use crate::domain::promise::calendar::CivilDay;
use crate::papers::gs1::{Sscc, check_digit};

/// The number of a serial reference.
pub fn sscc(prefix: &SsccPrefix, serial: u64) -> Sscc {
    let body = prefix.body(serial);
    let check = check_digit(&body).expect("a prefix and a serial reference are digits");
    Sscc::parse(&format!("{body}{check}")).expect("they fill a number")
}

shape! {
    /// Of which company's prefix the numbers of parcels are from now on.
    pub struct NumbersPut {
        /// The prefix that GS1 gave to the company.
        pub company_prefix: CompanyPrefix,
        /// The first digit of every number; 0 when left out.
        pub extension_digit: Option<Digit>,
    }
}

impl NumbersPut {
    /// The command.
    pub fn command(self) -> Command {
        let extension = self.extension_digit.map_or(0, |digit| digit.0);
        Command::PutNumbers(PutNumbers { prefix: SsccPrefix { extension, company: self.company_prefix.0 } })
    }
}

shape! {
    /// A parcel.
    #[derive(Copy)]
    pub struct NewParcel {
        /// What it weighs, from 1 g; nothing where nobody weighed it.
        pub weight_g: Option<WeighedGrams>,
    }
}

impl Listed for NewParcel {
    const MOST: usize = PARCELS_MAX;
}

shape! {
    /// Parcels into which a fulfilment order is packed.
    pub struct NewParcels {
        /// The carrier that shall take them, named as its shipments name it.
        pub carrier: Name,
        /// Each of them.
        pub parcels: Vec<NewParcel>,
    }
}

impl NewParcels {
    /// The command for one fulfilment order.
    pub fn command(self, fulfillment: Text) -> Command {
        let weight_g = |parcel: NewParcel| parcel.weight_g.map_or(0, |grams| grams.0);
        let weights_g = self.parcels.into_iter().map(weight_g).collect();
        Command::PackParcels(PackParcels { fulfillment, carrier: self.carrier.0, weights_g })
    }
}

shape! {
    /// A carrier was here for the last time of a day.
    pub struct ClosingOut {
        /// Who, named as shipments name him.
        pub carrier: Name,
        /// Which day, by the clock of the node; today when left out.
        pub date: Option<Day>,
    }
}

impl ClosingOut {
    /// The command for one node.
    pub fn command(self, node: Text) -> Command {
        let day = self.date.map(|day| CivilDay::from(day.0).0);
        Command::CloseOut(CloseOut { node, carrier: self.carrier.0, day })
    }
}

/// An answer about numbers, parcels or a manifest.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "each says itself what it is")]
pub enum DispatchJson {
    Numbers(NumbersJson),
    Parcels(Box<ParcelsJson>),
    Manifest(ManifestJson),
}

impl DispatchJson {
    /// Each as it is shown.
    pub fn of(key: &DispatchKey, dispatch: &Dispatch, names: &impl Names) -> Self {
        match (key, dispatch) {
            (DispatchKey::Parcels(key), Dispatch::Parcels(known)) => {
                Self::Parcels(Box::new(ParcelsJson::of(*key, known, names)))
            }
            (DispatchKey::Manifest(key), Dispatch::Manifest(known)) => {
                Self::Manifest(ManifestJson::of(key, known, names))
            }
            (_, Dispatch::Numbers(known)) => Self::Numbers(NumbersJson::from(known)),
            (key, known) => unreachable!("{key:?} names no {known:?}"),
        }
    }
}

/// The numbers of parcels.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Numbers)]
pub struct NumbersJson {
    /// Of which company's prefix they are.
    pub company_prefix: String,
    /// The first digit of each.
    pub extension_digit: u8,
    /// The next; `null` when all were given out.
    pub next: Option<String>,
    /// How many are left.
    pub left: u64,
}

impl From<&Numbers> for NumbersJson {
    fn from(known: &Numbers) -> Self {
        Self {
            company_prefix: known.prefix.company.to_string(),
            extension_digit: known.prefix.extension,
            next: (known.left() > 0).then(|| sscc(&known.prefix, known.next).to_string()),
            left: known.left(),
        }
    }
}

/// The parcels of a fulfilment order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Parcels)]
pub struct ParcelsJson {
    /// Of which fulfilment order.
    pub fulfillment_order: String,
    /// Where they are packed.
    pub node: String,
    /// The carrier that shall take them.
    pub carrier: String,
    /// `packed`, `left` with a carrier, or `void`: they do not leave.
    pub status: &'static str,
    /// Each of them.
    pub parcels: Vec<ParcelJson>,
    /// When they were packed.
    pub packed_at: Instant,
    /// When they left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Instant>,
    /// On which manifest they left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestName>,
}

/// A parcel.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Parcel)]
pub struct ParcelJson {
    /// Its number among those of its fulfilment order, from 1.
    pub number: usize,
    /// Its serial shipping container code.
    pub sscc: String,
    /// What it weighs; `null` where nobody said.
    pub weight_g: Option<u32>,
}

/// Which manifest.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ManifestName {
    /// Who took what is on it.
    pub carrier: String,
    /// Of which day, by the clock of the node.
    pub date: Day,
}

impl From<&ManifestKey> for ManifestName {
    fn from(key: &ManifestKey) -> Self {
        Self { carrier: key.carrier.to_string(), date: Day(CivilDay(key.day).date()) }
    }
}

impl ParcelsJson {
    /// The parcels of a fulfilment order.
    pub fn of(key: FulfillmentKey, known: &Parcels, names: &impl Names) -> Self {
        let (left_at, manifest) = match &known.state {
            ParcelsState::Left { at, manifest } => (Some((*at).into()), Some(manifest.into())),
            ParcelsState::Packed | ParcelsState::Void { .. } => (None, None),
        };
        Self {
            fulfillment_order: key.to_string(),
            node: names.node(known.node),
            carrier: known.carrier.to_string(),
            status: known.state.word(),
            parcels: (0..known.weights_g.len()).map(|at| ParcelJson::of(known, at)).collect(),
            packed_at: known.packed_at.into(),
            left_at,
            manifest,
        }
    }
}

impl ParcelJson {
    fn of(known: &Parcels, at: usize) -> Self {
        Self {
            number: at + 1,
            sscc: sscc(&known.prefix, known.first + at as u64).to_string(),
            weight_g: Some(known.weights_g[at]).filter(|grams| *grams > 0),
        }
    }
}

/// A parcel by itself: whose it is, and where.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundParcel {
    /// The parcel.
    #[serde(flatten)]
    pub parcel: ParcelJson,
    /// How many its fulfilment order has.
    pub of: usize,
    /// Of which fulfilment order.
    pub fulfillment_order: String,
    /// Where it was packed.
    pub node: String,
    /// The carrier that shall take it, or took it.
    pub carrier: String,
    /// `packed`, `left` or `void`.
    pub status: &'static str,
    /// Where the shipment is, when its carrier told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<TrackedJson>,
}

impl FoundParcel {
    /// The parcel at a place among those of its fulfilment order.
    pub fn of(
        (key, known, at): (FulfillmentKey, &Parcels, usize),
        tracking: Option<TrackedJson>,
        catalogue: &Catalogue,
    ) -> Self {
        let carrier = match &known.state {
            ParcelsState::Left { manifest, .. } => &manifest.carrier,
            ParcelsState::Packed | ParcelsState::Void { .. } => &known.carrier,
        };
        Self {
            parcel: ParcelJson::of(known, at),
            of: known.weights_g.len(),
            fulfillment_order: key.to_string(),
            node: catalogue.node(known.node).id.to_string(),
            carrier: carrier.to_string(),
            status: known.state.word(),
            tracking,
        }
    }
}

/// A manifest that is closed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Manifest)]
pub struct ManifestJson {
    /// Where.
    pub node: String,
    /// Which.
    #[serde(flatten)]
    pub manifest: ManifestName,
    /// Shipments on it: what leaves together is one.
    pub shipments: u32,
    /// Their parcels; one of a shipment whose parcels have no numbers.
    pub parcels: u32,
    /// Fulfilment orders whose parcels the carrier should have taken and has not: each is a case.
    pub left_behind: u32,
    /// When it was closed.
    pub closed_at: Instant,
}

impl ManifestJson {
    /// A manifest that is closed.
    pub fn of(key: &ManifestKey, known: &Manifest, names: &impl Names) -> Self {
        Self {
            node: names.node(key.node),
            manifest: key.into(),
            shipments: known.shipments,
            parcels: known.parcels,
            left_behind: known.left_behind,
            closed_at: known.closed_at.into(),
        }
    }
}

/// What happened, as the live feed and the dump of a journal tell it.
pub(super) fn told(changed: &DispatchChanged, names: &impl Names) -> Value {
    let parcels = match &changed.key {
        DispatchKey::Parcels(key) => key.to_string(),
        DispatchKey::Numbers | DispatchKey::Manifest(_) => String::new(),
    };
    match &changed.event {
        DispatchEvent::NumberedBy { prefix } => json!({
            "type": "numbers_put", "company_prefix": prefix.company, "extension_digit": prefix.extension,
        }),
        DispatchEvent::Drawn { count } => json!({"type": "numbers_drawn", "count": count}),
        DispatchEvent::Packed { node, carrier, prefix, first, weights_g } => json!({
            "type": "parcels_packed", "fulfillment_order": parcels, "node": names.node(*node), "carrier": carrier,
            "first": sscc(prefix, *first).to_string(), "parcels": weights_g.len(),
        }),
        DispatchEvent::Left { manifest } => json!({
            "type": "parcels_left", "fulfillment_order": parcels, "node": names.node(manifest.node),
            "carrier": manifest.carrier, "date": Day(CivilDay(manifest.day).date()),
        }),
        DispatchEvent::Void => json!({"type": "parcels_void", "fulfillment_order": parcels}),
        DispatchEvent::Closed { shipments, parcels, left_behind } => {
            let mut facts = json!({
                "type": "manifest_closed", "shipments": shipments, "parcels": parcels, "left_behind": left_behind,
            });
            if let DispatchKey::Manifest(key) = &changed.key {
                facts["node"] = names.node(key.node).into();
                facts["carrier"] = (*key.carrier).into();
                facts["date"] = json!(Day(CivilDay(key.day).date()));
            }
            facts
        }
    }
}
