//! Supply on its way: announced, changed, shown; and who waits for what.

use serde::Serialize;
use utoipa::ToSchema;

use super::lots::{LotQuantity, names};
use super::page::{InboundCursor, Limit};
use super::reading::{Listed, shape};
use super::scalar::{CallerId, Id, Instant, LotId, Name, Reason, Sku};
use super::words::as_word;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{AnnounceInbound, CameUnits, Command, InboundAction, SkuUnits};
use crate::domain::ids::Text;
use crate::domain::inbound::{Coming, Inbound, InboundLine, InboundStatus, Peg, SupplyKey};
use crate::domain::limits::INBOUND_LINES_MAX;
use crate::domain::order::Order;
use crate::domain::quantity::Quantity;
use crate::domain::redating::RedatedLine;
use crate::domain::time::WallTime;

shape! {
    /// Supply that will come to a node: a purchase, an advance shipping notice.
    pub struct NewInbound {
        /// The caller's own id; sent again with the same body it repeats the answer.
        pub id: Option<CallerId>,
        /// Where it comes to.
        pub node: Id,
        /// From whom.
        pub supplier: Option<Name>,
        /// When.
        pub eta: Instant,
        /// What, up to 500 skus, each once.
        pub lines: Vec<SkuQuantity>,
    }
}

shape! {
    /// Units of one sku.
    pub struct SkuQuantity {
        /// The sku.
        pub sku: Sku,
        /// How many.
        pub quantity: Quantity,
    }
}

impl Listed for SkuQuantity {
    const MOST: usize = INBOUND_LINES_MAX;
}

shape! {
    /// Units of one sku that came.
    pub struct CameQuantity {
        /// The sku.
        pub sku: Sku,
        /// How many.
        pub quantity: Quantity,
        /// Of which lots they are, up to 300, where the item is tracked by lot. Of the rest nobody says.
        pub lots: Option<Vec<LotQuantity>>,
        /// Which they are, up to 300, where the item is tracked by serial number.
        pub serials: Option<Vec<LotId>>,
    }
}

impl Listed for CameQuantity {
    const MOST: usize = INBOUND_LINES_MAX;
}

impl From<CameQuantity> for CameUnits {
    fn from(came: CameQuantity) -> Self {
        Self { units: SkuUnits { sku: came.sku.0, quantity: came.quantity }, names: names(came.lots, came.serials) }
    }
}

shape! {
    /// Another date.
    #[derive(Copy)]
    pub struct InboundChange {
        /// When it comes.
        pub eta: Instant,
    }
}

shape! {
    /// What came. More than was announced may come; it becomes free at once, or goes to those who wait.
    pub struct Receipt {
        /// Which units.
        pub lines: Vec<CameQuantity>,
    }
}

shape! {
    /// What has not come will not.
    pub struct CallingOff {
        /// Why.
        pub reason: Option<Reason>,
    }
}

pub(super) fn units(lines: Vec<SkuQuantity>) -> Vec<SkuUnits> {
    lines.into_iter().map(|line| SkuUnits { sku: line.sku.0, quantity: line.quantity }).collect()
}

impl NewInbound {
    /// The command, with the fingerprint of the body.
    pub fn command(self, fingerprint: u64) -> Command {
        Command::AnnounceInbound(AnnounceInbound {
            id: self.id.map(Text::from),
            fingerprint,
            node: self.node.0,
            supplier: self.supplier.map(|name| name.0),
            eta: self.eta.wall(),
            lines: units(self.lines),
        })
    }
}

impl InboundChange {
    /// The command for one document.
    pub fn command(self, inbound: Text) -> Command {
        Command::ChangeInbound { inbound, action: InboundAction::Redate(self.eta.wall()) }
    }
}

impl Receipt {
    /// The command for one document.
    pub fn command(self, inbound: Text) -> Command {
        Command::ChangeInbound {
            inbound,
            action: InboundAction::Receive(self.lines.into_iter().map(Into::into).collect()),
        }
    }
}

impl CallingOff {
    /// The command for one document.
    pub fn command(self, inbound: Text) -> Command {
        Command::ChangeInbound { inbound, action: InboundAction::End(self.reason.map(Text::from)) }
    }
}

shape! {
    /// Which documents.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct InboundParams {
        /// To that node.
        #[param(inline)]
        pub node: Option<Id>,
        /// In that status.
        #[param(inline)]
        pub status: Option<InboundStatus>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<InboundCursor>,
    }
}

/// A document of inbound supply.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Inbound)]
pub struct InboundJson {
    /// The caller's id, or the generated one.
    pub id: String,
    /// Where it comes to.
    pub node: Id,
    /// From whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Name>,
    /// When.
    pub eta: Instant,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub status: InboundStatus,
    /// Whether it is open and its time has passed.
    pub late: bool,
    /// When it was bought for orders that wait, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bought_at: Option<Instant>,
    /// What.
    pub lines: Vec<InboundLineJson>,
    /// Version, from 1.
    pub version: u32,
}

/// A document of inbound supply that was changed, and the promises that changed with it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RedatedInbound {
    /// The document.
    #[serde(flatten)]
    pub document: InboundJson,
    /// Whose promises changed.
    pub redated: RedatedJson,
}

/// Waiting lines that are promised another day.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Redated)]
pub struct RedatedJson {
    /// How many.
    pub count: u32,
    /// The first of them, in the order in which they are served; at most 100.
    pub items: Vec<RedatedLineJson>,
}

/// A waiting line that is promised another day: that on which the last of its units comes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RedatedLine)]
pub struct RedatedLineJson {
    /// The order.
    pub order: String,
    /// Id of its line.
    pub line: Id,
    /// The sku.
    pub sku: Sku,
    /// Units that wait for what is on its way.
    pub quantity: u32,
    /// The day it was promised; `null` when nothing was announced for it.
    pub was: Option<Instant>,
    /// The day it is promised now; `null` when nothing is announced for it.
    pub now: Option<Instant>,
}

impl RedatedJson {
    /// How many promises changed, and the first of them.
    pub fn of(count: u32, first: &[RedatedLine], catalogue: &Catalogue) -> Self {
        let line = |line: &RedatedLine| RedatedLineJson {
            order: line.order.clone(),
            line: Id(line.line.clone()),
            sku: Sku(catalogue.item(line.told.sku).sku.clone()),
            quantity: line.told.units,
            was: line.told.was.map(Instant::from),
            now: line.told.now.map(Instant::from),
        };
        Self { count, items: first.iter().map(line).collect() }
    }
}

impl RedatedInbound {
    /// A changed document as the wall clock has it now.
    pub fn of(inbound: &Inbound, count: u32, first: &[RedatedLine], catalogue: &Catalogue, now: WallTime) -> Self {
        let document = InboundJson::of(inbound, catalogue, now);
        Self { document, redated: RedatedJson::of(count, first, catalogue) }
    }
}

/// Units of one sku of a document.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = InboundLine)]
pub struct InboundLineJson {
    /// The sku.
    pub sku: Sku,
    /// Units announced.
    pub expected: u32,
    /// Units that came.
    pub received: u32,
}

impl InboundJson {
    /// A document as the wall clock has it now.
    pub fn of(inbound: &Inbound, catalogue: &Catalogue, now: WallTime) -> Self {
        let line = |line: &InboundLine| InboundLineJson {
            sku: Sku(catalogue.item(line.sku).sku.clone()),
            expected: line.expected,
            received: line.received,
        };
        let status = inbound.status();
        Self {
            id: inbound.name(),
            node: Id(catalogue.node(inbound.node).id.clone()),
            supplier: inbound.supplier.clone().map(Name),
            eta: inbound.eta.into(),
            status,
            late: status.is_open() && inbound.eta < now,
            bought_at: inbound.bought_at.map(Instant::from),
            lines: inbound.lines.iter().map(line).collect(),
            version: inbound.version,
        }
    }
}

/// Waiting units of an order's line, and what they wait for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Peg)]
pub struct PegJson {
    /// The order.
    pub order: String,
    /// Id of its line.
    pub line: Id,
    /// The sku.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// The document of inbound supply; `null` when it is a transfer, or nothing is announced for them.
    pub inbound: Option<String>,
    /// The transfer, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    /// Where it comes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Id>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Instant>,
}

impl PegJson {
    /// A peg of an order; `named` gives the name of a document.
    pub fn of(peg: &Peg, order: &Order, named: impl Fn(&Peg) -> Option<String>, catalogue: &Catalogue) -> Self {
        let is_transfer = matches!(peg.supply.map(|supply| supply.document), Some(SupplyKey::Transfer(_)));
        let document = named(peg);
        let (inbound, transfer) = if is_transfer { (None, document) } else { (document, None) };
        Self {
            order: order.name(),
            line: Id(order.lines[usize::from(peg.line)].placed.id.clone()),
            sku: Sku(catalogue.item(peg.sku).sku.clone()),
            quantity: peg.units,
            inbound,
            transfer,
            node: peg.supply.map(|supply| Id(catalogue.node(supply.node).id.clone())),
            eta: peg.supply.filter(|supply| supply.at != Coming::SOME_DAY).map(|supply| supply.at.into()),
        }
    }
}
