//! One of every event there ever was, in the order they came to be.

use super::collection::{collected, received, received_in_part, sent_to_store, tried};
use super::dispatch::dispatched;
use super::drafts::drafts;
use super::lockers::stored;
use super::opportunity::opportunity;
use super::orders::*;
use super::picking::picked;
use super::policies::{policies, refused};
use super::returns::{credited, returns};
use super::shipping::{clean, shipping, traced};
use super::steps::steps;
use super::supply::supplied;
use super::transit::transit;
use super::weighed::{by_group, several, weighed, work_left, worked};
use super::worth::worth;
use super::*;
use crate::domain::address::{AddressField, AddressFormat};
use crate::domain::carton::Carton;
use crate::domain::channel::{ChannelEvent, ChannelTerms, Limit, PaymentBefore};
use crate::domain::cycle_count::{CountedLine, CycleCountEvent};
use crate::domain::decision::LineUnits;
use crate::domain::delivery::Way;
use crate::domain::edit::EditState;
use crate::domain::event::*;
use crate::domain::exception::{ExceptionEvent, ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::FulfillmentStep;
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
use crate::domain::particulars::{Booking, Totals, Warranty};
use crate::domain::payment::{PaymentFact, PaymentMark};
use crate::domain::policy::{FillPolicy, Policy, PolicyKey, RejectionPolicy};
use crate::domain::redating::Redated;
use crate::domain::reservation::{Held, ReservationEvent, ReservationState};
use crate::domain::rule_set::RuleSet;
use crate::domain::rules::versions::RuleSetEvent;
use crate::domain::rules::{Fence, RuleTerms, Schedule, Scope, Term, Unfilled};
use crate::domain::slots::{SlotTerms, SlotsEvent};
use crate::domain::stock::Level;
use crate::domain::subscription::SubscriptionEvent;
use crate::domain::time::WallTime;
use crate::domain::transfer::TransferEvent;

pub(super) fn node() -> Node {
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

pub(super) fn item() -> Item {
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

/// One of each kind, in the order of their codes.
pub(super) fn events() -> Vec<Event> {
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
    .chain(credited())
    .chain(refused())
    .chain([traced()])
    .chain([compared()])
    .chain(clean())
    .chain(returns::tracked())
    .chain(returns::apart())
    .collect()
}

/// A version of a rule set that chooses by the score.
fn compared() -> Event {
    let terms = RuleTerms { objective: vec![Term::Score], ..RuleTerms::default() };
    let event = RuleSetEvent::Drafted { version: 1, terms: terms.into() };
    Event::RuleSetChanged(Box::new(RuleSetChanged { name: "score".into(), event }))
}

/// Open orders that were planned again together.
pub(super) fn optimised() -> [Event; 2] {
    let figures =
        Figures { looked_at: 200, aside: 3, changed: 17, cost_before: 450_000, cost: 409_000, lower_bound: 408_100 };
    let applied = OptimisationApplied { id: "opt-1700000000000-1".into(), figures };
    let answer = Answer::Optimisation("opt-1".into());
    let asked = KeyUsed { before: None, hash: 9, fingerprint: 54, answer };
    [Event::OptimisationApplied(Box::new(applied)), Event::KeyUsed(asked)]
}

/// A version of a rule set that runs beside the live ones.
pub(super) fn shadowed() -> Event {
    let (key, policy) = (PolicyKey::Shadow("peak".into()), Policy::Shadow(Some(2)));
    Event::PolicyPut(Box::new(PolicyPut { key, policy }))
}

/// An order of which a group is collected.
pub(super) fn mixed() -> [Event; 2] {
    let ways = vec![Way { group: 1, method: "pickup".into(), node: Some(NodeIndex(300)) }];
    [of_order_numbered(OrderKey(86), 1, placed()), of_order_numbered(OrderKey(86), 2, OrderEvent::Ways { ways })]
}

/// What is packed, and into what.
pub(super) fn packed() -> Vec<Event> {
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
pub(super) fn ruled() -> impl Iterator<Item = Event> {
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
pub(super) fn decided_and_told() -> impl Iterator<Item = Event> {
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

pub(super) fn arrived(lot: &str, expires_at: Option<WallTime>, units: u32) -> LotChange {
    LotChange::Arrived { node: NodeIndex(300), lot: lot.into(), expires_at, units, blocked: 0 }
}

pub(super) fn of_lots(changes: Vec<LotChange>) -> Event {
    Event::LotsChanged(Box::new(LotsChanged { sku: SkuIndex(3), tracking: Tracking::Lot, changes }))
}

pub(super) fn of_channel(event: ChannelEvent) -> Event {
    Event::ChannelChanged(Box::new(ChannelChanged { index: ChannelIndex(1), event }))
}

pub(super) fn of_inbound(version: u32, event: InboundEvent) -> Event {
    Event::InboundChanged(Box::new(InboundChanged { key: InboundKey(9), version, event }))
}

pub(super) fn of_count(version: u32, event: CycleCountEvent) -> Event {
    Event::CycleCountChanged(Box::new(CycleCountChanged { key: CycleCountKey(12), version, event }))
}

pub(super) fn of_transfer(version: u32, event: TransferEvent) -> Event {
    Event::TransferChanged(Box::new(TransferChanged { key: TransferKey(10), version, event }))
}

pub(super) fn of_slots(event: SlotsEvent) -> Event {
    Event::SlotsChanged(Box::new(SlotsChanged { node: NodeIndex(300), event }))
}
