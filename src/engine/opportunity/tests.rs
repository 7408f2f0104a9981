//! What stock and days are worth to orders to come: found from those of the past, minded by who weighs it and by nobody else,
//! the same after a restart, and cheaper over a stream than to take the nearest every time.

use std::sync::Arc;
use std::time::Duration;

use super::super::tests::whatif::compared;
use super::super::tests::world::*;
use super::*;
use crate::domain::command::*;
use crate::domain::decision::Decision;
use crate::domain::geo::Position;
use crate::domain::item::ItemKind;
use crate::domain::limits::OPPORTUNITY_ORDERS_MIN;
use crate::domain::record::Log;
use crate::domain::rules::{Fence, RuleTerms, Term, Unfilled};
use crate::engine::whatif::Suppose;

/// East is nearest to all of them; north is far from the first, and not much farther than east from the last.
const NEW_YORK: (f64, f64) = (40.7, -74.0);
const ROCHESTER: (f64, f64) = (43.2, -77.6);
const PITTSBURGH: (f64, f64) = (40.44, -80.0);

/// A minor unit for a kilometre.
fn by_way() -> Term {
    Term::Distance { micro_per_km: 1_000_000 }
}

fn on(world: &World, objective: Vec<Term>, fences: Vec<Fence>) {
    let terms = RuleTerms { objective, fences, unfilled: Unfilled::LastResort, ..RuleTerms::default() };
    let put = world.run(Command::PutRules(PutRules { name: text("default"), terms: Arc::new(terms) }));
    let Ok(Reply::Rules(version)) = put else { panic!("{put:?}") };
    let activated = ActivateRules { name: text("default"), version: version.version, at: None };
    world.run(Command::ActivateRules(activated)).expect("it can be carried");
}

fn order_to(id: &str, (lat, lon): (f64, f64), lines: &[(&str, u32)]) -> PlaceOrder {
    let mut order = PlaceOrder { id: Some(text(id)), ..World::order_of(id, lines, None) };
    order.destinations[0].position = Position::from_degrees(lat, lon);
    order
}

/// Places it, without a look at all laws after it.
fn place(world: &World, order: PlaceOrder) -> Arc<Order> {
    let placed = Command::PlaceOrder(Box::new(order));
    match world.engine.execute(&*world.log, &Context::library(), placed).expect("taken") {
        Executed::Done(outcome) => match outcome.reply {
            Reply::Order(order) => order,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn foresee(world: &World, days: u16) -> Opportunity {
    world.engine.foresee(world.log.now(), &Foresee { days, within: Duration::from_secs(600) })
}

fn put(world: &World, found: Opportunity) -> Opportunity {
    match world.run(Command::PutOpportunity(Box::new(found))).expect("of this catalogue") {
        Reply::Opportunity(known) => *known,
        other => panic!("{other:?}"),
    }
}

fn quote(world: &World, to: (f64, f64)) -> Decision {
    world.engine.quote(world.log.now(), &order_to("quote", to, &[("phone", 1)])).expect("quoted")
}

fn nodes(world: &World, decision: &Decision) -> Vec<String> {
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    decision.assignments.iter().map(|own| id(own.node)).collect()
}

/// What a decision pays for orders to come.
fn paid(decision: &Decision) -> i64 {
    let weighed = decision.evidence.weighed().expect("the kernel in full decided");
    weighed.amounts.iter().filter(|(term, _)| term.word() == "opportunity").map(|(_, amount)| amount).sum()
}

fn cell(world: &World, sku: &str, node: &str) -> CellKey {
    world
        .engine
        .catalogue(|c| CellKey { sku: c.sku_index(sku).expect("an item"), node: c.node_index(node).expect("a node") })
}

/// so many orders, twenty a day, to each of the three in turn; then so many phones are left.
fn shop(orders: usize, east: i32, north: i32) -> World {
    let world = World::new();
    for node in ["east", "north"] {
        world.stock("phone", node, 1_000).expect("received");
    }
    for n in 0..orders {
        let to = [NEW_YORK, ROCHESTER, PITTSBURGH][n % 3];
        place(&world, order_to(&format!("past-{n}"), to, &[("phone", 1)]));
        world.later(24 * 3_600 / 20);
    }
    for (node, left) in [("east", east), ("north", north)] {
        let free = world.level("phone", node).available as i32;
        world.stock("phone", node, left - free).expect("lost");
    }
    world
}

#[test]
fn a_unit_is_kept_for_who_lives_beside_it() {
    let world = shop(100, 70, 400);
    on(&world, vec![by_way()], vec![]);
    let near = quote(&world, PITTSBURGH);
    assert_eq!(nodes(&world, &near), ["east"], "it is the nearest of all");
    on(&world, vec![by_way(), Term::Opportunity], vec![]);
    assert_eq!((nodes(&world, &quote(&world, PITTSBURGH)), paid(&quote(&world, PITTSBURGH))), (vec!["east".into()], 0));
    // 140 orders in a week, a third of them beside east, and a third not far from it: for all of these its 70 are too few.
    let known = put(&world, foresee(&world, 7));
    assert_eq!((known.basis.orders, known.basis.ahead), (100, 140), "{:?}", known.basis);
    let [east, north] = ["east", "north"].map(|node| known.unit(cell(&world, "phone", node)));
    let farther = quote(&world, PITTSBURGH).cost.amount - near.cost.amount;
    assert!(farther > 0 && east > farther && east < 1_000 && north == 0, "{east} {north} {farther}");
    let kept = quote(&world, PITTSBURGH);
    assert_eq!((nodes(&world, &kept), paid(&kept)), (vec!["north".to_owned()], 0));
    let own = quote(&world, NEW_YORK);
    assert_eq!((nodes(&world, &own), paid(&own)), (vec!["east".to_owned()], east), "they are for these");
    let unminded = kept.unminded().expect("all of it was recorded");
    assert_eq!((unminded.is_same, unminded.cost, unminded.costs_less), (false, near.cost.amount, farther));
    assert_eq!(unminded.assignments[0].node, cell(&world, "phone", "east").node);
    let same = own.unminded().expect("all of it was recorded");
    assert_eq!((same.is_same, same.costs_less, same.cost), (true, 0, own.cost.amount - east));
    // Placed, read again and judged again it is the same.
    let placed = place(&world, order_to("kept", PITTSBURGH, &[("phone", 2)]));
    let kept = quote(&world, PITTSBURGH);
    world.check();
    let comparison = compared(&world, &Suppose::default());
    assert_eq!((comparison.same, comparison.before), (comparison.decided, comparison.after));
    let world = world.restart();
    assert_eq!(world.engine.catalogue(|c| c.opportunity().clone()), known);
    let again = world.engine.order("kept").expect("there");
    assert_eq!((again.decision.clone(), quote(&world, PITTSBURGH)), (placed.decision.clone(), kept));
    let preview = world.engine.preview("default", 3, 1, &|| true).expect("there is one");
    assert_eq!((preview.compared, preview.changes.len()), (1, 0));
    let without = world.engine.preview("default", 2, 1, &|| true).expect("there is one");
    assert_eq!((without.compared, without.changes.len()), (1, 1), "without the term it had been east");
}

#[test]
fn who_does_not_weigh_it_decides_as_before() {
    let world = shop(100, 30, 400);
    on(&world, vec![by_way()], vec![]);
    let before = [NEW_YORK, PITTSBURGH].map(|to| quote(&world, to));
    put(&world, foresee(&world, 7));
    for (before, to) in before.into_iter().zip([NEW_YORK, PITTSBURGH]) {
        let now = quote(&world, to);
        assert_eq!(Decision { catalogue_seq: before.catalogue_seq, ..now.clone() }, before);
        assert!(!now.minds_orders_ahead() && now.unminded().is_none());
    }
}

#[test]
fn of_too_few_orders_nothing_is_said() {
    let world = shop(OPPORTUNITY_ORDERS_MIN - 1, 3, 400);
    on(&world, vec![by_way(), Term::Opportunity], vec![]);
    let known = put(&world, foresee(&world, 7));
    assert!(known.stock.is_empty() && !known.basis.is_enough() && known.basis.at.is_some());
    let decision = quote(&world, PITTSBURGH);
    assert_eq!((nodes(&world, &decision), paid(&decision)), (vec!["east".to_owned()], 0));
    // What is long past tells nothing either.
    place(&world, order_to("one more", NEW_YORK, &[("phone", 1)]));
    assert!(foresee(&world, 7).basis.is_enough());
    world.later(i64::from(DAYS_BACK) * 24 * 3_600 + 1);
    assert_eq!(foresee(&world, 7).basis.orders, 0);
}

#[test]
fn where_there_is_enough_for_all_nothing_is_worth_anything() {
    let world = shop(100, 900, 900);
    let found = foresee(&world, 7);
    assert!(found.stock.is_empty() && found.basis.is_enough() && found.basis.rounds > 0, "{found:?}");
}

#[test]
fn a_shipment_of_a_node_that_can_handle_few_is_kept_too() {
    let world = shop(100, 900, 900);
    let patch = NodePatch { capacity_per_day: Some(Some(10)), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("changed");
    on(&world, vec![by_way(), Term::Opportunity], vec![Fence::Capacity]);
    // Seven a day live beside east, and as many not far from it; it can send ten.
    let known = put(&world, foresee(&world, 7));
    let east = known.shipment(cell(&world, "phone", "east").node);
    assert!(known.stock.is_empty() && known.shipments.len() == 1 && east > 100, "{known:?}");
    assert_eq!(nodes(&world, &quote(&world, PITTSBURGH)), ["north"]);
    let own = quote(&world, NEW_YORK);
    assert_eq!((nodes(&world, &own), paid(&own)), (vec!["east".to_owned()], east));
}

#[test]
fn what_is_on_its_way_counts_as_much_as_what_is_there() {
    for (days, prices) in [(2, 0), (10, 1)] {
        let world = shop(100, 30, 400);
        let announced = AnnounceInbound {
            id: None,
            fingerprint: 0,
            node: text("east"),
            supplier: None,
            eta: WallTime(world.log.now().wall.0 + days * DAY_MS),
            lines: vec![SkuUnits { sku: text("phone"), quantity: quantity(500) }],
        };
        world.run(Command::AnnounceInbound(announced)).expect("announced");
        assert_eq!(foresee(&world, 7).stock.len(), prices, "it comes in {days} days");
    }
}

#[test]
fn it_is_found_anew_when_time_has_passed_or_stock_has_moved() {
    let world = shop(100, 30, 400);
    let due = |world: &World| world.engine.opportunity_due(world.log.now().wall);
    on(&world, vec![by_way()], vec![]);
    assert_eq!(due(&world), None, "nobody weighs it");
    on(&world, vec![by_way(), Term::Opportunity], vec![]);
    assert_eq!(due(&world), Some(DAYS_AHEAD));
    put(&world, foresee(&world, 5));
    assert_eq!(due(&world), None);
    world.stock("phone", "east", 2).expect("received");
    world.later(301);
    assert_eq!(due(&world), None, "that is little");
    world.stock("phone", "east", 2).expect("received");
    assert_eq!(due(&world), Some(5));
    put(&world, foresee(&world, 5));
    world.later(3_599);
    assert_eq!(due(&world), None);
    world.later(1);
    assert_eq!(due(&world), Some(5));
    let world = world.restart();
    assert_eq!(due(&world), Some(5), "it is in the journal");
}

#[test]
fn what_the_catalogue_does_not_know_is_refused_and_changes_nothing() {
    let world = shop(60, 5, 100);
    let known = foresee(&world, 7);
    let records = world.log.records.lock().len();
    let refused = |put: Opportunity| match world.run(Command::PutOpportunity(Box::new(put))) {
        Err(Rejection::Invalid(faults)) => faults[0].code,
        other => panic!("{other:?}"),
    };
    let of = |sku: u32, node: u32| (CellKey { sku: SkuIndex(sku), node: NodeIndex(node) }, 5);
    let stock = |stock: Vec<(CellKey, u32)>| Opportunity { stock, ..known.clone() };
    assert_eq!(refused(stock(vec![of(99, 1)])), "unknown_sku");
    assert_eq!(refused(stock(vec![of(0, 99)])), "unknown_node");
    assert_eq!(refused(stock(vec![of(1, 1), of(0, 1)])), "not_ascending");
    assert_eq!(refused(Opportunity { shipments: vec![(NodeIndex(99), 1)], ..known.clone() }), "unknown_node");
    assert_eq!(world.log.records.lock().len(), records);
}

#[test]
fn an_order_of_long_ago_does_not_thin_out_those_of_now() {
    let world = shop(100, 30, 400);
    let evenly = foresee(&world, 7).basis;
    assert_eq!((evenly.orders, evenly.ahead), (100, 140));
    let now = world.log.now().wall;
    assert_eq!(evenly.since, WallTime(now.0 - 5 * DAY_MS), "when the first of them was placed");
    let long_ago = WallTime(now.0 - 27 * DAY_MS);
    place(&world, PlaceOrder { placed_at: Some(long_ago), ..order_to("late", NEW_YORK, &[("phone", 1)]) });
    let basis = foresee(&world, 7).basis;
    assert_eq!((basis.orders, basis.ahead), (101, 140), "{basis:?}");
    for n in 0..50 {
        let mut placed: Vec<WallTime> = (0..100 - n).map(|hour| WallTime(now.0 - hour * DAY_MS / 100)).collect();
        placed.extend((0..n).map(|_| long_ago));
        let days = (now.0 - since(&mut placed, now).0) as f64 / DAY_MS as f64;
        assert!((0.9..=1.0).contains(&days), "{n} of long ago: {days}");
    }
    assert_eq!(since(&mut [], now), now);
}

#[test]
fn what_is_asked_takes_bounded_memory_and_says_of_how_many_orders() {
    let world = shop(100, 30, 400);
    let now = world.log.now();
    let all = world.engine.ask(world.engine.past_orders(now.wall), now, usize::MAX);
    assert_eq!((all.placed.len(), all.questions.len()), (100, 100));
    assert_eq!(all.bytes, all.questions.iter().flatten().map(|member| member.bytes()).sum::<usize>());
    // Two nodes and one line: candidates, offers, rates and cells, not figures alone.
    let each = all.bytes / 100;
    assert!(each > size_of::<Member>() + 2 * size_of::<crate::domain::sourcing::costed::Candidate>(), "{each}");
    let room = all.bytes / 4;
    let some = world.engine.ask(world.engine.past_orders(now.wall), now, room);
    assert!((24..=26).contains(&some.placed.len()) && some.bytes < room + each * 2, "{}", some.placed.len());
    // The newest.
    assert_eq!(some.placed, all.placed[..some.placed.len()]);
}

#[test]
fn a_replay_and_a_preview_before_there_are_prices_say_so() {
    let world = shop(60, 30, 400);
    on(&world, vec![by_way(), Term::Opportunity], vec![]);
    let preview = |version| world.engine.preview("default", version, 10, &|| true).expect("there is one");
    assert!(preview(2).looks_ahead && !preview(1).looks_ahead);
    let known = || world.engine.catalogue(|c| c.opportunity().is_known());
    place(&world, order_to("before", NEW_YORK, &[("phone", 1)]));
    assert!(!known());
    assert_eq!(compared(&world, &Suppose::default()).unpriced, 1, "those of before minded nothing");
    put(&world, Opportunity::unknown(Basis { at: Some(world.log.now().wall), ..Basis::default() }));
    place(&world, order_to("too few", NEW_YORK, &[("phone", 1)]));
    assert!(!known());
    assert_eq!(compared(&world, &Suppose::default()).unpriced, 2, "of too few orders nothing is known");
    put(&world, foresee(&world, 7));
    place(&world, order_to("after", NEW_YORK, &[("phone", 1)]));
    assert!(known());
    assert_eq!(compared(&world, &Suppose::default()).unpriced, 2);
}

#[test]
fn a_fence_of_money_counts_no_price_of_orders_to_come() {
    let world = shop(100, 70, 400);
    let minds = |amount| on(&world, vec![by_way(), Term::Opportunity], vec![Fence::LandedCost { amount }]);
    minds(1_000_000);
    let known = put(&world, foresee(&world, 7));
    let east = known.unit(cell(&world, "phone", "east"));
    let own = quote(&world, NEW_YORK);
    let real = own.cost.amount - east;
    assert!(east > 0 && nodes(&world, &own) == ["east"] && paid(&own) == east);
    minds(real);
    let fenced = quote(&world, NEW_YORK);
    assert_eq!(
        (nodes(&world, &fenced), fenced.cost),
        (vec!["east".to_owned()], own.cost),
        "{real} is paid, {east} is not"
    );
    let unminded = fenced.unminded().expect("all of it was recorded");
    assert_eq!((unminded.is_same, unminded.cost), (true, real));
    minds(real - 1);
    let dear = quote(&world, NEW_YORK);
    assert!(nodes(&world, &dear).is_empty() && !dear.unfilled.is_empty(), "north is farther");
}

/// A shop of its own law: where orders come from, what they ask for, and what lies where.
struct Stream {
    dice: Dice,
}

const PLACES: [&str; 4] = ["w", "x", "y", "z"];
const SKUS: [&str; 3] = ["a", "b", "c"];
const PAST: usize = 160;
const COMING: usize = 120;
const A_DAY: usize = 20;

impl Stream {
    fn order(&mut self, id: &str) -> PlaceOrder {
        // Most live in the east.
        let lon = -122.0 + [0.0, 12.0, 25.0, 38.0, 44.0, 46.0, 48.0, 50.0][self.dice.below(8)];
        let first = self.dice.below(SKUS.len());
        let mut lines = vec![(SKUS[first], 1)];
        if self.dice.below(3) == 0 {
            lines.push((SKUS[(first + 1) % SKUS.len()], 1));
        }
        order_to(id, (40.0, lon), &lines)
    }

    /// A world with its past, and with as many units of everything as come to be asked for, and some more; half of them far
    /// from most.
    fn world(&mut self) -> World {
        let mut world = World::new();
        for (place, lon) in PLACES.into_iter().zip([-120.0, -100.0, -85.0, -74.0]) {
            world.node(place, 40.0, lon, true);
        }
        for sku in SKUS {
            world.item(sku, ItemKind::Product, &[]);
            world.stock(sku, "x", PAST as i32 * 2).expect("received");
        }
        for n in 0..PAST {
            place(&world, self.order(&format!("past-{n}")));
            world.later(24 * 3_600 / A_DAY as i64);
        }
        for sku in SKUS {
            let free = world.level(sku, "x").available as i32;
            world.stock(sku, "x", 20 - free).expect("lost");
            for (place, units) in [("w", 15), ("y", 12), ("z", 14 + self.dice.below(6) as i32)] {
                world.stock(sku, place, units).expect("received");
            }
        }
        world
    }
}

/// What all orders to come cost, decided one by one, what is paid for those after them left out; with prices found every
/// other day, or none.
fn decided(world: &World, orders: &[PlaceOrder], minds: bool) -> i64 {
    let mut objective = vec![Term::PerShipment { amount: 300 }, by_way(), Term::Split { amount: 200 }];
    objective.extend(minds.then_some(Term::Opportunity));
    on(world, objective, vec![]);
    let mut cost = 0;
    for (at, order) in orders.iter().enumerate() {
        if minds && at % (2 * A_DAY) == 0 {
            let days = ((orders.len() - at) / A_DAY).max(1) as u16;
            put(world, foresee(world, days));
        }
        let placed = place(world, order.clone());
        let decision = placed.decision.as_deref().expect("it was sourced");
        assert!(decision.unfilled.is_empty(), "there is enough of everything");
        cost += decision.cost.amount - paid(decision);
        world.later(24 * 3_600 / A_DAY as i64);
    }
    world.check();
    cost
}

/// What nobody undercuts who knows all of them before.
fn bound(world: &World, orders: &[PlaceOrder]) -> i64 {
    on(world, vec![Term::PerShipment { amount: 300 }, by_way(), Term::Split { amount: 200 }], vec![]);
    let elsewhere = world.again();
    for sku in SKUS {
        elsewhere.stock(sku, "x", 1_000).expect("received");
    }
    let known: Vec<Arc<Order>> = orders.iter().map(|order| place(&elsewhere, order.clone())).collect();
    let asked = world.engine.ask(known.into_iter(), world.log.now(), BYTES_MAX);
    let free =
        |key: &CellKey| world.engine.network.read().expect("nobody writes").cell(*key).map_or(0, |c| c.word.free());
    let batch = Batch {
        members: asked.questions.iter().flatten().cloned().collect(),
        stock: asked.keys.iter().map(free).collect(),
        sends: vec![None; world.engine.catalogue(|c| c.nodes().len())],
    };
    let mut optimiser = Optimiser::new(&batch);
    optimiser.price(ROUNDS);
    optimiser.found().lower_bound.expect("prices were asked")
}

#[test]
fn a_stream_costs_less_with_prices_of_what_is_scarce_and_never_less_than_its_bound() {
    let (mut myopic, mut minded, mut bounds) = (0, 0, 0);
    for seed in [1, 2] {
        let mut stream = Stream { dice: Dice(seed) };
        let world = stream.world();
        let orders: Vec<PlaceOrder> = (0..COMING).map(|n| stream.order(&format!("coming-{n}"))).collect();
        let costs = [false, true].map(|minds| decided(&world.again(), &orders, minds));
        let least = bound(&world.again(), &orders);
        let ratio = |cost: i64| cost as f64 / least as f64;
        println!("seed {seed}: nearest first {:.4}, with prices {:.4} of {least}", ratio(costs[0]), ratio(costs[1]));
        assert!(least <= costs[0].min(costs[1]), "seed {seed}: {costs:?} {least}");
        (myopic, minded, bounds) = (myopic + costs[0], minded + costs[1], bounds + least);
    }
    let captured = (myopic - minded) as f64 / (myopic - bounds) as f64;
    println!("{:.0} % of what is lost to who knows all before", captured * 100.0);
    assert!(minded < myopic && captured > 0.25, "{myopic} {minded} {bounds}");
}
