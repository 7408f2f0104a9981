//! Transfers: made, changed, shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::inbound::{CameQuantity, RedatedJson, SkuQuantity, units};
use super::page::{Limit, TransferCursor};
use super::reading::shape;
use super::scalar::{CallerId, Id, Instant, Reason, Sku};
use super::words::as_word;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, ReadyTransfer, TransferAction};
use crate::domain::ids::Text;
use crate::domain::redating::RedatedLine;
use crate::domain::time::WallTime;
use crate::domain::transfer::{Transfer, TransferLine, TransferStatus};

shape! {
    /// Units that shall go from one node to another.
    pub struct NewTransfer {
        /// The caller's own id; sent again with the same body it repeats the answer.
        pub id: Option<CallerId>,
        /// Where they go from: they must be free there, and are promised from when it is ready.
        pub from: Id,
        /// Where they go to.
        pub to: Id,
        /// When they come. Without it they count as incoming, and for no date.
        pub eta: Option<Instant>,
        /// What, up to 500 skus, each once.
        pub lines: Vec<SkuQuantity>,
        /// Whether it is only planned: nothing is promised until it is made ready.
        pub draft: Option<bool>,
    }
}

shape! {
    /// Another date.
    #[derive(Copy)]
    pub struct TransferChange {
        /// When it comes.
        pub eta: Instant,
    }
}

shape! {
    /// What came. More than was sent may come; it becomes free at once, or goes to those who wait.
    pub struct TransferReceipt {
        /// Which units; may be left out by whoever closes.
        pub lines: Option<Vec<CameQuantity>>,
        /// No more will come: what is missing is kept as the variance of its line.
        pub close: Option<bool>,
    }
}

shape! {
    /// It will not leave.
    pub struct TransferCancelling {
        /// Why.
        pub reason: Option<Reason>,
    }
}

impl NewTransfer {
    /// The command, with the fingerprint of the body.
    pub fn command(self, fingerprint: u64) -> Command {
        Command::ReadyTransfer(ReadyTransfer {
            id: self.id.map(Text::from),
            fingerprint,
            from: self.from.0,
            to: self.to.0,
            eta: self.eta.map(Instant::wall),
            lines: units(self.lines),
            is_draft: self.draft.unwrap_or(false),
        })
    }
}

impl TransferChange {
    /// The command for one transfer.
    pub fn command(self, transfer: Text) -> Command {
        Command::ChangeTransfer { transfer, action: TransferAction::Redate(self.eta.wall()) }
    }
}

impl TransferReceipt {
    /// The command for one transfer.
    pub fn command(self, transfer: Text) -> Command {
        let lines = self.lines.unwrap_or_default().into_iter().map(Into::into).collect();
        let close = self.close.unwrap_or(false);
        Command::ChangeTransfer { transfer, action: TransferAction::Receive { lines, close } }
    }
}

impl TransferCancelling {
    /// The command for one transfer.
    pub fn command(self, transfer: Text) -> Command {
        Command::ChangeTransfer { transfer, action: TransferAction::Cancel(self.reason.map(Text::from)) }
    }
}

shape! {
    /// Which transfers.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct TransferParams {
        /// From that node.
        #[param(inline)]
        pub from: Option<Id>,
        /// To that node.
        #[param(inline)]
        pub to: Option<Id>,
        /// In that status.
        #[param(inline)]
        pub status: Option<TransferStatus>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<TransferCursor>,
    }
}

/// A transfer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Transfer)]
pub struct TransferJson {
    /// The caller's id, or the generated one.
    pub id: String,
    /// Where it goes from.
    pub from: Id,
    /// Where it goes to.
    pub to: Id,
    /// When it comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Instant>,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub status: TransferStatus,
    /// Whether more may come of it and its time has passed.
    pub late: bool,
    /// When it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<Instant>,
    /// What.
    pub lines: Vec<TransferLineJson>,
    /// Version, from 1.
    pub version: u32,
}

/// A transfer that has another date, and the promises that changed with it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RedatedTransfer {
    /// The transfer.
    #[serde(flatten)]
    pub document: TransferJson,
    /// Whose promises changed.
    pub redated: RedatedJson,
}

impl RedatedTransfer {
    /// A changed transfer as the wall clock has it now.
    pub fn of(transfer: &Transfer, count: u32, first: &[RedatedLine], catalogue: &Catalogue, now: WallTime) -> Self {
        let document = TransferJson::of(transfer, catalogue, now);
        Self { document, redated: RedatedJson::of(count, first, catalogue) }
    }
}

/// Units of one sku of a transfer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TransferLine)]
pub struct TransferLineJson {
    /// The sku.
    pub sku: Sku,
    /// Units that go.
    pub quantity: u32,
    /// Units that left and have not come.
    pub in_transit: u32,
    /// Units that came.
    pub received: u32,
    /// Units that came beyond those sent; negative when some never came. Once it is received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variance: Option<i64>,
}

impl TransferJson {
    /// A transfer as the wall clock has it now.
    pub fn of(transfer: &Transfer, catalogue: &Catalogue, now: WallTime) -> Self {
        let status = transfer.status();
        let moves = matches!(status, TransferStatus::InTransit | TransferStatus::PartiallyReceived);
        let line = |line: &TransferLine| TransferLineJson {
            sku: Sku(catalogue.item(line.sku).sku.clone()),
            quantity: line.quantity,
            in_transit: if moves { line.open() } else { 0 },
            received: line.received,
            variance: (status == TransferStatus::Received).then(|| line.variance()),
        };
        Self {
            id: transfer.name(),
            from: Id(catalogue.node(transfer.from).id.clone()),
            to: Id(catalogue.node(transfer.to).id.clone()),
            eta: transfer.eta.map(Instant::from),
            status,
            late: transfer.is_expected() && transfer.eta.is_some_and(|eta| eta < now),
            dispatched_at: transfer.dispatched_at.map(Instant::from),
            lines: transfer.lines.iter().map(line).collect(),
            version: transfer.version,
        }
    }
}
