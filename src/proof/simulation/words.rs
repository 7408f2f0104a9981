//! One line of a table as a command. The words are those of the scenarios, with a few more:
//!
//! | line | means |
//! |---|---|
//! | `node NAME LATITUDE LONGITUDE` · `off NODE` · `on NODE` | a warehouse |
//! | `item SKU` · `work SKU` · `kit SKU = SKU N + SKU N` | a product, a service, a kit |
//! | `dated SKU SECONDS` | a product that is released so many seconds from now |
//! | `channel NAME NODE+NODE or - CUSTOMER or - [SKU FLOOR CAP or - + …]` | a channel: its nodes, its customers, limits |
//! | `rule NAME PAYMENT or - PAYMENT or -` | a channel that wants so much before a node begins, and before goods leave |
//! | `slots NODE [ID SECONDS N + …]` | times at a node that begin so many seconds from now, each with N places |
//! | `carrier NAME DAYS` | a carrier with one service that takes so many days |
//! | `stock SKU NODE N + SKU NODE N` · `receipt NAME SKU NODE N + …` | so many more or fewer, all or nothing |
//! | `tally SKU NODE N SOURCE NUMBER or - SECONDS or -` | a count of a source, as of so many seconds ago |
//! | `count SKU NODE N` · `move SKU NODE FROM TO N` | a count, a change of state |
//! | `lots SKU` · `serials SKU` | it is tracked from now on |
//! | `batch_of SKU NODE N LOT SECONDS or -` · `number SKU NODE NUMBER` | units of a lot come (or go), that expires then; a unit comes |
//! | `plan NAME NODE SKU + SKU` · `found NAME SECONDS or - SKU N + …` · `enough NAME` | a cycle count, results of so many seconds ago, its end |
//! | `reserve NAME SECONDS [partial] [via CHANNEL] [by CUSTOMER] SKU N [at NODE] + …` | a reservation; a name that begins with `-` is not told |
//! | `batch [key] NAME SECONDS [partial] SKU N [at NODE] + … / …` | many, each all or nothing; some have a `key` |
//! | `change NAME SECONDS or - [SKU N + …]` · `owner NAME OWNER` · `release NAME` | its change, whose it is, its end |
//! | `order NAME [near NODE] [with NAME] [reacquire] [waits] [held] [via CHANNEL] [by CUSTOMER] [later SECONDS] SKU N [far] + …` | an order; `far` goes to a second destination |
//! | the same with `[rests] [due SECONDS] [early] [urgent N] [slot NODE ID]` | it rests, until then; it is wanted at release; its priority; its last line has that slot |
//! | `lockers NODE [SIZE N + …]` | lockers of a node, each size with N compartments |
//! | the same with `[to_store NODE]` `[brought]` `[locker NODE]` `[pickup NODE]` `[curbside NODE]` | it is sent to that store, where its customer comes for it; a node brings it; it is fetched from a locker, or from that node |
//! | the same with `[differs METHOD NODE]` | what is `far` reaches its customer so, at that node |
//! | `route ORDER` · `allocate ORDER` | an order that rests is planned, allocated |
//! | `sketch NAME SECONDS [SKU N + …]` · `redraw NAME SECONDS or - [SKU N + …]` · `tear_up NAME` | a draft that lasts so long, what it says from then on, its end |
//! | `hold_for NAME SECONDS [partial] SKU N + …` · `put_in NAME ORDER …` | units are set aside for a draft; it is placed, as `order` says |
//! | `subscribe NAME PERIOD SECONDS [retry] SKU N + …` | a schedule whose first order is due so many seconds from now; its orders are called `NAME:1` and so on |
//! | `pause` `resume` `skip` `unsubscribe` `NAME` | what becomes of a schedule |
//! | `cancel NAME [LINE N]` | all of an order that can be, or units of a line |
//! | `accept` `reject` `pick` `pack` `ready` `ship` `receive` `hand_over` `deliver` `ORDER NUMBER` | steps of fulfilment |
//! | `ready ORDER NUMBER SECONDS` | it waits to be picked up for so long |
//! | `ready` `hand_over` `ORDER NUMBER with CODE` · `here ORDER NUMBER` | for a code; the customer is there |
//! | `receive ORDER NUMBER without LINE N` | it came to its store without these |
//! | `stop` `elsewhere` `let_go` `go_on` `put_back` `ORDER NUMBER` | cancel it, cancel and source again, agree, refuse, put back |
//! | `move ORDER NUMBER to NODE` · `part ORDER NUMBER LINE N` · `merge ORDER NUMBER NUMBER` | rearranged before it is picked |
//! | `pick ORDER NUMBER LINE N` · `short ORDER NUMBER LINE N REASON` | units of one line |
//! | `hold ORDER KIND SECONDS or - PAYMENT or -` · `over ORDER NUMBER` · `never ORDER NUMBER` | a hold and its end; it stands for good |
//! | `edit ORDER LINE N + LINE at PRICE + add SKU N + east …` | an edit: units, a price, a line more, another destination |
//! | `confirm ORDER NUMBER` · `decline ORDER NUMBER` | its end |
//! | `join ORDER ORDER` · `split ORDER NAME LINE N` | shipments that leave together; units that become an order |
//! | `merge ORDER ORDER` | all of the second goes to the first |
//! | `pay ORDER STATUS N` | so much was authorised, paid, given back, or failed |
//! | `back NAME ORDER LINE N` · `claim NAME ORDER LINE N` · `swap NAME ORDER LINE N SKU N` | a return, one of which nothing comes, one for something else |
//! | `allow` `deny` `forgo` `sent` `settle` `NAME` | it is approved, declined, called off, on its way, closed |
//! | `label NAME` · `seen_back NAME LABEL STATUS` | a parcel of it has a label; its carrier tells of it |
//! | `returned NAME NODE LINE N FATE or -` · `grade NAME LINE N` · `fate NAME LINE N FATE` | units came; they are graded; what becomes of them |
//! | `bin SKU NODE AISLE METRES or - -` · `skilled NODE` · `picks_by METHOD` | where a sku lies; the node can pick in every way; in which |
//! | `wave NAME NODE` · `wave_go NAME` · `wave_stop NAME` | a wave, released, cancelled |
//! | `assign` `begin` `fetched` `WAVE TASK` · `missed WAVE TASK PICK N REASON` | steps of a task |
//! | `numbers COMPANY DIGIT` · `parcels ORDER NUMBER CARRIER N` · `close_out NODE CARRIER` | parcels with numbers, the end of a carrier's day |
//! | `refund NAME N` · `takes_back HOW` | money goes back; by which policy: `usual` `automatic` `ahead` `on_its_way` `received` `judged` |
//! | `case ID` · `over_case ID` | an exception is assigned, resolved |
//! | `terms NODE SECONDS or -` · `low SKU NODE or - N or -` · `keep SKU NODE or - N or -` · `asks METHOD` · `goes METHOD` | policies |
//! | `refuses METHOD POLICY` | what becomes of units that a node will not do: `cancels` `same_store` `near` `asks` `elsewhere` |
//! | `served POLICY` | in which order who waits is served |
//! | `clocks SECONDS or - SECONDS or - SECONDS or -` | after which what is unpaid, and what waits, is cancelled, and what left is delivered |
//! | `held_over N or -` | orders of more units begin with a hold |
//! | `buys SKU NODE SECONDS N` · `owns SKU NODE` | it is bought when it is ordered, so many a day; it is so no more |
//! | `seen ORDER NUMBER STATUS` | a carrier tells of a shipment |
//! | `rules NAME AMOUNT AMOUNT NODE or -` · `apply NAME NUMBER SECONDS or -` | a version of a rule set: a shipment, a split, without a node; it applies, from then on |
//! | `weighs NAME TERM:AMOUNT+… FENCE+… or -` | the same in full: `shipment` `weight` `distance` `split` `carbon` `late` `shipping` `handling` `unfilled`; `capacity` `complete` `lines` `together:SKU,SKU` `without:NODE` `most:N` |
//! | `able NODE N or -` · `handles NODE AMOUNT AMOUNT` | so many shipments a day it can handle; what it asks for one and for a unit |
//! | `source ORDER` | its customer takes it from elsewhere |
//! | `rebook ORDER LINE NODE ID` | another slot for a line |
//! | `inbound NAME NODE SECONDS SKU N + …` · `redate NAME SECONDS` | supply that comes, so many seconds from now |
//! | `come NAME SKU N + …` · `no_more NAME` | so much of it came, and no more will |
//! | `transfer NAME NODE NODE SECONDS or - SKU N + …` · `later NAME SECONDS` | units that go to another node; another date |
//! | `draft NAME NODE NODE SECONDS or - SKU N + …` · `promise NAME` | the same, planned and no more; it is ready |
//! | `leave NAME` · `stay NAME` · `arrive NAME SKU N + …` · `close NAME [SKU N + …]` | it leaves, stays, comes; no more will |
//!
//! Orders, reservations and receipts carry an idempotency key made of their line, so that the line repeated is the
//! request repeated. The key of one of a batch is made of the line that asks for it alone, so that either repeats the
//! other. What is *not* here: time, faults, restarts (`world`).

mod catalogue;
mod ordering;
mod picking;
mod sourcing;

use self::catalogue::{carrier, channel, dated, lockers, node, patch, put_item, slots, tracked};
pub use self::ordering::{Part, batch};
use self::ordering::{order, reserve, reserve_lines, ship_to, sketched, subscription};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::dispatch::SsccPrefix;
use crate::domain::fulfillment::{Shipment, ShortReason};
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::hold_rule::{HoldCondition, HoldRule};
use crate::domain::ids::{FulfillmentKey, OrderKey, Text};
use crate::domain::item::{ItemKind, Tracking};
use crate::domain::money::{Currency, Money};
use crate::domain::order_clocks::OrderClocks;
use crate::domain::payment::PaymentMark;
use crate::domain::policy::{FillPolicy, RejectionPolicy};
use crate::domain::quantity::Quantity;
use crate::domain::return_policy::{RefundAt, ReturnPolicy};
use crate::domain::returns::{Condition, Disposition};
use crate::domain::rules::{Fence, RuleTerms, Term};
use crate::domain::stock::MovementKind;
use crate::domain::supply::{JustInTime, SupplyTerms};
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, TrackingStatus};

/// A number of a table.
pub fn number(word: &str) -> i64 {
    word.parse().unwrap_or_else(|_| panic!("{word} is a number"))
}

fn units(word: &str) -> Quantity {
    Quantity::new(number(word) as u32).unwrap_or_else(|| panic!("{word} is a quantity"))
}

/// Who asks, and under which key, if any.
pub fn context(key: Option<&str>) -> Context {
    let hash = |word: &str| blake3::hash(word.as_bytes());
    let key = key.map(|word| {
        let bytes = hash(word);
        let (high, low) = bytes.as_bytes().split_at(16);
        let hash = u128::from_le_bytes(high.try_into().expect("sixteen bytes"));
        IdempotencyKey { hash, fingerprint: u64::from_le_bytes(low[..8].try_into().expect("eight bytes")) }
    });
    Context { actor: "anyone".into(), source: "simulation".into(), request_id: "".into(), key }
}

/// The command of a line; `None` when the words mean none. `key_of` knows the orders that exist by name.
/// `wall` is what the wall clock shows.
pub fn command(words: &[&str], wall: WallTime, key_of: impl Fn(&str) -> Option<OrderKey>) -> Option<Command> {
    if let Some(command) = picking::command(words).or_else(|| sourcing::command(words)) {
        return Some(command);
    }
    Some(match words {
        ["node", id, latitude, longitude] => Command::PutNode(Box::new(node(id, latitude, longitude))),
        ["item", sku] => put_item(sku, ItemKind::Product, vec![]),
        ["work", sku] => put_item(sku, ItemKind::Service, vec![]),
        ["kit", sku, "=", parts @ ..] => {
            let components = parts.split(|word| *word == "+").map(|part| ((*part[0]).into(), units(part[1]))).collect();
            put_item(sku, ItemKind::Kit, components)
        }
        ["off", id] => patch(id, false),
        ["on", id] => patch(id, true),
        ["channel", id, nodes, customer, limits @ ..] => {
            Command::PutChannel(Box::new(channel(id, nodes, customer, limits)))
        }
        ["rule", id, release, ship] => {
            let wanted = |word: &str| (word != "-").then(|| mark(word));
            let payment_before = PaymentBefore { release: wanted(release), ship: wanted(ship) };
            Command::PutChannel(Box::new(PutChannel { payment_before, ..channel(id, "-", "-", &[]) }))
        }
        ["dated", sku, seconds] => dated(sku, WallTime(wall.0 + number(seconds) * 1_000)),
        ["slots", node, parts @ ..] => Command::PutSlots(Box::new(slots(node, parts, wall))),
        ["lockers", node, parts @ ..] => Command::PutLockers(Box::new(lockers(node, parts))),
        ["carrier", id, days] => Command::PutShipping(Box::new(carrier(id, number(days) as u16))),
        ["stock", parts @ ..] | ["receipt", _, parts @ ..] => {
            Command::AdjustStock(parts.split(|word| *word == "+").map(adjustment).collect())
        }
        ["count", sku, node, n] => Command::SetOnHand(SetOnHand {
            sku: (*sku).into(),
            node: (*node).into(),
            on_hand: number(n) as u32,
            expected: None,
            source: None,
            source_seq: None,
            as_of: None,
        }),
        ["tally", sku, node, n, source, seq, ago] => Command::SetOnHand(SetOnHand {
            sku: (*sku).into(),
            node: (*node).into(),
            on_hand: number(n) as u32,
            expected: None,
            source: Some((*source).into()),
            source_seq: (*seq != "-").then(|| number(seq) as u64),
            as_of: (*ago != "-").then(|| WallTime(wall.0 - number(ago) * 1_000)),
        }),
        ["lots", sku] => tracked(sku, Tracking::Lot),
        ["serials", sku] => tracked(sku, Tracking::Serial),
        ["batch_of", sku, node, n, lot, seconds] => {
            let expires_at = (*seconds != "-").then(|| WallTime(wall.0 + number(seconds) * 1_000));
            let lot = NamedLot { lot: (*lot).into(), expires_at, units: number(n).unsigned_abs() as u32 };
            let names = Names { lots: vec![lot], serials: vec![] };
            Command::AdjustLots(vec![NamedAdjustment { adjustment: adjustment(&[sku, node, n]), names }])
        }
        ["number", sku, node, serial] => {
            let serial = NamedLot { lot: (*serial).into(), expires_at: None, units: 1 };
            let names = Names { lots: vec![], serials: vec![serial] };
            Command::AdjustLots(vec![NamedAdjustment { adjustment: adjustment(&[sku, node, "1"]), names }])
        }
        ["plan", id, node, skus @ ..] => Command::PlanCount(PlanCount {
            id: Some((*id).into()),
            fingerprint: 0,
            node: (*node).into(),
            skus: skus.iter().filter(|word| **word != "+").map(|sku| (*sku).into()).collect(),
        }),
        ["found", id, ago, parts @ ..] => {
            let one = |part: &[&str]| FoundUnits { sku: part[0].into(), on_hand: number(part[1]) as u32 };
            let lines = parts.split(|word| *word == "+").map(one).collect();
            let counted_at = (*ago != "-").then(|| WallTime(wall.0 - number(ago) * 1_000));
            Command::ChangeCount { count: (*id).into(), action: CycleCountAction::Submit { lines, counted_at } }
        }
        ["enough", id] => Command::ChangeCount { count: (*id).into(), action: CycleCountAction::Cancel(None) },
        ["move", sku, node, from, to, n] => Command::MoveStock(vec![StockMove {
            sku: (*sku).into(),
            node: (*node).into(),
            from: stock_state(from),
            to: stock_state(to),
            quantity: units(n),
        }]),
        ["reserve", words @ ..] => Command::Reserve(reserve(words)),
        ["change", id, seconds, parts @ ..] => Command::ChangeReservation(ChangeReservation {
            reservation: (*id).into(),
            ttl_s: (*seconds != "-").then(|| number(seconds) as u64),
            lines: (!parts.is_empty()).then(|| reserve_lines(parts)),
            owner: None,
        }),
        ["owner", id, owner] => Command::ChangeReservation(ChangeReservation {
            reservation: (*id).into(),
            ttl_s: None,
            lines: None,
            owner: Some((*owner).into()),
        }),
        ["release", id] => Command::ReleaseReservation { reservation: (*id).into() },
        ["order", id, rest @ ..] => Command::PlaceOrder(Box::new(order(id, rest, wall))),
        ["route", id] => Command::RouteOrder { order: (*id).into() },
        ["allocate", id] => Command::AllocateOrder { order: (*id).into() },
        ["sketch", id, seconds, parts @ ..] => Command::BeginDraft(BeginDraft {
            id: Some((*id).into()),
            fingerprint: 0,
            terms: sketched(parts),
            ttl_s: number(seconds) as u64,
        }),
        ["redraw", id, seconds, parts @ ..] => Command::ChangeDraft(ChangeDraft {
            draft: (*id).into(),
            version: None,
            terms: sketched(parts),
            ttl_s: (*seconds != "-").then(|| number(seconds) as u64),
        }),
        ["hold_for", id, seconds, rest @ ..] => {
            let asked = [&["-", *seconds][..], rest].concat();
            Command::HoldDraft(HoldDraft { draft: (*id).into(), version: None, reserve: reserve(&asked) })
        }
        ["put_in", draft, id, rest @ ..] => {
            let order = order(id, rest, wall);
            Command::PlaceDraft(Box::new(PlaceDraft { draft: (*draft).into(), version: None, order }))
        }
        ["tear_up", id] => Command::DiscardDraft { draft: (*id).into() },
        ["subscribe", id, every, seconds, parts @ ..] => {
            Command::PutSubscription(Box::new(subscription(id, every, number(seconds), parts, wall)))
        }
        [verb @ ("pause" | "resume" | "skip" | "unsubscribe"), id] => {
            let action = match *verb {
                "pause" => SubscriptionAction::Pause(None),
                "resume" => SubscriptionAction::Resume,
                "skip" => SubscriptionAction::Skip(None),
                _ => SubscriptionAction::Cancel(None),
            };
            Command::ChangeSubscription { subscription: (*id).into(), action }
        }
        ["cancel", id, rest @ ..] => {
            let lines = match rest {
                [line, n] => Some(vec![CancelUnits { line: (*line).into(), quantity: units(n), from: None }]),
                _ => None,
            };
            Command::CancelOrder(CancelOrder { order: (*id).into(), lines, reason: "no longer wanted".into() })
        }
        ["hold", id, kind, seconds, payment] => {
            let hold = AskedHold {
                kind: hold_kind(kind),
                reason: "to be looked at".into(),
                release_at: (*seconds != "-").then(|| WallTime(wall.0 + number(seconds) * 1_000)),
                release_on: (*payment != "-").then(|| mark(payment)),
            };
            Command::PutHold(PutHold { order: (*id).into(), hold })
        }
        [verb @ ("over" | "never"), id, number] => {
            let state = if *verb == "over" { HoldState::Resolved } else { HoldState::Rejected };
            let hold = format!("hold-{number}").as_str().into();
            Command::EndHold(EndHold { order: (*id).into(), hold, state, reason: None })
        }
        ["join", id, other] => Command::Consolidate(Consolidate { order: (*id).into(), with: vec![(*other).into()] }),
        ["merge", id, other] => Command::MergeOrders(MergeOrders { order: (*id).into(), with: (*other).into() }),
        ["split", id, name, line, n] => Command::SplitOrder(SplitOrder {
            order: (*id).into(),
            id: Some((*name).into()),
            fingerprint: 0,
            channel_order_id: Some((*name).into()),
            lines: vec![CancelUnits { line: (*line).into(), quantity: units(n), from: None }],
        }),
        ["edit", id, parts @ ..] => {
            let changes = parts.split(|word| *word == "+").map(edit_change).collect();
            Command::OpenEdit(OpenEdit { order: (*id).into(), changes })
        }
        [verb @ ("confirm" | "decline"), id, number] => {
            let outcome = if *verb == "confirm" { EditOutcome::Confirm } else { EditOutcome::Decline };
            let edit = format!("edit-{number}").as_str().into();
            Command::EndEdit(EndEdit { order: (*id).into(), edit, outcome })
        }
        ["case", id] => {
            let action = ExceptionAction::Assign { owner: "somebody".into() };
            Command::ChangeException { exception: (*id).into(), action }
        }
        ["over_case", id] => {
            let action = ExceptionAction::Resolve { reason: "looked at".into() };
            Command::ChangeException { exception: (*id).into(), action }
        }
        ["terms", node, seconds] => {
            let accept_within_s = (*seconds != "-").then(|| number(seconds) as u32);
            Command::PutPolicy(PutPolicy::Node { node: (*node).into(), accept_within_s })
        }
        ["keep", sku, node, n] => Command::PutPolicy(PutPolicy::SafetyStock {
            sku: (*sku).into(),
            node: (*node != "-").then(|| (*node).into()),
            units: (*n != "-").then(|| number(n) as u32),
        }),
        ["low", sku, node, n] => Command::PutPolicy(PutPolicy::Threshold {
            sku: (*sku).into(),
            node: (*node != "-").then(|| (*node).into()),
            units: (*n != "-").then(|| number(n) as u32),
        }),
        [verb @ ("asks" | "goes"), method] => Command::PutPolicy(PutPolicy::Rejection {
            delivery_method: (*method).into(),
            policy: if *verb == "asks" { RejectionPolicy::AskCustomer } else { RejectionPolicy::Elsewhere },
        }),
        ["refuses", method, what] => Command::PutPolicy(PutPolicy::Rejection {
            delivery_method: (*method).into(),
            policy: match *what {
                "cancels" => RejectionPolicy::Cancel,
                "same_store" => RejectionPolicy::ToSameStore,
                "near" => RejectionPolicy::WithinKm(5_000),
                "asks" => RejectionPolicy::AskCustomer,
                _ => RejectionPolicy::Elsewhere,
            },
        }),
        ["served", policy] => Command::PutPolicy(PutPolicy::Fill(match *policy {
            "priority" => FillPolicy::Priority,
            "value" => FillPolicy::Value,
            "promise_date" => FillPolicy::PromiseDate,
            "fair_share" => FillPolicy::FairShare,
            _ => FillPolicy::FirstCome,
        })),
        ["clocks", unpaid, waiting, left] => {
            let after = |word: &str| (word != "-").then(|| number(word) as u32);
            let (cancel_unpaid_after_s, cancel_waiting_after_s) = (after(unpaid), after(waiting));
            let clocks = OrderClocks { cancel_unpaid_after_s, cancel_waiting_after_s, deliver_after_s: after(left) };
            Command::PutPolicy(PutPolicy::Clocks { delivery_method: "ship".into(), clocks })
        }
        ["held_over", n] => {
            let when = (*n != "-").then(|| HoldCondition::UnitsOver(number(n) as u32)).into_iter().collect();
            let (reason, release_after_s, release_on) = ("many".into(), Some(30), None);
            let rule = HoldRule { kind: HoldKind::Manual, reason, release_after_s, release_on, when };
            Command::PutPolicy(PutPolicy::Hold { name: "many".into(), rule })
        }
        ["buys", sku, node, seconds, n] => {
            let (lead_s, per_day) = (number(seconds) as u32, Some(number(n) as u32));
            let terms = SupplyTerms::JustInTime(JustInTime { lead_s, supplier: None, per_day, open_max: None });
            Command::PutPolicy(PutPolicy::Supply { sku: (*sku).into(), node: (*node).into(), terms })
        }
        ["owns", sku, node] => {
            let terms = SupplyTerms::Owned;
            Command::PutPolicy(PutPolicy::Supply { sku: (*sku).into(), node: (*node).into(), terms })
        }
        ["rules", name, per_shipment, split, without] => {
            let objective = vec![
                Term::PerShipment { amount: number(per_shipment) },
                Term::WeightDistance { micro_per_kg_km: 200_000 },
                Term::Split { amount: number(split) },
            ];
            let fences = (*without != "-").then(|| Fence::NotNodes(vec![(*without).into()]));
            let terms = RuleTerms { objective, fences: fences.into_iter().collect(), ..RuleTerms::default() };
            Command::PutRules(PutRules { name: (*name).into(), terms: terms.into() })
        }
        ["apply", name, version, seconds] => {
            let at = (*seconds != "-").then(|| WallTime(wall.0 + number(seconds) * 1_000));
            Command::ActivateRules(ActivateRules { name: (*name).into(), version: number(version) as u32, at })
        }
        ["rebook", id, line, node, slot] => Command::Rebook(Rebook {
            order: (*id).into(),
            line: (*line).into(),
            node: (*node).into(),
            slot: (*slot).into(),
        }),
        ["source", id] => Command::SourceOrder { order: (*id).into() },
        ["inbound", id, node, seconds, parts @ ..] => Command::AnnounceInbound(AnnounceInbound {
            id: Some((*id).into()),
            fingerprint: 0,
            node: (*node).into(),
            supplier: None,
            eta: WallTime(wall.0 + number(seconds) * 1_000),
            lines: sku_units(parts),
        }),
        ["redate", id, seconds] => {
            let action = InboundAction::Redate(WallTime(wall.0 + number(seconds) * 1_000));
            Command::ChangeInbound { inbound: (*id).into(), action }
        }
        ["come", id, parts @ ..] => {
            Command::ChangeInbound { inbound: (*id).into(), action: InboundAction::Receive(came(sku_units(parts))) }
        }
        ["no_more", id] => Command::ChangeInbound { inbound: (*id).into(), action: InboundAction::End(None) },
        [verb @ ("transfer" | "draft"), id, from, to, seconds, parts @ ..] => Command::ReadyTransfer(ReadyTransfer {
            id: Some((*id).into()),
            fingerprint: 0,
            from: (*from).into(),
            to: (*to).into(),
            eta: (*seconds != "-").then(|| WallTime(wall.0 + number(seconds) * 1_000)),
            lines: sku_units(parts),
            is_draft: *verb == "draft",
        }),
        ["promise", id] => Command::ChangeTransfer { transfer: (*id).into(), action: TransferAction::Ready },
        ["later", id, seconds] => {
            let action = TransferAction::Redate(WallTime(wall.0 + number(seconds) * 1_000));
            Command::ChangeTransfer { transfer: (*id).into(), action }
        }
        ["leave", id] => Command::ChangeTransfer { transfer: (*id).into(), action: TransferAction::Dispatch },
        ["stay", id] => Command::ChangeTransfer { transfer: (*id).into(), action: TransferAction::Cancel(None) },
        [verb @ ("arrive" | "close"), id, parts @ ..] => {
            let lines = if parts.is_empty() { Vec::new() } else { sku_units(parts) };
            let action = TransferAction::Receive { lines: came(lines), close: *verb == "close" };
            Command::ChangeTransfer { transfer: (*id).into(), action }
        }
        [verb @ ("back" | "claim" | "swap"), id, order, line, n, instead @ ..] => {
            let (reason, quantity) = ("too small".into(), units(n));
            let wanted = |sku: &str, n: &str| WantedInstead {
                sku: sku.into(),
                quantity: units(n),
                unit_price: Some(Money { amount: 120, currency: Currency::USD }),
            };
            Command::RequestReturn(Box::new(RequestReturn {
                id: Some((*id).into()),
                fingerprint: 0,
                order: (*order).into(),
                lines: vec![ReturnUnits { line: (*line).into(), quantity, reason, condition: None }],
                exchange: if let [sku, n] = instead { vec![wanted(sku, n)] } else { Vec::new() },
                is_claim: *verb == "claim",
            }))
        }
        [verb @ ("allow" | "deny" | "forgo" | "sent" | "settle"), id] => {
            let action = match *verb {
                "allow" => ReturnAction::Approve { node: None },
                "deny" => ReturnAction::Decline(None),
                "forgo" => ReturnAction::Cancel(None),
                "sent" => ReturnAction::Transit,
                _ => ReturnAction::Close(None),
            };
            Command::ChangeReturn { returned: (*id).into(), action }
        }
        ["label", id] => {
            let (carrier, tracking_number) = ("post".into(), "1".into());
            let action = ReturnAction::Label { node: None, carrier, service: None, tracking_number };
            Command::ChangeReturn { returned: (*id).into(), action }
        }
        ["seen_back", id, label, status] => Command::TrackReturn(Box::new(TrackReturn {
            returned: (*id).into(),
            label: number(label) as u16,
            scans: vec![scan(status, wall)],
            estimated_at: None,
        })),
        ["returned", id, node, line, n, fate] => {
            let lines = vec![returned_units(line, n, (*fate != "-").then(|| disposition(fate)))];
            let action = ReturnAction::Receive { node: Some((*node).into()), lines };
            Command::ChangeReturn { returned: (*id).into(), action }
        }
        ["grade", id, line, n] => {
            let graded = ReturnedUnits { condition: Some(Condition::Opened), ..returned_units(line, n, None) };
            Command::ChangeReturn { returned: (*id).into(), action: ReturnAction::Inspect(vec![graded]) }
        }
        ["fate", id, line, n, fate] => {
            let lines = vec![returned_units(line, n, Some(disposition(fate)))];
            Command::ChangeReturn { returned: (*id).into(), action: ReturnAction::Dispose(lines) }
        }
        ["refund", id, n] => {
            let amount = Money { amount: number(n), currency: Currency::USD };
            Command::ChangeReturn { returned: (*id).into(), action: ReturnAction::Refund(amount) }
        }
        ["takes_back", how] => {
            let automatic = *how == "automatic";
            let (fee_bps, expires_days) = if automatic { (1_000, Some(1)) } else { (0, None) };
            let exchange_at_once = *how == "ahead";
            let refund_at = match *how {
                "on_its_way" => RefundAt::InTransit,
                "received" => RefundAt::Received,
                "judged" => RefundAt::Dispositioned,
                _ => RefundAt::Approved,
            };
            let policy = ReturnPolicy {
                automatic,
                fee_bps,
                expires_days,
                exchange_at_once,
                refund_at,
                ..ReturnPolicy::default()
            };
            Command::PutPolicy(PutPolicy::Returns { channel: None, sku: None, policy })
        }
        ["pay", id, status, n] => {
            let amount = Money { amount: number(n), currency: Currency::USD };
            Command::ReportPayment(ReportPayment { order: (*id).into(), mark: mark(status), amount })
        }
        ["numbers", company, digit] => {
            let prefix = SsccPrefix { extension: number(digit) as u8, company: (*company).into() };
            Command::PutNumbers(PutNumbers { prefix })
        }
        ["parcels", id, at, carrier, n] => {
            let order = key_of(id).unwrap_or(OrderKey(1));
            Command::PackParcels(PackParcels {
                fulfillment: FulfillmentKey { order, number: number(at) as u16 }.to_string().as_str().into(),
                carrier: (*carrier).into(),
                weights_g: vec![0; number(n) as usize],
            })
        }
        ["close_out", node, carrier] => {
            Command::CloseOut(CloseOut { node: (*node).into(), carrier: (*carrier).into(), day: None })
        }
        [verb, id, at, rest @ ..] => {
            // A step of an order that does not exist is still a request.
            let order = key_of(id).unwrap_or(OrderKey(1));
            let action = match (*verb, rest) {
                ("merge", [with]) => {
                    let with = FulfillmentKey { order, number: number(with) as u16 }.to_string().as_str().into();
                    FulfillmentAction::Merge { with }
                }
                ("ready", [seconds]) => {
                    FulfillmentAction::Ready { until: Some(WallTime(wall.0 + number(seconds) * 1_000)) }
                }
                ("seen", [status]) => FulfillmentAction::Track { scans: vec![scan(status, wall)], estimated_at: None },
                _ => action(verb, rest)?,
            };
            let fulfillment = FulfillmentKey { order, number: number(at) as u16 }.to_string().as_str().into();
            Command::Fulfill(Fulfill { fulfillment, action })
        }
        _ => return None,
    })
}

fn adjustment(part: &[&str]) -> Adjustment {
    let [sku, node, n] = part else { panic!("a sku, a node and a number, not {part:?}") };
    let delta = number(n) as i32;
    let reason = if delta < 0 { MovementKind::Lost } else { MovementKind::Received };
    Adjustment { sku: (*sku).into(), node: (*node).into(), delta, reason }
}

fn sku_units(parts: &[&str]) -> Vec<SkuUnits> {
    let one = |part: &[&str]| SkuUnits { sku: part[0].into(), quantity: units(part[1]) };
    parts.split(|word| *word == "+").map(one).collect()
}

fn came(units: Vec<SkuUnits>) -> Vec<CameUnits> {
    units.into_iter().map(CameUnits::from).collect()
}

fn returned_units(line: &str, n: &str, disposition: Option<Disposition>) -> ReturnedUnits {
    ReturnedUnits {
        line: line.into(),
        component: None,
        quantity: units(n),
        condition: disposition.map(|_| Condition::Opened),
        disposition,
        names: Names::default(),
    }
}

fn disposition(word: &str) -> Disposition {
    match word {
        "restock" => Disposition::Restock,
        "quarantine" => Disposition::Quarantine,
        "vendor" => Disposition::ReturnToVendor,
        "liquidate" => Disposition::Liquidate,
        "donate" => Disposition::Donate,
        "refurbish" => Disposition::Refurbish,
        "damaged" => Disposition::Damaged,
        "destroy" => Disposition::Destroy,
        "missing" => Disposition::Missing,
        other => panic!("{other} is no fate of a return"),
    }
}

fn edit_change(part: &[&str]) -> EditChange {
    let price = |amount| Money { amount, currency: Currency::USD };
    let line = |line: &str, quantity, unit_price| EditChange::Line { line: line.into(), quantity, unit_price };
    match part {
        ["add", sku, n] => EditChange::Add { id: None, sku: (*sku).into(), quantity: units(n), unit_price: price(100) },
        ["east"] => EditChange::ShipTo(ship_to("", 40.0, -75.0)),
        ["west"] => EditChange::ShipTo(ship_to("", 34.0, -118.0)),
        [id, "at", amount] => line(id, None, Some(price(number(amount)))),
        [id, n] => line(id, Some(number(n) as u32), None),
        other => panic!("not a change of an order: {other:?}"),
    }
}

fn hold_kind(word: &str) -> HoldKind {
    let all = [HoldKind::Payment, HoldKind::Fraud, HoldKind::Address, HoldKind::Manual];
    all.into_iter().find(|kind| kind.word() == word).unwrap_or_else(|| panic!("{word} is no kind of hold"))
}

fn mark(word: &str) -> PaymentMark {
    let all = [PaymentMark::Authorized, PaymentMark::Paid, PaymentMark::Failed, PaymentMark::Refunded];
    all.into_iter().find(|mark| mark.word() == word).unwrap_or_else(|| panic!("{word} is no payment"))
}

fn stock_state(word: &str) -> StockState {
    let all = [StockState::Available, StockState::Damaged, StockState::QualityControl, StockState::SafetyStock];
    all.into_iter().find(|state| state.word() == word).unwrap_or_else(|| panic!("{word} is no state of stock"))
}

fn scan(status: &str, at: WallTime) -> Scan {
    let status = TrackingStatus::ALL.into_iter().find(|known| known.word() == status).expect("a status");
    Scan { at, status, id: None, place: None, text: None }
}

fn action(verb: &str, rest: &[&str]) -> Option<FulfillmentAction> {
    let named = |line: &str, n: &str| vec![NamedUnits { line: line.into(), quantity: units(n) }];
    Some(match (verb, rest) {
        ("accept", []) => FulfillmentAction::Accept,
        ("reject", []) => FulfillmentAction::Reject { reason: "closed today".into() },
        ("pick", []) => FulfillmentAction::Pick { lines: None },
        ("pick", [line, n]) => FulfillmentAction::Pick { lines: Some(named(line, n)) },
        ("short", [line, n, reason]) => {
            let reason = match *reason {
                "not_in_stock" => ShortReason::NotInStock,
                "damaged" => ShortReason::Damaged,
                _ => ShortReason::Mismatch,
            };
            FulfillmentAction::Short { lines: named(line, n), reason }
        }
        ("pack", []) => FulfillmentAction::Pack,
        ("ready", []) => FulfillmentAction::Ready { until: None },
        ("ready", ["with", code]) => {
            let code = Text::from(*code);
            FulfillmentAction::ReadyWith { until: None, code: Some(code.clone()), drawn: code }
        }
        ("receive", []) => FulfillmentAction::Receive,
        ("receive", ["without", line, n]) => {
            FulfillmentAction::ReceiveInPart { missing: named(line, n), names: Vec::new() }
        }
        ("here", []) => FulfillmentAction::Arrive { spot: Some("bay 4".into()) },
        ("hand_over", ["with", code]) => FulfillmentAction::HandOverWith { code: (*code).into() },
        ("put_back", []) => FulfillmentAction::PutBack { lines: None },
        ("move", ["to", node]) => FulfillmentAction::Move { node: (*node).into() },
        ("part", [line, n]) => FulfillmentAction::Split { lines: named(line, n) },
        ("ship", []) => FulfillmentAction::Ship {
            shipment: Shipment { carrier: "post".into(), service: "parcel".into(), tracking_number: "1".into() },
        },
        ("hand_over", []) => FulfillmentAction::HandOver,
        ("deliver", []) => FulfillmentAction::Deliver,
        ("stop", []) => FulfillmentAction::Cancel { reason: "stopped".into(), resource: false },
        ("elsewhere", []) => FulfillmentAction::Cancel { reason: "elsewhere".into(), resource: true },
        ("let_go", []) => FulfillmentAction::CancelAccept,
        ("go_on", []) => FulfillmentAction::CancelRefuse,
        _ => return None,
    })
}
