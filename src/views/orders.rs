//! Order search: which orders and fulfilment orders match, newest first.
//!
//! Order of a list: by generated order number, highest first, so a page is stable: orders placed meanwhile stand before
//! the first page and move nothing; an order that stops matching drops out and moves nothing. A cursor is the key of the
//! last item seen.
//!
//! The view keeps, for every order in memory, a row of what can be searched, and for orders with open units the order, to
//! fold further events into: the engine's own where it has not gone on meanwhile ([`Known`]), else a copy without decision
//! and history. An order whose units are all delivered, or cancelled and put back, takes no further step but those of
//! returns, which say themselves what of it is back, so it is kept no longer; another event for it is a bug and is refused.
//! The row of an order that left for the archive goes when the archive has it: from then on it is found there. Where both
//! know an order, the view is right.
//!
//! Cost: a page is one pass over the rows older than its cursor until it is full, and over those blocks of the archive's
//! rows that may hold something. Whoever asks for a page while there is an archive may have to wait for files. What is *not* here: the orders
//! themselves (the engine has them) and personal data (sealed: names and addresses are not searched).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::domain;
use crate::domain::archive::{Archiving, OrderRow, Unreadable};
use crate::domain::event::{Event, OrderChanged};
use crate::domain::fulfillment::FulfillmentStatus;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::order::{Order, OrderEvent, OrderStatus};
use crate::domain::order_returns::Back;
use crate::domain::record::{Header, Record};
use crate::domain::state::State;
use crate::domain::stock::LawBroken;
use crate::domain::time::WallTime;
use crate::journal::{Archive, Asked};

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

/// An order at a version, from whoever has it folded already; `None` when nobody has, or none that is outside the archive.
pub type Known<'a> = &'a dyn Fn(OrderKey, u32) -> Option<Arc<Order>>;

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
    searched: OrderRow,
    status: OrderStatus,
    /// Ids, lower case, one per line of text.
    text: Box<str>,
    /// See [`Order::left_at`].
    left_at: u64,
}

#[derive(Debug, Default)]
struct Rows {
    rows: BTreeMap<OrderKey, Row>,
    open: HashMap<OrderKey, Arc<Order>>,
    /// Orders that left for the archive, with the record: their rows go once it covers that.
    left: VecDeque<(u64, OrderKey)>,
}

/// The view of all orders.
#[derive(Debug, Default)]
pub struct Orders {
    rows: RwLock<Rows>,
    archive: Option<Arc<Archive>>,
}

impl Orders {
    /// The view of a recovered state, and of what left it for the archive.
    pub fn of(state: &State, archive: Option<Arc<Archive>>) -> Self {
        let mut rows = Rows::default();
        for order in state.orders() {
            rows.put(order.clone());
        }
        rows.left.make_contiguous().sort_unstable();
        Self { rows: RwLock::new(rows), archive }
    }

    /// Folds a record in.
    pub fn read(&self, record: &Record, known: Known<'_>) -> Result<(), LawBroken> {
        let order_of = |event: &Event| match event {
            Event::OrderChanged(changed) => Some(changed.key),
            _ => None,
        };
        for of_one in record.events.chunk_by(|a, b| order_of(a).is_some() && order_of(a) == order_of(b)) {
            if let Some(Event::OrderChanged(last)) = of_one.last()
                && let Some(order) = known(last.key, last.version)
            {
                self.rows.write().put(order);
            } else {
                of_one.iter().try_for_each(|event| self.fold(&record.header, event))?;
            }
        }
        Ok(())
    }

    fn fold(&self, header: &Header, event: &Event) -> Result<(), LawBroken> {
        match event {
            Event::OrderChanged(changed) => self.rows.write().fold(header, changed)?,
            Event::Archiving(archiving) => {
                let mut rows = self.rows.write();
                rows.archive(header, archiving)?;
                rows.forget(self.archive.as_deref().map_or(0, domain::archive::Archive::covered));
            }
            Event::DirectoryFounded(_)
            | Event::NodePut(_)
            | Event::ItemPut(_)
            | Event::RuleSetPut(_)
            | Event::StockMoved(_)
            | Event::ReservationChanged(_)
            | Event::KeyUsed(_)
            | Event::InboundChanged(_)
            | Event::ChannelChanged(_)
            | Event::CartonPut(_)
            | Event::RuleSetChanged(_)
            | Event::TransferChanged(_)
            | Event::CountNoted(_)
            | Event::SubscriptionChanged(_)
            | Event::CycleCountChanged(_)
            | Event::ReturnChanged(_)
            | Event::WorkloadChanged(_)
            | Event::WaveChanged(_)
            | Event::BinPut(_)
            | Event::PickedNoted(_)
            | Event::TransitNoted(_)
            | Event::CollectionChanged(_)
            | Event::DispatchChanged(_)
            | Event::DraftChanged(_)
            | Event::OptimisationApplied(_)
            | Event::OpportunityPut(_)
            | Event::LotsChanged(_)
            | Event::AddressFormatPut(_)
            | Event::ExceptionChanged(_)
            | Event::PolicyPut(_)
            | Event::ShippingPut(_)
            | Event::LockersChanged(_)
            | Event::SlotsChanged(_) => {}
        }
        Ok(())
    }

    /// How many orders there are outside the archive.
    pub fn len(&self) -> usize {
        self.rows.read().rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many orders outside the archive stand at each status.
    pub fn by_status(&self) -> HashMap<OrderStatus, u64> {
        let mut counts = HashMap::new();
        for row in self.rows.read().rows.values() {
            *counts.entry(row.status).or_default() += 1;
        }
        counts
    }

    /// Orders that match, newest first, those older than `cursor`.
    pub fn page(&self, filter: &Filter, limit: usize, cursor: Option<OrderKey>) -> Result<Page<OrderKey>, Unreadable> {
        let q = filter.q.as_ref().map(|q| q.to_lowercase());
        // A key of u64::MAX is never generated, so the open end leaves nothing out.
        let below = cursor.unwrap_or(OrderKey(u64::MAX));
        let asked = Asked {
            channel: filter.channel.as_deref(),
            customer: filter.customer.as_deref(),
            sku: filter.sku,
            since: filter.since,
            until: filter.until,
        };
        let here = |rows: &Rows| {
            let older = rows.rows.range(..below).rev();
            let matching = older.filter(|(_, row)| matches(&row.searched, &row.text, filter, q.as_deref()));
            matching.map(|(key, _)| *key).take(limit + 1).collect()
        };
        let there = |row: &OrderRow| match matches(row, &text_of(row), filter, q.as_deref()) {
            true => vec![row.key],
            false => Vec::new(),
        };
        self.found(limit, &asked, below, here, there)
    }

    /// A page of what is found here and in the archive, newest first.
    fn found<K: Copy + Ord>(
        &self,
        limit: usize,
        asked: &Asked<'_>,
        below: OrderKey,
        here: impl FnOnce(&Rows) -> Vec<K>,
        there: impl Fn(&OrderRow) -> Vec<K>,
    ) -> Result<Page<K>, Unreadable> {
        let mut found = here(&self.rows.read());
        if let Some(archive) = &self.archive {
            let mut archived = Vec::new();
            archive.search(asked, below, |row| {
                let fits = there(&row);
                if !fits.is_empty() && !self.rows.read().rows.contains_key(&row.key) {
                    archived.extend(fits);
                }
                // What comes next is older than all that has a place on the page.
                let last = found.get(limit).zip(archived.last()).is_some_and(|(last, newest)| newest < last);
                archived.len() <= limit && !last
            })?;
            found.extend(archived);
            found.sort_unstable_by(|a, b| b.cmp(a));
            found.dedup();
        }
        Ok(Page::fill(found.into_iter(), limit))
    }

    /// Fulfilment orders of a node or at a status, newest order first, within an order the latest first.
    pub fn fulfillments(
        &self,
        node: Option<NodeIndex>,
        status: Option<FulfillmentStatus>,
        limit: usize,
        cursor: Option<FulfillmentKey>,
    ) -> Result<Page<FulfillmentKey>, Unreadable> {
        // The cursor's own order is read again: it may have further fulfilment orders below the cursor.
        let below = cursor.map_or(OrderKey(u64::MAX), |key| OrderKey(key.order.0.saturating_add(1)));
        let of = |row: &OrderRow| -> Vec<FulfillmentKey> {
            let numbered = row.fulfillment_orders.iter().enumerate().rev();
            numbered
                .map(|(at, entry)| (FulfillmentKey { order: row.key, number: at as u16 + 1 }, *entry))
                .filter(|(key, _)| cursor.is_none_or(|cursor| *key < cursor))
                .filter(|(_, (at, stands))| node.is_none_or(|n| n == *at) && status.is_none_or(|s| s == *stands))
                .map(|(key, _)| key)
                .collect()
        };
        let here = |rows: &Rows| {
            let older = rows.rows.range(..below).rev();
            older.flat_map(|(_, row)| of(&row.searched)).take(limit + 1).collect()
        };
        self.found(limit, &Asked::default(), below, here, of)
    }

    /// Fulfilment orders of a node that left, by their keys: those of all orders outside the archive, and of those inside
    /// that were placed at an instant or later. One pass over all of them.
    pub fn shipments(&self, node: NodeIndex, since: WallTime) -> Result<Vec<FulfillmentKey>, Unreadable> {
        let left = |stands| matches!(stands, FulfillmentStatus::Shipped | FulfillmentStatus::Delivered);
        let of = |row: &OrderRow| -> Vec<FulfillmentKey> {
            let numbered = (1..).zip(&row.fulfillment_orders);
            let some = numbered.filter(|(_, (at, stands))| *at == node && left(*stands));
            some.map(|(number, _)| FulfillmentKey { order: row.key, number }).collect()
        };
        let mut found: Vec<_> = self.rows.read().rows.values().flat_map(|row| of(&row.searched)).collect();
        if let Some(archive) = &self.archive {
            let asked = Asked { since: Some(since), ..Asked::default() };
            archive.search(&asked, OrderKey(u64::MAX), |row| {
                if row.placed_at >= since {
                    found.extend(of(&row));
                }
                true
            })?;
        }
        // What left for the archive meanwhile was found twice.
        found.sort_unstable();
        found.dedup();
        Ok(found)
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
            if let OrderEvent::Return { back, .. } = &changed.event {
                self.came_back(changed.key, *back);
                return Ok(());
            }
            return Err(LawBroken(format!("order {} had ended and takes no further step", changed.key)));
        }
        let before = before.map(Arc::unwrap_or_clone);
        let after = Order::fold(before, changed.key, changed.version, header, &changed.event)?;
        self.put(Arc::new(after));
        Ok(())
    }

    /// So much of an order that has ended is back.
    fn came_back(&mut self, key: OrderKey, back: Back) {
        let status = match back {
            Back::Nothing => return,
            Back::Some => OrderStatus::PartiallyReturned,
            Back::All => OrderStatus::Returned,
        };
        if let Some(row) = self.rows.get_mut(&key) {
            row.status = status;
            row.searched.status = status.word().into();
        }
    }

    /// What the record says of an order and the archive.
    fn archive(&mut self, header: &Header, archiving: &Archiving) -> Result<(), LawBroken> {
        let key = archiving.key();
        match archiving {
            Archiving::Left(_) => {
                // Shipped ones stay here to the end, as scans may come; those that are back leave without having ended.
                let is_done = self.open.remove(&key).is_none_or(|order| order.is_done());
                let row = self.rows.get_mut(&key).filter(|row| row.left_at == 0 && is_done);
                let row = row.ok_or_else(|| LawBroken(format!("order {key} cannot leave")))?;
                row.left_at = header.seq;
                self.left.push_back((header.seq, key));
            }
            Archiving::Back(_) | Archiving::Imported(_) => {
                let order = Order::archive(None, header, archiving)?;
                self.put(Arc::new(order));
            }
        }
        Ok(())
    }

    /// Rows that the archive has by now go.
    fn forget(&mut self, covered: u64) {
        while let Some((seq, key)) = self.left.front().copied()
            && seq <= covered
        {
            self.left.pop_front();
            if self.rows.get(&key).is_some_and(|row| row.left_at != 0 && row.left_at <= covered) {
                self.rows.remove(&key);
            }
        }
    }

    /// Puts an order; of one that is not shared only what its row is made of stays.
    fn put(&mut self, mut order: Arc<Order>) {
        let key = order.key;
        self.rows.insert(key, Row::of(&order));
        if order.is_archived() {
            self.left.push_back((order.left_at, key));
        }
        if order.totals().open() > 0 || order.open_edit().is_some() || order.is_put_back_due() {
            if let Some(own) = Arc::get_mut(&mut order) {
                own.decision = None;
                own.history = Vec::new();
            }
            self.open.insert(key, order);
        } else {
            self.open.remove(&key);
        }
    }
}

impl Row {
    fn of(order: &Order) -> Self {
        let searched = OrderRow::of(order);
        let text = text_of(&searched).into();
        Self { searched, status: order.status(), text, left_at: order.left_at }
    }
}

/// What `q` is looked for in.
fn text_of(row: &OrderRow) -> String {
    let text =
        format!("{}\n{}\n{}\n{}", row.key, row.id.as_deref().unwrap_or_default(), row.channel_order_id, row.customer);
    text.to_lowercase()
}

fn matches(row: &OrderRow, text: &str, filter: &Filter, q: Option<&str>) -> bool {
    filter.status.is_none_or(|status| *status.word() == *row.status)
        && filter.channel.as_ref().is_none_or(|channel| *channel == row.channel)
        && filter.customer.as_ref().is_none_or(|customer| *customer == row.customer)
        && filter.sku.is_none_or(|sku| row.skus.contains(&sku))
        && filter.since.is_none_or(|since| row.placed_at >= since)
        && filter.until.is_none_or(|until| row.placed_at < until)
        && q.is_none_or(|q| text.contains(q))
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
        view.read(&record(seq, order, version, vec![event]), &|_, _| None)
    }

    /// Events of an order from that version on.
    fn record(seq: u64, order: u64, version: u32, events: Vec<OrderEvent>) -> Record {
        let changed = |(version, event)| OrderChanged { key: OrderKey(order), version, event };
        let events = (version..).zip(events).map(|told| Event::OrderChanged(Box::new(changed(told))));
        Record { header: header(seq), events: events.collect() }
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
    fn an_order_that_is_known_is_listed_as_the_record_leaves_it() {
        let (folded, told) = (Orders::default(), Orders::default());
        let part = |number| CancelledPart { line: 0, quantity: 1, from: CancelFrom::Fulfillment(number) };
        let cancelled = |number| OrderEvent::Cancelled { parts: vec![part(number)], reason: "late".into() };
        let accepted = OrderEvent::Fulfillment { number: 1, step: FulfillmentStep::Accepted };
        let failed = || OrderEvent::PaymentReported { mark: PaymentMark::Failed, amount: 1 };
        let steps = [vec![placed(1), failed()], vec![accepted], vec![cancelled(1), cancelled(2)], vec![failed()]];
        let (mut order, mut version) = (None, 1);
        for (seq, step) in (1..).zip(steps) {
            let record = record(seq, 1, version, step);
            for event in &record.events {
                let Event::OrderChanged(changed) = event else { unreachable!("an order alone changes") };
                let next = Order::fold(order, changed.key, changed.version, &record.header, &changed.event);
                (order, version) = (Some(next.expect("legal")), changed.version + 1);
            }
            let known = order.clone().map(Arc::new);
            folded.read(&record, &|_, _| None).expect("legal");
            told.read(&record, &|key, at| known.clone().filter(|_| (key, at) == (OrderKey(1), version - 1)))
                .expect("legal");
            let seen = |view: &Orders| {
                let rows = view.rows.read();
                let row = &rows.rows[&OrderKey(1)];
                (row.searched.clone(), row.status, row.text.clone(), rows.open.keys().copied().collect::<Vec<_>>())
            };
            assert_eq!(seen(&told), seen(&folded), "record {seq}");
        }
        assert!(told.rows.read().open.is_empty(), "it has ended");
    }

    #[test]
    fn pages_are_newest_first_and_do_not_move_when_orders_come_in() {
        let view = ten_orders();
        let first = view.page(&Filter::default(), 4, None).expect("no files");
        assert_eq!(first.items, [10, 9, 8, 7].map(OrderKey));
        read(&view, 11, 11, 1, placed(11)).expect("an order is placed");
        let second = view.page(&Filter::default(), 6, first.next).expect("no files");
        assert_eq!(second.items, [6, 5, 4, 3, 2, 1].map(OrderKey));
        assert_eq!(second.next, None);
    }

    #[test]
    fn a_filter_lists_what_matches_and_nothing_else() {
        let view = ten_orders();
        let keys = |filter: Filter| {
            view.page(&filter, 100, None).expect("no files").items.into_iter().map(|k| k.0).collect::<Vec<_>>()
        };
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
        let found =
            view.fulfillments(Some(NodeIndex(1)), Some(FulfillmentStatus::Accepted), 5, None).expect("no files");
        assert_eq!(found.items, [FulfillmentKey { order: OrderKey(3), number: 2 }]);

        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = view.fulfillments(None, None, 3, cursor).expect("no files");
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
        assert_eq!(view.page(&filter, 10, None).expect("no files").items, [OrderKey(4)]);
        assert_eq!(view.rows.read().open.len(), 9);
        assert!(read(&view, 12, 4, 3, cancelled).is_err());
    }
}
