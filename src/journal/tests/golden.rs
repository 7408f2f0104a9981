//! Bytes that are on disks out there: every version of every record and entry reads for ever.
//!
//! A change here is never right. A new shape is a new version with lines of its own.
//!
//! Long because it is a list of samples, one of every shape there ever was.

mod collection;
mod dispatch;
mod drafts;
mod lockers;
mod opportunity;
mod picking;
mod policies;
mod returns;
mod shipping;
mod steps;
mod supply;
mod transit;
mod weighed;
mod worth;

use self::collection::{collected, received, received_in_part, sent_to_store, tried};
use self::dispatch::dispatched;
use self::drafts::drafts;
use self::lockers::stored;
use self::opportunity::opportunity;
use self::picking::picked;
use self::policies::policies;
use self::returns::returns;
use self::shipping::shipping;
use self::steps::steps;
use self::supply::supplied;
use self::transit::transit;
use self::weighed::{by_group, several, weighed, work_left, worked};
use self::worth::worth;
use super::*;
use crate::domain::address::{AddressField, AddressFormat};
use crate::domain::carton::Carton;
use crate::domain::channel::{ChannelEvent, ChannelTerms, Limit, PaymentBefore};
use crate::domain::count::{Minute, Moved};
use crate::domain::cycle_count::{CountedLine, CycleCountEvent};
use crate::domain::decision::{Assignment, Decision, Evidence, FenceReason, LineUnits, SeenLine, Terms};
use crate::domain::delivery::Way;
use crate::domain::edit::{EditState, EditTerms, FoundFulfillment, LineChange, PlannedShipment};
use crate::domain::entity::{Entity, EntityKey, KeyEntry};
use crate::domain::event::*;
use crate::domain::evidence::Needs;
use crate::domain::exception::{ExceptionEvent, ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentStep, Shipment};
use crate::domain::geo::Position;
use crate::domain::hold::{HoldKind, HoldState, HoldTerms, ReleaseAt};
use crate::domain::ids::{
    ChannelIndex, CycleCountKey, FulfillmentKey, InboundKey, OrderKey, ReservationKey, SubscriptionKey, TransferKey,
};
use crate::domain::inbound::InboundEvent;
use crate::domain::item::{Component, Dimensions, Item, ItemKind, ItemPacking, Tracking};
use crate::domain::lots::{Identified, LotChange, LotUnits};
use crate::domain::money::Money;
use crate::domain::node::{Handling, Node, NodeKind};
use crate::domain::optimisation::Figures;
use crate::domain::order::*;
use crate::domain::order_merge::Merged;
use crate::domain::particulars::{Booking, Registered, Totals, Warranty};
use crate::domain::payment::{PaymentFact, PaymentMark};
use crate::domain::policy::{FillPolicy, Policy, PolicyKey, RejectionPolicy};
use crate::domain::redating::Redated;
use crate::domain::reservation::{Held, ReservationEvent, ReservationState};
use crate::domain::rule_set::RuleSet;
use crate::domain::rules::versions::RuleSetEvent;
use crate::domain::rules::{Fence, RuleTerms, Schedule, Scope, Term, Unfilled};
use crate::domain::short_pick::{Looked, Seen, Shelf, ShortPicks};
use crate::domain::slots::{SlotTerms, SlotsEvent};
use crate::domain::stock::Level;
use crate::domain::subscription::{Every, SubscribedLine, SubscriptionEvent, SubscriptionTerms, WhenShort};
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, TrackingStatus};
use crate::domain::transfer::TransferEvent;
use crate::domain::velocity::{Left, Velocity};
use crate::domain::weighed::Priced;
use crate::journal::frame::{Builder, Slice};

const CELL: CellKey = CellKey { sku: SkuIndex(3), node: NodeIndex(300) };

fn node() -> Node {
    Node {
        id: "nyc-1".into(),
        kind: NodeKind::Store,
        name: "New York".into(),
        position: Position { lat_micro: 40_712_800, lon_micro: -74_006_000 },
        country: "US".into(),
        postal_code: "10007".into(),
        time_zone: "America/New_York".into(),
        active: true,
        inactive_reason: None,
        handling: Some(Handling { per_shipment: 100, per_unit: 5 }),
        capacity_per_day: Some(250),
        cutoff_min: Some(900),
        calendar: None,
        capabilities: vec!["gift_wrap".into()],
    }
}

fn item() -> Item {
    Item {
        sku: "KIT 1".into(),
        name: "Kit".into(),
        kind: ItemKind::Kit,
        weight_g: 1_200,
        dimensions: Dimensions { length: 300, width: 200, height: 100 },
        value: Some(Money { amount: 1_999, currency: Currency::USD }),
        components: vec![Component { sku: SkuIndex(3), quantity: 2 }],
        release_at: None,
        tracking: None,
        packing: ItemPacking::default(),
    }
}

fn placed() -> OrderEvent {
    let units = LineUnits { line: 0, quantity: 2 };
    OrderEvent::Placed {
        facts: std::sync::Arc::new(OrderFacts {
            id: Some("order-1".into()),
            fingerprint: u64::MAX,
            kind: OrderType::Standard,
            channel: "web".into(),
            channel_order_id: "W-1".into(),
            customer: "c-1".into(),
            personal: Sealed { key_id: 0, bytes: vec![1, 2, 3] },
            currency: Currency::USD,
            destinations: vec![Destination {
                group: "".into(),
                country: "US".into(),
                postal_prefix: "100".into(),
                position: Some(Position { lat_micro: 1, lon_micro: -1 }),
                approximate: true,
                personal: Sealed::default(),
            }],
            delivery_method: "standard".into(),
            payment: Some(Payment { method: "card".into(), status: "authorized".into() }),
            total: Some(3_998),
            rule_set: None,
            reservation: Some(ReservationKey(9)),
            placed_at: WallTime(1_700_000_000_000),
        }),
        lines: vec![PlacedLine {
            id: "1".into(),
            sku: SkuIndex(3),
            quantity: 3,
            unit_price: 1_999,
            group: 0,
            stocked: true,
            components: vec![],
        }],
        allocations: vec![Allocation { number: 1, node: NodeIndex(300), group: 0, lines: vec![units], cost: 650 }],
        backordered: vec![LineUnits { line: 0, quantity: 1 }],
        decision: Some(Box::new(Decision {
            rule_set: "default".into(),
            rule_set_version: 1,
            catalogue_seq: 7,
            cost: Money { amount: 650, currency: Currency::USD },
            lower_bound: 650,
            optimal: true,
            terms: Terms { per_shipment: 500, distance: 150, split: 0 },
            assignments: vec![Assignment { node: NodeIndex(300), lines: vec![units], cost: 650 }],
            unfilled: vec![],
            evidence: std::sync::Arc::new(Evidence {
                lines: vec![SeenLine { line: 0, quantity: 3, unit_weight_g: 1_200, needs: Needs::One((0, 1)) }],
                slots: 1,
                candidates: vec![(NodeIndex(300), 12_345)],
                available: vec![2],
                fenced: vec![(NodeIndex(2), FenceReason::Inactive)],
                destination: Some(Position { lat_micro: 40_000_000, lon_micro: -75_000_000 }),
                nodes: 2,
                truncated: false,
                priced: Priced::Tariff(500, 200_000, 150),
                others: None,
                ruled: Vec::new(),
            }),
        })),
    }
}

/// One of each kind, in the order of their codes.
fn events() -> Vec<Event> {
    vec![
        Event::DirectoryFounded(DirectoryFounded { base_currency: Currency::USD }),
        Event::NodePut(NodePut { index: NodeIndex(300), node: node() }),
        Event::ItemPut(ItemPut { index: SkuIndex(3), item: item() }),
        Event::RuleSetPut(RuleSet::default_v1()),
        Event::StockMoved(StockMoved {
            cell: CELL,
            kind: MovementKind::Counted,
            delta: LevelDelta { on_hand: 5, shortfall: -1, available: 1_000_000, ..LevelDelta::default() },
        }),
        Event::ReservationChanged(ReservationChanged {
            key: ReservationKey(9),
            version: 2,
            event: ReservationEvent::Held {
                id: Some("r-1".into()),
                fingerprint: 1 << 40,
                owner: "cart".into(),
                channel: None,
                customer: Some("c-1".into()),
                expires_at: JournalTime(1_700_000_900_000),
                lines: vec![Held { sku: SkuIndex(3), node: NodeIndex(300), quantity: 2 }].into(),
            },
        }),
        Event::ReservationChanged(ReservationChanged {
            key: ReservationKey(9),
            version: 3,
            event: ReservationEvent::Ended { state: ReservationState::Claimed { order: OrderKey(77) } },
        }),
        Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(77), version: 1, event: placed() })),
        Event::OrderChanged(Box::new(OrderChanged {
            key: OrderKey(77),
            version: 2,
            event: OrderEvent::Cancelled {
                parts: vec![CancelledPart { line: 0, quantity: 1, from: CancelFrom::Backordered }],
                reason: "changed mind".into(),
            },
        })),
        Event::OrderChanged(Box::new(OrderChanged {
            key: OrderKey(77),
            version: 3,
            event: OrderEvent::Fulfillment { number: 1, step: FulfillmentStep::Accepted },
        })),
        Event::KeyUsed(KeyUsed { before: None, hash: 1 << 100, fingerprint: 42, answer: Answer::Order(OrderKey(77)) }),
        Event::KeyUsed(KeyUsed {
            before: None,
            hash: 2,
            fingerprint: 43,
            answer: Answer::Levels(vec![(CELL, Level { on_hand: 7, available: 7, ..Level::default() })]),
        }),
        of_order(
            4,
            OrderEvent::Held {
                number: 1,
                terms: HoldTerms {
                    kind: HoldKind::Manual,
                    reason: "call first".into(),
                    release_at: Some(ReleaseAt {
                        wall: WallTime(1_700_000_600_000),
                        journal: JournalTime(1_700_000_600_001),
                    }),
                    release_on: Some(PaymentMark::Paid),
                },
            },
        ),
        of_order(5, OrderEvent::PaymentReported { mark: PaymentMark::Paid, amount: 1_999 }),
        of_order(6, OrderEvent::HoldEnded { number: 1, state: HoldState::AutoReleased, reason: Some("called".into()) }),
        of_order(
            7,
            OrderEvent::Fulfillment { number: 1, step: FulfillmentStep::NodeOutage { reason: Some("flood".into()) } },
        ),
        Event::KeyUsed(KeyUsed { before: None, hash: 3, fingerprint: 44, answer: Answer::Hold(OrderKey(77), 1) }),
        of_inbound(
            1,
            InboundEvent::Announced {
                id: Some("po-1".into()),
                fingerprint: 7,
                node: NodeIndex(300),
                supplier: Some("a factory".into()),
                eta: WallTime(1_700_000_000_000),
                lines: vec![(SkuIndex(3), 70), (SkuIndex(4), 1)],
            },
        ),
        of_inbound(2, InboundEvent::Redated { eta: WallTime(1_800_000_000_000) }),
        of_inbound(3, InboundEvent::Received { lines: vec![(0, 300)] }),
        of_inbound(4, InboundEvent::Ended { reason: Some("closed".into()) }),
        Event::KeyUsed(KeyUsed { before: None, hash: 4, fingerprint: 45, answer: Answer::Inbound(InboundKey(9)) }),
        of_transfer(
            1,
            TransferEvent::Readied {
                id: Some("tr-1".into()),
                fingerprint: 8,
                from: NodeIndex(300),
                to: NodeIndex(1),
                eta: Some(WallTime(1_700_000_000_000)),
                lines: vec![(SkuIndex(3), 70), (SkuIndex(4), 1)],
            },
        ),
        of_transfer(2, TransferEvent::Redated { eta: WallTime(1_800_000_000_000) }),
        of_transfer(3, TransferEvent::Dispatched),
        of_transfer(4, TransferEvent::Received { lines: vec![(0, 60)] }),
        of_transfer(5, TransferEvent::Closed),
        Event::TransferChanged(Box::new(TransferChanged {
            key: TransferKey(11),
            version: 2,
            event: TransferEvent::Cancelled { reason: Some("no van".into()) },
        })),
        Event::KeyUsed(KeyUsed { before: None, hash: 5, fingerprint: 46, answer: Answer::Transfer(TransferKey(10)) }),
        Event::StockMoved(StockMoved {
            cell: CELL,
            kind: MovementKind::TransferredOut,
            delta: LevelDelta { on_hand: -5, committed: -5, ..LevelDelta::default() },
        }),
        Event::StockMoved(StockMoved {
            cell: CELL,
            kind: MovementKind::TransferredIn,
            delta: LevelDelta { on_hand: 5, available: 5, ..LevelDelta::default() },
        }),
        of_order(8, OrderEvent::EditOpened { number: 1, terms: edit(1_700_000_900_000).into(), decision: planned() }),
        of_order(9, OrderEvent::EditEnded { number: 1, state: EditState::Declined, reason: Some("too dear".into()) }),
        of_order(10, OrderEvent::EditOpened { number: 2, terms: edit(1_700_000_900_001).into(), decision: planned() }),
        of_order(
            11,
            OrderEvent::Edited {
                number: 2,
                lowered: vec![CancelledPart { line: 0, quantity: 1, from: CancelFrom::Unallocated }],
                allocations: vec![Allocation {
                    number: 2,
                    node: NodeIndex(301),
                    group: 0,
                    lines: vec![LineUnits { line: 1, quantity: 2 }],
                    cost: 70,
                }],
            },
        ),
        of_order(12, OrderEvent::EditOpened { number: 3, terms: empty(1_700_000_900_002).into(), decision: planned() }),
        Event::KeyUsed(KeyUsed { before: None, hash: 6, fingerprint: 47, answer: Answer::Edit(OrderKey(77), 1) }),
        Event::CountNoted(Box::new(CountNoted {
            cell: CELL,
            source: Some("erp".into()),
            source_seq: Some(300),
            observed_at: JournalTime(1_700_000_000_000),
            counted: 70,
            difference: -3,
        })),
        Event::KeyUsed(KeyUsed {
            before: None,
            hash: 7,
            fingerprint: 48,
            answer: Answer::Counted(CELL, Level { on_hand: 7, available: 7, ..Level::default() }, -3),
        }),
        of_order(
            13,
            OrderEvent::Consolidated {
                number: 2,
                ships_with: vec![
                    FulfillmentKey { order: OrderKey(77), number: 2 },
                    FulfillmentKey { order: OrderKey(78), number: 1 },
                ],
            },
        ),
        of_order(
            14,
            OrderEvent::SplitOff {
                to: OrderKey(78),
                parts: vec![CancelledPart { line: 1, quantity: 1, from: CancelFrom::Unallocated }],
            },
        ),
        of_order(15, OrderEvent::SplitFrom { order: OrderKey(70) }),
        of_order(16, OrderEvent::Preferred { node: NodeIndex(300) }),
        of_order(
            17,
            OrderEvent::Totalled { totals: Totals { discount: 500, shipping: 300, tax: -1, tax_included: true } },
        ),
        of_order(
            18,
            OrderEvent::Merged {
                merged: Box::new(Merged {
                    from: OrderKey(70),
                    lines: vec![PlacedLine {
                        id: "3".into(),
                        sku: SkuIndex(3),
                        quantity: 2,
                        unit_price: 5,
                        group: 0,
                        stocked: true,
                        components: vec![],
                    }],
                    allocations: vec![],
                    payments: vec![PaymentFact {
                        mark: PaymentMark::Paid,
                        amount: 10,
                        at: JournalTime(1_700_000_000_000),
                        actor: "till".into(),
                    }],
                    owed: 10,
                    fenced: vec![NodeIndex(2)],
                }),
            },
        ),
        of_order(
            19,
            OrderEvent::Booked {
                bookings: vec![Booking {
                    line: 1,
                    node: NodeIndex(300),
                    slot: 1,
                    id: "monday".into(),
                    starts_at: WallTime(1_700_000_000_000),
                    ends_at: WallTime(1_700_000_000_001),
                }],
            },
        ),
        of_order(
            20,
            OrderEvent::Warranted { warranties: vec![Warranty { line: 1, covers: 0, months: 24, registered: vec![] }] },
        ),
        of_order(21, OrderEvent::WarrantyRegistered { line: 1, registered: registered() }),
        of_slots(SlotsEvent::Put(vec![SlotTerms {
            id: "monday".into(),
            service: Some(SkuIndex(70_000)),
            starts_at: WallTime(1_700_000_000_000),
            ends_at: WallTime(1_700_000_000_001),
            limit: 300,
        }])),
        of_slots(SlotsEvent::Taken { slot: 1, places: 2 }),
        of_slots(SlotsEvent::Given { slot: 1, places: 1 }),
        Event::AddressFormatPut(Box::new(AddressFormat {
            country: "US".into(),
            required: vec![AddressField::Line1, AddressField::PostalCode],
            postal_code: Some("[0-9]{5}".into()),
            regions: vec!["CA".into(), "California".into()],
        })),
        Event::ItemPut(ItemPut {
            index: SkuIndex(4),
            item: Item { sku: "NEW 1".into(), release_at: Some(WallTime(1_900_000_000_000)), ..item() },
        }),
        of_resting(1, placed()),
        of_resting(2, OrderEvent::Preordered { units: vec![LineUnits { line: 0, quantity: 1 }] }),
        of_resting(3, OrderEvent::ReleaseCame { units: vec![LineUnits { line: 0, quantity: 1 }] }),
        of_resting(
            4,
            OrderEvent::Deferred {
                due: Some(ReleaseAt { wall: WallTime(1_700_000_600_000), journal: JournalTime(1_700_000_600_001) }),
            },
        ),
        of_resting(5, OrderEvent::Routed { decision: decision() }),
        of_resting(6, OrderEvent::RoutingFailed { decision: decision() }),
        of_resting(7, OrderEvent::AllocationFailed { decision: decision() }),
        of_subscription(1, SubscriptionEvent::Put { id: "tea".into(), terms: terms() }),
        of_subscription(2, SubscriptionEvent::Placed { number: 1, order: OrderKey(77) }),
        of_subscription(
            3,
            SubscriptionEvent::Failed {
                number: 2,
                code: "unroutable".into(),
                detail: "2 units cannot be had".into(),
                retry_at: WallTime(1_700_000_000_000),
            },
        ),
        of_subscription(4, SubscriptionEvent::Skipped { number: 2, reason: "skipped".into() }),
        of_subscription(5, SubscriptionEvent::Paused { reason: Some("away".into()) }),
        of_subscription(6, SubscriptionEvent::Resumed { passed: 3 }),
        of_subscription(
            7,
            SubscriptionEvent::Failed {
                number: 3,
                code: "unroutable".into(),
                detail: "1 units cannot be had".into(),
                retry_at: WallTime(1_700_000_000_001),
            },
        ),
        of_subscription(8, SubscriptionEvent::Cancelled { reason: None }),
        Event::KeyUsed(KeyUsed {
            before: None,
            hash: 7,
            fingerprint: 48,
            answer: Answer::Subscription(SubscriptionKey(12)),
        }),
        of_channel(ChannelEvent::Put(ChannelTerms {
            id: "web".into(),
            name: "Web".into(),
            nodes: Some(vec![NodeIndex(2), NodeIndex(300)]),
            customers: vec!["c-1".into()],
            limits: vec![
                Limit { sku: SkuIndex(3), floor: 5, cap: Some(300) },
                Limit { sku: SkuIndex(70_000), floor: 0, cap: None },
            ],
            payment_before: PaymentBefore { release: Some(PaymentMark::Authorized), ship: Some(PaymentMark::Paid) },
            payment_methods: vec!["card".into()],
        })),
        of_channel(ChannelEvent::Shipped(vec![(SkuIndex(3), 2), (SkuIndex(70_000), 300)])),
        of_count(
            1,
            CycleCountEvent::Planned {
                id: Some("cc-1".into()),
                fingerprint: 9,
                node: NodeIndex(300),
                skus: vec![SkuIndex(3), SkuIndex(4)],
            },
        ),
        of_count(
            2,
            CycleCountEvent::Counted {
                lines: vec![CountedLine { line: 1, on_hand: 70, difference: -2, applied: true }],
            },
        ),
        of_count(3, CycleCountEvent::Cancelled { reason: Some("night".into()) }),
        Event::KeyUsed(KeyUsed {
            before: None,
            hash: 8,
            fingerprint: 49,
            answer: Answer::CycleCount(CycleCountKey(12)),
        }),
        Event::ItemPut(ItemPut {
            index: SkuIndex(5),
            item: Item { sku: "LOT 1".into(), tracking: Some(Tracking::Serial), ..item() },
        }),
        of_lots(vec![
            arrived("a", Some(WallTime(1_900_000_000_000)), 300),
            arrived("b", None, 2),
            LotChange::Blocked { node: NodeIndex(300), lot: "a".into(), units: 3 },
            LotChange::Picked {
                by: FulfillmentKey { order: OrderKey(77), number: 1 },
                node: NodeIndex(300),
                units: vec![LotUnits { lot: "b".into(), units: 2 }],
            },
        ]),
        of_lots(vec![
            LotChange::PutBack { by: FulfillmentKey { order: OrderKey(77), number: 1 } },
            LotChange::Gone { node: NodeIndex(300), lot: "a".into(), units: 7, blocked: 1 },
        ]),
        of_lots(vec![
            LotChange::Picked {
                by: FulfillmentKey { order: OrderKey(77), number: 1 },
                node: NodeIndex(300),
                units: vec![LotUnits { lot: "b".into(), units: 1 }],
            },
            LotChange::Left { by: FulfillmentKey { order: OrderKey(77), number: 1 } },
            LotChange::Picked {
                by: FulfillmentKey { order: OrderKey(77), number: 2 },
                node: NodeIndex(300),
                units: vec![LotUnits { lot: "b".into(), units: 1 }],
            },
        ]),
        of_resting(
            8,
            OrderEvent::Identified {
                number: 1,
                units: vec![Identified {
                    sku: SkuIndex(3),
                    lot: "b".into(),
                    expires_at: Some(WallTime(1_900_000_000_000)),
                    units: 2,
                }],
            },
        ),
        of_resting(
            9,
            OrderEvent::MergedInto {
                order: OrderKey(77),
                parts: vec![
                    CancelledPart { line: 0, quantity: 2, from: CancelFrom::Fulfillment(1) },
                    CancelledPart { line: 0, quantity: 1, from: CancelFrom::Backordered },
                ],
            },
        ),
    ]
    .into_iter()
    .chain(rearranged())
    .chain(tracked())
    .chain(decided_and_told())
    .chain(shipping().map(|terms| Event::ShippingPut(Box::new(terms))))
    .chain(packed())
    .chain(supplied())
    .chain(ruled())
    .chain(returns())
    .chain(policies())
    .chain(weighed())
    .chain(worked())
    .chain(picked())
    .chain(collected())
    .chain(work_left())
    .chain(several())
    .chain([shadowed()])
    .chain(steps())
    .chain(tried())
    .chain(dispatched())
    .chain(mixed())
    .chain(worth())
    .chain(drafts())
    .chain(sent_to_store(87, placed(), received()))
    .chain(stored())
    .chain(optimised())
    .chain(opportunity())
    .chain(transit())
    .chain(by_group())
    .chain(sent_to_store(91, placed(), received_in_part()))
    .collect()
}

/// Open orders that were planned again together.
fn optimised() -> [Event; 2] {
    let figures =
        Figures { looked_at: 200, aside: 3, changed: 17, cost_before: 450_000, cost: 409_000, lower_bound: 408_100 };
    let applied = OptimisationApplied { id: "opt-1700000000000-1".into(), figures };
    let answer = Answer::Optimisation("opt-1".into());
    let asked = KeyUsed { before: None, hash: 9, fingerprint: 54, answer };
    [Event::OptimisationApplied(Box::new(applied)), Event::KeyUsed(asked)]
}

/// A version of a rule set that runs beside the live ones.
fn shadowed() -> Event {
    let (key, policy) = (PolicyKey::Shadow("peak".into()), Policy::Shadow(Some(2)));
    Event::PolicyPut(Box::new(PolicyPut { key, policy }))
}

/// An order of which a group is collected.
fn mixed() -> [Event; 2] {
    let ways = vec![Way { group: 1, method: "pickup".into(), node: Some(NodeIndex(300)) }];
    [of_order_numbered(OrderKey(86), 1, placed()), of_order_numbered(OrderKey(86), 2, OrderEvent::Ways { ways })]
}

/// What is packed, and into what.
fn packed() -> Vec<Event> {
    vec![
        Event::ItemPut(ItemPut {
            index: SkuIndex(6),
            item: Item {
                sku: "VASE".into(),
                packing: ItemPacking { this_side_up: true, fragile: true, ships_alone: false, nests_mm: Some(30) },
                ..item()
            },
        }),
        Event::CartonPut(Box::new(Carton {
            id: "M".into(),
            name: "Medium".into(),
            inner: Dimensions { length: 300, width: 200, height: 100 },
            outer: Dimensions { length: 306, width: 206, height: 112 },
            weight_g: 150,
            max_weight_g: 20_000,
            cost: 95,
            nodes: Some(vec![NodeIndex(1), NodeIndex(300)]),
        })),
    ]
}

/// A rule set of which two versions are put, one is activated and one planned; the first says all there is to say.
fn ruled() -> impl Iterator<Item = Event> {
    let terms = RuleTerms {
        scope: Scope {
            channels: vec!["web".into()],
            countries: vec!["US".into()],
            delivery_methods: vec!["ship".into()],
            nodes: vec!["nyc-1".into()],
        },
        schedule: Schedule::Between { from: Some(WallTime(1_700_000_000_000)), until: None },
        fences: vec![
            Fence::Within { metres: 1_500_000 },
            Fence::Kinds(vec![NodeKind::Warehouse, NodeKind::ThirdParty]),
            Fence::Countries(vec!["US".into(), "CA".into()]),
            Fence::SameCountry,
            Fence::Nodes(vec!["nyc-1".into()]),
            Fence::NotNodes(vec!["chi".into()]),
            Fence::Capabilities(vec!["hazmat".into()]),
            Fence::Cutoff,
            Fence::ArrivesBy { days: Some(3) },
            Fence::LandedCost { amount: 300 },
            Fence::Capacity,
            Fence::MaxShipments { count: 2 },
            Fence::ShipComplete,
            Fence::LineComplete,
            Fence::SameNode(vec!["A".into()]),
        ],
        objective: vec![
            Term::PerShipment { amount: 500 },
            Term::WeightDistance { micro_per_kg_km: 200_000 },
            Term::Split { amount: 150 },
            Term::Carbon { per_kg: 10 },
            Term::Distance { micro_per_km: 300 },
            Term::Shipping,
            Term::Handling,
            Term::UnitCost,
            Term::Late { per_day: 400 },
            Term::Priority,
            Term::Scarcity,
            Term::Markdown,
            Term::ShortPick { amount: 600 },
            Term::LoadBalance,
        ],
        unfilled: Unfilled::Charged { per_line: 3_000, value_share_micro: 500_000 },
    };
    let second = RuleTerms { schedule: Schedule::Months(vec![11, 12]), ..RuleTerms::default() };
    let at = ReleaseAt { wall: WallTime(1_700_000_600_000), journal: JournalTime(1_700_000_600_001) };
    let events = [
        RuleSetEvent::Drafted { version: 1, terms: terms.into() },
        RuleSetEvent::Drafted { version: 2, terms: second.into() },
        RuleSetEvent::Activated { version: 1 },
        RuleSetEvent::Planned { version: 2, at },
    ];
    let changed = |event| Event::RuleSetChanged(Box::new(RuleSetChanged { name: "peak".into(), event }));
    let answered = KeyUsed { before: None, hash: 9, fingerprint: 50, answer: Answer::Rules("peak".into(), 2) };
    events.into_iter().map(changed).chain([Event::KeyUsed(answered)])
}

/// Policies, and a case that is raised, assigned, escalated and resolved.
fn decided_and_told() -> impl Iterator<Item = Event> {
    let put = |key, policy| Event::PolicyPut(Box::new(PolicyPut { key, policy }));
    let policies = [
        put(PolicyKey::Node(NodeIndex(300)), Policy::Node { accept_within_s: Some(3_600) }),
        put(PolicyKey::Threshold(SkuIndex(3), Some(NodeIndex(300))), Policy::Threshold { units: Some(10) }),
        put(PolicyKey::Rejection("pickup".into()), Policy::Rejection(RejectionPolicy::AskCustomer)),
        put(PolicyKey::Fill, Policy::Fill(FillPolicy::FairShare)),
        put(PolicyKey::SafetyStock(SkuIndex(3), None), Policy::SafetyStock { units: Some(300) }),
    ];
    let due_at = JournalTime(1_700_000_800_000);
    let events = [
        ExceptionEvent::Raised { units: 4, order: Some(OrderKey(77)), due_at },
        ExceptionEvent::Assigned { owner: "floor".into() },
        ExceptionEvent::Escalated { due_at },
        ExceptionEvent::Resolved { reason: "recounted".into() },
    ];
    let key = ExceptionKey { kind: ExceptionKind::Shortfall, subject: Subject::Cell(CELL) };
    let told = (1..)
        .zip(events)
        .map(move |(version, event)| Event::ExceptionChanged(Box::new(ExceptionChanged { key, version, event })));
    let line = Redated {
        order: OrderKey(77),
        line: 1,
        sku: SkuIndex(3),
        units: 300,
        was: Some(WallTime(1_700_000_700_000)),
        now: None,
    };
    let redated = Answer::Redated { inbound: InboundKey(9), count: 101, first: vec![line] };
    let answers = [(50, Answer::Exception(key)), (51, redated)];
    let answers =
        answers.map(|(fingerprint, answer)| Event::KeyUsed(KeyUsed { before: None, hash: 9, fingerprint, answer }));
    policies.into_iter().chain(told).chain(answers)
}

/// The life of a fulfilment order that is scheduled, rearranged and put back.
fn rearranged() -> impl Iterator<Item = Event> {
    let units = |quantity| vec![LineUnits { line: 0, quantity }];
    let until = ReleaseAt { wall: WallTime(1_700_000_700_000), journal: JournalTime(1_700_000_700_001) };
    let steps = [
        FulfillmentStep::Submitted,
        FulfillmentStep::Moved { node: NodeIndex(301), cost: 700 },
        FulfillmentStep::Accepted,
        FulfillmentStep::Picked { lines: units(2) },
        FulfillmentStep::Packed,
        FulfillmentStep::MadeReadyUntil { until },
        FulfillmentStep::Stopped { reason: "pickup_window_ended".into(), resourced: false },
        FulfillmentStep::PutBack { lines: units(1) },
    ];
    let prioritised = OrderEvent::Prioritised { priority: 9 };
    let asked = [OrderEvent::CustomerAsked, OrderEvent::CustomerAnswered, prioritised];
    let of = |number, step| OrderEvent::Fulfillment { number, step };
    let begins = [
        placed(),
        OrderEvent::Scheduled { release: until },
        of(1, FulfillmentStep::Split { lines: units(1), into: 2 }),
        of(2, FulfillmentStep::Merged { into: 1 }),
    ];
    let events = begins.into_iter().chain(steps.map(|step| of(1, step))).chain(asked);
    (1..)
        .zip(events)
        .map(|(version, event)| Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(79), version, event })))
}

/// A shipment that its carrier tells of.
fn tracked() -> impl Iterator<Item = Event> {
    let shipment = Shipment { carrier: "post".into(), service: "parcel".into(), tracking_number: "1Z".into() };
    let steps = [
        FulfillmentStep::Accepted,
        FulfillmentStep::Picked { lines: vec![LineUnits { line: 0, quantity: 2 }] },
        FulfillmentStep::Packed,
        FulfillmentStep::Shipped { shipment },
    ];
    let scan = |at, status, id: Option<&str>| Scan {
        at: WallTime(at),
        status,
        id: id.map(Into::into),
        place: id.map(|_| "Gary".into()),
        text: None,
    };
    let scans = vec![
        scan(1_700_000_000_001, TrackingStatus::OutForDelivery, Some("e-2")),
        scan(1_700_000_000_000, TrackingStatus::InTransit, None),
    ];
    let told = OrderEvent::Tracked { number: 1, scans, estimated_at: Some(WallTime(1_700_000_000_002)) };
    let events = std::iter::once(placed())
        .chain(steps.map(|step| OrderEvent::Fulfillment { number: 1, step }))
        .chain(std::iter::once(told));
    (1..)
        .zip(events)
        .map(|(version, event)| Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(80), version, event })))
}

fn arrived(lot: &str, expires_at: Option<WallTime>, units: u32) -> LotChange {
    LotChange::Arrived { node: NodeIndex(300), lot: lot.into(), expires_at, units, blocked: 0 }
}

fn of_lots(changes: Vec<LotChange>) -> Event {
    Event::LotsChanged(Box::new(LotsChanged { sku: SkuIndex(3), tracking: Tracking::Lot, changes }))
}

/// An edit with a little of everything.
fn edit(expires_at: i64) -> EditTerms {
    let price = 1_999;
    EditTerms {
        lines: vec![LineChange {
            line: 0,
            quantity_before: 2,
            quantity: 1,
            unit_price_before: price,
            unit_price: price - 100,
        }],
        added: vec![PlacedLine {
            id: "2".into(),
            sku: SkuIndex(3),
            quantity: 3,
            unit_price: 5,
            group: 0,
            stocked: true,
            components: vec![],
        }],
        destination: Some(Destination {
            group: "".into(),
            country: "CA".into(),
            postal_prefix: "K1A".into(),
            position: None,
            approximate: false,
            personal: Sealed { key_id: 0, bytes: vec![9] },
        }),
        found: vec![FoundFulfillment { number: 1, units: vec![], stays: true }],
        shipments: vec![PlannedShipment {
            node: NodeIndex(301),
            group: 0,
            lines: vec![LineUnits { line: 1, quantity: 2 }],
            cost: 70,
        }],
        unfilled: vec![LineUnits { line: 1, quantity: 1 }],
        difference: -2_084,
        reservation: Some(ReservationKey(10)),
        expires_at: JournalTime(expires_at),
    }
}

fn empty(expires_at: i64) -> EditTerms {
    EditTerms {
        lines: vec![],
        added: vec![],
        destination: None,
        found: vec![],
        shipments: vec![],
        unfilled: vec![],
        difference: 0,
        reservation: None,
        expires_at: JournalTime(expires_at),
    }
}

fn planned() -> std::sync::Arc<Decision> {
    let OrderEvent::Placed { decision: Some(decision), .. } = placed() else { unreachable!("an order is placed so") };
    (*decision).into()
}

fn terms() -> Box<SubscriptionTerms> {
    let OrderEvent::Placed { facts, .. } = placed() else { panic!("the sample is placed") };
    Box::new(SubscriptionTerms {
        fingerprint: u64::MAX,
        channel: "web".into(),
        customer: "c-1".into(),
        personal: facts.personal.clone(),
        currency: Currency::USD,
        destinations: facts.destinations.clone(),
        lines: vec![SubscribedLine { id: "1".into(), sku: SkuIndex(3), quantity: 300, unit_price: 1_999, group: 0 }],
        delivery_method: "ship".into(),
        rule_set: Some("default".into()),
        payment: facts.payment.clone(),
        every: Every { months: 1, seconds: 86_400 },
        first_at: WallTime(1_700_000_000_000),
        when_short: WhenShort::Retry,
    })
}

fn of_resting(version: u32, event: OrderEvent) -> Event {
    Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(78), version, event }))
}

fn of_subscription(version: u32, event: SubscriptionEvent) -> Event {
    Event::SubscriptionChanged(Box::new(SubscriptionChanged { key: SubscriptionKey(12), version, event }))
}

/// A plan, or that there is none.
fn decision() -> Box<Decision> {
    match placed() {
        OrderEvent::Placed { decision: Some(decision), .. } => decision,
        other => panic!("the sample has a decision, {other:?} has not"),
    }
}

fn of_channel(event: ChannelEvent) -> Event {
    Event::ChannelChanged(Box::new(ChannelChanged { index: ChannelIndex(1), event }))
}

fn of_inbound(version: u32, event: InboundEvent) -> Event {
    Event::InboundChanged(Box::new(InboundChanged { key: InboundKey(9), version, event }))
}

fn of_count(version: u32, event: CycleCountEvent) -> Event {
    Event::CycleCountChanged(Box::new(CycleCountChanged { key: CycleCountKey(12), version, event }))
}

fn of_transfer(version: u32, event: TransferEvent) -> Event {
    Event::TransferChanged(Box::new(TransferChanged { key: TransferKey(10), version, event }))
}

fn registered() -> Registered {
    Registered { units: 1, from: WallTime(1_700_000_000_000), until: WallTime(1_800_000_000_000) }
}

fn of_slots(event: SlotsEvent) -> Event {
    Event::SlotsChanged(Box::new(SlotsChanged { node: NodeIndex(300), event }))
}

fn of_order_numbered(key: OrderKey, version: u32, event: OrderEvent) -> Event {
    Event::OrderChanged(Box::new(OrderChanged { key, version, event }))
}

fn of_order(version: u32, event: OrderEvent) -> Event {
    of_order_numbered(OrderKey(77), version, event)
}

fn draft_of(events: Vec<Event>) -> Draft {
    Draft {
        decided_at: JournalTime(1_700_000_000_000),
        catalogue_seq: 7,
        actor: "anonymous".into(),
        source: "http".into(),
        request_id: "r".into(),
        events,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_event_has_these_bytes_for_ever() {
    let golden: Vec<&str> = include_str!("golden_events.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let bare = codec::encode(&draft_of(vec![])).unwrap().0;
    assert_eq!(hex(&bare), golden[0], "a header without events");
    let events = events();
    assert_eq!(golden.len(), events.len() + 1);
    for (event, expected) in events.iter().zip(&golden[1..]) {
        let bytes = codec::encode(&draft_of(vec![event.clone()])).unwrap().0;
        assert_eq!(hex(&bytes[bare.len()..]), *expected, "{event:?}");
    }
    let codes: std::collections::BTreeSet<u16> = events.iter().map(Event::type_code).collect();
    let all = [
        1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 27, 29, 30, 31, 32, 33, 34, 35, 36,
        37, 38, 39, 42,
    ];
    assert_eq!(codes, all.into(), "a sample of every type");
}

/// Reservations made by one record: two of an owner, one of another, and one that ends at another time.
fn crowd() -> Vec<Event> {
    let made = |number, owner: &str, customer: Option<&str>, end, lines: &[(u32, u32)]| {
        Event::ReservationChanged(ReservationChanged {
            key: ReservationKey(number),
            version: 1,
            event: ReservationEvent::Held {
                id: None,
                fingerprint: number % 2,
                owner: owner.into(),
                channel: None,
                customer: customer.map(Into::into),
                expires_at: JournalTime(end),
                lines: lines.iter().map(|(sku, quantity)| held(*sku, *quantity)).collect(),
            },
        })
    };
    let held_until = 1_700_000_900_000;
    vec![
        made(1 << 40, "cart", None, held_until, &[(3, 2)]),
        made((1 << 40) + 1, "cart", None, held_until, &[(3, 1), (4, 300)]),
        made((1 << 40) + 5, "cart-2", Some("c-1"), held_until, &[(70_000, 1)]),
        made((1 << 40) + 6, "cart-2", Some("c-1"), held_until + 1, &[(3, 1)]),
        events()[4].clone(),
    ]
}

fn held(sku: u32, quantity: u32) -> Held {
    Held { sku: SkuIndex(sku), node: NodeIndex(1), quantity }
}

#[test]
fn a_crowd_has_these_bytes_for_ever_and_reads_back_as_its_events() {
    let golden: Vec<&str> = include_str!("golden_crowds.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let bare = codec::encode(&draft_of(vec![])).unwrap().0;
    let body = codec::encode(&draft_of(crowd())).unwrap().0;
    assert_eq!(body[bare.len() - 4..][..4], [3, 0, 0, 0], "a crowd and two events");
    assert_eq!(hex(&body[bare.len()..]), golden[0]);

    let frame = |body: &[u8]| {
        let mut builder = Builder::new(Origin { directory: 1, partition: 0, epoch: 5 }, Link::START);
        builder.push(Slice { seq: 1, time: 10, wall: 20, body });
        builder.finish(0)
    };
    let read = |body: &[u8]| {
        let frame = frame(body);
        codec::decode(&frame.head(), &frame.records().next().unwrap()).map(|record| record.events)
    };
    assert_eq!(read(&body), Ok(crowd()));
    for length in bare.len()..body.len() {
        assert!(read(&body[..length]).is_err(), "cut to {length}");
    }
    // Nothing of it is believed unchecked: another version, a first without an owner, numbers that end.
    let changed = |at: usize, byte: u8| {
        let mut body = body.clone();
        body[bare.len() + at] = byte;
        read(&body)
    };
    assert!(changed(1, 2).is_err());
    let out_of_order: Vec<Event> = crowd().into_iter().take(3).rev().collect();
    let body = codec::encode(&draft_of(out_of_order.clone())).unwrap().0;
    assert_eq!(read(&body), Ok(out_of_order), "numbers that fall make no crowd");
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    let draft = draft_of(events());
    let body = codec::encode(&draft).unwrap();
    let origin = Origin { directory: 1, partition: 0, epoch: 5 };
    let mut builder = Builder::new(origin, Link::START);
    builder.push(Slice { seq: 1, time: 10, wall: 20, body: &body.0 });
    let frame = builder.finish(0);
    let slice = frame.records().next().unwrap();
    let record = codec::decode(&frame.head(), &slice).unwrap();
    assert_eq!(record.events, draft.events);
    let header = &record.header;
    assert_eq!((header.seq, header.time.0, header.wall.0, header.epoch), (1, 10, 20, 5));
    assert_eq!((&header.actor, &header.source, &header.request_id), (&draft.actor, &draft.source, &draft.request_id));

    // No prefix, no longer body and no other count is taken for a record.
    for length in 0..body.0.len() {
        let short = Slice { body: &body.0[..length], ..slice };
        assert!(codec::decode(&frame.head(), &short).is_err(), "cut to {length}");
    }
    let longer = [body.0.as_slice(), &[0]].concat();
    assert!(codec::decode(&frame.head(), &Slice { body: &longer, ..slice }).is_err());
}

#[test]
fn every_entity_has_these_bytes_for_ever_and_reads_back() {
    let mut state = State::default();
    let stamp = Stamp { seq: 1, time: JournalTime(1_700_000_000_000), wall: WallTime(0) };
    let draft = draft_of(vec![]);
    let header = stamp.header(&draft);
    for event in events() {
        let event = match event {
            // Of these the bytes of an event are all there is to hold.
            Event::StockMoved(StockMoved {
                kind:
                    MovementKind::TransferredOut
                    | MovementKind::TransferredIn
                    | MovementKind::ReturnedToVendor
                    | MovementKind::Liquidated
                    | MovementKind::Donated
                    | MovementKind::Destroyed,
                ..
            }) => {
                continue;
            }
            Event::TransferChanged(changed) if changed.key == TransferKey(11) => continue,
            Event::StockMoved(moved) => Event::StockMoved(StockMoved {
                delta: LevelDelta { on_hand: 9, available: 9, ..LevelDelta::default() },
                ..moved
            }),
            Event::ReservationChanged(changed) => {
                Event::ReservationChanged(ReservationChanged { version: changed.version - 1, ..changed })
            }
            Event::KeyUsed(used) if used.hash < 10 => continue,
            other => other,
        };
        let key = event.entity();
        let before = state.entity(&key).cloned();
        state.insert(key, Entity::fold(before, &header, &event).unwrap());
    }
    let moved = Moved { at: stamp.time, cell: CELL, on_hand: -3, counted: true };
    state.insert(EntityKey::Minute(moved.minute()), Entity::Minute(Box::new(Minute::fold(None, moved))));
    let mut picks = ShortPicks::default();
    picks.note(&Seen { day: 19_675, shelf: Shelf::Few, looked: Looked { found: 7, short: 300 } });
    state.insert(EntityKey::ShortPicks(NodeIndex(300)), Entity::ShortPicks(Box::new(picks)));
    let mut velocity = Velocity::begun(Left { day: 19_675, units: 300 });
    velocity.note(Left { day: 19_677, units: 2 });
    state.insert(EntityKey::Velocity(CELL), Entity::Velocity(Box::new(velocity)));
    assert_eq!(state.len(), 94, "a sample of every kind, other orders, and what version 1 of some has not");
    assert_eq!(
        state.entity(&EntityKey::Key(1 << 100)),
        Some(&Entity::Key(KeyEntry { fingerprint: 42, seq: 1, at: stamp.time }))
    );
    let ascends = |keys: Vec<EntityKey>| keys.is_sorted() && keys.iter().map(EntityKey::kind).is_sorted();
    assert!(ascends(state.iter().map(|(key, _)| key).collect()), "snapshots are merged by key");
    assert!(ascends(state.clone().into_entities().map(|(key, _)| key).collect()), "and filled by key");
    let golden: Vec<&str> = include_str!("golden_entities.txt").lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(golden.len(), state.len());
    for ((key, entity), expected) in state.entities().into_iter().zip(golden) {
        let mut entry = Vec::new();
        codec::put_entity(&mut entry, &key, entity);
        assert_eq!(hex(&entry), expected, "{key:?}");
        let (kind, version, length) = codec::entry_head(entry[..8].try_into().unwrap());
        assert_eq!((kind, length), (key.kind(), entry.len() - 8));
        let (read_key, read) = codec::get_entity(kind, version, &entry[8..]).unwrap();
        assert_eq!((&read_key, &read), (&key, entity));
        assert_eq!(codec::get_key(kind, version, &entry[8..]).unwrap(), key, "the key alone");
        assert!(codec::get_entity(kind, 99, &entry[8..]).is_err(), "an unknown version is refused");
        assert!(codec::get_key(kind, 99, &entry[8..]).is_err(), "also where only the key is wanted");
        assert!(codec::get_entity(kind, version, &entry[8..entry.len() - 1]).is_err());
    }
}

/// What snapshots held before holds and payments, before edits, and before carriers told of shipments.
#[test]
fn an_order_of_an_older_version_is_what_its_events_make_today() {
    let of_version_3 = include_str!("golden_order_3.txt").lines().map(|golden| (3, golden, usize::MAX));
    let older = [(1, include_str!("golden_order_1.txt"), 3), (2, include_str!("golden_order_2.txt"), 7)];
    for (version, golden, events_of_it) in older.into_iter().chain(of_version_3) {
        let golden = golden.trim();
        let entry: Vec<u8> =
            (0..golden.len()).step_by(2).map(|at| u8::from_str_radix(&golden[at..at + 2], 16).unwrap()).collect();
        let (kind, written, length) = codec::entry_head(entry[..8].try_into().unwrap());
        assert_eq!((kind, written, length), (7, version, entry.len() - 8));
        let (key, read) = codec::get_entity(kind, written, &entry[8..]).unwrap();
        assert_eq!(codec::get_key(kind, written, &entry[8..]).unwrap(), key);
        let stamp = Stamp { seq: 1, time: JournalTime(1_700_000_000_000), wall: WallTime(0) };
        let header = stamp.header(&draft_of(vec![]));
        let first = events().into_iter().filter(|event| event.entity() == key).take(events_of_it);
        let folded = first.fold(None, |before, event| Some(Entity::fold(before, &header, &event).unwrap()));
        assert_eq!(Some(read), folded, "version {version}");
    }
}

#[test]
fn a_record_too_large_is_refused_before_it_is_appended() {
    let many = |count| draft_of(vec![events()[7].clone(); count]);
    assert!(codec::encode(&many(100)).is_ok());
    let refused = codec::encode(&many(1_000)).unwrap_err();
    assert!(refused.bytes > refused.max && refused.max == 60 * 1024);
}
