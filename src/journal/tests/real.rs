//! The same on a real file system, with sled and with plain files.

use super::*;

const KINDS: [StoreKind; 2] = [StoreKind::Sled, StoreKind::Plain];

fn with(store: StoreKind) -> Options {
    Options { store, ..options() }
}

fn open_at(root: &std::path::Path, options: Options) -> (Journal, State) {
    Unrecovered::open(root, options).unwrap().recover().unwrap()
}

/// Every file below a folder with all its bytes, by name.
fn files_below(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_below(&path)),
            false => found.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}

#[test]
fn a_directory_is_written_closed_and_opened_again() {
    for kind in KINDS {
        let root = tempfile::tempdir().unwrap();
        for round in 0..3u64 {
            let (journal, state) = open_at(root.path(), with(kind));
            assert_eq!(state.seq(), round * 60);
            assert_eq!(journal.opening().created, round == 0);
            assert!(journal.opening().clean);
            assert_state(&state, "opened");
            for _ in 0..20 {
                append_durably(&journal, 3).unwrap();
                journal.upkeep();
            }
            assert_readable(&journal, "open");
            journal.close().unwrap();
        }
        let (scratch, before) = (root.path().join("scratch"), files_below(root.path()));
        let report = check(&Look { root: root.path(), scratch: &scratch, verifier: None }).unwrap();
        assert!(report.findings.is_empty() && report.snapshots > 0, "{report:?}");
        assert!(files_below(root.path()) == before, "a check changes nothing");
        assert_eq!((report.last_seq, scratch.exists()), (180, false));
        assert_eq!(report.state_hash, Some(state_hash(&model(180))));
    }
}

#[test]
fn a_process_that_ends_without_closing_loses_nothing() {
    for kind in KINDS {
        let root = tempfile::tempdir().unwrap();
        for round in 0..3u64 {
            let (journal, state) = open_at(root.path(), with(kind));
            assert_eq!(state.seq(), round * 30);
            assert_state(&state, "after a stop without closing");
            assert_eq!(journal.opening().clean, round == 0);
            append_durably(&journal, 30).unwrap();
            assert_eq!(journal.opening().epoch, round + 1);
        }
        assert_eq!(std::fs::read_dir(root.path().join("quarantine")).unwrap().count(), 0);
    }
}

/// The head of an entry came to the disk, the rest of it did not: a start drops it, and it is no damage afterwards.
#[test]
fn what_a_start_dropped_behind_the_end_of_a_generation_is_no_finding() {
    use std::os::unix::fs::FileExt;
    let root = tempfile::tempdir().unwrap();
    let (journal, _) = open_at(root.path(), with(StoreKind::Plain));
    append_durably(&journal, 30).unwrap();
    drop(journal);
    let generations = root.path().join("wal");
    let newest = std::fs::read_dir(generations).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    let file = std::fs::File::options().read(true).write(true).open(newest.join("frames")).unwrap();
    let mut end = 0;
    loop {
        let mut length = [0; 4];
        file.read_exact_at(&mut length, end).unwrap();
        match u32::from_le_bytes(length) {
            0 => break,
            length => end += 12 + u64::from(length),
        }
    }
    assert!(end > 0);
    let torn = [&600u32.to_le_bytes()[..], &31u64.to_le_bytes(), &[0xAB; 500]].concat();
    file.write_all_at(&torn, end).unwrap();

    let (journal, state) = open_at(root.path(), with(StoreKind::Plain));
    assert_eq!((state.seq(), journal.opening().clean), (30, false));
    append_durably(&journal, 5).unwrap();
    journal.close().unwrap();
    drop(journal);
    let report = check(&Look { root: root.path(), scratch: &root.path().join("scratch"), verifier: None }).unwrap();
    assert_eq!((report.findings, report.last_seq), (Vec::<String>::new(), 35));
    let (_, state) = open_at(root.path(), with(StoreKind::Plain));
    assert_eq!(state.seq(), 35);
}

#[test]
fn acknowledged_is_in_the_files_and_not_only_in_memory() {
    for kind in KINDS {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (journal, _) = open_at(root.path(), with(kind));
        for round in 0..6 {
            let acknowledged = append_durably(&journal, 7).unwrap();
            // What a killed process leaves: the files as they are, without any goodbye.
            let copy = elsewhere.path().join(round.to_string());
            store::copy_folder(root.path(), &copy).unwrap();
            let (found, state) = open_at(&copy, with(kind));
            assert_eq!(found.durable_seq(), acknowledged);
            assert_state(&state, "from the files");
            journal.upkeep();
        }
    }
}

#[test]
fn two_processes_cannot_open_one_directory() {
    let root = tempfile::tempdir().unwrap();
    let (journal, _) = open_at(root.path(), options());
    assert!(matches!(Unrecovered::open(root.path(), options()), Err(Failure::InUse(_))));
    let look = Look { root: root.path(), scratch: &root.path().join("scratch"), verifier: None };
    assert!(matches!(check(&look), Err(Failure::InUse(_))));
    drop(journal);
    open_at(root.path(), options());
}

#[test]
fn a_log_cut_short_is_refused_and_kept_as_evidence() {
    for kind in KINDS {
        let root = tempfile::tempdir().unwrap();
        let (journal, _) = open_at(root.path(), Options { generation_bytes: 1 << 30, ..with(kind) });
        for _ in 0..40 {
            append_durably(&journal, 2).unwrap();
        }
        drop(journal);
        let file = if kind == StoreKind::Sled { "db" } else { "frames" };
        let db = root.path().join("wal/0000000001").join(file);
        let whole = std::fs::read(&db).unwrap();
        // As if the file's size had never reached the disk.
        let cut = whole.iter().rposition(|byte| *byte != 0).unwrap() / 2;
        std::fs::write(&db, &whole[..cut]).unwrap();
        let before = std::fs::read(&db).unwrap();
        let refusal = Unrecovered::open(root.path(), with(kind)).unwrap().recover().err().unwrap();
        assert!(matches!(refusal, Failure::Damaged { .. }), "{refusal}");
        assert!(std::fs::read(&db).unwrap() == before, "the original was not touched");
        std::fs::write(&db, whole).unwrap();
        let (_, state) = open_at(root.path(), with(kind));
        assert_eq!(state.seq(), 80);
    }
}

/// A program that is called like the inspecting one.
fn program(root: &std::path::Path, script: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = root.join("inspect");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn the_log_is_judged_on_a_copy_in_another_process() {
    let (root, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (journal, _) = open_at(root.path(), options());
    append_durably(&journal, 5).unwrap();
    drop(journal);

    let judged_by = |script: &str| Options { verifier: Some(program(bin.path(), script)), ..options() };
    for bad in ["exit 3", "kill -9 $$", "echo nonsense", "echo 'frames=0 last_frame=0 last_seq=0 broken=hole'"] {
        let refusal = Unrecovered::open(root.path(), judged_by(bad)).unwrap().recover().err().unwrap();
        assert!(matches!(&refusal, Failure::Damaged { .. }), "{bad}: {refusal}");
        let copies: Vec<_> = std::fs::read_dir(root.path().join("quarantine")).unwrap().collect();
        let copy = copies[0].as_ref().unwrap().path();
        assert!(copies.len() == 1 && copy.join("db").exists(), "{bad}: the last copy stays as evidence");
    }
    let good = "[ \"$1\" = verify-generation ] && [ -f \"$2/db\" ] && echo frames=9 last_frame=9 last_seq=9 broken=-";
    let (_, state) = open_at(root.path(), judged_by(good));
    assert_eq!(state.seq(), 5);
}

#[test]
fn upkeep_in_the_background_keeps_the_log_short() {
    for kind in KINDS {
        let root = tempfile::tempdir().unwrap();
        let (journal, _) = open_at(root.path(), Options { workers: Workers::Threads, ..with(kind) });
        for _ in 0..150 {
            append_durably(&journal, 5).unwrap();
        }
        assert_readable(&journal, "under background upkeep");
        journal.close().unwrap();
        drop(journal);
        let (journal, state) = open_at(root.path(), with(kind));
        assert_eq!(state.seq(), 750);
        assert_state(&state, "after background upkeep");
        assert_readable(&journal, "after background upkeep");
    }
}

#[test]
fn a_directory_changes_its_store_from_one_generation_to_the_next() {
    let root = tempfile::tempdir().unwrap();
    for round in 0..4u64 {
        let (journal, state) = open_at(root.path(), with(KINDS[round as usize % 2]));
        assert_eq!(state.seq(), round * 40);
        for _ in 0..20 {
            append_durably(&journal, 2).unwrap();
            journal.core.keep();
        }
        assert_readable(&journal, "two kinds of store");
    }
}

#[test]
fn a_snapshot_may_be_ahead_of_the_seal_of_a_generation() {
    for kind in KINDS {
        let root = tempfile::tempdir().unwrap();
        let (journal, _) = open_at(root.path(), with(kind));
        loop {
            append_durably(&journal, 3).unwrap();
            if journal.core.shelf.volumes().len() > 1 {
                break;
            }
            // Prepares the next generation; there is nothing to seal yet, and after the switch nobody does.
            generation::keep(&journal.core).unwrap();
        }
        append_durably(&journal, 2).unwrap();
        journal.snapshot_now().unwrap();
        let last = journal.durable_seq();
        drop(journal);
        let (journal, state) = open_at(root.path(), with(kind));
        assert_eq!(state.seq(), last);
        assert_state(&state, "from the snapshot");
        assert_readable(&journal, "behind a snapshot");
    }
}

#[test]
fn a_snapshot_of_the_store_that_was_never_finished_is_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (journal, _) = open_at(root.path(), options());
    let last = append_durably(&journal, 5).unwrap();
    drop(journal);
    std::fs::write(root.path().join("wal/0000000001/snap.0000000000000060.generating"), b"").unwrap();
    let (_, state) = open_at(root.path(), options());
    assert_eq!(state.seq(), last);
}

#[test]
fn every_inspection_has_a_copy_that_no_earlier_process_can_reach() {
    let (root, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (journal, _) = open_at(root.path(), options());
    append_durably(&journal, 5).unwrap();
    drop(journal);

    let told = bin.path().join("copies");
    let script = format!("echo \"$2\" >> {}; exit 3", told.display());
    for _ in 0..3 {
        let judged = Options { verifier: Some(program(bin.path(), &script)), ..options() };
        Unrecovered::open(root.path(), judged).unwrap().recover().err().unwrap();
    }
    let copies = std::fs::read_to_string(told).unwrap();
    let copies: std::collections::BTreeSet<_> = copies.lines().collect();
    assert_eq!(copies.len(), 3, "a process that outlived the one before still writes to its own copy: {copies:?}");
}
