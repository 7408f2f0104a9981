//! Returns: asked for, changed, shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::event::Names;
use super::lots::{LotQuantity, names};
use super::order_names::OrderNames;
use super::page::{Limit, ReturnCursor};
use super::reading::{At, Listed, shape};
use super::scalar::{CallerId, Id, Instant, LotId, MoneyJson, Name, Price, Reason, Sku};
use super::tracking::TrackedJson;
use super::words::{as_optional_word, as_word};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, RequestReturn, ReturnAction, ReturnUnits, ReturnedUnits, WantedInstead};
use crate::domain::ids::Text;
use crate::domain::limits::{EXCHANGE_LINES_MAX, RETURN_LINES_MAX};
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;
use crate::domain::return_policy::{Outside, RefundAt};
use crate::domain::returns::{
    ApartKits, Component, Condition, Disposed, Disposition, ExchangeLine, HeldUnits, Return, ReturnLabel, ReturnLine,
    ReturnStatus,
};

shape! {
    /// Units of a line of an order that shall come back.
    pub struct ReturnQuantity {
        /// Id of the order's line.
        pub line: Id,
        /// How many: at most as many as left and were not asked to come back before.
        pub quantity: Quantity,
        /// Why.
        pub reason: Reason,
        /// The state they are said to be in.
        pub condition: Option<Condition>,
    }
}

impl Listed for ReturnQuantity {
    const MOST: usize = RETURN_LINES_MAX;
}

shape! {
    /// What the customer wants instead.
    pub struct ExchangeQuantity {
        /// What.
        pub sku: Sku,
        /// How many.
        pub quantity: Quantity,
        /// Price of one, in the order's currency; that of the order's own line of the sku, else the item's value, when left
        /// out.
        pub unit_price: Option<Price>,
    }
}

impl Listed for ExchangeQuantity {
    const LEAST: usize = 0;
    const MOST: usize = EXCHANGE_LINES_MAX;
}

shape! {
    /// A return that is asked for.
    pub struct NewReturn {
        /// The caller's own id; sent again with the same body it repeats the answer.
        pub id: Option<CallerId>,
        /// The order.
        pub order: Id,
        /// What shall come back: each line of the order once.
        pub lines: Vec<ReturnQuantity>,
        /// What the customer wants instead: an order of its own, its units committed as soon as the return is approved.
        pub exchange: Option<Vec<ExchangeQuantity>>,
        /// Whether nothing shall come back: the units are made good where they are, and written off.
        pub claim: Option<bool>,
    }
}

shape! {
    /// It may come.
    pub struct Approving {
        /// Where all of it shall come to; where it costs least and is worth most when left out.
        pub node: Option<Id>,
    }
}

shape! {
    /// Why, where somebody says so.
    pub struct ReturnReason {
        /// Why.
        pub reason: Option<Reason>,
    }
}

shape! {
    /// A parcel has a label.
    pub struct NewReturnLabel {
        /// Where it goes; to where its units shall come when left out.
        pub node: Option<Id>,
        /// Carrier.
        pub carrier: Name,
        /// Its service.
        pub service: Option<Name>,
        /// Tracking number.
        pub tracking_number: Name,
    }
}

shape! {
    /// Units of a line of a return.
    pub struct ReturnedQuantity {
        /// Id of the order's line. It may be repeated with another condition or disposition.
        pub line: Id,
        /// A component, where the line is of a kit that is looked at in pieces: its units are meant then. A receipt names
        /// those of whole kits, with what is missing of them.
        pub component: Option<Sku>,
        /// How many.
        pub quantity: Quantity,
        /// Their grade; `missing` says that they were not in the parcel.
        pub condition: Option<Condition>,
        /// What becomes of them.
        pub disposition: Option<Disposition>,
        /// Of which lots they are, up to 300, where the item is tracked by lot and they stay.
        pub lots: Option<Vec<LotQuantity>>,
        /// Which they are, up to 300, where the item is tracked by serial number and they stay.
        pub serials: Option<Vec<LotId>>,
    }
}

impl Listed for ReturnedQuantity {
    const MOST: usize = 4 * RETURN_LINES_MAX;
}

impl From<ReturnedQuantity> for ReturnedUnits {
    fn from(one: ReturnedQuantity) -> Self {
        Self {
            line: one.line.0,
            component: one.component.map(|sku| sku.0),
            quantity: one.quantity,
            condition: one.condition,
            disposition: one.disposition,
            names: names(one.lots, one.serials),
        }
    }
}

shape! {
    /// Units that came. With condition and disposition they are settled at once.
    pub struct ReturnReceipt {
        /// Where they came; where they should when left out, or where its labels say. Required where these say several.
        pub node: Option<Id>,
        /// Which.
        pub lines: Vec<ReturnedQuantity>,
    }
}

shape! {
    /// What is said of units that came before.
    pub struct ReturnGrades {
        /// Which.
        pub lines: Vec<ReturnedQuantity>,
    }
}

shape! {
    /// Money that went back.
    #[derive(Copy)]
    pub struct NewRefund {
        /// How much, above zero, in the order's currency.
        pub amount: Price,
    }
    check = NewRefund::judge;
}

impl NewReturn {
    /// The command, with the fingerprint of the body.
    pub fn command(self, fingerprint: u64) -> Command {
        let line = |line: ReturnQuantity| ReturnUnits {
            line: line.line.0,
            quantity: line.quantity,
            reason: line.reason.0,
            condition: line.condition,
        };
        let wanted = |wanted: ExchangeQuantity| WantedInstead {
            sku: wanted.sku.0,
            quantity: wanted.quantity,
            unit_price: wanted.unit_price.map(Money::from),
        };
        Command::RequestReturn(Box::new(RequestReturn {
            id: self.id.map(Text::from),
            fingerprint,
            order: self.order.0,
            lines: self.lines.into_iter().map(line).collect(),
            exchange: self.exchange.unwrap_or_default().into_iter().map(wanted).collect(),
            is_claim: self.claim.unwrap_or(false),
        }))
    }
}

fn units(lines: Vec<ReturnedQuantity>) -> Vec<ReturnedUnits> {
    lines.into_iter().map(ReturnedUnits::from).collect()
}

impl Approving {
    /// What happens to the return.
    pub fn action(self) -> ReturnAction {
        ReturnAction::Approve { node: self.node.map(|node| node.0) }
    }
}

impl ReturnReason {
    /// It may not come.
    pub fn declined(self) -> ReturnAction {
        ReturnAction::Decline(self.reason.map(Text::from))
    }

    /// Nobody wants it any more.
    pub fn cancelled(self) -> ReturnAction {
        ReturnAction::Cancel(self.reason.map(Text::from))
    }

    /// No more money goes back.
    pub fn closed(self) -> ReturnAction {
        ReturnAction::Close(self.reason.map(Text::from))
    }
}

impl NewReturnLabel {
    /// What happens to the return.
    pub fn action(self) -> ReturnAction {
        ReturnAction::Label {
            node: self.node.map(|node| node.0),
            carrier: self.carrier.0,
            service: self.service.map(|service| service.0),
            tracking_number: self.tracking_number.0,
        }
    }
}

impl ReturnReceipt {
    /// What happens to the return.
    pub fn action(self) -> ReturnAction {
        ReturnAction::Receive { node: self.node.map(|node| node.0), lines: units(self.lines) }
    }
}

impl ReturnGrades {
    /// They are graded.
    pub fn inspected(self) -> ReturnAction {
        ReturnAction::Inspect(units(self.lines))
    }

    /// It is said what becomes of them.
    pub fn disposed(self) -> ReturnAction {
        ReturnAction::Dispose(units(self.lines))
    }
}

impl NewRefund {
    fn judge(&self, at: &At<'_>) {
        if self.amount.amount.0 <= 0 {
            at.field("amount").field("amount").fault::<()>("amount_out_of_range", "must be above zero");
        }
    }

    /// What happens to the return.
    pub fn action(self) -> ReturnAction {
        ReturnAction::Refund(self.amount.into())
    }
}

shape! {
    /// Which returns.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct ReturnParams {
        /// Of that order.
        #[param(inline)]
        pub order: Option<Id>,
        /// That have lines which shall come, or came, to that node.
        #[param(inline)]
        pub node: Option<Id>,
        /// In that status.
        #[param(inline)]
        pub status: Option<ReturnStatus>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<ReturnCursor>,
    }
}

/// A return.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Return)]
pub struct ReturnJson {
    /// The caller's id, or the generated one.
    pub id: String,
    /// The order.
    pub order: String,
    /// Where it stands; read off what came and what was decided about it.
    #[serde(serialize_with = "as_word")]
    pub status: ReturnStatus,
    /// Whether nothing comes back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub claim: bool,
    /// What.
    pub lines: Vec<ReturnLineJson>,
    /// What the customer gets instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchange: Vec<ExchangeLineJson>,
    /// The order that gives it to him.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// How much more that costs than what comes back is worth; below zero less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<MoneyJson>,
    /// Money of the order that went to the one that replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credited: Option<MoneyJson>,
    /// From when on money may go back.
    #[serde(serialize_with = "as_word")]
    pub refund_at: RefundAt,
    /// Money that may go back by now, by the terms of the return, what went back already included and without what is for
    /// what he gets instead. Never more goes back than was paid of the order.
    pub refundable: MoneyJson,
    /// Money that went back.
    pub refunded: MoneyJson,
    /// Its parcels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<ReturnLabelJson>,
    /// When it was asked for.
    pub requested_at: Instant,
    /// When it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Instant>,
    /// When it expires if nothing comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// Why it ended so, when somebody said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Version, from 1.
    pub version: u32,
}

/// Units of a line of an order that come back.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReturnLine)]
pub struct ReturnLineJson {
    /// Id of the order's line.
    pub line: Id,
    /// The sku.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// Why.
    pub reason: Reason,
    /// The state they are said to be in.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_optional_word")]
    pub condition: Option<Condition>,
    /// Why the policy does not take them.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_optional_word")]
    pub outside_policy: Option<Outside>,
    /// Where they shall come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Id>,
    /// What they are worth to the customer.
    pub value: MoneyJson,
    /// Units that came.
    pub received: u32,
    /// Units that were not in the parcel.
    pub missing: u32,
    /// Units that came and of which nobody has said what becomes of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldJson>,
    /// Units of which was said what becomes of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dispositions: Vec<DispositionJson>,
    /// Components of its kits, where some of them are looked at in pieces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ReturnComponentJson>,
}

/// A component of the kits of a line that are looked at in pieces.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReturnComponent)]
pub struct ReturnComponentJson {
    /// The component.
    pub sku: Sku,
    /// Units of it in those kits.
    pub quantity: u32,
    /// What they are worth to the customer: their share of their kits, by the values of the items, or by units where one of
    /// them has none.
    pub value: MoneyJson,
    /// Units that were not in the box.
    pub missing: u32,
    /// Units of which nobody has said what becomes of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldJson>,
    /// Units of which was said what becomes of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dispositions: Vec<DispositionJson>,
}

/// Units that came and of which nobody has said what becomes of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReturnHeld)]
pub struct HeldJson {
    /// Where they are.
    pub node: Id,
    /// Their grade, once somebody looked.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_optional_word")]
    pub condition: Option<Condition>,
    /// How many.
    pub quantity: u32,
}

/// Units of which was said what becomes of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReturnDisposition)]
pub struct DispositionJson {
    /// Where they came to.
    pub node: Id,
    /// Their grade.
    #[serde(serialize_with = "as_word")]
    pub condition: Condition,
    /// What becomes of them.
    #[serde(serialize_with = "as_word")]
    pub disposition: Disposition,
    /// How many.
    pub quantity: u32,
}

/// What the customer gets instead.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ExchangeLine)]
pub struct ExchangeLineJson {
    /// The sku.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: MoneyJson,
}

/// A parcel on its way back.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReturnLabel)]
pub struct ReturnLabelJson {
    /// Where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Id>,
    /// Carrier.
    pub carrier: Name,
    /// Its service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// Tracking number.
    pub tracking_number: Name,
    /// Where its carrier shows where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    /// Where it is, once its carrier told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<TrackedJson>,
}

impl ReturnJson {
    /// A return.
    pub fn of(known: &Return, catalogue: &Catalogue, orders: &OrderNames<'_>) -> Self {
        let money = |amount| MoneyJson::from(Money { amount, currency: known.currency });
        let exchange = |line: &ExchangeLine| ExchangeLineJson {
            sku: Sku(catalogue.item(line.sku).sku.clone()),
            quantity: line.quantity,
            unit_price: money(line.unit_price),
        };
        let label = |(number, label): (u16, &ReturnLabel)| ReturnLabelJson {
            node: label.node.map(|node| Id(catalogue.node(node).id.clone())),
            carrier: Name(label.carrier.clone()),
            service: label.service.clone().map(Name),
            tracking_number: Name(label.tracking_number.clone()),
            tracking_url: catalogue.shipping().tracking_url(&label.carrier, &label.tracking_number),
            tracking: known.tracked(number).map(TrackedJson::from),
        };
        Self {
            id: known.name(),
            order: known.order_name.to_string(),
            status: known.status(),
            claim: known.terms.is_claim,
            lines: (0..).zip(&known.lines).map(|(at, line)| ReturnLineJson::of(known, (at, line), catalogue)).collect(),
            exchange: known.exchange.iter().map(exchange).collect(),
            replacement: known.replacement.map(|key| orders.order(key)),
            difference: (!known.exchange.is_empty()).then(|| money(known.difference())),
            credited: (known.credited != 0).then(|| money(known.credited)),
            refund_at: known.terms.refund_at,
            refundable: money(known.refundable()),
            refunded: money(known.refunded),
            labels: (1..).zip(&known.labels).map(label).collect(),
            requested_at: known.requested_at.into(),
            approved_at: known.approved_at.map(Instant::from),
            expires_at: known.expires_at.map(|at| at.wall.into()),
            ended_at: known.ended_at.map(Instant::from),
            reason: known.end.clone().and_then(|(_, reason)| reason).map(Reason),
            version: known.version,
        }
    }
}

impl HeldJson {
    fn all(held: &[HeldUnits], catalogue: &Catalogue) -> Vec<Self> {
        let one = |held: &HeldUnits| Self {
            node: Id(Names::node(catalogue, held.node).as_str().into()),
            condition: held.condition,
            quantity: held.units,
        };
        held.iter().map(one).collect()
    }
}

impl DispositionJson {
    fn all(disposed: &[Disposed], catalogue: &Catalogue) -> Vec<Self> {
        let one = |disposed: &Disposed| Self {
            node: Id(Names::node(catalogue, disposed.node).as_str().into()),
            condition: disposed.condition,
            disposition: disposed.disposition,
            quantity: disposed.units,
        };
        disposed.iter().map(one).collect()
    }
}

impl ReturnLineJson {
    fn of(known: &Return, (at, line): (u16, &ReturnLine), catalogue: &Catalogue) -> Self {
        let node = |node| Id(Names::node(catalogue, node).as_str().into());
        let money = |amount| MoneyJson::from(Money { amount, currency: known.currency });
        let component = |kits: &ApartKits, own: &Component| ReturnComponentJson {
            sku: Sku(catalogue.item(own.part.sku).sku.clone()),
            quantity: own.part.each.saturating_mul(kits.kits),
            value: money(line.value_of(kits, own)),
            missing: own.missing,
            held: HeldJson::all(&own.held, catalogue),
            dispositions: DispositionJson::all(&own.disposed, catalogue),
        };
        let kits = known.apart(at);
        let components = kits.into_iter().flat_map(|kits| kits.components.iter().map(|own| component(kits, own)));
        Self {
            line: Id(line.id.clone()),
            sku: Sku(catalogue.item(line.sku).sku.clone()),
            quantity: line.quantity,
            reason: Reason(line.reason.clone()),
            condition: line.stated,
            outside_policy: line.outside,
            node: line.node.map(node),
            value: money(line.value),
            received: line.received,
            missing: line.missing,
            held: HeldJson::all(&line.held, catalogue),
            dispositions: DispositionJson::all(&line.disposed, catalogue),
            components: components.collect(),
        }
    }
}
