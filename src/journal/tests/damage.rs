//! Bytes change where they must not: the start is refused, and nothing is skipped.

use super::*;
use crate::journal::frame::Frame;

/// Ten acknowledged records in ten frames, all in generation 1, stopped in order or not.
fn written(clean: bool) -> Simulated {
    let disk = Simulated::new(7);
    let (journal, _) = open_with(&disk, Options { generation_bytes: 1 << 20, ..options() }).unwrap();
    for _ in 0..10 {
        append_durably(&journal, 1).unwrap();
    }
    if clean {
        journal.close().unwrap();
    }
    disk
}

fn refusal(disk: &Simulated) -> String {
    match open(disk) {
        Ok((journal, _)) => panic!("opened at {}", journal.last_seq()),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn a_flipped_bit_below_the_mark_is_refused() {
    for clean in [true, false] {
        for seq in 1..=10u64 {
            for bit in [0u64, 333, 1_111] {
                let disk = written(clean);
                disk.corrupt(1, |frames| {
                    let frame = frames.get_mut(&seq).unwrap();
                    let bit = bit as usize % (frame.len() * 8);
                    frame[bit / 8] ^= 1 << (bit % 8);
                });
                let text = refusal(&disk);
                assert!(text.contains("damaged"), "clean {clean}, record {seq}, bit {bit}: {text}");
            }
        }
    }
}

#[test]
fn a_missing_frame_below_the_mark_is_refused() {
    for clean in [true, false] {
        for seq in 1..=10u64 {
            let disk = written(clean);
            disk.corrupt(1, |frames| drop(frames.remove(&seq).unwrap()));
            let text = refusal(&disk);
            assert!(text.contains("were acknowledged and are missing"), "clean {clean}, record {seq}: {text}");
        }
    }
}

#[test]
fn swapped_frames_are_refused() {
    let disk = written(true);
    disk.corrupt(1, |frames| {
        let (four, five) = (frames[&4].clone(), frames[&5].clone());
        frames.insert(4, five);
        frames.insert(5, four);
    });
    assert!(refusal(&disk).contains("frame 4 is missing, frame 5 follows"));
}

#[test]
fn the_frame_of_another_directory_is_refused() {
    let (disk, other) = (written(true), written(true));
    let mut foreign = Vec::new();
    other.corrupt(1, |frames| foreign = frames[&10].clone());
    disk.corrupt(1, |frames| drop(frames.insert(10, foreign)));
    assert!(refusal(&disk).contains("another data directory"));
}

#[test]
fn an_older_copy_of_the_log_is_refused() {
    let disk = written(true);
    let mut old = None;
    disk.corrupt(1, |frames| old = Some(frames.clone()));
    let (journal, _) = open_with(&disk, Options { generation_bytes: 1 << 20, ..options() }).unwrap();
    append_durably(&journal, 4).unwrap();
    journal.close().unwrap();
    drop(journal);
    disk.corrupt(1, |frames| *frames = old.unwrap());
    assert!(refusal(&disk).contains("frames 11 to"));
}

#[test]
fn a_rewritten_frame_is_not_the_acknowledged_one() {
    let disk = written(true);
    disk.corrupt(1, |frames| {
        // A well-formed frame with another clock reading: only the mark's hash can tell.
        let frame = Frame::read(&frames[&10]).unwrap();
        let mut bytes = frame.bytes().to_vec();
        bytes[64] ^= 1;
        let covered = bytes.len() - 4;
        let crc = crc32fast::hash(&bytes[..covered]);
        bytes[covered..].copy_from_slice(&crc.to_le_bytes());
        frames.insert(10, bytes);
    });
    assert!(refusal(&disk).contains("frame 10 is not the one acknowledged"));
}

#[test]
fn an_unknown_event_is_refused_and_not_skipped() {
    let disk = written(true);
    disk.corrupt(1, |frames| {
        let frame = Frame::read(&frames[&10]).unwrap();
        let body = frame.records().next().unwrap().body;
        let header = u32::from_le_bytes(body[2..6].try_into().unwrap()) as usize;
        // Version of the first event, after version and length of the header, header, count and type.
        let at = frame::HEAD_BYTES + frame::STAMP_BYTES + 6 + header + 4 + 1;
        let mut bytes = frame.bytes().to_vec();
        bytes[at] = 99;
        let covered = bytes.len() - 4;
        let crc = crc32fast::hash(&bytes[..covered]);
        bytes[covered..].copy_from_slice(&crc.to_le_bytes());
        frames.insert(10, bytes);
    });
    let text = refusal(&disk);
    assert!(text.contains("newer program") && text.contains("version 99"), "{text}");
}

#[test]
fn a_lost_format_or_mark_is_refused() {
    let disk = written(true);
    disk.corrupt_file("FORMAT", Vec::clear);
    assert!(refusal(&disk).contains("FORMAT"));
    let disk = written(true);
    disk.tear_slot(0);
    disk.tear_slot(1);
    assert!(refusal(&disk).contains("neither slot"));
    let disk = written(true);
    disk.corrupt_file("FORMAT", |bytes| {
        *bytes = String::from_utf8_lossy(bytes).replace("reader 4", "reader 9").into_bytes();
    });
    assert!(refusal(&disk).contains("newer program"));
}

#[test]
fn a_directory_of_an_older_format_is_read_and_says_then_that_older_programs_cannot() {
    let disk = written(true);
    let mut now = Vec::new();
    disk.corrupt_file("FORMAT", |bytes| {
        now = bytes.clone();
        *bytes = String::from_utf8_lossy(bytes).replace("format 4\nreader 4", "format 1\nreader 1").into_bytes();
        assert_ne!(*bytes, now);
    });
    drop(Unrecovered::on(Arc::new(disk.clone()), options()).recover().expect("older formats are read"));
    disk.corrupt_file("FORMAT", |bytes| assert_eq!(*bytes, now));
}

#[test]
fn a_refusal_changes_nothing() {
    let disk = written(false);
    let mut before = None;
    disk.corrupt(1, |frames| {
        frames.get_mut(&5).unwrap()[70] ^= 1;
        before = Some(frames.clone());
    });
    let files = disk.file_names();
    let text = refusal(&disk);
    assert_eq!(text, refusal(&disk), "a second try says the same");
    disk.corrupt(1, |frames| assert_eq!(Some(&*frames), before.as_ref()));
    assert_eq!(disk.file_names(), files);
}

#[test]
fn a_wall_clock_far_behind_is_refused_unless_accepted() {
    let disk = Simulated::new(1);
    let far = clock::wall_ms() + 3 * 60 * 60 * 1_000;
    let ahead = Options { clock: ClockChoice::Manual(ManualClock::at(far)), ..options() };
    let (journal, _) = open_with(&disk, ahead).unwrap();
    append_durably(&journal, 1).unwrap();
    journal.close().unwrap();
    drop(journal);

    let system = |accept| Options { clock: ClockChoice::System { accept }, ..options() };
    assert!(matches!(open_with(&disk, system(false)), Err(Failure::ClockBehind { .. })));
    let (journal, _) = open_with(&disk, system(true)).unwrap();
    assert!(journal.now().journal.0 >= far, "journal time goes on from the last record");
    let stamp = journal.append(journal.encode(&draft(2)).unwrap());
    assert!(stamp.time.0 >= far && stamp.wall.0 < far);
}
