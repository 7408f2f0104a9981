//! Every planted bug is caught: the harness named beside it must fail when the bug is there.
//!
//! Each runs in a process of its own: this test binary again, with the bug's name in `ORDAIN_SABOTAGE` and the name of
//! the one test that must see it. The test runs with its usual length; what passes with a bug planted is blind.

use std::process::{Command, Stdio};

use crate::sabotage::Bug;

/// Which test must catch which bug.
const CAUGHT_BY: &[(Bug, &str)] = &[
    (Bug::NoFdatasync, IMAGES_OF_SLED),
    (Bug::NoFdatasync, IMAGES_OF_PLAIN_FILES),
    (Bug::AckBeforeSync, IMAGES_OF_SLED),
    (Bug::AckBeforeSync, IMAGES_OF_PLAIN_FILES),
    (Bug::ReuseSequence, IMAGES_OF_PLAIN_FILES),
    (Bug::AckBeforeSync, SCHEDULES),
    (Bug::LostWakeUp, SCHEDULES),
    (Bug::AckBeforeSync, LIVES),
    (Bug::ReuseSequence, LIVES),
    (Bug::SyncAgain, LIVES),
    (Bug::WallExpiry, LIVES),
    (Bug::WallExpiry, CLOCK_BACK),
    (Bug::WallExpiry, CLOCK_FORWARD),
    (Bug::DropEventKind, LIVES),
    (Bug::LostFollowUp, LIVES),
    (Bug::LostFollowUp, MODEL),
    (Bug::BucketTwice, LIVES),
    (Bug::BucketTwice, MODEL),
    (Bug::UnregisteredExtension, MODEL),
    (Bug::ForgottenKey, LIVES),
    (Bug::SnapshotLoses, LIVES),
    (Bug::AnyClock, LIVES),
    (Bug::AnyClock, START_BEHIND),
    (Bug::GiveBeforeLog, PAIRS),
    (Bug::AppendBuffered, PAIRS),
    (Bug::NoInFlight, PAIRS),
    (Bug::NoOrdering, PAIRS),
    (Bug::GiveBlind, PAIRS),
    (Bug::ExpireUnlocked, PAIRS),
    (Bug::QueueFlag, PAIRS),
    (Bug::JoinWithoutLook, PAIRS),
    (Bug::JoinIgnoresMarks, PAIRS),
    (Bug::LossIgnoresMarks, PAIRS),
    (Bug::LossLooksTwice, PAIRS),
    (Bug::DueAfterWord, PAIRS),
    (Bug::DueAfterAppend, PAIRS),
    (Bug::CountersAfterWords, PAIRS),
    (Bug::PanicWithoutLedger, PAIRS),
    (Bug::ClaimTimedByAppend, PAIRS),
    (Bug::LedgerAfterMarks, THREES),
    (Bug::HeadroomWords, THREES),
    (Bug::HeadroomMarksLoss, THREES),
    (Bug::LossClearsFirst, THREES),
    (Bug::SkipCompare, TAKERS),
    (Bug::RelaxedGive, PUBLISHED),
    (Bug::SkipCompare, HISTORIES),
];

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
/// Random lives of a whole Ordain.
const LIVES: &str = "proof::simulation::random_lives_break_no_law";
/// Random sequences beside a model of plain counters.
const MODEL: &str = "proof::simulation::modelled::a_model_of_plain_counters_says_the_same";

/// Whether a test of this binary fails with a bug planted.
fn catches(bug: Bug, test: &str) -> bool {
    let (_, name) = Bug::ALL.iter().find(|(known, _)| *known == bug).expect("every bug has a name");
    let ended = Command::new(std::env::current_exe().expect("a test has a program"))
        .args([test, "--exact", "--nocapture"])
        .env("ORDAIN_SABOTAGE", name)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .expect("the test starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("running 1 test"), "{test} is no test of this binary: {said}");
    !ended.status.success()
}

#[test]
fn every_planted_bug_is_caught() {
    let blind: Vec<_> = CAUGHT_BY
        .iter()
        .filter(|(bug, test)| {
            let started = std::time::Instant::now();
            let caught = catches(*bug, test);
            println!("{bug:?} {} by {test} in {:.1?}", if caught { "caught" } else { "NOT caught" }, started.elapsed());
            !caught
        })
        .collect();
    assert!(blind.is_empty(), "not seen: {blind:?}");
}
