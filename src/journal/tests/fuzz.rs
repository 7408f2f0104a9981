//! Every decoder of the journal against mutated bytes, checksums made right again so that they get inside.

use super::*;
use crate::fuzzing::fuzz;
use crate::journal::codec;
use crate::journal::frame::{Frame, Link};
use crate::journal::history::{self, History};
use crate::journal::mark::{self, Mark};
use crate::journal::store::{SLOT_BYTES, write_file};

/// The id in the corpus.
const DIRECTORY: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

/// Makes the last four bytes the checksum of what is before.
fn mend_crc(bytes: &mut [u8]) {
    if let Some(covered) = bytes.len().checked_sub(4) {
        let crc = crc32fast::hash(&bytes[..covered]);
        bytes[covered..].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Makes the last 32 bytes the hash of what is before.
fn mend_hash(bytes: &mut [u8]) {
    if let Some(covered) = bytes.len().checked_sub(32) {
        let hash = *blake3::hash(&bytes[..covered]).as_bytes();
        bytes[covered..].copy_from_slice(&hash);
    }
}

#[test]
fn a_frame_and_its_records_are_read_or_refused() {
    fuzz(
        "frame",
        |bytes| mend_crc(bytes),
        |bytes| {
            let Ok(frame) = Frame::read(bytes) else { return };
            assert_eq!(frame.bytes(), bytes, "what reads is what was written");
            for slice in frame.records() {
                let _ = codec::decode(&frame.head(), &slice);
            }
        },
    );
}

#[test]
fn an_entity_is_read_or_refused_and_reads_the_same_again() {
    fuzz(
        "entity",
        |_| {},
        |bytes| {
            let Some((head, body)) = bytes.split_at_checked(codec::ENTRY_HEAD_BYTES) else { return };
            let (kind, version, _) = codec::entry_head(head.try_into().unwrap());
            if let Ok((key, entity)) = codec::get_entity(kind, version, body) {
                let mut again = Vec::new();
                codec::put_entity(&mut again, &key, &entity);
                let (kind, version, _) = codec::entry_head(again[..codec::ENTRY_HEAD_BYTES].try_into().unwrap());
                let read = codec::get_entity(kind, version, &again[codec::ENTRY_HEAD_BYTES..]).unwrap();
                assert!(read == (key, entity), "an entity that was read can be written and read");
            }
        },
    );
}

#[test]
fn a_mark_is_read_or_refused() {
    let mend = |bytes: &mut Vec<u8>| {
        bytes.resize(2 * SLOT_BYTES, 0);
        for slot in bytes.chunks_exact_mut(SLOT_BYTES) {
            let crc = crc32fast::hash(&slot[..64]);
            slot[64..68].copy_from_slice(&crc.to_le_bytes());
        }
    };
    fuzz("mark", mend, |bytes| {
        let disk = Simulated::new(1);
        for (number, slot) in bytes.chunks(SLOT_BYTES).take(2).enumerate() {
            disk.write_slot(number, slot).unwrap();
        }
        let _ = (Mark::load(&disk).unwrap(), mark::unreadable(&disk).unwrap());
    });
}

#[test]
fn a_note_of_a_position_is_read_or_refused() {
    fuzz(
        "note",
        |bytes| mend_crc(bytes),
        |bytes| {
            let Some(link) = Link::from_note(bytes) else { return };
            assert_eq!(link.to_note(), bytes, "what reads is what was written");
        },
    );
}

#[test]
fn a_snapshot_is_read_or_refused() {
    fuzz(
        "snapshot",
        |bytes| mend_hash(bytes),
        |bytes| {
            let disk = Simulated::new(1);
            write_file(&disk, &snapshot::path("1.snapshot"), bytes).unwrap();
            let _ = snapshot::load(&disk, DIRECTORY, "1.snapshot");
        },
    );
}

#[test]
fn a_history_file_is_read_or_refused() {
    fuzz(
        "history",
        |bytes| mend_crc(bytes),
        |bytes| {
            let disk = Simulated::new(1);
            write_file(&disk, &history::path(1), bytes).unwrap();
            if let Ok(history) = History::open(&disk, 1, DIRECTORY) {
                let _ = history.verify();
                let _ = Arc::new(history).scan(2).count();
            }
        },
    );
}

#[test]
fn a_line_of_a_verdict_is_read_or_refused() {
    fuzz(
        "verdict",
        |_| {},
        |bytes| {
            let _ = Verdict::parse(&String::from_utf8_lossy(bytes));
        },
    );
}
