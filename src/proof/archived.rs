//! Tests: orders leave memory, are found by every name they have, and come back with whatever reopens them.

use std::sync::Arc;

use crate::domain::archive::Archiving;
use crate::domain::command::{
    ActivateRules, CancelOrder, Command, Context, Fulfill, FulfillmentAction, IdempotencyKey, MergeOrders, Names,
    NodePatch, PlaceOrder, PutPolicy, PutRules, ReportPayment, RequestReturn, ReturnAction, ReturnUnits, ReturnedUnits,
    WantedInstead,
};
use crate::domain::event::Event;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::Shipment;
use crate::domain::ids::{FulfillmentKey, OrderKey};
use crate::domain::money::Currency;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::payment::{Paid, PaymentMark};
use crate::domain::quantity::Quantity;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::{Outcome, Reply};
use crate::domain::return_policy::ReturnPolicy;
use crate::domain::returns::{Condition, Return};
use crate::domain::rules::{Fence, RuleTerms, Term};
use crate::domain::state::State;
use crate::domain::workload::utc_day;
use crate::engine::tests::world::World;
use crate::journal::{Durable, Options, Simulated, Unrecovered, Workers};
use crate::pipeline::{Pipeline, Refused};
use crate::views::{Filter, Views};

pub(super) fn start(disk: &Simulated) -> Result<Pipeline, crate::journal::Failure> {
    let options = Options { workers: Workers::Caller, ..Options::default() };
    let (journal, state) = Unrecovered::on(Arc::new(disk.clone()), options).recover()?;
    state.check_ownership().expect("every unit has its owner");
    let pipeline = Pipeline::start(journal, state, None);
    pipeline.engine().archive_after(0);
    Ok(pipeline)
}

pub(super) fn shop() -> (Simulated, Pipeline) {
    let disk = Simulated::new(1);
    let pipeline = start(&disk).expect("a new disk");
    crate::pipeline::tests::stock(&pipeline);
    (disk, pipeline)
}

fn asked(id: &str, channel_order_id: &str) -> PlaceOrder {
    PlaceOrder { id: Some(id.into()), fingerprint: 7, ..World::order_of(channel_order_id, &[("phone", 2)], None) }
}

pub(super) fn run(pipeline: &Pipeline, command: Command) -> Result<Outcome, Refused> {
    pipeline.submit_blocking(&Context::library(), command).map(Durable::into_inner)
}

pub(super) fn order_in(outcome: Outcome) -> Order {
    match outcome.reply {
        Reply::Order(order) | Reply::Fulfillment { order, .. } | Reply::Hold { order, .. } => (*order).clone(),
        other => panic!("{other:?} is no order"),
    }
}

fn place(pipeline: &Pipeline, id: &str) -> Result<Order, Refused> {
    run(pipeline, Command::PlaceOrder(Box::new(asked(id, &format!("W-{id}"))))).map(order_in)
}

fn cancel(pipeline: &Pipeline, id: &str) -> Result<Order, Refused> {
    let cancel = CancelOrder { order: id.into(), lines: None, reason: "changed my mind".into() };
    run(pipeline, Command::CancelOrder(cancel)).map(order_in)
}

pub(super) fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::USD }
}

fn pay(pipeline: &Pipeline, id: &str) -> Result<Order, Refused> {
    let payment = ReportPayment { order: id.into(), mark: PaymentMark::Failed, amount: usd(5) };
    run(pipeline, Command::ReportPayment(payment)).map(order_in)
}

fn deliver(pipeline: &Pipeline, key: OrderKey) -> Order {
    let fulfillment: crate::domain::ids::Text = FulfillmentKey { order: key, number: 1 }.to_string().into();
    let shipment = Shipment { carrier: "ups".into(), service: "ground".into(), tracking_number: "1Z".into() };
    let steps = [
        FulfillmentAction::Accept,
        FulfillmentAction::Pick { lines: None },
        FulfillmentAction::Pack,
        FulfillmentAction::Ship { shipment },
        FulfillmentAction::Deliver,
    ];
    let mut last = None;
    for action in steps {
        let fulfillment = fulfillment.clone();
        last = Some(order_in(run(pipeline, Command::Fulfill(Fulfill { fulfillment, action })).expect("the next step")));
    }
    last.expect("there were steps")
}

/// What has ended leaves, a snapshot is cut, and memory forgets; answers how many orders memory still has.
pub(super) fn tidy(pipeline: &Pipeline) -> usize {
    let engine = pipeline.engine();
    engine.archive_now(pipeline.journal());
    let _ = pipeline.journal().durable_blocking(pipeline.journal().last_seq(), ());
    let _ = pipeline.journal().snapshot_now();
    engine.archive_now(pipeline.journal());
    engine.counts().0
}

#[test]
fn an_order_that_left_is_found_by_every_name_and_no_name_is_given_twice() {
    let (_disk, pipeline) = shop();
    let engine = pipeline.engine();
    let placed = place(&pipeline, "a-1").expect("in stock");
    let open = place(&pipeline, "a-2").expect("in stock");
    assert_eq!(engine.archive_now(pipeline.journal()), 0, "nothing has ended");
    let delivered = deliver(&pipeline, placed.key);
    assert_eq!(engine.archive_now(pipeline.journal()), 1);
    assert_eq!(engine.archive_now(pipeline.journal()), 0, "it left once");
    assert_eq!(engine.counts().0, 2, "nothing is forgotten that no segment holds");
    assert_eq!(tidy(&pipeline), 1, "the open order alone is in memory");

    for id in ["a-1", &placed.key.to_string()] {
        assert!(engine.named_order_in_memory(id).is_none());
        let found = engine.order(id).expect("it is in the archive");
        assert!(found.is_same_as(&Order { left_at: found.left_at, ..delivered.clone() }), "{found:?}");
        assert_eq!(found.status(), OrderStatus::Fulfilled);
    }
    let fulfillment = FulfillmentKey { order: placed.key, number: 1 };
    assert_eq!(engine.fulfillment(&fulfillment.to_string()).expect("found").1, fulfillment);
    assert!(engine.order("a-3").is_err() && engine.order(&OrderKey(placed.key.0 + 99).to_string()).is_err());

    let before = pipeline.journal().last_seq();
    let again = run(&pipeline, Command::PlaceOrder(Box::new(asked("a-1", "W-a-1")))).expect("it was placed before");
    assert!(again.replayed);
    assert_eq!(order_in(again).key, placed.key);
    let other = PlaceOrder { fingerprint: 8, ..asked("a-1", "W-a-9") };
    let taken = run(&pipeline, Command::PlaceOrder(Box::new(other)));
    assert!(matches!(taken, Err(Refused::Rejected(Rejection::IdTaken { .. }))), "{taken:?}");
    let twice = run(&pipeline, Command::PlaceOrder(Box::new(asked("a-9", "W-a-1"))));
    let named = "a-1".to_owned();
    assert!(
        matches!(&twice, Err(Refused::Rejected(Rejection::DuplicateChannelOrder { order, .. })) if *order == named),
        "{twice:?}"
    );
    let late = cancel(&pipeline, "a-1");
    assert!(matches!(late, Err(Refused::Rejected(Rejection::NotCancellable { .. }))), "{late:?}");
    let step = Fulfill { fulfillment: fulfillment.to_string().into(), action: FulfillmentAction::Accept };
    let step = run(&pipeline, Command::Fulfill(step));
    assert!(matches!(step, Err(Refused::Rejected(Rejection::IllegalStep { .. }))), "{step:?}");
    assert_eq!(pipeline.journal().last_seq(), before, "what is refused writes nothing");
    assert_eq!(engine.order("a-2").expect("open").version, open.version);
}

#[test]
fn a_merge_is_repeated_after_the_order_that_went_has_left() {
    let (_disk, pipeline) = shop();
    place(&pipeline, "a-1").expect("in stock");
    place(&pipeline, "a-2").expect("in stock");
    let merge = || Command::MergeOrders(MergeOrders { order: "a-1".into(), with: "a-2".into() });
    let merged = order_in(run(&pipeline, merge()).expect("they can"));
    assert_eq!(tidy(&pipeline), 1, "the one that went has left");
    let before = pipeline.journal().last_seq();
    assert_eq!(order_in(run(&pipeline, merge()).expect("a repeat")).version, merged.version);
    assert_eq!(pipeline.journal().last_seq(), before, "a repeat writes nothing");
}

#[test]
fn what_reopens_an_order_brings_it_back_and_it_leaves_again() {
    let (disk, mut pipeline) = shop();
    let placed = place(&pipeline, "a-1").expect("in stock");
    let mut known = deliver(&pipeline, placed.key);
    for round in 1..=3 {
        assert_eq!(tidy(&pipeline), 0);
        let key = IdempotencyKey { hash: round, fingerprint: 1 };
        let context = Context { key: Some(key), ..Context::library() };
        let pay = || {
            let mark = PaymentMark::Failed;
            Command::ReportPayment(ReportPayment { order: "a-1".into(), mark, amount: usd(round as i64) })
        };
        let paid = order_in(pipeline.submit_blocking(&context, pay()).expect("it comes back").into_inner());
        assert_eq!((paid.version, paid.payments.len()), (known.version + 1, round as usize), "the next version");
        assert!(!paid.is_archived());
        let seq = pipeline.journal().last_seq();
        let record = pipeline.journal().read(seq).expect("kept").expect("durable");
        assert!(matches!(&record.events[0], Event::Archiving(Archiving::Back(order)) if order.is_same_as(&known)));
        // A repeat is a repeat, before and after it left again.
        for _ in 0..2 {
            let again = pipeline.submit_blocking(&context, pay()).expect("a repeat").into_inner();
            assert!(again.replayed);
            assert_eq!(pipeline.journal().last_seq(), seq);
        }
        assert!(engine_order(&pipeline).is_same_as(&paid));
        if round == 2 {
            drop(pipeline);
            disk.crash();
            pipeline = start(&disk).expect("a good disk");
            assert!(engine_order(&pipeline).is_same_as(&paid), "after a crash");
        }
        known = paid;
    }
    assert_eq!(tidy(&pipeline), 0);
    assert_eq!(engine_order(&pipeline).payments.len(), 3, "the newest segment is right");
    assert_eq!(pipeline.journal().archive().count(), 4, "it left four times");
}

fn engine_order(pipeline: &Pipeline) -> Order {
    pipeline.engine().order("a-1").expect("wherever it is").as_ref().clone()
}

#[test]
fn a_generated_number_is_never_that_of_an_order_that_left() {
    let (disk, pipeline) = shop();
    let placed = place(&pipeline, "a-1").expect("in stock");
    cancel(&pipeline, "a-1").expect("open");
    assert_eq!(tidy(&pipeline), 0);
    let archive: &dyn crate::domain::archive::Archive = &**pipeline.journal().archive();
    assert_eq!(archive.highest_key(), placed.key.0);
    drop(pipeline);
    let pipeline = start(&disk).expect("a good disk");
    assert!(place(&pipeline, "a-2").expect("in stock").key > placed.key);
}

#[test]
fn lists_show_what_left_as_they_showed_it_before() {
    [false, true].into_iter().for_each(what_left_is_shown);
}

/// `shared`: the lists take orders from the engine where it has them so.
fn what_left_is_shown(shared: bool) {
    let (_disk, pipeline) = shop();
    let journal = pipeline.journal();
    let views = Views::of(&State::default(), Some(journal.archive().clone()));
    let mut tail = journal.tail(0);
    let mut follow = || {
        while let Some(record) = tail.try_next().expect("kept") {
            views.read(&record, &|key, version| pipeline.engine().order_at(key, version).filter(|_| shared));
        }
    };
    for n in 0..40 {
        let id = format!("a-{n}");
        place(&pipeline, &id).expect("in stock");
        if n % 3 > 0 {
            cancel(&pipeline, &id).expect("open");
        }
    }
    follow();
    let filters = [
        Filter::default(),
        Filter { status: Some(OrderStatus::Cancelled), ..Filter::default() },
        Filter { status: Some(OrderStatus::FullyAllocated), ..Filter::default() },
        Filter { channel: Some("web".into()), ..Filter::default() },
        Filter { channel: Some("shop".into()), ..Filter::default() },
        Filter { customer: Some("customer-1".into()), ..Filter::default() },
        Filter { q: Some("w-A-3".into()), ..Filter::default() },
    ];
    let all = || -> Vec<Vec<OrderKey>> {
        let pages = |filter: &Filter| {
            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let page = views.orders().page(filter, 7, cursor).expect("the archive reads");
                found.extend(page.items);
                cursor = page.next;
                if cursor.is_none() {
                    return found;
                }
            }
        };
        filters.iter().map(pages).collect()
    };
    let fulfillments = || {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = views.orders().fulfillments(None, None, 3, cursor).expect("the archive reads");
            found.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    };
    let before = (all(), fulfillments());
    assert_eq!((before.0[0].len(), before.1.len()), (40, 40));
    assert_eq!(tidy(&pipeline), 14);
    follow();
    assert_eq!((all(), fulfillments()), before);
    // The rows go with the next that leaves, when the archive has the first.
    place(&pipeline, "b-1").expect("in stock");
    cancel(&pipeline, "b-1").expect("open");
    tidy(&pipeline);
    follow();
    assert_eq!(views.orders().len(), 14, "open orders alone");
    let after = (all(), fulfillments());
    assert_eq!(after.0[0][1..], before.0[0][..]);
    assert_eq!(after.0[1][1..], before.0[1][..]);
    assert_eq!(after.0[2], before.0[2]);
    assert_eq!(after.1[1..], before.1[..]);
    // One comes back: it is listed once, as it is now.
    pay(&pipeline, "a-1").expect("it comes back");
    follow();
    assert_eq!((all(), fulfillments()), after);
}

/// Works until the disk stops; answers the orders that were acknowledged, with version and end.
fn work(pipeline: &Pipeline) -> Vec<(String, u32)> {
    let mut told: Vec<(String, u32)> = Vec::new();
    let mut work = || -> Result<(), Refused> {
        for round in 0..3 {
            for n in 0..3 {
                let id = format!("{round}-{n}");
                let placed = place(pipeline, &id)?;
                told.push((id.clone(), placed.version));
                if n > 0 {
                    let version = cancel(pipeline, &id)?.version;
                    told.last_mut().expect("just put").1 = version;
                }
            }
            tidy(pipeline);
            if round > 0 {
                let version = pay(pipeline, "0-1")?.version;
                told[1].1 = version;
                tidy(pipeline);
            }
        }
        Ok(())
    };
    let _ = work();
    told
}

#[test]
fn every_order_is_found_after_a_loss_of_power_at_whatever_step() {
    let (mut finished, mut stop, mut from_archive) = (false, 1, 0);
    while !finished {
        let (disk, pipeline) = shop();
        disk.stop_after(stop);
        let told = work(&pipeline);
        finished = !disk.has_stopped();
        drop(pipeline);
        disk.crash();
        let context = format!("stopped at step {stop}");
        let pipeline = start(&disk).unwrap_or_else(|failure| panic!("{context}: {failure}"));
        let engine = pipeline.engine();
        for (id, version) in &told {
            let order = engine.order(id).unwrap_or_else(|rejection| panic!("{context}: {rejection}"));
            assert!(order.version >= *version, "{context}: {id} is at {}, {version} was told", order.version);
            from_archive += usize::from(engine.named_order_in_memory(id).is_none());
            let again = run(&pipeline, Command::PlaceOrder(Box::new(asked(id, &format!("W-{id}")))));
            assert!(again.is_ok_and(|again| again.replayed), "{context}: {id} is placed once");
        }
        tidy(&pipeline);
        let open = told.iter().filter(|(id, _)| id.ends_with("-0")).count();
        assert!(engine.counts().0 <= open + 1, "{context}: memory has {} orders", engine.counts().0);
        stop += 2;
    }
    assert!(stop > 60 && from_archive > 20, "{stop} steps, {from_archive} looked up in the archive");
}

/// One node may handle three shipments a day, by rules that mind it.
fn limit(pipeline: &Pipeline) {
    let patch = NodePatch { capacity_per_day: Some(Some(3)), ..NodePatch::default() };
    run(pipeline, Command::PatchNode { node: "east".into(), patch: Box::new(patch) }).expect("there");
    let terms = RuleTerms {
        objective: vec![Term::PerShipment { amount: 500 }],
        fences: vec![Fence::Capacity],
        ..RuleTerms::default()
    };
    let rules = PutRules { name: "minded".into(), terms: Arc::new(terms) };
    run(pipeline, Command::PutRules(rules)).expect("put");
    let activate = ActivateRules { name: "minded".into(), version: 1, at: None };
    run(pipeline, Command::ActivateRules(activate)).expect("active");
}

/// Shipments that a node has to do on any day.
fn work_of(pipeline: &Pipeline, node: &str) -> u32 {
    let today = utc_day(pipeline.journal().now().wall);
    (today - 2..today + 3).map(|day| pipeline.engine().work_on(node, day)).sum()
}

#[test]
fn a_start_does_not_count_what_was_cancelled_and_left_as_work() {
    let (disk, pipeline) = shop();
    limit(&pipeline);
    place(&pipeline, "a-1").expect("in stock");
    let delivered = place(&pipeline, "a-2").expect("in stock");
    assert_eq!(work_of(&pipeline, "east"), 2);
    cancel(&pipeline, "a-1").expect("nobody has begun");
    deliver(&pipeline, delivered.key);
    assert_eq!(work_of(&pipeline, "east"), 1);
    assert_eq!(tidy(&pipeline), 0, "both left");
    drop(pipeline);
    let pipeline = start(&disk).expect("a good disk");
    assert_eq!(work_of(&pipeline, "east"), 1, "what was delivered was work, what was cancelled was not");
}

#[test]
fn money_comes_back_from_what_left_memory_when_units_of_its_return_are_missing() {
    let (_disk, pipeline) = shop();
    let policy = ReturnPolicy { exchange_at_once: true, ..ReturnPolicy::default() };
    run(&pipeline, Command::PutPolicy(PutPolicy::Returns { channel: None, sku: None, policy })).expect("good");
    let placed = place(&pipeline, "a-1").expect("in stock");
    let paid = ReportPayment { order: "a-1".into(), mark: PaymentMark::Paid, amount: usd(placed.due()) };
    run(&pipeline, Command::ReportPayment(paid)).expect("money may come");
    deliver(&pipeline, placed.key);
    let two = Quantity::new(2).expect("two are some");
    let line = ReturnUnits { line: "1".into(), quantity: two, reason: "too small".into(), condition: None };
    let wanted = WantedInstead { sku: "phone".into(), quantity: two, unit_price: None };
    let request = RequestReturn {
        id: None,
        fingerprint: 0,
        order: "a-1".into(),
        lines: vec![line],
        exchange: vec![wanted],
        is_claim: false,
    };
    let returned = |command: Command| -> Return {
        match run(&pipeline, command).expect("legal").reply {
            Reply::Return(known) => *known,
            other => panic!("{other:?} is no return"),
        }
    };
    let known = returned(Command::RequestReturn(Box::new(request)));
    let name = crate::domain::ids::Text::from(known.name());
    let approve = ReturnAction::Approve { node: Some("east".into()) };
    let known = returned(Command::ChangeReturn { returned: name.clone(), action: approve });
    let instead = known.replacement.expect("it is ordered at once");
    let kept = |key: OrderKey| Paid::of(&pipeline.engine().order(&key.to_string()).expect("somewhere").payments).kept();
    assert_eq!((kept(placed.key), kept(instead)), (0, placed.due()), "it is paid for");
    deliver(&pipeline, instead);
    assert_eq!(tidy(&pipeline), 1, "what he has got leaves memory");
    let missing = ReturnedUnits {
        line: "1".into(),
        component: None,
        quantity: two,
        condition: Some(Condition::Missing),
        disposition: None,
        names: Names::default(),
    };
    let receipt = ReturnAction::Receive { node: Some("east".into()), lines: vec![missing] };
    returned(Command::ChangeReturn { returned: name, action: receipt });
    assert_eq!((kept(placed.key), kept(instead)), (placed.due(), 0), "it is the money of what he kept");
    let case = ExceptionKey { kind: ExceptionKind::ExchangeUnpaid, subject: Subject::Order(instead) };
    assert!(pipeline.engine().exception_by_key(case).is_some_and(|case| case.is_open()));
}
