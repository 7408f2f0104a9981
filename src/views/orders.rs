//! Order search: which orders and fulfilment orders match, newest first.
//!
//! Order of a list: by generated order number, highest first, so a page is stable: orders placed meanwhile stand before
//! the first page and move nothing; an order that stops matching drops out and moves nothing. A cursor is the key of the
//! last item seen.
//!
//! The view keeps, for every order, a row of what can be searched, and for orders with open units a copy of the order,
//! stripped of decision and history, to fold further events into. An order whose units are all delivered or cancelled
//! takes no further step, so its copy goes; an event for it is a bug and is refused.
//!
//! Cost: a page is one pass over the rows older than its cursor until it is full. What is *not* here: the orders
//! themselves (the engine has them) and personal data (sealed: names and addresses are not searched).

use std::collections::{BTreeMap, HashMap};

use parking_lot::RwLock;

use crate::domain::event::{Event, OrderChanged};
use crate::domain::fulfillment::FulfillmentStatus;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::order::{Order, OrderEvent, OrderStatus};
use crate::domain::record::{Header, Record};
use crate::domain::state::State;
use crate::domain::stock::LawBroken;
use crate::domain::time::WallTime;

/// What an order must be to be listed; `None` asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Its status.
    pub status: Option<OrderStatus>,
    /// Its channel.
    pub channel: Option<Text>,
    /// Its customer's id.
    pub customer: Option<Text>,
    /// A sku that one of its lines asks for.
    pub sku: Option<SkuIndex>,
    /// Placed at this time or later, by the channel's time.
    pub since: Option<WallTime>,
    /// Placed before this time, by the channel's time.
    pub until: Option<WallTime>,
    /// Part of its id, of its id in the channel, or of its customer's id; case does not matter.
    pub q: Option<String>,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<K> {
    /// Keys, newest first.
    pub items: Vec<K>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<K>,
}

/// What can be searched of one order.
#[derive(Debug)]
struct Row {
    status: OrderStatus,
    channel: Text,
    customer: Text,
    skus: Box<[SkuIndex]>,
    placed_at: WallTime,
    /// Ids, lower case, one per line of text.
    text: Box<str>,
    fulfillment_orders: Box<[(NodeIndex, FulfillmentStatus)]>,
}

#[derive(Debug, Default)]
struct Rows {
    rows: BTreeMap<OrderKey, Row>,
    open: HashMap<OrderKey, Box<Order>>,
}

/// The view of all orders.
#[derive(Debug, Default)]
pub struct Orders {
    rows: RwLock<Rows>,
}

impl Orders {
    /// The view of a recovered state.
    pub fn of(state: &State) -> Self {
        let mut rows = Rows::default();
        for order in state.orders() {
            rows.put(Box::new(order.clone()));
        }
        Self { rows: RwLock::new(rows) }
    }

    /// Folds a record in.
    pub fn read(&self, record: &Record) -> Result<(), LawBroken> {
        for event in &record.events {
            match event {
                Event::OrderChanged(changed) => self.rows.write().fold(&record.header, changed)?,
                Event::DirectoryFounded(_)
                | Event::NodePut(_)
                | Event::ItemPut(_)
                | Event::RuleSetPut(_)
                | Event::StockMoved(_)
                | Event::ReservationChanged(_)
                | Event::KeyUsed(_)
                | Event::InboundChanged(_)
                | Event::TransferChanged(_)
                | Event::CountNoted(_)
                | Event::SubscriptionChanged(_) => {}
            }
        }
        Ok(())
    }

    /// How many orders there are.
    pub fn len(&self) -> usize {
        self.rows.read().rows.len()
    }

    /// Whether there is no order yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many orders stand at each status.
    pub fn by_status(&self) -> HashMap<OrderStatus, u64> {
        let mut counts = HashMap::new();
        for row in self.rows.read().rows.values() {
            *counts.entry(row.status).or_default() += 1;
        }
        counts
    }

    /// Orders that match, newest first, those older than `cursor`.
    pub fn page(&self, filter: &Filter, limit: usize, cursor: Option<OrderKey>) -> Page<OrderKey> {
        let q = filter.q.as_ref().map(|q| q.to_lowercase());
        let rows = self.rows.read();
        let older = rows.rows.range(..cursor.unwrap_or(OrderKey(u64::MAX))).rev();
        // A key of u64::MAX is never generated, so the open end leaves nothing out.
        let matching = older.filter(|(_, row)| row.matches(filter, q.as_deref())).map(|(key, _)| *key);
        Page::fill(matching, limit)
    }

    /// Fulfilment orders of a node or at a status, newest order first, within an order the latest first.
    pub fn fulfillments(
        &self,
        node: Option<NodeIndex>,
        status: Option<FulfillmentStatus>,
        limit: usize,
        cursor: Option<FulfillmentKey>,
    ) -> Page<FulfillmentKey> {
        let rows = self.rows.read();
        // The cursor's own order is read again: it may have further fulfilment orders below the cursor.
        let newest = cursor.map_or(OrderKey(u64::MAX), |key| key.order);
        let keys = rows.rows.range(..=newest).rev().flat_map(|(order, row)| {
            let numbered = row.fulfillment_orders.iter().enumerate().rev();
            numbered.map(|(at, entry)| (FulfillmentKey { order: *order, number: at as u16 + 1 }, *entry))
        });
        let matching = keys
            .filter(|(key, _)| cursor.is_none_or(|cursor| *key < cursor))
            .filter(|(_, (at, stands))| node.is_none_or(|n| n == *at) && status.is_none_or(|s| s == *stands))
            .map(|(key, _)| key);
        Page::fill(matching, limit)
    }
}

impl<K: Copy> Page<K> {
    fn fill(mut matching: impl Iterator<Item = K>, limit: usize) -> Self {
        let items: Vec<K> = matching.by_ref().take(limit).collect();
        let next = if matching.next().is_some() { items.last().copied() } else { None };
        Self { items, next }
    }
}

impl Rows {
    fn fold(&mut self, header: &Header, changed: &OrderChanged) -> Result<(), LawBroken> {
        let before = self.open.remove(&changed.key);
        if before.is_none() && self.rows.contains_key(&changed.key) {
            // Money, and holds that forbid nothing any more: neither changes the row of an order that has ended.
            if matches!(changed.event, OrderEvent::PaymentReported { .. } | OrderEvent::HoldEnded { .. }) {
                return Ok(());
            }
            return Err(LawBroken(format!("order {} had ended and takes no further step", changed.key)));
        }
        let after = Order::fold(before.map(|order| *order), changed.key, changed.version, header, &changed.event)?;
        self.put(Box::new(after));
        Ok(())
    }

    fn put(&mut self, mut order: Box<Order>) {
        let key = order.key;
        self.rows.insert(key, Row::of(&order));
        if order.totals().open() > 0 || order.open_edit().is_some() {
            order.decision = None;
            order.history = Vec::new();
            self.open.insert(key, order);
        }
    }
}

impl Row {
    fn of(order: &Order) -> Self {
        let facts = &order.facts;
        let text = format!(
            "{}\n{}\n{}\n{}",
            order.key,
            facts.id.as_deref().unwrap_or_default(),
            facts.channel_order_id,
            facts.customer
        );
        Self {
            status: order.status(),
            channel: facts.channel.clone(),
            customer: facts.customer.clone(),
            skus: order.lines.iter().map(|line| line.placed.sku).collect(),
            placed_at: facts.placed_at,
            text: text.to_lowercase().into(),
            fulfillment_orders: order.fulfillment_orders.iter().map(|f| (f.node, order.shown(f))).collect(),
        }
    }

    fn matches(&self, filter: &Filter, q: Option<&str>) -> bool {
        filter.status.is_none_or(|status| status == self.status)
            && filter.channel.as_ref().is_none_or(|channel| *channel == self.channel)
            && filter.customer.as_ref().is_none_or(|customer| *customer == self.customer)
            && filter.sku.is_none_or(|sku| self.skus.contains(&sku))
            && filter.since.is_none_or(|since| self.placed_at >= since)
            && filter.until.is_none_or(|until| self.placed_at < until)
            && q.is_none_or(|q| self.text.contains(q))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;
    use crate::domain::order::{
        Allocation, CancelFrom, CancelledPart, OrderEvent, OrderFacts, OrderType, PlacedLine, Sealed,
    };
    use crate::domain::payment::PaymentMark;
    use crate::domain::time::JournalTime;
    use crate::domain::{decision::LineUnits, fulfillment::FulfillmentStep};

    fn header(seq: u64) -> Header {
        Header {
            seq,
            time: JournalTime(seq as i64),
            wall: WallTime(seq as i64),
            decided_at: JournalTime(seq as i64),
            actor: "anonymous".into(),
            source: "test".into(),
            request_id: "".into(),
            catalogue_seq: 0,
            epoch: 0,
            partition: 0,
        }
    }

    fn placed(n: u64) -> OrderEvent {
        let facts = OrderFacts {
            id: None,
            fingerprint: 0,
            kind: OrderType::Standard,
            channel: if n.is_multiple_of(2) { "web".into() } else { "shop".into() },
            channel_order_id: format!("W-{n}").into(),
            customer: format!("customer-{}", n % 3).into(),
            personal: Sealed::default(),
            currency: Currency::USD,
            destinations: Vec::new(),
            delivery_method: "ship".into(),
            payment: None,
            total: None,
            rule_set: None,
            reservation: None,
            placed_at: WallTime(n as i64 * 1_000),
        };
        let line = PlacedLine {
            id: "1".into(),
            sku: SkuIndex(n as u32 % 5),
            quantity: 2,
            unit_price: 1,
            group: 0,
            stocked: true,
            components: Vec::new(),
        };
        let all = |quantity| vec![LineUnits { line: 0, quantity }];
        let allocation = |number, node| Allocation { number, node: NodeIndex(node), group: 0, lines: all(1), cost: 0 };
        OrderEvent::Placed {
            facts: facts.into(),
            lines: vec![line],
            allocations: vec![allocation(1, 0), allocation(2, 1)],
            backordered: Vec::new(),
            decision: None,
        }
    }

    fn read(view: &Orders, seq: u64, order: u64, version: u32, event: OrderEvent) -> Result<(), LawBroken> {
        let changed = OrderChanged { key: OrderKey(order), version, event };
        view.read(&Record { header: header(seq), events: vec![Event::OrderChanged(Box::new(changed))] })
    }

    fn ten_orders() -> Orders {
        let view = Orders::default();
        for n in 1..=10 {
            read(&view, n, n, 1, placed(n)).expect("orders are placed");
        }
        view
    }

    #[test]
    fn money_may_move_after_an_order_has_ended() {
        let view = ten_orders();
        let part = |number| CancelledPart { line: 0, quantity: 1, from: CancelFrom::Fulfillment(number) };
        let cancelled = OrderEvent::Cancelled { parts: vec![part(1), part(2)], reason: "changed my mind".into() };
        read(&view, 11, 3, 2, cancelled).expect("it is open");
        let refunded = OrderEvent::PaymentReported { mark: PaymentMark::Failed, amount: 1 };
        read(&view, 12, 3, 3, refunded).expect("money has no end");
        let accepted = OrderEvent::Fulfillment { number: 2, step: FulfillmentStep::Accepted };
        read(&view, 13, 3, 4, accepted).expect_err("its units have");
    }

    #[test]
    fn pages_are_newest_first_and_do_not_move_when_orders_come_in() {
        let view = ten_orders();
        let first = view.page(&Filter::default(), 4, None);
        assert_eq!(first.items, [10, 9, 8, 7].map(OrderKey));
        read(&view, 11, 11, 1, placed(11)).expect("an order is placed");
        let second = view.page(&Filter::default(), 6, first.next);
        assert_eq!(second.items, [6, 5, 4, 3, 2, 1].map(OrderKey));
        assert_eq!(second.next, None);
    }

    #[test]
    fn a_filter_lists_what_matches_and_nothing_else() {
        let view = ten_orders();
        let keys = |filter: Filter| view.page(&filter, 100, None).items.into_iter().map(|k| k.0).collect::<Vec<_>>();
        assert_eq!(keys(Filter { channel: Some("shop".into()), ..Filter::default() }), [9, 7, 5, 3, 1]);
        assert_eq!(keys(Filter { customer: Some("customer-0".into()), ..Filter::default() }), [9, 6, 3]);
        assert_eq!(keys(Filter { sku: Some(SkuIndex(2)), ..Filter::default() }), [7, 2]);
        assert_eq!(keys(Filter { since: Some(WallTime(9_000)), ..Filter::default() }), [10, 9]);
        assert_eq!(keys(Filter { until: Some(WallTime(2_000)), ..Filter::default() }), [1]);
        assert_eq!(keys(Filter { q: Some("w-10".into()), ..Filter::default() }), [10]);
        assert_eq!(keys(Filter { status: Some(OrderStatus::Cancelled), ..Filter::default() }), [] as [u64; 0]);
    }

    #[test]
    fn fulfillments_are_found_by_node_and_status_across_pages() {
        let view = ten_orders();
        let accepted = OrderEvent::Fulfillment { number: 2, step: FulfillmentStep::Accepted };
        read(&view, 11, 3, 2, accepted).expect("the node accepts");
        let found = view.fulfillments(Some(NodeIndex(1)), Some(FulfillmentStatus::Accepted), 5, None);
        assert_eq!(found.items, [FulfillmentKey { order: OrderKey(3), number: 2 }]);

        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = view.fulfillments(None, None, 3, cursor);
            all.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(all.len(), 20);
        assert!(all.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn an_order_that_ended_keeps_its_row_and_loses_its_copy() {
        let view = ten_orders();
        let part = |number| CancelledPart { line: 0, quantity: 1, from: CancelFrom::Fulfillment(number) };
        let cancelled = OrderEvent::Cancelled { parts: vec![part(1), part(2)], reason: "changed my mind".into() };
        read(&view, 11, 4, 2, cancelled.clone()).expect("the order is cancelled");
        let filter = Filter { status: Some(OrderStatus::Cancelled), ..Filter::default() };
        assert_eq!(view.page(&filter, 10, None).items, [OrderKey(4)]);
        assert_eq!(view.rows.read().open.len(), 9);
        assert!(read(&view, 12, 4, 3, cancelled).is_err());
    }
}
