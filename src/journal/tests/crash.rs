//! Power is lost at every single step, and again while recovering from it.

use super::*;

/// Appends, keeps house, folds, closes, opens again. Returns the last record that was acknowledged.
fn work(disk: &Simulated) -> u64 {
    let mut acknowledged = 0;
    for _ in 0..3 {
        let Ok((journal, state)) = open(disk) else { return acknowledged };
        assert!(state.seq() >= acknowledged);
        for round in 0..8 {
            match append_durably(&journal, 1 + round % 4) {
                Ok(seq) => acknowledged = seq,
                Err(OutcomeUnknown) => return acknowledged,
            }
            journal.upkeep();
            if round % 3 == 2 {
                let _ = journal.snapshot_now();
            }
        }
        if journal.close().is_err() {
            return acknowledged;
        }
    }
    acknowledged
}

#[test]
fn acknowledged_survives_a_disk_that_forgets() {
    let mut finished = false;
    for stop in 1..2_000u64 {
        let disk = Simulated::new(stop);
        disk.stop_after(stop);
        let acknowledged = work(&disk);
        finished = !disk.has_stopped();
        disk.crash();
        let context = format!("stopped at step and seed {stop}");

        // Power goes again somewhere in the recovery, as often as it likes.
        for again in 1..4 {
            disk.stop_after(again * 2 + stop % 5);
            drop(open(&disk));
            disk.crash();
        }
        let (journal, state) = open(&disk).unwrap_or_else(|failure| panic!("{context}: {failure}"));
        assert!(journal.durable_seq() >= acknowledged, "{context}: {acknowledged} was acknowledged, {journal:?}");
        assert_eq!(state.seq(), journal.durable_seq(), "{context}");
        assert_state(&state, &context);
        assert_readable(&journal, &context);
        append_durably(&journal, 3).unwrap();
        journal.upkeep();
        assert_readable(&journal, &context);
        journal.close().unwrap();
        drop(journal);

        let (journal, state) = open(&disk).unwrap_or_else(|failure| panic!("{context}: {failure}"));
        assert!(journal.opening().clean, "{context}");
        assert_state(&state, &context);
        if finished {
            break;
        }
    }
    assert!(finished, "the work was long enough to see every step");
}

#[test]
fn a_torn_tail_above_the_mark_is_dropped() {
    let (mut dropped, mut kept) = (0, 0);
    for seed in 1..60 {
        let disk = Simulated::new(seed);
        let (journal, _) = open(&disk).unwrap();
        append_durably(&journal, 5).unwrap();
        // The next group is in the store's hands when power goes: it was never acknowledged.
        disk.stop_after(2);
        let seq = append(&journal);
        assert_eq!(journal.durable_blocking(seq, ()), Err(OutcomeUnknown), "seed {seed}");
        drop(journal);
        disk.crash();

        let (journal, state) = open(&disk).unwrap();
        assert!(journal.durable_seq() == 5 || journal.durable_seq() == 6, "seed {seed}");
        assert_state(&state, "after the tear");
        dropped += u64::from(journal.opening().dropped.is_some());
        if journal.durable_seq() == 6 {
            // Kept means seen, so from now on it may not go missing either.
            kept += 1;
            if seed % 2 == 0 {
                journal.snapshot_now().unwrap();
                drop(journal);
                assert_eq!(open(&disk).unwrap().1.seq(), 6, "seed {seed}");
                continue;
            }
            drop(journal);
            disk.corrupt(1, |frames| drop(frames.remove(&6).unwrap()));
            assert!(open(&disk).is_err(), "seed {seed}");
            continue;
        }
        append_durably(&journal, 2).unwrap();
        assert_readable(&journal, "after the tear");
    }
    assert!(dropped > 0 && kept > 0, "the seeds show both: {dropped} torn, {kept} kept");
}

#[test]
fn what_a_tear_left_behind_is_never_read_again() {
    for seed in 1..16 {
        let disk = Simulated::new(seed);
        let (journal, _) = open_with(&disk, Options { generation_bytes: 1 << 30, ..options() }).unwrap();
        append_durably(&journal, 2).unwrap();
        // A group of many frames is half written: some survive, with holes between them.
        disk.stop_after(5 + seed % 3);
        disk.hold(|| (0..2_500).for_each(|_| assert!(append(&journal) > 2)));
        drop(journal);
        disk.crash();
        for round in 0..4 {
            let context = format!("seed {seed}, round {round}");
            let (journal, state) = open(&disk).unwrap_or_else(|failure| panic!("{context}: {failure}"));
            assert_state(&state, &context);
            append_durably(&journal, 1 + seed * 97 % 900).unwrap();
            append_durably(&journal, 1).unwrap();
            assert_readable(&journal, &context);
        }
    }
}

#[test]
fn a_disk_that_lies_is_refused() {
    let mut refused = 0;
    for seed in 1..20 {
        let disk = Simulated::new(seed);
        let (journal, _) = open(&disk).unwrap();
        append_durably(&journal, 2).unwrap();
        disk.lie();
        let acknowledged = append_durably(&journal, 2).unwrap();
        drop(journal);
        disk.crash();
        match open(&disk) {
            Ok((journal, _)) => assert!(journal.durable_seq() >= acknowledged, "seed {seed}"),
            Err(Failure::Damaged { what, .. }) => {
                assert!(what.contains("were acknowledged and are missing"), "seed {seed}: {what}");
                refused += 1;
            }
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_failed_sync_poisons_and_is_never_retried() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    append_durably(&journal, 3).unwrap();
    let before = disk.syncs();
    disk.fail_sync_after(1);
    let seq = append(&journal);
    assert_eq!(journal.durable_blocking(seq, ()), Err(OutcomeUnknown));
    assert!(journal.is_poisoned());
    block_on(journal.poisoned());

    // Whatever comes now is numbered, never written, and its outcome is unknown.
    let later = append(&journal);
    assert_eq!(journal.durable_blocking(later, ()), Err(OutcomeUnknown));
    assert_eq!(journal.seat(Priority::Kept).err(), Some(Busy::Stopped));
    assert_eq!(journal.look_for_seat(), Err(Busy::Stopped));
    assert_eq!(journal.durable_blocking(3, ()).map(|durable| durable.seq()), Ok(3), "what was durable stays so");
    assert!(matches!(journal.close(), Err(Failure::Poisoned)));
    assert_eq!(disk.syncs(), before + 1, "one sync failed and none came after it");
    drop(journal);

    disk.crash();
    let (journal, state) = open(&disk).unwrap();
    assert!(!journal.opening().clean);
    assert_eq!(state.seq(), 3);
}

#[test]
fn a_torn_tail_that_was_sealed_off_stays_off_after_an_orderly_stop() {
    let mut torn = 0;
    for seed in 1..40 {
        let disk = Simulated::new(seed);
        let (journal, _) = open(&disk).unwrap();
        append_durably(&journal, 5).unwrap();
        disk.stop_after(2);
        let seq = append(&journal);
        assert_eq!(journal.durable_blocking(seq, ()), Err(OutcomeUnknown), "seed {seed}");
        drop(journal);
        disk.crash();
        // It ends in order before any upkeep has put the generation away.
        let (journal, _) = open(&disk).unwrap();
        torn += u32::from(journal.opening().dropped.is_some());
        journal.close().unwrap();
        drop(journal);
        let (journal, state) = open(&disk).unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
        assert!(journal.opening().clean && journal.opening().dropped.is_none(), "seed {seed}");
        assert_state(&state, "after an orderly stop");
        append_durably(&journal, 2).unwrap();
        assert_readable(&journal, "after an orderly stop");
    }
    assert!(torn > 0, "some seed tears");
}
