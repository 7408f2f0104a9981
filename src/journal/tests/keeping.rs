//! Generations, history and snapshots: what is kept, where, and for how long.

use super::*;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::TransitNoted;
use crate::domain::transit::{Arrived, TransitKey};

/// Writes until so many generations were begun, with upkeep after each group.
fn fill(journal: &Journal, generations: usize) {
    while journal.core.shelf.volumes().len() < generations {
        append_durably(journal, 3).unwrap();
        journal.core.keep();
    }
}

#[test]
fn generation_switch_loses_nothing() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    fill(&journal, 5);
    assert_readable(&journal, "while open");
    assert_eq!(journal.counted().generations_sealed, 4);
    journal.close().unwrap();
    drop(journal);
    let (journal, state) = open(&disk).unwrap();
    assert_state(&state, "after a restart");
    assert_readable(&journal, "after a restart");
    assert_eq!(journal.oldest_seq(), 1);
}

#[test]
fn snapshot_equals_replay() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    for _ in 0..4 {
        append_durably(&journal, 11).unwrap();
        let snapshot = journal.snapshot_now().unwrap().unwrap();
        assert_eq!(snapshot.link.seq, journal.durable_seq());
        assert_eq!(snapshot.state_hash, state_hash(&model(snapshot.link.seq)));
        assert_eq!(snapshot.count, model(snapshot.link.seq).len() as u64);
        assert_eq!(journal.snapshot_now().unwrap(), None, "nothing happened since");
    }
    assert_eq!(snapshot::names(&disk).unwrap().len(), 3, "three are kept");
    append_durably(&journal, 2).unwrap();
    journal.close().unwrap();
    drop(journal);
    let (journal, state) = open(&disk).unwrap();
    assert_eq!((journal.opening().snapshot_seq, journal.opening().replayed), (44, 2));
    assert_state(&state, "snapshot and tail");
    let report = check::check_copy(&disk).unwrap();
    assert_eq!((report.findings.as_slice(), report.snapshots), (&[][..], 3));
    assert_eq!(report.state_hash, Some(state_hash(&state)));
}

#[test]
fn a_damaged_snapshot_falls_back_to_the_one_before() {
    for cut in [0, 30, 200] {
        let disk = Simulated::new(1);
        let (journal, _) = open(&disk).unwrap();
        append_durably(&journal, 5).unwrap();
        let older = journal.snapshot_now().unwrap().unwrap();
        append_durably(&journal, 5).unwrap();
        let newer = journal.snapshot_now().unwrap().unwrap();
        append_durably(&journal, 5).unwrap();
        journal.close().unwrap();
        drop(journal);

        let name = snapshot::path(&snapshot::name(newer.link.frame_no));
        disk.corrupt_file(&name, |bytes| bytes[cut] ^= 4);
        let (journal, state) = open(&disk).unwrap();
        assert_eq!(journal.opening().snapshot_seq, older.link.seq);
        assert_state(&state, "from the older snapshot");
        assert_eq!(check::check_copy(&disk).unwrap().findings.len(), 1);

        disk.corrupt_file(&snapshot::path(&snapshot::name(older.link.frame_no)), Vec::clear);
        drop(journal);
        let (journal, state) = open(&disk).unwrap();
        assert_eq!(journal.opening().snapshot_seq, 0);
        assert_state(&state, "from the first record");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_snapshot_is_noticed() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    append_durably(&journal, 9).unwrap();
    let name = snapshot::name(journal.snapshot_now().unwrap().unwrap().link.frame_no);
    let path = snapshot::path(&name);
    let whole = store::read_file(&disk, &path).unwrap().unwrap();
    let directory = journal.core.origin.directory;
    snapshot::read(&disk, directory, &name, |_, _| {}).unwrap();
    for at in 0..whole.len() * 8 {
        disk.corrupt_file(&path, |bytes| bytes[at / 8] ^= 1 << (at % 8));
        assert!(snapshot::read(&disk, directory, &name, |_, _| {}).is_err(), "bit {at}");
        assert!(snapshot::load(&disk, directory, &name).is_err(), "bit {at}");
        disk.corrupt_file(&path, |bytes| bytes[at / 8] ^= 1 << (at % 8));
    }
    for length in 0..whole.len() {
        disk.corrupt_file(&path, |bytes| bytes.truncate(length));
        assert!(snapshot::load(&disk, directory, &name).is_err(), "cut to {length}");
        disk.corrupt_file(&path, |bytes| bytes.clone_from(&whole));
    }
    disk.corrupt_file(&path, |bytes| bytes.push(0));
    assert!(snapshot::load(&disk, directory, &name).is_err(), "bytes follow its end");
}

#[test]
fn a_snapshot_is_not_built_on_a_damaged_one() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    append_durably(&journal, 5).unwrap();
    let damaged = journal.snapshot_now().unwrap().unwrap();
    disk.corrupt_file(&snapshot::path(&snapshot::name(damaged.link.frame_no)), |bytes| bytes[40] ^= 1);
    append_durably(&journal, 5).unwrap();
    let good = journal.snapshot_now().unwrap().unwrap();
    assert_eq!(good.state_hash, state_hash(&model(10)));
}

#[test]
fn a_generation_goes_behind_two_verified_snapshots() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    fill(&journal, 3);
    journal.snapshot_now().unwrap().unwrap();
    journal.core.keep();
    assert_eq!(disk.generations().unwrap()[0], 1, "one snapshot is not enough");
    append_durably(&journal, 1).unwrap();
    journal.snapshot_now().unwrap().unwrap();
    journal.core.keep();
    assert_eq!(disk.generations().unwrap(), [3]);
    assert_eq!(journal.oldest_seq(), 1, "history still has its records");
    assert_readable(&journal, "from history");

    journal.close().unwrap();
    drop(journal);
    let (journal, state) = open(&disk).unwrap();
    assert_state(&state, "without the first generations");
    assert_readable(&journal, "from history, after a restart");
    drop(journal);

    // Without any good snapshot the history still leads there.
    for name in snapshot::names(&disk).unwrap() {
        disk.corrupt_file(&snapshot::path(&name), Vec::clear);
    }
    let (_, state) = open(&disk).unwrap();
    assert_state(&state, "from history alone");
}

#[test]
fn history_is_kept_by_size_and_an_older_cursor_is_gone() {
    let disk = Simulated::new(1);
    let (journal, _) = open_with(&disk, Options { history_bytes: 1, ..options() }).unwrap();
    fill(&journal, 4);
    assert_eq!(journal.oldest_seq(), 1, "nothing goes before two snapshots");
    let mut early = journal.tail(0);
    early.try_next().unwrap().unwrap();
    for _ in 0..2 {
        append_durably(&journal, 1).unwrap();
        journal.snapshot_now().unwrap().unwrap();
    }
    journal.core.keep();
    let oldest = journal.oldest_seq();
    assert!(oldest > 1);
    assert!(matches!(journal.tail(0).try_next(), Err(TailEnd::Gone { oldest: told }) if told == oldest));
    assert!(matches!(journal.read(1), Err(ReadError::Gone { .. })));
    assert_readable(&journal, "what is left");
    assert_eq!(disk.files("history").unwrap().len(), 0);
}

#[test]
fn a_damaged_history_file_is_not_needed() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    fill(&journal, 3);
    journal.close().unwrap();
    drop(journal);
    disk.corrupt_file(&history::path(1), |bytes| bytes[50] ^= 1);
    disk.corrupt_file(&history::path(2), |bytes| bytes.truncate(100));
    let (journal, state) = open(&disk).unwrap();
    assert_state(&state, "past damaged history");
    journal.core.keep();
    let report = check::check_copy(&disk).unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
    assert_readable(&journal, "history written again");
}

#[test]
fn what_cannot_be_read_back_at_sealing_poisons() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    append_durably(&journal, 3).unwrap();
    disk.corrupt(1, |frames| frames.values_mut().next().unwrap()[80] ^= 1);
    while !journal.is_poisoned() {
        if append_durably(&journal, 3).is_err() {
            break;
        }
        journal.core.keep();
    }
    assert!(journal.is_poisoned());
}

#[test]
fn upkeep_waits_out_a_disk_without_room() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    // No upkeep runs, so no next generation stands ready: this one grows beyond its size.
    append_durably(&journal, 200).unwrap();
    append_durably(&journal, 1).unwrap();
    assert_eq!(journal.core.shelf.volumes().len(), 1);
    journal.core.keep();
    append_durably(&journal, 1).unwrap();
    assert_eq!(journal.core.shelf.volumes().len(), 2);
    assert_readable(&journal, "after a late switch");
}

#[test]
fn a_generation_that_ended_and_was_not_sealed_may_lie_behind_a_snapshot() {
    let disk = Simulated::new(1);
    let (journal, _) = open_with(&disk, Options { generation_bytes: 2 << 10, ..options() }).unwrap();
    while journal.core.shelf.volumes().len() < 2 {
        append_durably(&journal, 1).unwrap();
        if journal.core.shelf.volumes().len() < 2 {
            journal.core.keep();
        }
    }
    append_durably(&journal, 1).unwrap();
    journal.snapshot_now().unwrap().expect("there is something new");
    assert!(!journal.core.shelf.volumes()[0].is_sealed(), "nobody came to seal it");
    journal.close().unwrap();
    drop(journal);
    for clean in [true, false] {
        let (journal, state) = open(&disk).unwrap();
        assert_eq!(journal.opening().clean, clean);
        assert_state(&state, "behind a snapshot");
        assert_readable(&journal, "behind a snapshot");
    }
}

#[test]
fn what_an_event_tells_beside_its_entity_goes_from_snapshot_to_snapshot() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    let cell = CellKey { sku: SkuIndex(0), node: NodeIndex(0) };
    let moved = |kind, units| {
        let delta = LevelDelta { on_hand: units, committed: units, ..LevelDelta::default() };
        Event::StockMoved(StockMoved { cell, kind, delta })
    };
    let key = TransitKey { carrier: "post".into(), service: "parcel".into(), zone: 1 };
    let came = || TransitNoted { key: key.clone(), arrived: Arrived { day: 3, days: 2 } };
    let mut model = State::default();
    for seq in 1..=9 {
        let events = match seq {
            1 => [draft(1).events[0].clone(), moved(MovementKind::Received, 50)],
            _ => [moved(MovementKind::Shipped, -1), Event::TransitNoted(Box::new(came()))],
        };
        let stamp = journal.append(journal.encode(&Draft { events: events.into(), ..draft(seq) }).unwrap());
        journal.durable_blocking(stamp.seq, stamp.seq).unwrap();
        model.apply(&journal.read(seq).unwrap().unwrap()).unwrap();
        if seq % 3 == 0 {
            let snapshot = journal.snapshot_now().unwrap().unwrap();
            assert_eq!(snapshot.state_hash, state_hash(&model), "at {seq}");
        }
    }
    let Some(Entity::Velocity(left)) = model.entity(&EntityKey::Velocity(cell)) else { panic!("units left") };
    let Some(Entity::Transit(known)) = model.entity(&EntityKey::Transit(key.clone())) else { panic!("parcels came") };
    assert_eq!((left.today, known.days[&3][&2]), (8, 8));
    journal.close().unwrap();
    drop(journal);
    assert!(open(&disk).unwrap().1.entities() == model.entities(), "after a restart");
}
