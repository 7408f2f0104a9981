//! Every bound of Ordain, in one place and related to one another at compile time.
//!
//! A bound that a client can meet is named in the error it causes. What is *not* here: settings an operator
//! chooses (`config.rs`) and bounds of one file's own format (they stand beside the format).

/// Largest quantity of one line or one stock movement, in the item's unit.
pub const QUANTITY_MAX: u32 = 1_000_000_000;
/// Largest level a cell can hold; two halves of 30 bits share one word (`PROTOCOL` of stock cells).
pub const LEVEL_MAX: u32 = (1 << 30) - 1;
/// Longest id chosen by a caller, in bytes.
pub const ID_BYTES_MAX: usize = 128;
/// Longest sku or channel order id, in bytes.
pub const SKU_BYTES_MAX: usize = 128;
/// Longest label of a reservation's owner, in bytes.
pub const OWNER_BYTES_MAX: usize = 128;
/// Longest free text of a reason, in bytes.
pub const REASON_BYTES_MAX: usize = 500;
/// Longest name of a node, item, customer or the like, in bytes.
pub const NAME_BYTES_MAX: usize = 500;
/// Shortest and longest life of a reservation, in seconds.
pub const TTL_S_MIN: u64 = 1;
/// See [`TTL_S_MIN`].
pub const TTL_S_MAX: u64 = 31_536_000;
/// Most lines of one order.
pub const ORDER_LINES_MAX: usize = 1_200;
/// Most components an order's kits may name together: each is a column of what the solver reads per node.
pub const ORDER_COMPONENTS_MAX: usize = 10_000;
/// Most lines of one reservation.
pub const RESERVATION_LINES_MAX: usize = 500;
/// Most cells one reservation may hold units of: the record of its end must hold them all at their longest.
pub const RESERVATION_CELLS_MAX: usize = 1_500;
/// Most reservations of one batch.
pub const BATCH_RESERVATIONS_MAX: usize = 1_000;
/// Most adjustments or moves of one request.
pub const ADJUSTMENTS_MAX: usize = 1_000;
/// Most skus of one availability request.
pub const ATP_SKUS_MAX: usize = 1_000;
/// Most components of a kit.
pub const KIT_COMPONENTS_MAX: usize = 100;
/// Most fulfilment orders one order may have when it is given more of them; few in tests, which go over it.
pub const FULFILLMENT_ORDERS_MAX: usize = if cfg!(test) { 50 } else { 60_000 };
/// Most skus of one document of inbound supply.
pub const INBOUND_LINES_MAX: usize = 500;
/// Changed promises that the answer to a re-dated document lists; it counts all.
pub const REDATED_TOLD_MAX: usize = 100;
/// How long a document of inbound supply stays readable after its end, in milliseconds.
pub const INBOUND_READABLE_MS: i64 = 35 * 24 * 60 * 60 * 1_000;
/// Most lines of one return: a record must hold them with their reasons.
pub const RETURN_LINES_MAX: usize = 80;
/// Most skus a customer gets instead of what comes back.
pub const EXCHANGE_LINES_MAX: usize = 80;
/// Most parcels of one return.
pub const RETURN_LABELS_MAX: usize = 100;
/// Most returns of one order, ended ones included.
pub const RETURNS_MAX: usize = 200;
/// Longest a policy of returns may count, in days.
pub const RETURN_DAYS_MAX: u32 = 36_500;
/// How long a return stays readable after its end, in milliseconds.
pub const RETURN_READABLE_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
/// How far a carrier's clock may be ahead: a day.
pub const SCAN_AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1_000;
/// How long a draft lasts when nothing is said, in seconds.
pub const DRAFT_TTL_S: u64 = 30 * 24 * 60 * 60;
/// Most bytes of what a draft says, as JSON without blanks: its record must hold it.
pub const DRAFT_BYTES_MAX: usize = 48 * 1024;
/// Most bytes of what the drafts of one page say; where they say more, the page ends earlier.
pub const DRAFTS_PAGE_BYTES_MAX: usize = 1024 * 1024;
/// How long a draft stays readable after its end, in milliseconds.
pub const DRAFT_READABLE_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// How long a wave stays readable after its end, in milliseconds.
pub const WAVE_READABLE_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long an optimisation that was applied stays readable, in milliseconds.
pub const OPTIMISATION_READABLE_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long what was picked on a day stays known, in milliseconds.
pub const PICKED_READABLE_MS: i64 = 400 * 24 * 60 * 60 * 1_000;
/// Most entries of the pick lists of one wave; a single fulfilment order may have more.
pub const WAVE_PICKS_MAX: usize = 600;
/// Most units of one wave that are told apart by serial numbers: the record of a task names them all.
pub const WAVE_SERIALS_MAX: u64 = if cfg!(test) { 20 } else { LOTS_NAMED_MAX as u64 };
/// Most parcels of one fulfilment order.
pub const PARCELS_MAX: usize = 500;
/// How long parcels stay known after they left, in milliseconds.
pub const PARCELS_READABLE_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
/// How long a closed manifest stays known, in milliseconds.
pub const MANIFEST_READABLE_MS: i64 = 400 * 24 * 60 * 60 * 1_000;
/// Fulfilment orders left behind that the record of a closed manifest raises cases of; of more, each has a record of its own.
pub const LEFT_BEHIND_AT_ONCE: usize = 200;
/// Most fulfilment orders of one wave.
pub const WAVE_ORDERS_MAX: usize = 500;
/// Most bins put by one request.
pub const BINS_PUT_MAX: usize = 500;
/// Longest name of a bin or a zone, in bytes.
pub const BIN_BYTES_MAX: usize = 32;
/// Longest aisle, and largest distance of two, in metres; and the highest number of one.
pub const AISLE_MAX: u16 = 10_000;
/// How long what happens to the stock on hand is remembered for counts that were made before, in milliseconds.
pub const COUNT_WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;
/// Most changes of stock on hand that are remembered of one minute, over everything; few in tests, which go over it.
pub const MOVEMENTS_A_MINUTE_MAX: usize = if cfg!(test) { 400 } else { 4_096 };
/// Most lots, or serial numbers, that are known of one sku over all nodes.
pub const LOTS_MAX: usize = if cfg!(test) { 50 } else { 50_000 };
/// Most lots or serial numbers that one line of a request names: a record must hold them.
pub const LOTS_NAMED_MAX: usize = 300;
/// Most lots or serial numbers that a loss of unnamed units names; of more it tells how many. Few in tests, which go
/// over it.
pub const LOTS_GONE_NAMED_MAX: usize = if cfg!(test) { 10 } else { 300 };
/// Most sources that may number their counts of one cell.
pub const COUNT_SOURCES_MAX: usize = 16;
/// How far ahead of our clock that of a count may be, in milliseconds.
pub const AS_OF_AHEAD_MS: i64 = 5 * 60 * 1_000;
/// Most nodes.
pub const NODES_MAX: usize = 65_535;
/// Most channels.
pub const CHANNELS_MAX: usize = 1_000;
/// Most limits of one channel: its record must hold them with nodes and customers at their longest.
pub const CHANNEL_LIMITS_MAX: usize = 2_000;
/// Most nodes a channel may be narrowed to.
pub const CHANNEL_NODES_MAX: usize = 2_000;
/// Most customers of a segment.
pub const CHANNEL_CUSTOMERS_MAX: usize = 100;
/// How long an exception stays readable after its end, in milliseconds.
pub const EXCEPTION_READABLE_MS: i64 = 35 * 24 * 60 * 60 * 1_000;
/// Longest time a node may be given to answer, in seconds.
pub const ACCEPT_WITHIN_S_MAX: u32 = 31_536_000;
/// Highest priority of an order; 0 is the usual one.
pub const PRIORITY_MAX: u8 = 9;
/// Most payment methods a channel may name.
pub const PAYMENT_METHODS_MAX: usize = 16;
/// Most rule sets.
pub const RULE_SETS_MAX: usize = if cfg!(test) { 20 } else { 500 };
/// Most versions of a rule set: an entity holds them all.
pub const RULE_VERSIONS_MAX: usize = if cfg!(test) { 20 } else { 1_000 };
/// Most fences of a rule set, and most terms of its objective.
pub const RULE_PARTS_MAX: usize = 32;
/// Most names that the scope and the fences of a version list in all: its record must hold them.
pub const RULE_NAMES_MAX: usize = 300;
/// Most orders that a preview decides again.
pub const PREVIEWED_MAX: usize = 1_000;
/// Most orders that one request names to be planned again together.
pub const OPTIMISED_MAX: usize = 1_000;
/// Most cells, and most nodes, of which it is kept what they are worth to orders to come: one record holds them.
pub const OPPORTUNITY_CELLS_MAX: usize = 3_000;
/// See [`OPPORTUNITY_CELLS_MAX`].
pub const OPPORTUNITY_NODES_MAX: usize = 1_000;
/// Orders of the past from which on they tell of those to come.
pub const OPPORTUNITY_ORDERS_MIN: usize = 50;
/// Most cartons.
pub const CARTONS_PUT_MAX: usize = 1_000;
/// Most nodes that may be named to have a carton.
pub const CARTON_NODES_MAX: usize = 2_000;
/// Longest edge of what is packed and of what it is packed into, in millimetres: volumes of all pieces add up in 64 bits.
pub const PACKED_EDGE_MM_MAX: u32 = 10_000;
/// Most pieces packed in one request.
pub const PACKED_PIECES_MAX: usize = super::packing::PIECES_MAX;
/// Most kinds of carton to choose from in one request.
pub const PACKED_CARTONS_MAX: usize = super::packing::CARTONS_MAX;
/// Most holds an order may have, ended ones included.
pub const HOLDS_MAX: usize = 100;
/// Rules that put holds, at most.
pub const HOLD_RULES_MAX: usize = if cfg!(test) { 10 } else { 100 };
/// Networks of nodes.
pub const NETWORKS_MAX: usize = if cfg!(test) { 10 } else { 1_000 };
/// Nodes of a network.
pub const NETWORK_NODES_MAX: usize = 2_000;
/// Conditions of such a rule, and words by which a channel flags an order, at most.
pub const HOLD_CONDITIONS_MAX: usize = 16;
/// Most orders that may be joined in one request.
pub const CONSOLIDATED_MAX: usize = 50;
/// Most edits an order may have, ended ones included.
pub const EDITS_MAX: usize = 100;
/// Most changes of one edit.
pub const EDIT_CHANGES_MAX: usize = 1_200;
/// How long an edit can be confirmed, in seconds.
pub const EDIT_LIFE_S: u64 = 15 * 60;
/// Most payments that may be reported of an order.
pub const PAYMENTS_MAX: usize = 500;
/// Largest record, in bytes: one transaction is one record.
pub const RECORD_BYTES_MAX: usize = 60 * 1024;
/// Largest record with which an order may come back from the archive, in bytes: the step that brings it back needs room
/// beside it. A larger order stays in memory.
pub const BACK_BYTES_MAX: usize = 40 * 1024;
/// How long an order rests after its end before it leaves memory, in milliseconds.
pub const ARCHIVE_AFTER_MS: i64 = 60 * 60 * 1_000;
/// Most shipments of one manifest.
pub const MANIFEST_ROWS_MAX: usize = 2_000;
/// How long before the day of a manifest an order that has ended may have been placed to be on it, in milliseconds.
pub const MANIFEST_REACH_MS: i64 = 60 * 24 * 60 * 60 * 1_000;
/// Largest frame of the journal, in bytes.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest share of a record that the evidence of a decision may take, in bytes (estimated).
pub const EVIDENCE_BYTES_MAX: usize = 12 * 1024;
/// Most destinations of an order of which it is kept what the solver saw.
pub const EVIDENCE_GROUPS_MAX: usize = 64;
/// Most of those of which the reply about an order tells who lost.
pub const GROUPS_IN_REPLY: usize = 8;
/// Largest body of a request, in bytes (imports are streamed).
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Largest page of a list.
pub const PAGE_MAX: usize = 1_000;
/// Page of a list when the caller names none.
pub const PAGE_DEFAULT: usize = 50;
/// How long a take may wait for units that are in flight, in microseconds.
pub const PATIENCE_US: u64 = 2_000;
/// How long a reservation stays readable after its end, in milliseconds.
pub const ENDED_READABLE_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long an idempotency key is remembered, in milliseconds.
pub const KEY_WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;
/// Largest entity that the record of a step keeps as it was before, in bytes: of a larger one a repeat of the step is answered
/// with how it stands then.
pub const BEFORE_BYTES_MAX: usize = 16 * 1024;
/// How many records an order is folded from again to answer a repeated request.
pub const ANSWER_RECORDS_MAX: usize = 4_096;
/// How many losing nodes an order's reply carries.
pub const LOSERS_IN_REPLY: usize = 20;
/// How often an order is routed again because its units went meanwhile, before the client is told to come back.
pub const REROUTES_MAX: u32 = 64;

const _: () = assert!(QUANTITY_MAX <= LEVEL_MAX);
const _: () = assert!(RECORD_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(BACK_BYTES_MAX + 16 * 1024 < RECORD_BYTES_MAX);
const _: () = assert!(BEFORE_BYTES_MAX < RECORD_BYTES_MAX / 2);
const _: () = assert!(LOTS_NAMED_MAX * (ID_BYTES_MAX + 24) < RECORD_BYTES_MAX - 4_096);
const _: () = assert!(RESERVATION_CELLS_MAX * 40 < RECORD_BYTES_MAX - 1_024);
const _: () = assert!(
    CHANNEL_LIMITS_MAX * 16
        + CHANNEL_NODES_MAX * 5
        + CHANNEL_CUSTOMERS_MAX * (ID_BYTES_MAX + 3)
        + PAYMENT_METHODS_MAX * (OWNER_BYTES_MAX + 3)
        < RECORD_BYTES_MAX - 4_096
);
const _: () = assert!(RULE_NAMES_MAX * (ID_BYTES_MAX + 3) < RECORD_BYTES_MAX - 8_192);
const _: () = assert!(RETURN_LINES_MAX * (REASON_BYTES_MAX + ID_BYTES_MAX + 64) < RECORD_BYTES_MAX - 4_096);
const _: () = assert!(FULFILLMENT_ORDERS_MAX + RECORD_BYTES_MAX / 16 < u16::MAX as usize);
const _: () = assert!(DRAFT_BYTES_MAX < RECORD_BYTES_MAX - 8_192);
const _: () = assert!(DRAFT_BYTES_MAX < DRAFTS_PAGE_BYTES_MAX);
const _: () = assert!(DRAFT_TTL_S <= TTL_S_MAX && DRAFT_READABLE_MS > KEY_WINDOW_MS);
// A cell takes five bytes for its sku, three for its node and five for its worth.
const _: () = assert!(OPPORTUNITY_CELLS_MAX * 13 + OPPORTUNITY_NODES_MAX * 8 < RECORD_BYTES_MAX - 4_096);
const _: () = assert!(EVIDENCE_BYTES_MAX * 2 < RECORD_BYTES_MAX);
