//! The high-water mark: the last frame that was acknowledged, kept beside the log.
//!
//! The log alone cannot tell a torn tail from acknowledged frames that went missing: sled opens
//! cleanly either way. The mark can. It is written after the frames are durable and before anybody
//! is told, so recovery refuses to start with less, and may drop what lies above.
//!
//! ```text
//! offset  bytes  field
//!      0      4  magic "ORDM"
//!      4      4  version, 1
//!      8      8  turn: how often the mark was written; the greater of two slots counts
//!     16      8  frame number
//!     24      8  last sequence number
//!     32     32  hash of that frame
//!     64      4  CRC-32 of everything before
//! ```
//! Slots take turns, so a torn write can only lose the newer one, and then the older still vouches
//! for everything but the last group, which nobody was told about.
//!
//! Bounds: two slots of 4 KiB, one `pwrite` and one `fdatasync` per group.

use std::io;

use super::frame::{Hash, Link, array};
use super::store::Disk;

const MAGIC: &[u8; 4] = b"ORDM";
const VERSION: u32 = 1;
const BYTES: usize = 68;

/// What was acknowledged last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    turn: u64,
    /// Last acknowledged frame, 0 for none.
    pub frame_no: u64,
    /// Last acknowledged record, 0 for none.
    pub seq: u64,
    /// Hash of that frame.
    pub hash: Hash,
}

impl Mark {
    /// The mark of a directory in which nothing was acknowledged.
    pub(crate) const START: Mark = Mark { turn: 0, frame_no: 0, seq: 0, hash: [0; 32] };

    /// The newer of the two slots that read well; `None` if neither does.
    pub(crate) fn load(disk: &dyn Disk) -> io::Result<Option<Mark>> {
        let Some(slots) = disk.read_slots()? else { return Ok(None) };
        Ok(slots.iter().filter_map(|slot| decode(slot)).max_by_key(|mark| mark.turn))
    }

    /// Moves the mark to `link`; durable on return.
    pub(crate) fn advance(&mut self, disk: &dyn Disk, link: &Link) -> io::Result<()> {
        assert!(link.frame_no >= self.frame_no, "the high-water mark never moves back");
        let next = Mark { turn: self.turn + 1, frame_no: link.frame_no, seq: link.seq, hash: link.hash };
        disk.write_slot((next.turn % 2) as usize, &encode(&next))?;
        *self = next;
        Ok(())
    }
}

/// Writes both slots anew, whatever they held: the mark stands at `link`.
pub(super) fn rewrite(disk: &dyn Disk, link: &Link) -> io::Result<()> {
    let mut mark = Mark::START;
    mark.advance(disk, link)?;
    mark.advance(disk, link)
}

/// Numbers of slots that were written once and cannot be read.
pub(super) fn unreadable(disk: &dyn Disk) -> io::Result<Vec<usize>> {
    let Some(slots) = disk.read_slots()? else { return Ok(Vec::new()) };
    let never_written = |slot: &[u8]| slot.iter().all(|byte| *byte == 0);
    // The first turn of all writes one slot; from the second on both are.
    let both_written = slots.iter().filter_map(|slot| decode(slot)).any(|mark| mark.turn > 1);
    let bad = |slot: &[u8]| decode(slot).is_none() && (both_written || !never_written(slot));
    Ok((0..slots.len()).filter(|index| bad(&slots[*index])).collect())
}

fn encode(mark: &Mark) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&mark.turn.to_le_bytes());
    bytes.extend_from_slice(&mark.frame_no.to_le_bytes());
    bytes.extend_from_slice(&mark.seq.to_le_bytes());
    bytes.extend_from_slice(&mark.hash);
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(slot: &[u8]) -> Option<Mark> {
    let bytes = slot.get(..BYTES)?;
    let (covered, crc) = bytes.split_at(BYTES - 4);
    let good = crc32fast::hash(covered).to_le_bytes() == crc
        && &bytes[..4] == MAGIC
        && u32::from_le_bytes(array(bytes, 4)) == VERSION;
    good.then(|| Mark {
        turn: u64::from_le_bytes(array(bytes, 8)),
        frame_no: u64::from_le_bytes(array(bytes, 16)),
        seq: u64::from_le_bytes(array(bytes, 24)),
        hash: array(bytes, 32),
    })
}

#[cfg(test)]
mod tests {
    use super::super::store::simulated::Simulated;
    use super::*;

    fn link(frame_no: u64) -> Link {
        Link { frame_no, seq: frame_no * 10, hash: [frame_no as u8; 32], ..Link::START }
    }

    #[test]
    fn the_newer_slot_counts_and_a_torn_one_falls_back_to_the_older() {
        let disk = Simulated::new(1);
        assert_eq!(Mark::load(&disk).unwrap(), None);
        let mut mark = Mark::START;
        mark.advance(&disk, &link(1)).unwrap();
        mark.advance(&disk, &link(5)).unwrap();
        assert_eq!(Mark::load(&disk).unwrap(), Some(mark));
        disk.tear_slot((mark.turn % 2) as usize);
        assert_eq!(Mark::load(&disk).unwrap().map(|mark| mark.frame_no), Some(1));
    }

    #[test]
    #[should_panic(expected = "never moves back")]
    fn the_mark_never_moves_back() {
        let disk = Simulated::new(1);
        let mut mark = Mark::START;
        mark.advance(&disk, &link(5)).unwrap();
        let _ = mark.advance(&disk, &link(4));
    }
}
