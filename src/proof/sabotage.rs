//! Every planted bug is caught: the harness named beside it must fail when the bug is there.
//!
//! Each runs in a process of its own: this test binary again, with the bug's name in `ORDAIN_SABOTAGE` and the name of
//! the one test that must see it. The test runs with its usual length; what passes with a bug planted is blind, and so is
//! what fails for another reason than the law named beside it.
//!
//! Bugs in an order of steps are caught by the exhaustive search of `proof/search`, which has a copy of that order; some
//! are planted in the engine as well. Of these [`Bug::GiveBeforeLog`] is caught there by real threads. The others are
//! caught by their twins in the search only, as real threads do not meet in their windows: [`Bug::DueAfterAppend`] takes
//! a reservation that runs out between its append and its entry in the due index, [`Bug::JoinWithoutLook`] and
//! [`Bug::JoinIgnoresMarks`] a withdrawal that rolls back just when somebody joins the queue, and no give after it.

use std::process::{Command, Stdio};

use crate::sabotage::Bug;

/// Which test must catch which bug, and what it says when it does.
const CAUGHT_BY: &[(Bug, &str, &str)] = &[
    (Bug::NoFdatasync, IMAGES_OF_SLED, IMAGE),
    (Bug::NoFdatasync, IMAGES_OF_PLAIN_FILES, IMAGE),
    (Bug::AckBeforeSync, IMAGES_OF_SLED, "was acknowledged, the journal ends at"),
    (Bug::AckBeforeSync, IMAGES_OF_PLAIN_FILES, "was acknowledged, the journal ends at"),
    (Bug::ReuseSequence, IMAGES_OF_PLAIN_FILES, "numbers follow one another"),
    (Bug::AckBeforeSync, SCHEDULES, "told before it was on the disk"),
    (Bug::LostWakeUp, SCHEDULES, "deadlock"),
    (Bug::AckBeforeSync, LIVES, LIFE),
    (Bug::ReuseSequence, LIVES, LIFE),
    (Bug::SyncAgain, LIVES, LIFE),
    (Bug::WallExpiry, LIVES, LIFE),
    (Bug::WallExpiry, CLOCK_BACK, "wall -86400"),
    (Bug::WallExpiry, CLOCK_FORWARD, "the clocks say"),
    (Bug::DropEventKind, LIVES, LIFE),
    (Bug::LostFollowUp, LIVES, LIFE),
    (Bug::LostFollowUp, MODEL, "the model says"),
    (Bug::BatchLosesCell, LIVES, "by the records"),
    (Bug::BatchLosesKeys, LIVES, LIFE),
    (Bug::BatchRefusedKeeps, LIVES, "but the level is"),
    (Bug::BatchRefusedKeeps, MODEL, "the model says"),
    (Bug::BatchMisplaces, LIVES, "was answered with"),
    (Bug::BucketTwice, LIVES, LIFE),
    (Bug::BucketTwice, MODEL, "committed would become"),
    (Bug::UnregisteredExtension, MODEL, "can be promised; "),
    (Bug::ForgottenKey, LIVES, LIFE),
    (Bug::LimitsKeptAtExpiry, LIVES, LIFE),
    (Bug::FloorIgnored, LIVES, "others keep"),
    (Bug::PoolPastLimits, LIMITED, "three are the best customers'"),
    (Bug::DraftKeepsUnits, DRAFTS, "is over and holds units"),
    (Bug::HoldOutlivesDraft, DRAFTS, "level phone east: on_hand 14"),
    (Bug::DraftPlacedStale, STALE_DRAFT, "somebody changed it meanwhile"),
    (Bug::RoomUntold, ROOM, "left: ([1], 0)"),
    (Bug::RoomWakeUpLost, ROOM_AGAIN, "who waits now is told of it"),
    (Bug::PurchaseUncounted, BOUGHT_A_DAY, "left: ((3, 0), (4, 0))"),
    (Bug::OwnerKept, CHANGED_HANDS, "it is somebody else's from now on"),
    (Bug::SnapshotLoses, LIVES, LIFE),
    (Bug::AnyClock, LIVES, LIFE),
    (Bug::AnyClock, START_BEHIND, "ms behind the journal: refused as None"),
    (Bug::GiveBeforeLog, STORM, "every record keeps the laws"),
    (Bug::GiveBeforeLog, PAIRS, STOCK),
    (Bug::AppendBuffered, PAIRS, STOCK),
    (Bug::NoInFlight, PAIRS, STOCK),
    (Bug::NoOrdering, PAIRS, STOCK),
    (Bug::GiveBlind, PAIRS, STOCK),
    (Bug::ExpireUnlocked, PAIRS, STOCK),
    (Bug::QueueFlag, PAIRS, STOCK),
    (Bug::JoinWithoutLook, PAIRS, STOCK),
    (Bug::JoinIgnoresMarks, PAIRS, STOCK),
    (Bug::LossIgnoresMarks, PAIRS, STOCK),
    (Bug::LossLooksTwice, PAIRS, STOCK),
    (Bug::DueAfterWord, PAIRS, STOCK),
    (Bug::DueAfterAppend, PAIRS, STOCK),
    (Bug::CountersAfterWords, PAIRS, STOCK),
    (Bug::PanicWithoutLedger, PAIRS, STOCK),
    (Bug::ClaimTimedByAppend, PAIRS, STOCK),
    (Bug::LedgerAfterMarks, THREES, STOCK),
    (Bug::HeadroomWords, THREES, STOCK),
    (Bug::HeadroomMarksLoss, THREES, STOCK),
    (Bug::LossClearsFirst, THREES, STOCK),
    (Bug::SkipCompare, TAKERS, "three units are enough for one of two who want two"),
    (Bug::RelaxedGive, PUBLISHED, "the record of the give is before the take"),
    (Bug::SkipCompare, HISTORIES, "available would become"),
];

/// What is said of an image that is not as it must be, before what is wrong with it: that is a matter of what was lost.
const IMAGE: &str = "point ";
/// What the search says of a broken law of the protocol: which one, of those that a bug breaks, is met first is not fixed.
const STOCK: &str = ") of the stock protocol";
/// What a life says of a broken law.
const LIFE: &str = "broke a law after";

/// Disks that a loss of power could leave.
const IMAGES_OF_SLED: &str = "proof::disk::power::acknowledged_survives_any_loss_of_power_on_sled";
/// The same, of the other store.
const IMAGES_OF_PLAIN_FILES: &str = "proof::disk::power::acknowledged_survives_any_loss_of_power_on_plain_files";
/// Waiters under chosen schedules.
const SCHEDULES: &str =
    "journal::tests::schedules::every_waiter_is_woken_by_the_group_that_covers_its_record_and_not_before";
/// Clocks that jump, by name.
const CLOCK_BACK: &str = "proof::simulation::clocks::a_wall_clock_set_back_a_day_while_serving_makes_nothing_immortal";
/// Clocks that jump, by name.
const CLOCK_FORWARD: &str =
    "proof::simulation::clocks::a_wall_clock_set_forward_a_day_while_serving_ends_nothing_early";
/// Clocks that jump, by name.
const START_BEHIND: &str =
    "proof::simulation::clocks::a_start_two_hours_behind_the_journal_is_refused_until_it_is_accepted";
/// Every interleaving of two operations.
const PAIRS: &str = "proof::search::two_operations_at_once_keep_every_law";
/// Every interleaving of three threads where it takes them.
const THREES: &str = "proof::search::what_takes_three_threads_keeps_every_law";
/// The words under every interleaving of their atomics.
const TAKERS: &str = "proof::words::two_takers_never_take_the_same_unit";
/// The same, weak memory included.
const PUBLISHED: &str = "proof::words::who_takes_sees_what_was_written_before_the_give";
/// Histories of real threads against one counter.
const HISTORIES: &str = "proof::linear::record::every_history_of_a_cell_is_that_of_one_counter";
/// Real threads on few units.
const STORM: &str = "engine::tests::storm::waiting_orders_receipts_and_lapses_meet_without_loss";
/// What drafts hold, as a story.
const DRAFTS: &str = "proof::tables::drafts::what_a_draft_holds_goes_where_its_end_says";
/// A draft that somebody changed.
const STALE_DRAFT: &str = "engine::tests::drafts::what_was_changed_since_it_was_read_is_not_placed";
/// Receipts shared out within limits.
const LIMITED: &str = "engine::tests::channels::what_comes_is_set_aside_for_who_waits_as_far_as_the_limits_let_it";
/// A place at a node that comes back.
const ROOM: &str = "engine::tests::room::whoever_waits_for_room_gets_it_from_an_order_of_another_sku_too";
/// The same, just before somebody waits for it.
const ROOM_AGAIN: &str = "engine::room::tests::a_place_that_came_back_before_anybody_waited_again_wakes_who_waits_now";
/// What is bought when it is ordered.
const BOUGHT_A_DAY: &str =
    "engine::tests::supply::what_is_bought_on_a_day_and_in_all_is_bounded_and_the_clock_buys_the_rest";
/// Reservations that change hands.
const CHANGED_HANDS: &str = "engine::tests::edges::a_reservation_that_changes_hands_is_somebody_else_s_from_now_on";
/// Random lives of a whole Ordain.
const LIVES: &str = "proof::simulation::random_lives_break_no_law";
/// Random sequences beside a model of plain counters.
const MODEL: &str = "proof::simulation::modelled::a_model_of_plain_counters_says_the_same";

/// How a test of this binary ends with a bug planted: by the law that must catch it, or as told.
fn caught(bug: Bug, test: &str, law: &str) -> Result<(), String> {
    let (_, name) = Bug::ALL.iter().find(|(known, _)| *known == bug).expect("every bug has a name");
    let ended = Command::new(std::env::current_exe().expect("a test has a program"))
        .args([test, "--exact", "--nocapture"])
        .env("ORDAIN_SABOTAGE", name)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .expect("the test starts");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(out.contains("running 1 test"), "{test} is no test of this binary: {out}");
    if ended.status.success() {
        return Err(format!("{bug:?} was not seen by {test}"));
    }
    if out.contains(law) || err.contains(law) {
        return Ok(());
    }
    Err(format!("{bug:?} ended {test} as {}, and nothing says `{law}`:\n{out}\n{err}", ended.status))
}

#[test]
fn every_planted_bug_is_caught() {
    let unlisted: Vec<_> =
        Bug::ALL.iter().filter(|(bug, _)| CAUGHT_BY.iter().all(|(listed, ..)| listed != bug)).collect();
    assert!(unlisted.is_empty(), "nobody must catch {unlisted:?}");
    let blind: Vec<String> = CAUGHT_BY
        .iter()
        .filter_map(|(bug, test, law)| {
            let started = std::time::Instant::now();
            let caught = caught(*bug, test, law);
            let how = if caught.is_ok() { "caught" } else { "NOT caught" };
            println!("{bug:?} {how} by {test} in {:.1?}", started.elapsed());
            caught.err()
        })
        .collect();
    assert!(blind.is_empty(), "{}", blind.join("\n\n"));
}
