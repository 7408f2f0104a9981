//! A backup is one moment of a running journal; what is restored proves itself or is not there.

use std::fs;
use std::path::Path;

use super::*;

fn real(root: &Path) -> (Journal, State) {
    let options = Options { generation_bytes: 16 << 10, snapshot_bytes_min: 8 << 10, ..options() };
    Unrecovered::open(root, options).unwrap().recover().unwrap()
}

/// A journal of 300 records with generations, history and snapshots, and a backup taken of it.
fn backed_up(root: &Path, with_history: bool) -> (Vec<u8>, BackupEnd) {
    let (journal, _) = real(root);
    for _ in 0..100 {
        append_durably(&journal, 3).unwrap();
        journal.upkeep();
    }
    let mut bytes = Vec::new();
    let end = journal.backup(with_history, &mut bytes).unwrap();
    (bytes, end)
}

#[test]
fn a_restored_backup_is_the_journal_at_that_moment_and_goes_on() {
    for with_history in [true, false] {
        for kind in [StoreKind::Sled, StoreKind::Plain] {
            let folder = tempfile::tempdir().unwrap();
            let (bytes, end) = backed_up(&folder.path().join("origin"), with_history);
            assert_eq!((end.link.seq, end.bytes), (300, bytes.len() as u64));
            let place = folder.path().join("restored");
            let report = restore(&mut &bytes[..], &place, kind, None).unwrap();
            let whole = (300, Some(state_hash(&model(300))));
            assert_eq!((report.last_seq, report.state_hash), whole, "{with_history}, {kind:?}");
            assert!(report.snapshots > 0, "a snapshot was compared: {report:?}");

            let (journal, state) = real(&place);
            assert_state(&state, "restored");
            assert_eq!(journal.oldest_seq() == 1, with_history, "{}", journal.oldest_seq());
            append_durably(&journal, 5).unwrap();
            assert_readable(&journal, "restored");
            journal.close().unwrap();
            drop(journal);
            assert_eq!(real(&place).0.last_seq(), 305);
        }
    }
}

#[test]
fn a_backup_taken_while_others_write_is_a_whole_moment() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = real(&folder.path().join("origin"));
    append_durably(&journal, 50).unwrap();
    let mut bytes = Vec::new();
    let end = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..100 {
                append_durably(&journal, 2).unwrap();
                journal.upkeep();
            }
        });
        let end = journal.backup(true, &mut bytes).unwrap();
        writer.join().unwrap();
        end
    });
    let report = restore(&mut &bytes[..], &folder.path().join("restored"), StoreKind::Plain, None).unwrap();
    assert_eq!(report.state_hash, Some(state_hash(&model(end.link.seq))));
}

#[test]
fn a_damaged_backup_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, _) = backed_up(&folder.path().join("origin"), true);
    let mut arriving = Arriving::default();
    bytes.chunks(1_000).for_each(|piece| arriving.take(piece));
    assert!(arriving.is_whole());
    let place = folder.path().join("restored");
    let step = bytes.len() / 40;
    for at in (0..bytes.len()).step_by(step) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        for (what, bytes) in [("flipped", &flipped[..]), ("cut", &bytes[..at])] {
            let refused = restore(&mut &*bytes, &place, StoreKind::Plain, None);
            assert!(matches!(refused, Err(Failure::Damaged { .. })), "{what} at {at}: {refused:?}");
            let mut arriving = Arriving::default();
            arriving.take(bytes);
            assert!(!arriving.is_whole(), "{what} at {at}");
        }
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["origin"], "nothing was left behind");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("mine"), b"").unwrap();
    assert!(matches!(restore(&mut &bytes[..], &place, StoreKind::Plain, None), Err(Failure::InUse(_))));
}

#[test]
fn a_lost_mark_is_rebuilt_when_all_else_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let (root, scratch) = (folder.path().join("origin"), folder.path().join("scratch"));
    let (journal, _) = real(&root);
    append_durably(&journal, 30).unwrap();
    journal.close().unwrap();
    drop(journal);
    let open = || Unrecovered::open(&root, options()).unwrap().recover().map(|(journal, _)| journal.last_seq());
    let good = fs::read(root.join("MARK")).unwrap();
    fs::write(root.join("MARK"), vec![7; good.len()]).unwrap();
    assert!(open().unwrap_err().to_string().contains("rebuild-mark"));
    let look = Look { root: &root, scratch: &scratch, verifier: None };
    let (end, orderly) = rebuild_mark(&look).unwrap();
    assert_eq!((end.seq, orderly), (30, true));
    assert_eq!(open().unwrap(), 30);
}

#[test]
fn a_clean_marker_of_another_position_is_no_word_about_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("origin");
    let (journal, _) = real(&root);
    append_durably(&journal, 3).unwrap();
    journal.close().unwrap();
    drop(journal);
    let (clean, mark) = (fs::read(root.join("CLEAN")).unwrap(), fs::read(root.join("MARK")).unwrap());
    let (journal, _) = real(&root);
    append_durably(&journal, 3).unwrap();
    drop(journal);
    fs::write(root.join("CLEAN"), &clean).unwrap();
    let (journal, _) = real(&root);
    assert!(!journal.opening().clean, "an old marker does not make a stop orderly");
    append_durably(&journal, 1).unwrap();
    journal.close().unwrap();
    drop(journal);
    fs::write(root.join("MARK"), &mark).unwrap();
    let refused = Unrecovered::open(&root, options()).unwrap().recover().map(drop);
    assert!(refused.unwrap_err().to_string().contains("the mark says"), "an old mark beside a newer stop");
}
