//! Fulfilment orders: their steps, and how they are shown.

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::collection::drawn;
use super::decision::{LineNames, OrderLines};
use super::lots::{IdentifiedJson, PickedNames};
use super::page::{FulfillmentCursor, Limit};
use super::papers::day_at;
use super::reading::{Listed, shape};
use super::scalar::{CollectionCode, Day, Id, Instant, Name, Reason, Sku};
use super::tracking::TrackedJson;
use super::words::as_word;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{FulfillmentAction, NamedUnits};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, Shipment, ShortReason};
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::limits::ORDER_LINES_MAX;
use crate::domain::node::NodeKind;
use crate::domain::order::Order;
use crate::domain::order_story::dropship_ready;
use crate::domain::quantity::Quantity;

/// Why a fulfilment order was stopped, when nobody says why.
const NO_REASON: &str = "no reason given";

shape! {
    /// Units of one line.
    pub struct LineQuantity {
        /// Id of the line.
        pub line: Id,
        /// Units.
        pub quantity: Quantity,
    }
}

impl Listed for LineQuantity {
    const MOST: usize = ORDER_LINES_MAX;
}

/// Units by line, as the domain takes them.
pub fn named_units(lines: Vec<LineQuantity>) -> Vec<NamedUnits> {
    lines.into_iter().map(|units| NamedUnits { line: units.line.0, quantity: units.quantity }).collect()
}

shape! {
    /// Nothing more needs to be said.
    #[derive(Copy)]
    pub struct Nothing {}
}

shape! {
    /// The node refuses.
    pub struct Rejecting {
        /// Why.
        pub reason: Reason,
    }
}

shape! {
    /// Units were picked.
    pub struct Picking {
        /// Which; all that is left when left out, which completes the picking.
        pub lines: Option<Vec<LineQuantity>>,
        /// Lots and serial numbers of what is tracked, by sku. Of what is not named what expires first is taken, and told.
        pub named: Option<Vec<PickedNames>>,
    }
}

shape! {
    /// Units were not found; they are sourced again before the answer.
    pub struct Shorting {
        /// Which.
        pub lines: Vec<LineQuantity>,
        /// Why; decides what becomes of the stock.
        pub reason: ShortReason,
    }
}

shape! {
    /// It leaves. Carrier and service are facts and need not be configured.
    pub struct Shipping {
        /// Carrier.
        pub carrier: Name,
        /// Its service.
        pub service: Name,
        /// Tracking number.
        pub tracking_number: Name,
    }
}

shape! {
    /// It waits to be picked up.
    pub struct Readying {
        /// Until when; then it goes back to its shelf. As long as was decided for its delivery method when left out.
        pub until: Option<Instant>,
        /// The code for which it is handed over; one is drawn where that was decided for its delivery method.
        pub code: Option<CollectionCode>,
    }
}

shape! {
    /// Units of one line that are fit to be sold.
    pub struct FitUnits {
        /// Id of the line.
        pub line: Id,
        /// Units.
        pub quantity: Quantity,
    }
}

impl Listed for FitUnits {
    const LEAST: usize = 0;
    const MOST: usize = ORDER_LINES_MAX;
}

shape! {
    /// What was picked is on its shelf again.
    pub struct PuttingBack {
        /// Which units; all that were picked when left out, none when empty. Others stay in quality control.
        pub lines: Option<Vec<FitUnits>>,
    }
}

shape! {
    /// It came to the store where its customer comes for it.
    pub struct Receiving {
        /// Units that were not in it; none when left out. They are sourced again, or the customer is asked first.
        pub missing: Option<Vec<LineQuantity>>,
        /// Lots and serial numbers of what is missing, by sku, where some of a tracked sku came.
        pub named: Option<Vec<PickedNames>>,
    }
}

shape! {
    /// Another node shall do it.
    pub struct Moving {
        /// Which.
        pub node: Id,
    }
}

shape! {
    /// Some of its units become another fulfilment order of the same node.
    pub struct Dividing {
        /// Which; not all.
        pub lines: Vec<LineQuantity>,
    }
}

shape! {
    /// It takes the units of another fulfilment order of the same order and node.
    pub struct Merging {
        /// Which.
        pub with: Id,
    }
}

shape! {
    /// Somebody wants it stopped.
    pub struct Stopping {
        /// Why.
        pub reason: Option<Reason>,
        /// Whether the demand stays and is sourced again elsewhere.
        pub source_again: Option<bool>,
    }
}

impl Rejecting {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        FulfillmentAction::Reject { reason: self.reason.0 }
    }
}

impl Picking {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        let lines = self.lines.map(named_units);
        match self.named {
            None => FulfillmentAction::Pick { lines },
            Some(named) => FulfillmentAction::PickNamed { lines, names: named.into_iter().map(Into::into).collect() },
        }
    }
}

impl Shorting {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        FulfillmentAction::Short { lines: named_units(self.lines), reason: self.reason }
    }
}

impl Shipping {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        let shipment =
            Shipment { carrier: self.carrier.0, service: self.service.0, tracking_number: self.tracking_number.0 };
        FulfillmentAction::Ship { shipment }
    }
}

impl Readying {
    /// The step; `random` makes a code.
    pub fn action(self, random: u64) -> FulfillmentAction {
        let (until, code) = (self.until.map(Instant::wall), self.code.map(|code| code.0));
        FulfillmentAction::ReadyWith { until, code, drawn: drawn(random) }
    }
}

impl PuttingBack {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        let named = |fit: FitUnits| NamedUnits { line: fit.line.0, quantity: fit.quantity };
        FulfillmentAction::PutBack { lines: self.lines.map(|lines| lines.into_iter().map(named).collect()) }
    }
}

impl Receiving {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        let names = self.named.unwrap_or_default().into_iter().map(Into::into).collect();
        match self.missing {
            None => FulfillmentAction::Receive,
            Some(missing) => FulfillmentAction::ReceiveInPart { missing: named_units(missing), names },
        }
    }
}

impl Moving {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        FulfillmentAction::Move { node: self.node.0 }
    }
}

impl Dividing {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        FulfillmentAction::Split { lines: named_units(self.lines) }
    }
}

impl Merging {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        FulfillmentAction::Merge { with: self.with.0 }
    }
}

impl Stopping {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        FulfillmentAction::Cancel {
            reason: self.reason.map_or_else(|| NO_REASON.into(), Text::from),
            resource: self.source_again.unwrap_or(false),
        }
    }
}

shape! {
    /// Which fulfilment orders.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct FulfillmentParams {
        /// Of that node.
        #[param(inline)]
        pub node: Option<Id>,
        /// In that status.
        #[param(inline)]
        pub status: Option<FulfillmentStatus>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<FulfillmentCursor>,
    }
}

/// A fulfilment order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FulfillmentOrder)]
pub struct FulfillmentJson {
    /// Its id.
    pub id: String,
    /// The order it belongs to.
    pub order: String,
    /// Who fulfils.
    pub node: Id,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub status: FulfillmentStatus,
    /// Key of its destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Id>,
    /// Its units.
    pub lines: Vec<FulfillmentLineJson>,
    /// The store that it is sent to, where its customer comes for it; `node` once it was received there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Id>,
    /// By when it was promised to be ready for who comes for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_by: Option<Instant>,
    /// The day by which it was promised to be there, where carriers say so; else that of the slot in which it is brought, by
    /// the clock of its node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliver_by: Option<Day>,
    /// How it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipment: Option<ShipmentJson>,
    /// Where its shipment is, when its carrier told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<TrackedJson>,
    /// Why it was refused or stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Fulfilment orders that leave in one shipment with it, itself included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ships_with: Vec<String>,
    /// When it came to where it stands.
    pub since: Instant,
    /// When the clock takes it on from where it stands: its window begins, or nobody waits for its pickup any longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// The fulfilment order it was split off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_from: Option<String>,
    /// The fulfilment order that took its units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// Units of it that were picked, by their lot or serial number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identified: Vec<IdentifiedJson>,
    /// The purchase that it is, where the supplier ships it himself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropship: Option<DropshipJson>,
}

/// A purchase that its supplier ships to the customer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Dropship)]
pub struct DropshipJson {
    /// Name of the purchase: that of its fulfilment order.
    pub purchase: String,
    /// The supplier.
    pub supplier: Id,
    /// By when he has it ready.
    pub ready_by: String,
}

/// Units of one order line.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FulfillmentLine)]
pub struct FulfillmentLineJson {
    /// Id of the line.
    pub line: Id,
    /// Its sku.
    pub sku: Sku,
    /// Units asked for, after shorts and cancels.
    pub quantity: u32,
    /// Of these, units picked.
    pub picked: u32,
}

/// How it left.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Shipment)]
#[allow(missing_docs, reason = "the fields are those of `Shipping`")]
pub struct ShipmentJson {
    pub carrier: Name,
    pub service: Name,
    pub tracking_number: Name,
    /// Where its carrier shows where it is, when that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
}

impl ShipmentJson {
    /// A shipment as it is known where carriers are.
    pub fn of(shipment: &Shipment, catalogue: &Catalogue) -> Self {
        let Shipment { carrier, tracking_number, .. } = shipment;
        Self {
            tracking_url: catalogue.shipping().tracking_url(carrier, tracking_number),
            carrier: Name(shipment.carrier.clone()),
            service: Name(shipment.service.clone()),
            tracking_number: Name(shipment.tracking_number.clone()),
        }
    }
}

impl FulfillmentJson {
    /// One fulfilment order of an order; `None` when the order has no such number.
    pub fn of(order: &Order, number: u16, catalogue: &Catalogue) -> Option<Self> {
        let names = OrderLines { order, catalogue };
        order.fulfillment(number).map(|fulfillment| Self::named(fulfillment, &order.name(), &names))
    }

    /// All fulfilment orders of an order.
    pub fn all_of(order: &Order, catalogue: &Catalogue) -> Vec<Self> {
        let (name, names) = (order.name(), OrderLines { order, catalogue });
        order.fulfillment_orders.iter().map(|fulfillment| Self::named(fulfillment, &name, &names)).collect()
    }

    /// The purchase that a fulfilment order of a supplier is; the story of its order tells so.
    fn dropship(order: &Order, fulfillment: &FulfillmentOrder, catalogue: &Catalogue) -> Option<DropshipJson> {
        let node = catalogue.node(fulfillment.node);
        if node.kind != NodeKind::Supplier || !catalogue.policies().has_supply() {
            return None;
        }
        let ready_by = dropship_ready(&order.history, fulfillment.number)?;
        let purchase = FulfillmentKey { order: order.key, number: fulfillment.number }.to_string();
        Some(DropshipJson { purchase, supplier: Id(node.id.clone()), ready_by: ready_by.to_string() })
    }

    /// The day by which it is there. A slot that ends at midnight is one of the day before.
    fn deliver_by(order: &Order, fulfillment: &FulfillmentOrder, catalogue: &Catalogue) -> Option<Date> {
        let brought_on = || {
            let until = order.brought_until(fulfillment)?;
            Some(day_at(catalogue.node(fulfillment.node), until.0.saturating_sub(1)))
        };
        order.deliver_by(fulfillment.number).or_else(brought_on)
    }

    fn named(fulfillment: &FulfillmentOrder, order_name: &str, names: &OrderLines<'_>) -> Self {
        let order = names.order;
        let lines = fulfillment.lines.iter().map(|part| {
            let (line, sku) = names.line(part.line);
            FulfillmentLineJson {
                line: Id(line.clone()),
                sku: Sku(sku.clone()),
                quantity: part.quantity,
                picked: part.picked,
            }
        });
        let named = |number: u16| FulfillmentKey { order: order.key, number }.to_string();
        let group = &order.facts.destinations[usize::from(fulfillment.group)].group;
        Self {
            id: named(fulfillment.number),
            order: order_name.to_owned(),
            node: Id(names.catalogue.node(fulfillment.node).id.clone()),
            status: order.shown(fulfillment),
            group: (fulfillment.group > 0).then(|| Id(group.clone())),
            lines: lines.collect(),
            store: order.goes_to(fulfillment).map(|store| Id(names.catalogue.node(store).id.clone())),
            ready_by: order.ready_by(fulfillment.number).map(Instant::from),
            deliver_by: Self::deliver_by(order, fulfillment, names.catalogue).map(Day),
            shipment: fulfillment.shipment.as_ref().map(|shipment| ShipmentJson::of(shipment, names.catalogue)),
            tracking: order.tracked(fulfillment.number).map(TrackedJson::from),
            reason: fulfillment.reason.clone().map(Reason),
            ships_with: fulfillment.ships_with.iter().map(ToString::to_string).collect(),
            since: Instant::from(fulfillment.since),
            until: fulfillment.until.map(|until| Instant::from(until.wall)),
            split_from: fulfillment.split_from.map(named),
            merged_into: fulfillment.merged_into.map(named),
            identified: fulfillment.identified.iter().map(|units| IdentifiedJson::of(units, names.catalogue)).collect(),
            dropship: Self::dropship(order, fulfillment, names.catalogue),
        }
    }
}
