//! The engine: stock and open orders in memory, taken lock-free, changed only together with the log.
//!
//! **Phases of a command** ([`Engine::execute`]): claim names → lock entities → lock ledgers (gives, joins and
//! corrections only) → decide → make the record's bytes → take → append → give → fold. Everything held is taken in one
//! ascending order: catalogue guard, names, reservations, orders, ledgers by sku, words by (sku, node), append.
//!
//! **Cost.** A checkout that finds its units takes no ledger: one compare-and-swap per cell, plus one to clear each mark
//! when there are several. A give locks one mutex per sku.
//!
//! | file | what |
//! |---|---|
//! | `cell` | the contended word; the only file with memory orderings |
//! | `stock` | what memory holds of each sku: a front that is found by name, and what is behind it |
//! | `shares` | the small decisions, pure |
//! | `withdrawal` | all or nothing over words |
//! | `limits` | how much of a sku each channel may have: one more word before its cells |
//! | `ledger`, `due`, `loose` | what one mutex per sku protects; who holds units until when; who may not have units of any node |
//! | `change`, `turn` | stock of one record: decide, withdraw, log, apply |
//! | `routing`, `allocate`, `place`, `queue` | orders: route, take or join, fill |
//! | `rules`, `fences`, `preview` | versions of rule sets; who may not ship by them; what a version would change |
//! | `shadow` | versions of rule sets that run beside the live ones |
//! | `scoring` | decisions by a score that others source by, to be compared with |
//! | `whatif` | the orders of a journal, decided again under other rules, rates, stock, nodes or demand |
//! | `reserve`, `batch`, `expire` | reservations, one by one and many in one record |
//! | `slots` | places at a time, taken with an order's stock |
//! | `weighing` | what carriers and nodes ask, for the kernel in full; the plan in money by term |
//! | `workload`, `room` | shipments of a day, counted against what a node can handle; who waits for room |
//! | `collection` | codes and arrivals of who comes for what is ready |
//! | `bins`, `wave`, `pick_task` | where things lie, waves planned and released, tasks of picking and what they come to |
//! | `address` | how addresses of a country are written, and orders judged by it |
//! | `adjust`, `fulfill`, `cancel`, `catalogue` | stock from outside, steps of fulfilment, cancellations, nodes, items and channels |
//! | `shipping` | carriers, calendars and zones; what it costs to send something |
//! | `count`, `cycle_count`, `past` | counts merged with what happened since they were made |
//! | `optimise`, `replan`, `replanning` | many open orders planned again together, proposed and applied; when that is done by itself |
//! | `opportunity` | what stock and shipments are worth to orders to come, found from those of the past |
//! | `rearrange`, `window`, `order_clocks` | fulfilment orders moved, split, merged; what the clock does to them, and to orders |
//! | `closure` | nodes that the clock switches off and on |
//! | `exception`, `policy` | cases somebody should look at; what was decided as data |
//! | `hold`, `inbound`, `redate` | holds of orders and their ends, payments; supply on its way, who waits for it, whose day changes |
//! | `purchase`, `lacking` | what is bought when it is ordered; what lacks, and where |
//! | `returns`, `return_request`, `return_parts`, `return_stock`, `return_nodes`, `exchange` | units that come back: asked for, received, where to, and what the customer gets instead |
//! | `return_tracking` | their parcels, as carriers tell of them |
//! | `transfer` | units that go from one node to another |
//! | `lots` | of which lot units are, or which they are; and what expires |
//! | `safety` | what the clock withholds by policy |
//! | `edit` | edits of orders: planned, set aside, confirmed in one record |
//! | `consolidate`, `split`, `merge` | orders that share shipments; units that become an order of their own; two orders that become one |
//! | `subscription` | schedules that place orders |
//! | `draft` | orders that are not placed yet |
//! | `release`, `deferral`, `soonest` | items that are released, orders that rest, and what the clock does of both |
//! | `archive` | orders that leave memory, and come back |
//! | `start`, `settle`, `read`, `then` | from a state, paid; reads; what a repeated request was answered |
//!
//! What is *not* here: bytes and disk (`journal`), JSON (`api`), waiting for durability (`pipeline`).

mod address;
mod adjust;
mod allocate;
mod archive;
mod arriving;
mod batch;
mod bins;
mod cancel;
mod carton;
mod catalogue;
pub mod cell;
mod change;
mod closure;
mod collection;
mod consolidate;
mod count;
mod cycle_count;
mod deferral;
mod delivery;
mod dispatch;
mod documents;
mod draft;
mod due;
mod edit;
mod exception;
mod exchange;
mod expire;
mod fences;
mod fulfill;
mod hold;
mod import;
mod inbound;
mod lacking;
mod learned;
mod ledger;
mod limits;
mod lockers;
mod loose;
mod lots;
mod merge;
mod network;
mod opportunity;
mod optimise;
mod order_clocks;
mod order_rules;
mod past;
mod pick_list;
mod pick_task;
mod place;
mod policy;
mod preview;
mod purchase;
mod queue;
mod read;
mod readiness;
mod rearrange;
mod redate;
mod refused;
mod release;
mod replan;
mod replanning;
mod reserve;
mod return_kits;
mod return_nodes;
mod return_parts;
mod return_request;
mod return_stock;
mod return_tracking;
mod returns;
mod room;
mod routing;
mod rules;
mod safety;
mod scoring;
mod settle;
mod shadow;
pub mod shares;
mod shipping;
mod slots;
mod soonest;
mod split;
mod start;
mod step_stock;
pub(crate) mod stock;
mod subscription;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod then;
mod tracking;
mod transfer;
mod transit;
mod turn;
mod warranty;
mod wave;
mod weighing;
pub mod whatif;
mod window;
mod withdrawal;
mod workload;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU64};

use crossbeam::queue::SegQueue;
use crossbeam::sync::ShardedLock;
use parking_lot::Mutex;

use crate::domain::archive::Archive;
use crate::domain::command::{Command, Context, IdempotencyKey};
use crate::domain::cycle_count::CycleCount;
use crate::domain::draft::Draft;
use crate::domain::event::Answer;
use crate::domain::ids::{
    CycleCountKey, DraftKey, InboundKey, NodeIndex, OrderKey, ReservationKey, ReturnKey, SkuIndex, SubscriptionKey,
    TransferKey, WaveKey,
};
use crate::domain::inbound::Inbound;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::{Outcome, Reply};
use crate::domain::reservation::Reservation;
use crate::domain::returns::Return;
use crate::domain::subscription::Subscription;
use crate::domain::time::JournalTime;
use crate::domain::transfer::Transfer;
use crate::domain::wave::Wave;
use archive::Leaving;
pub use archive::Naming;
use collection::Collections;
use dispatch::Dispatches;
use due::Run;
use exception::Exceptions;
use expire::Agenda;
use inbound::Arrivals;
use lockers::AllLockers;
use lots::Appointments;
use network::Network;
pub use preview::{Compared, Preview, Shipped};
use purchase::Purchases;
pub use read::{Atp, AtpAsked, StockView};
pub use readiness::QuotedPickup;
use returns::Returning;
pub use shadow::Shadowed;
pub use shipping::{QuotedShipment, RatesFound};
use soonest::Soonest;
use table::{Name, Named, Names, Table};
pub use then::Kept;
pub use transit::LaneTold;
use turn::Turn;
use wave::Floor;

/// See the module.
#[derive(Debug)]
pub struct Engine {
    /// Nodes, items, rules and cells.
    network: ShardedLock<Network>,
    orders: Table<OrderKey, Arc<Order>>,
    reservations: Table<ReservationKey, Reservation>,
    inbound: Table<InboundKey, Inbound>,
    transfers: Table<TransferKey, Transfer>,
    cycle_counts: Table<CycleCountKey, CycleCount>,
    returns: Table<ReturnKey, Return>,
    /// Units that open returns shall bring, by node.
    returning: Returning,
    /// Returns the clock looks at. Stale entries are harmless.
    returns_due: Soonest<ReturnKey>,
    /// Skus of which units wait for a day on which a node can handle them.
    room_awaited: room::RoomAwaited,
    waves: Table<WaveKey, Wave>,
    drafts: Table<DraftKey, Draft>,
    /// Drafts by the instant at which they end. Stale entries are harmless.
    drafts_due: Soonest<DraftKey>,
    /// Plans of many orders that were proposed.
    optimisations: optimise::Optimisations,
    /// Receipts and outages for which open orders are to be planned again.
    occasions: replanning::Occasions,
    /// Stock as it was when it was found out last what it is worth to orders to come.
    foreseen: opportunity::Foreseen,
    /// Held by whoever plans many orders together: one at a time, since that takes memory.
    looking: parking_lot::Mutex<()>,
    /// What picking knows beside its waves.
    floor: Floor,
    /// Who comes for fulfilment orders that are ready.
    collections: Collections,
    /// Parcels with numbers, and manifests.
    dispatches: Dispatches,
    /// Lockers of nodes.
    lockers: AllLockers,
    /// What of the documents and transfers has not come, by sku.
    arrivals: Arrivals,
    /// Which of the documents were bought for demand that waits.
    purchases: Purchases,
    /// Callers' ids, channel order ids, idempotency keys.
    names: Names,
    /// The clock's own heap, and what commands put before it without a lock.
    agenda: Mutex<Agenda>,
    agenda_inbox: SegQueue<Run>,
    /// Reservations that ended, oldest first: forgotten after their window.
    ended: Mutex<VecDeque<(JournalTime, ReservationKey)>>,
    /// Documents of inbound supply that ended, oldest first: forgotten after their window.
    ended_inbound: Mutex<VecDeque<(JournalTime, InboundKey)>>,
    /// Transfers that ended, likewise.
    ended_transfers: Mutex<VecDeque<(JournalTime, TransferKey)>>,
    /// Cycle counts that ended, likewise.
    ended_counts: Mutex<VecDeque<(JournalTime, CycleCountKey)>>,
    /// Returns that ended, likewise.
    ended_returns: Mutex<VecDeque<(JournalTime, ReturnKey)>>,
    /// Waves that ended, likewise.
    ended_waves: Mutex<VecDeque<(JournalTime, WaveKey)>>,
    /// Drafts that ended, likewise.
    ended_drafts: Mutex<VecDeque<(JournalTime, DraftKey)>>,
    /// Idempotency keys, oldest first: forgotten after their window.
    keys_used: Mutex<VecDeque<(JournalTime, u128)>>,
    /// Orders whose units could not be looked for because stock was contended: the clock looks again.
    left_over: SegQueue<OrderKey>,
    /// Orders of which a node that is switched off has something to begin.
    idle: SegQueue<OrderKey>,
    /// Holds that end by themselves.
    holds_due: Soonest<(OrderKey, u16)>,
    /// Edits that can be confirmed, by the instant from which they cannot.
    edits_due: Soonest<(OrderKey, u16)>,
    /// Items by the instant of their release, and orders that rest by that of their allocation.
    releases_due: Soonest<SkuIndex>,
    /// Nodes by when a closure of them begins or is over.
    closures_due: Soonest<NodeIndex>,
    /// Skus of which a lot will expire.
    lots_due: Mutex<Appointments>,
    deferrals_due: Soonest<OrderKey>,
    subscriptions: Table<SubscriptionKey, Subscription>,
    /// Subscriptions by the instant of their next order.
    subscriptions_due: Soonest<SubscriptionKey>,
    /// Who keeps what left memory; nobody in a world without files.
    archive: Option<Arc<dyn Archive>>,
    archive_after_ms: AtomicI64,
    leaving: Mutex<Leaving>,
    /// Orders that the clock cancels by policy.
    cancels_due: Soonest<OrderKey>,
    /// Fulfilment orders that the clock takes on.
    windows_due: Soonest<(OrderKey, u16)>,
    /// What somebody should look at.
    exceptions: Exceptions,
    /// Versions of rule sets that run beside the live ones.
    shadows: shadow::Shadows,
    /// When a version of a rule set is to be activated next, on the journal's clock.
    rules_due: AtomicI64,
    next_key: AtomicU64,
    position: AtomicU64,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed {
    /// It was carried out (or there was nothing to do).
    Done(Outcome),
    /// It was carried out before, with that record: the answer is rendered again from it.
    Repeat {
        /// The record.
        seq: u64,
        /// How the answer is found in it, unless the record itself says.
        answer: Answer,
    },
    /// The same, where the record's own [`crate::domain::event::KeyUsed`] says how.
    RepeatKey {
        /// The record.
        seq: u64,
    },
}

impl Executed {
    fn done(reply: Reply, seq: u64) -> Self {
        Self::Done(Outcome { reply, seq, replayed: false })
    }
}

/// The first request with a key, where its name stands for one.
fn repeat_of(key: &IdempotencyKey, taken: Option<Named>) -> Result<Option<Executed>, Rejection> {
    match taken {
        Some(Named::Record(seq, fingerprint)) if fingerprint == key.fingerprint => {
            Ok(Some(Executed::RepeatKey { seq }))
        }
        Some(Named::Record(..)) => Err(Rejection::KeyReused),
        _ => Ok(None),
    }
}

impl Engine {
    /// What was carried out for this request before, where it is a repeat: for whoever can no longer make its command, since
    /// what that is about has changed. Waits for a first request that is in flight.
    pub fn repeated(&self, context: &Context) -> Result<Option<Executed>, Rejection> {
        let Some(key) = &context.key else { return Ok(None) };
        repeat_of(key, self.names.find(&Name::Key(key.hash)))
    }

    /// Carries out a command: validates, takes stock, appends while what it touches is locked, gives. The reply may be
    /// told only when the record of `seq` is durable.
    pub fn execute(&self, log: &dyn Log, context: &Context, command: Command) -> Result<Executed, Rejection> {
        self.rules_come_first(log);
        if self.rests(&command) {
            self.recall(&command, log.now().journal)?;
        }
        let claim = context.key.map(|key| (key, self.names.claim(Name::Key(key.hash))));
        if let Some((key, claim)) = &claim
            && let Some(repeat) = repeat_of(key, claim.taken())?
        {
            return Ok(repeat);
        }
        let turn = Turn::new(log, context, claim.map(|(_, claim)| claim));
        match command {
            Command::PutNode(node) => self.put_node(&turn, *node),
            Command::PatchNode { node, patch } => self.patch_node(&turn, &node, *patch),
            Command::PutItem(item) => self.put_item(&turn, *item),
            Command::PutRules(put) => self.put_rules(&turn, &put),
            Command::ActivateRules(activate) => self.activate_rules(&turn, &activate),
            Command::AdjustLots(named) => self.adjust_lots(&turn, &named),
            Command::AdjustStock(adjustments) => self.adjust_stock(&turn, &adjustments),
            Command::MoveStock(moves) => self.move_stock(&turn, &moves),
            Command::SetOnHand(set) => self.set_on_hand(&turn, &set),
            Command::Reserve(reserve) => self.reserve(&turn, &reserve),
            Command::ChangeReservation(change) => self.change_reservation(&turn, &change),
            Command::ReleaseReservation { reservation } => self.release_reservation(&turn, &reservation),
            Command::PlaceOrder(order) => self.place_order(&turn, &order),
            Command::BeginDraft(begin) => self.begin_draft(&turn, &begin),
            Command::ChangeDraft(change) => self.change_draft(&turn, &change),
            Command::HoldDraft(hold) => self.hold_draft(&turn, hold),
            Command::PlaceDraft(place) => self.place_draft(&turn, *place),
            Command::DiscardDraft { draft } => self.discard_draft(&turn, &draft),
            Command::ImportOrder(past) => self.import_order(&turn, &past),
            Command::RouteOrder { order } => self.route_order(&turn, &order),
            Command::AllocateOrder { order } => self.allocate_order(&turn, &order),
            Command::CancelOrder(cancel) => self.cancel_order(&turn, &cancel),
            Command::Fulfill(fulfill) => self.fulfill(&turn, &fulfill),
            Command::PutHold(put) => self.put_hold(&turn, &put),
            Command::EndHold(end) => self.end_hold(&turn, &end),
            Command::ReportPayment(report) => self.report_payment(&turn, &report),
            Command::PutShipping(terms) => self.put_shipping(&turn, *terms),
            Command::PutChannel(put) => self.put_channel(&turn, *put),
            Command::PutSlots(put) => self.put_slots(&turn, &put),
            Command::PutLockers(put) => self.put_lockers(&turn, &put),
            Command::PutAddressFormat(format) => self.put_address_format(&turn, *format),
            Command::PutCarton(put) => self.put_carton(&turn, *put),
            Command::Consolidate(join) => self.consolidate(&turn, &join),
            Command::SplitOrder(split) => self.split_order(&turn, &split),
            Command::MergeOrders(merge) => self.merge_orders(&turn, &merge),
            Command::OpenEdit(open) => self.open_edit(&turn, &open),
            Command::EndEdit(end) => self.end_edit(&turn, &end),
            Command::AnnounceInbound(announced) => self.announce_inbound(&turn, &announced),
            Command::PutSubscription(put) => self.put_subscription(&turn, &put),
            Command::ChangeSubscription { subscription, action } => {
                self.change_subscription(&turn, &subscription, &action)
            }
            Command::ChangeInbound { inbound, action } => self.change_inbound(&turn, &inbound, &action),
            Command::PlanCount(plan) => self.plan_count(&turn, &plan),
            Command::ChangeCount { count, action } => self.change_count(&turn, &count, &action),
            Command::ReadyTransfer(ready) => self.ready_transfer(&turn, &ready),
            Command::ChangeTransfer { transfer, action } => self.change_transfer(&turn, &transfer, &action),
            Command::SourceOrder { order } => self.source_order(&turn, &order),
            Command::Rebook(command) => self.rebook(&turn, &command),
            Command::ChangeException { exception, action } => self.change_exception(&turn, &exception, &action),
            Command::PutPolicy(put) => self.put_policy(&turn, &put),
            Command::RequestReturn(request) => self.request_return(&turn, &request),
            Command::ChangeReturn { returned, action } => self.change_return(&turn, &returned, &action),
            Command::TrackReturn(track) => self.track_return(&turn, &track),
            Command::PutBins(put) => self.put_bins(&turn, &put),
            Command::PutNumbers(put) => self.put_numbers(&turn, &put),
            Command::PackParcels(pack) => self.pack_parcels(&turn, &pack),
            Command::CloseOut(close) => self.close_out(&turn, &close),
            Command::PlanWave(plan) => self.plan_wave(&turn, &plan),
            Command::ApplyOptimisation { optimisation } => self.apply_optimisation(&turn, &optimisation),
            Command::PutOpportunity(put) => self.put_opportunity(&turn, *put),
            Command::ChangeWave { wave, action } => self.change_wave(&turn, &wave, &action),
        }
    }

    /// Whether a key has taken effect with another body. Waits for one in flight.
    pub fn is_reused(&self, key: IdempotencyKey) -> bool {
        let found = self.names.find(&Name::Key(key.hash));
        matches!(found, Some(Named::Record(_, fingerprint)) if fingerprint != key.fingerprint)
    }

    /// Sequence of the last record this engine knows to be appended.
    pub fn position(&self) -> u64 {
        self.position.load(Relaxed)
    }

    fn reached(&self, seq: u64) {
        self.position.fetch_max(seq, Relaxed);
    }

    fn next_key(&self) -> u64 {
        self.next_keys(1)
    }

    /// The first of so many numbers in a row.
    fn next_keys(&self, count: u64) -> u64 {
        self.next_key.fetch_add(count, Relaxed)
    }

    fn remember_key(&self, at: JournalTime, hash: u128) {
        self.keys_used.lock().push_back((at, hash));
    }
}
