//! The tables: every transition of orders, their lines, fulfilment orders and what stands beside them, the legal and the
//! illegal, each played straight and with the process ended and started again after every line.
//!
//! A *story* is a text of lines (`teller`); a *machine* is a table of states and commands, every cell of which is played
//! from a new world (`machine`). What is expected is written down here by hand, from the words of the domain; what states
//! and commands there are is asked of the domain's own types, so that a new one without its line does not compile or
//! fails. All of it runs in the worlds of the simulation: pipeline, journal and recovery as they are served, on a
//! simulated disk, with every law looked at after every line and all of memory after every start.
//!
//! | file | what |
//! |---|---|
//! | `teller` | a story told line by line, and what moved at each |
//! | `machine` | a table of states and commands, played cell by cell |
//! | `orders` | the status of an order, in the order of its rules, and what can be done to it |
//! | `lines` | units from bucket to bucket, their guards, and what that does to stock |
//! | `fulfillment` | fulfilment orders |
//! | `agreements` | reservations, holds, edits, schedules |
//! | `drafts` | orders that are not placed yet |
//! | `picking` | waves and their tasks |
//! | `dispatch` | parcels and manifests |
//! | `supply` | transfers, inbound documents, cycle counts |
//! | `watched` | cases, shipments, parcels that come back, versions of rule sets |
//!
//! What is *not* here: chance (`simulation`), threads (the storms), HTTP.

mod agreements;
mod dispatch;
mod drafts;
mod fulfillment;
mod lines;
mod machine;
mod orders;
mod picking;
mod supply;
mod teller;
mod watched;

/// The words of all variants of an enum. A variant that is not named does not compile: a new one wants its line.
macro_rules! words_of {
    ($kind:ident: $($variant:ident $word:literal),+ $(,)?) => {{
        let _ = |one: &$kind| match one { $($kind::$variant { .. } => {})+ };
        vec![$($word),+]
    }};
}
use words_of;

/// Where the transitions of each command have their table, or why it makes none.
const TABLE_OF: &[(&str, &[&str])] = &[
    (
        "orders, lines",
        &[
            "PlaceOrder",
            "RouteOrder",
            "AllocateOrder",
            "CancelOrder",
            "SourceOrder",
            "Rebook",
            "Consolidate",
            "SplitOrder",
            "MergeOrders",
            "ReportPayment",
        ],
    ),
    ("fulfillment, lines", &["Fulfill"]),
    (
        "agreements",
        &["Reserve", "ChangeReservation", "ReleaseReservation", "PutHold", "EndHold", "OpenEdit", "EndEdit"],
    ),
    ("agreements", &["PutSubscription", "ChangeSubscription"]),
    ("drafts", &["BeginDraft", "ChangeDraft", "HoldDraft", "PlaceDraft", "DiscardDraft"]),
    ("supply", &["AnnounceInbound", "ChangeInbound", "ReadyTransfer", "ChangeTransfer", "PlanCount", "ChangeCount"]),
    ("picking", &["PlanWave", "ChangeWave"]),
    ("dispatch", &["PackParcels", "CloseOut"]),
    ("the engine's tests of optimisations", &["ApplyOptimisation"]),
    ("levels, not states: scenarios, simulation, model", &["AdjustStock", "AdjustLots", "MoveStock", "SetOnHand"]),
    ("watched", &["ChangeException", "TrackReturn", "PutRules", "ActivateRules"]),
    ("the engine's tests of returns", &["RequestReturn", "ChangeReturn"]),
    ("it ended before it was told of, and takes no step", &["ImportOrder"]),
    (
        "facts without a life of their own",
        &[
            "PutNode",
            "PatchNode",
            "PutItem",
            "PutShipping",
            "PutChannel",
            "PutSlots",
            "PutLockers",
            "PutCarton",
            "PutAddressFormat",
            "PutPolicy",
            "PutBins",
            "PutNumbers",
            "PutOpportunity",
        ],
    ),
];

/// The names of all commands, as the domain lists them.
fn commands() -> Vec<&'static str> {
    let (_, list) =
        include_str!("../../domain/command.rs").split_once("pub enum Command {").expect("commands are listed");
    let (list, _) = list.split_once("\n}\n").expect("the list has an end");
    let name = |line: &'static str| {
        let line = line.strip_prefix("    ")?;
        line.starts_with(|c: char| c.is_ascii_uppercase()).then(|| line.split(['(', ' ', ',']).next()).flatten()
    };
    list.lines().filter_map(name).collect()
}

#[test]
fn every_command_has_its_table() {
    let all = commands();
    assert!(all.len() > 30 && all.contains(&"Fulfill") && all.contains(&"RouteOrder"), "{all:?}");
    let listed: Vec<&str> = TABLE_OF.iter().flat_map(|(_, commands)| commands.iter().copied()).collect();
    let missing: Vec<_> = all.iter().filter(|command| !listed.contains(command)).collect();
    assert!(missing.is_empty(), "say where the transitions of {missing:?} have their table");
    let gone: Vec<_> = listed.iter().filter(|command| !all.contains(command)).collect();
    assert!(gone.is_empty(), "no such commands: {gone:?}");
}
