//! Every planted bug is caught: the harness named beside it must fail when the bug is there.
//!
//! Each runs in a process of its own: this test binary again, with the bug's name in `ORDAIN_SABOTAGE` and the name of
//! the one test that must see it. The test runs with its usual length; what passes with a bug planted is blind.

use std::process::{Command, Stdio};

use crate::sabotage::Bug;

/// Which test must catch which bug.
const CAUGHT_BY: &[(Bug, &str)] = &[
    (Bug::GiveBeforeLog, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::AppendBuffered, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::NoInFlight, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::NoOrdering, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::GiveBlind, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::ExpireUnlocked, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::QueueFlag, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::JoinWithoutLook, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::JoinIgnoresMarks, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::LossIgnoresMarks, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::LossLooksTwice, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::DueAfterWord, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::DueAfterAppend, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::CountersAfterWords, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::PanicWithoutLedger, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::ClaimTimedByAppend, "proof::search::two_operations_at_once_keep_every_law"),
    (Bug::LedgerAfterMarks, "proof::search::what_takes_three_threads_keeps_every_law"),
    (Bug::HeadroomWords, "proof::search::what_takes_three_threads_keeps_every_law"),
    (Bug::HeadroomMarksLoss, "proof::search::what_takes_three_threads_keeps_every_law"),
    (Bug::LossClearsFirst, "proof::search::what_takes_three_threads_keeps_every_law"),
    (Bug::SkipCompare, "proof::words::two_takers_never_take_the_same_unit"),
    (Bug::RelaxedGive, "proof::words::who_takes_sees_what_was_written_before_the_give"),
];

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
    let blind: Vec<_> = CAUGHT_BY.iter().filter(|(bug, test)| !catches(*bug, test)).collect();
    assert!(blind.is_empty(), "not seen: {blind:?}");
}
