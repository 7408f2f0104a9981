//! Every planted bug is caught: the harness named beside it must fail when the bug is there.
//!
//! Each runs in a process of its own: this test binary again, with the bug's name in `ORDAIN_SABOTAGE` and the name of
//! the one test that must see it. The test runs with its usual length; what passes with a bug planted is blind.

use std::process::{Command, Stdio};

use crate::sabotage::Bug;

/// Which test must catch which bug.
const CAUGHT_BY: &[(Bug, &str)] = &[
    (Bug::AckBeforeSync, LIVES),
    (Bug::ReuseSequence, LIVES),
    (Bug::SyncAgain, LIVES),
    (Bug::WallExpiry, LIVES),
    (Bug::WallExpiry, "proof::simulation::clocks::a_wall_clock_set_back_a_day_while_serving_makes_nothing_immortal"),
    (Bug::WallExpiry, "proof::simulation::clocks::a_wall_clock_set_forward_a_day_while_serving_ends_nothing_early"),
    (Bug::DropEventKind, LIVES),
    (Bug::LostFollowUp, LIVES),
    (Bug::LostFollowUp, MODEL),
    (Bug::BucketTwice, LIVES),
    (Bug::BucketTwice, MODEL),
    (Bug::UnregisteredExtension, MODEL),
    (Bug::ForgottenKey, LIVES),
    (Bug::SnapshotLoses, LIVES),
    (Bug::AnyClock, LIVES),
    (Bug::AnyClock, "proof::simulation::clocks::a_start_two_hours_behind_the_journal_is_refused_until_it_is_accepted"),
];

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
