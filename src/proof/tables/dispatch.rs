//! Dispatch: parcels and manifests, every state and every step, and what becomes of the numbers.

use super::machine::Machine;
use super::teller::{Teller, told};
use super::words_of;
use crate::domain::dispatch::{Dispatch, DispatchKey, ManifestKey, ParcelsState};
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::ids::FulfillmentKey;
use crate::domain::promise::calendar::CivilDay;

/// Two orders at a node, one of them packed; and numbers for parcels.
const BEGINS: &str = "
    node east 40.7 -74.0
    item phone
    stock phone east 5
    order o phone 2
    order p phone 1
    accept o 1
    accept p 1
    pick o 1
    pick p 1
    numbers 4012345 3
";

/// How parcels of an order come to each of their states.
const WAYS: [(&str, &str); 4] = [
    ("none", "pack o 1"),
    ("packed", "pack o 1 \n parcels o 1 post 2"),
    ("left", "pack o 1 \n parcels o 1 post 2 \n ship o 1"),
    ("void", "pack o 1 \n parcels o 1 post 2 \n stop o 1 \n let_go o 1"),
];

/// What each step makes of them; `-` where it is refused, which changes nothing.
const PARCELS: &str = "
            parcels_o_1_post_1  ship_o_1  hand_over_o_1  stop_o_1  close_out_east_post  wait_60
    none    packed              none      none           none      none                 none
    packed  -                   left      void           packed    packed               packed
    left    -                   -         -              -         left                 left
    void    -                   -         -              -         void                 void
";

fn parcels_of(teller: &Teller, name: &str) -> String {
    let order = teller.engine().order(name).expect("it was placed");
    let key = FulfillmentKey { order: order.key, number: 1 };
    teller.engine().parcels(key).map_or("none", |parcels| parcels.state.word()).to_owned()
}

const MANIFEST: Machine = Machine {
    name: "a manifest",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 5
        order o phone 2
        accept o 1
        pick o 1
        pack o 1
        numbers 4012345 3
        parcels o 1 post 2
    ",
    ways: &[("open", ""), ("closed", "close_out east post")],
    commands: &[("close", "close_out east post"), ("ship", "ship o 1"), ("clock", "wait 60")],
    table: "
                close             ship    clock
        open    closed            open    open
        closed  !manifest_closed  closed  closed
    ",
    stands: |teller: &Teller| {
        let closed = teller.engine().dispatch(&DispatchKey::Manifest(today(teller)));
        if closed.is_some() { "closed".to_owned() } else { "open".to_owned() }
    },
};

/// The manifest of the carrier's day on which all of this happens.
fn today(teller: &Teller) -> ManifestKey {
    let order = teller.engine().order("o").expect("it was placed");
    let placed = jiff::Timestamp::from_millisecond(order.facts.placed_at.0).expect("a time");
    let (node, zone) = teller.engine().catalogue(|catalogue| {
        let node = catalogue.node_index("east").expect("it was put");
        (node, catalogue.node(node).time_zone.clone())
    });
    let day = placed.to_zoned(jiff::tz::TimeZone::get(&zone).expect("a zone")).date();
    ManifestKey { node, carrier: "post".into(), day: CivilDay::from(day).0 }
}

#[test]
fn parcels_take_the_steps_of_their_table_and_no_other() {
    let states = words_of!(ParcelsState: Packed "packed", Left "left", Void "void");
    assert!(states.iter().all(|state| WAYS.iter().any(|(known, _)| known == state)));
    let rows = PARCELS.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows: Vec<Vec<&str>> = rows.filter(|row| !row.is_empty()).collect();
    for (restarts, (row, (state, way))) in
        [false, true].into_iter().flat_map(|r| rows[1..].iter().zip(WAYS).map(move |row| (r, row)))
    {
        for (step, expected) in rows[0].iter().zip(&row[1..]) {
            let mut teller = Teller::new(restarts);
            BEGINS.lines().chain(way.lines()).for_each(|line| teller.tell(line));
            assert_eq!((parcels_of(&teller, "o").as_str(), row[0]), (state, state), "the way to {state}");
            let refused = teller
                .take(&step.replace('_', " ").replace("hand over", "hand_over").replace("close out", "close_out"));
            let stands = parcels_of(&teller, "o");
            let came_to = if refused.is_err() { "-" } else { stands.as_str() };
            assert_eq!(came_to, *expected, "{step} of what is {state}: {refused:?}");
            assert!(refused.is_ok() || stands == state, "{step} was refused and moved something");
        }
    }
}

#[test]
fn a_manifest_is_closed_once() {
    MANIFEST.check(&["open", "closed"], &[]);
}

#[test]
fn numbers_follow_one_another_and_those_of_void_parcels_are_not_given_out_again() {
    let story = format!(
        "{BEGINS}
        parcels o 1 post 2
        numbers 4012346 0
        parcels p 1 post 1
        numbers 4012345 3
        stop p 1
        let_go p 1
        order q phone 1
        accept q 1
        parcels q 1 post 1 → not_packable      # it is not picked
        pick q 1
        parcels q 1 post 3
        "
    );
    told(&story);
    let mut teller = Teller::new(true);
    story.lines().for_each(|line| teller.tell(line));
    let firsts: Vec<(String, u64)> = ["o", "p", "q"]
        .map(|name| {
            let key = FulfillmentKey { order: teller.engine().order(name).expect("it was placed").key, number: 1 };
            let parcels = teller.engine().parcels(key).expect("it was packed");
            (parcels.prefix.company.to_string(), parcels.first)
        })
        .into();
    assert_eq!(firsts, [("4012345".to_owned(), 1), ("4012346".to_owned(), 1), ("4012345".to_owned(), 3)]);
    let Some(Dispatch::Numbers(numbers)) = teller.engine().dispatch(&DispatchKey::Numbers) else { panic!("numbers") };
    assert_eq!(numbers.next, 6);
    assert_eq!(
        teller.engine().parcel_numbered("34012345000000004").map(|(_, known, at)| (known.first, at)),
        Some((3, 1))
    );
    assert_eq!(teller.engine().parcel_numbered("34012345000000006"), None, "nobody has it yet");
    assert_eq!(teller.engine().parcel_numbered("04012346000000001").map(|(_, _, at)| at), Some(0), "of another prefix");
}

#[test]
fn what_leaves_after_the_manifest_is_closed_is_on_the_next_and_what_stays_is_a_case() {
    let mut teller = Teller::new(true);
    let story = format!(
        "{BEGINS}
        pack o 1
        pack p 1
        parcels o 1 post 2
        parcels p 1 post 1
        ship o 1
        close_out east other
        close_out east post
        close_out east post → manifest_closed
        "
    );
    story.lines().for_each(|line| teller.tell(line));
    let left_behind = |teller: &Teller| {
        ["o", "p"].map(|name| {
            let key = FulfillmentKey { order: teller.engine().order(name).expect("it was placed").key, number: 1 };
            let case = ExceptionKey { kind: ExceptionKind::NotHandedOver, subject: Subject::Fulfillment(key) };
            teller.engine().exception_by_key(case).is_some_and(|case| case.is_open())
        })
    };
    assert_eq!(left_behind(&teller), [false, true]);
    ["ship p 1", "wait 120"].into_iter().for_each(|line| teller.tell(line));
    assert_eq!(left_behind(&teller), [false, false], "it left after all");
    let closed = teller.engine().dispatch(&DispatchKey::Manifest(today(&teller)));
    let Some(Dispatch::Manifest(closed)) = closed else { panic!("it is closed") };
    assert_eq!((closed.shipments, closed.parcels, closed.left_behind), (1, 2, 1));
    let on = |name: &str| {
        let key = FulfillmentKey { order: teller.engine().order(name).expect("it was placed").key, number: 1 };
        match teller.engine().parcels(key).expect("it was packed").state {
            ParcelsState::Left { manifest, .. } => manifest.day - today(&teller).day,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((on("o"), on("p")), (0, 1));
}
