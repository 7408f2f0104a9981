//! Frames: what a group commit writes, byte by byte.
//!
//! All integers are little-endian.
//!
//! ```text
//! offset  bytes  field
//!      0      4  magic "ORDF"
//!      4      2  version, 1
//!      6      2  partition
//!      8     16  directory id, drawn when the data directory was created
//!     24      8  epoch, raised at every recovery
//!     32      8  frame number, from 1, without gaps
//!     40      8  sequence number of the first record
//!     48      8  sequence number of the last record
//!     56      4  number of records, at least 1
//!     60      4  length of the payload
//!     64      8  wall clock at framing, ms since 1970
//!     72     32  BLAKE3 of the whole frame before, zeros for frame 1
//!    104      …  payload: per record { length u32 · seq u64 · time i64 · wall i64 · body }
//!      …      4  CRC-32 (IEEE) of everything before
//! ```
//! `length` counts the body alone. The hash chain makes the log its own tamper-evident audit trail;
//! the checksum tells a torn frame from a foreign one.
//!
//! Promises: [`Frame::read`] accepts exactly what [`Builder`] writes; a frame that reads holds
//! contiguous sequence numbers and times that do not run backwards. [`Link::follow`] accepts a frame
//! only in its place in the chain.
//!
//! Bounds: a frame is at most 64 KiB, a body at most 60 KiB.
//!
//! Not here: what a body means (`codec`), and what to do about a broken chain (`recovery`).

use std::sync::Arc;

use thiserror::Error;

use crate::domain::limits::{FRAME_BYTES_MAX, RECORD_BYTES_MAX};

/// Bytes before the payload.
pub const HEAD_BYTES: usize = 104;

/// Bytes of a record in the payload before its body.
pub const STAMP_BYTES: usize = 28;

const CRC_BYTES: usize = 4;
const NOTE_MAGIC: &[u8; 4] = b"ORDL";
const NOTE_BYTES: usize = 76;
const MAGIC: &[u8; 4] = b"ORDF";
const VERSION: u16 = 1;

const _: () = assert!(
    HEAD_BYTES + STAMP_BYTES + RECORD_BYTES_MAX + CRC_BYTES <= FRAME_BYTES_MAX,
    "the largest record must fit into a frame"
);

/// BLAKE3 of a whole frame.
pub type Hash = [u8; 32];

/// What every frame of one process incarnation says about its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Id of the data directory.
    pub directory: u128,
    /// Partition of the log; 0 until there are several.
    pub partition: u16,
    /// Raised at every recovery, so that a frame that was dropped as torn never equals its successor.
    pub epoch: u64,
}

/// The end of the chain so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Number of the last frame, 0 before the first.
    pub frame_no: u64,
    /// Last sequence number, 0 before the first.
    pub seq: u64,
    /// Hash of the last frame.
    pub hash: Hash,
    /// Epoch of the last frame.
    pub epoch: u64,
    /// Journal time of the last record, ms.
    pub time: i64,
}

impl Link {
    /// Before the first frame.
    pub const START: Link = Link { frame_no: 0, seq: 0, hash: [0; 32], epoch: 0, time: i64::MIN };

    /// The chain with `frame` at its end, or why it does not belong there.
    pub fn follow(&self, frame: &Frame) -> Result<Link, Misplaced> {
        let head = frame.head();
        if head.frame_no != self.frame_no + 1 {
            return Err(Misplaced::Number { expected: self.frame_no + 1, found: head.frame_no });
        }
        if head.prev_hash != self.hash {
            return Err(Misplaced::Chain { frame_no: head.frame_no });
        }
        if head.first_seq != self.seq + 1 {
            return Err(Misplaced::Seq { frame_no: head.frame_no, expected: self.seq + 1, found: head.first_seq });
        }
        if head.origin.epoch < self.epoch {
            return Err(Misplaced::Epoch { frame_no: head.frame_no, before: self.epoch, found: head.origin.epoch });
        }
        if frame.first_time < self.time {
            return Err(Misplaced::Time { frame_no: head.frame_no });
        }
        Ok(frame.link())
    }

    /// A note of this position, as kept in small files beside the log:
    /// magic "ORDL" · version u32 · frame number u64 · seq u64 · epoch u64 · time i64 · hash · CRC-32.
    pub(super) fn to_note(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(NOTE_BYTES);
        bytes.extend_from_slice(NOTE_MAGIC);
        bytes.extend_from_slice(&1u32.to_le_bytes());
        bytes.extend_from_slice(&self.frame_no.to_le_bytes());
        bytes.extend_from_slice(&self.seq.to_le_bytes());
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.extend_from_slice(&self.time.to_le_bytes());
        bytes.extend_from_slice(&self.hash);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a note; `None` if it is damaged.
    pub(super) fn from_note(bytes: &[u8]) -> Option<Link> {
        if bytes.len() != NOTE_BYTES {
            return None;
        }
        let (covered, crc) = bytes.split_at(NOTE_BYTES - CRC_BYTES);
        let good = crc32fast::hash(covered).to_le_bytes() == crc
            && &bytes[..4] == NOTE_MAGIC
            && u32::from_le_bytes(array(bytes, 4)) == 1;
        good.then(|| Link {
            frame_no: u64::from_le_bytes(array(bytes, 8)),
            seq: u64::from_le_bytes(array(bytes, 16)),
            epoch: u64::from_le_bytes(array(bytes, 24)),
            time: i64::from_le_bytes(array(bytes, 32)),
            hash: array(bytes, 40),
        })
    }
}

/// Why a frame that reads well is not the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Misplaced {
    /// A frame is missing or came twice.
    #[error("frame {expected} is missing, frame {found} follows")]
    Number {
        /// Number that must come next.
        expected: u64,
        /// Number that came.
        found: u64,
    },
    /// The frame does not carry the hash of the one before.
    #[error("frame {frame_no} does not chain to the frame before it")]
    Chain {
        /// The offending frame.
        frame_no: u64,
    },
    /// Sequence numbers are not contiguous.
    #[error("frame {frame_no} starts at record {found}, expected {expected}")]
    Seq {
        /// The offending frame.
        frame_no: u64,
        /// Sequence number that must come next.
        expected: u64,
        /// Sequence number that came.
        found: u64,
    },
    /// An older incarnation wrote after a newer one.
    #[error("frame {frame_no} has epoch {found} after epoch {before}")]
    Epoch {
        /// The offending frame.
        frame_no: u64,
        /// Epoch of the frame before.
        before: u64,
        /// Epoch of this frame.
        found: u64,
    },
    /// Journal time ran backwards.
    #[error("frame {frame_no} is older than the frame before it")]
    Time {
        /// The offending frame.
        frame_no: u64,
    },
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Shorter or longer than its own length field says, or beyond the limit.
    #[error("a frame of {bytes} bytes contradicts its own length or the limit of {FRAME_BYTES_MAX}")]
    Length {
        /// Bytes that were there.
        bytes: usize,
    },
    /// It does not start like a frame.
    #[error("these bytes are no frame")]
    Magic,
    /// The checksum differs.
    #[error("the checksum of a frame does not match")]
    Checksum,
    /// A newer program wrote it.
    #[error("frame version {0} is unknown to this program")]
    Version(u16),
    /// Checksum good, content impossible: a bug, not a torn write.
    #[error("frame {frame_no} contradicts itself: {what}")]
    Content {
        /// The offending frame.
        frame_no: u64,
        /// Which statement is contradicted.
        what: &'static str,
    },
}

/// The fixed part of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Who wrote it.
    pub origin: Origin,
    /// From 1, without gaps.
    pub frame_no: u64,
    /// First record inside.
    pub first_seq: u64,
    /// Last record inside.
    pub last_seq: u64,
    /// Number of records.
    pub count: u32,
    /// Wall clock at framing, ms since 1970.
    pub wall_ms: i64,
    /// Hash of the frame before.
    pub prev_hash: Hash,
}

/// A record as it lies in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice<'a> {
    /// Sequence number.
    pub seq: u64,
    /// Journal time, ms.
    pub time: i64,
    /// Wall clock, ms since 1970.
    pub wall: i64,
    /// Encoded header and events.
    pub body: &'a [u8],
}

/// A frame whose checksum and content were verified. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Frame {
    bytes: Arc<[u8]>,
    hash: Hash,
    first_time: i64,
    last_time: i64,
}

impl Frame {
    /// Verifies bytes from disk.
    pub fn read(bytes: &[u8]) -> Result<Frame, Unreadable> {
        if bytes.len() < HEAD_BYTES + CRC_BYTES || bytes.len() > FRAME_BYTES_MAX {
            return Err(Unreadable::Length { bytes: bytes.len() });
        }
        if &bytes[..4] != MAGIC {
            return Err(Unreadable::Magic);
        }
        let (covered, crc) = bytes.split_at(bytes.len() - CRC_BYTES);
        if crc32fast::hash(covered).to_le_bytes() != crc {
            return Err(Unreadable::Checksum);
        }
        // The version is judged after the checksum: a flipped bit must not look like a newer program.
        let version = u16::from_le_bytes(array(bytes, 4));
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        let (first_time, last_time) = check_content(bytes)?;
        Ok(Frame { bytes: bytes.into(), hash: *blake3::hash(bytes).as_bytes(), first_time, last_time })
    }

    /// The whole frame as it lies on disk.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The fixed part.
    pub fn head(&self) -> Head {
        read_head(&self.bytes)
    }

    /// The chain with this frame at its end.
    pub fn link(&self) -> Link {
        let head = self.head();
        Link {
            frame_no: head.frame_no,
            seq: head.last_seq,
            hash: self.hash,
            epoch: head.origin.epoch,
            time: self.last_time,
        }
    }

    /// The records inside, in order.
    pub fn records(&self) -> impl Iterator<Item = Slice<'_>> {
        let mut rest = &self.bytes[HEAD_BYTES..self.bytes.len() - CRC_BYTES];
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (slice, after) = split_record(rest).expect("the content was verified when the frame was read");
            rest = after;
            Some(slice)
        })
    }
}

/// Collects records into one frame.
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    origin: Origin,
    before: Link,
    count: u32,
    first_time: i64,
    last: Option<(u64, i64)>,
}

impl Builder {
    /// An empty frame that will follow `before`.
    #[cfg(test)]
    pub fn new(origin: Origin, before: Link) -> Builder {
        Builder::with_room(origin, before, 0)
    }

    /// An empty frame that will follow `before`, with room for so many bytes of records at once.
    pub fn with_room(origin: Origin, before: Link, record_bytes: usize) -> Builder {
        let mut bytes = Vec::with_capacity((HEAD_BYTES + record_bytes + CRC_BYTES).min(FRAME_BYTES_MAX));
        bytes.resize(HEAD_BYTES, 0);
        Builder { bytes, origin, before, count: 0, first_time: before.time, last: None }
    }

    /// Whether a body of this length still fits.
    pub fn has_room(&self, body_bytes: usize) -> bool {
        self.bytes.len() + STAMP_BYTES + body_bytes + CRC_BYTES <= FRAME_BYTES_MAX
    }

    /// Adds the next record.
    pub fn push(&mut self, record: Slice<'_>) {
        let (last_seq, last_time) = self.last.unwrap_or((self.before.seq, self.before.time));
        assert!(self.has_room(record.body.len()), "a frame holds at most {FRAME_BYTES_MAX} bytes");
        assert_eq!(record.seq, last_seq + 1, "records enter a frame in order of their sequence numbers");
        assert!(record.time >= last_time, "journal time never runs backwards");
        if self.last.is_none() {
            self.first_time = record.time;
        }
        let length = u32::try_from(record.body.len()).expect("a body is at most 60 KiB");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&record.seq.to_le_bytes());
        self.bytes.extend_from_slice(&record.time.to_le_bytes());
        self.bytes.extend_from_slice(&record.wall.to_le_bytes());
        self.bytes.extend_from_slice(record.body);
        self.last = Some((record.seq, record.time));
        self.count += 1;
    }

    /// Fills in the head and the checksum.
    pub fn finish(mut self, wall_ms: i64) -> Frame {
        let (last_seq, last_time) = self.last.expect("a frame holds at least one record");
        let payload = u32::try_from(self.bytes.len() - HEAD_BYTES).expect("a frame is at most 64 KiB");
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&self.origin.partition.to_le_bytes());
        head.extend_from_slice(&self.origin.directory.to_le_bytes());
        head.extend_from_slice(&self.origin.epoch.to_le_bytes());
        head.extend_from_slice(&(self.before.frame_no + 1).to_le_bytes());
        head.extend_from_slice(&(self.before.seq + 1).to_le_bytes());
        head.extend_from_slice(&last_seq.to_le_bytes());
        head.extend_from_slice(&self.count.to_le_bytes());
        head.extend_from_slice(&payload.to_le_bytes());
        head.extend_from_slice(&wall_ms.to_le_bytes());
        head.extend_from_slice(&self.before.hash);
        self.bytes[..HEAD_BYTES].copy_from_slice(&head);
        let crc = crc32fast::hash(&self.bytes);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        let hash = *blake3::hash(&self.bytes).as_bytes();
        Frame { bytes: self.bytes.into(), hash, first_time: self.first_time, last_time }
    }
}

fn read_head(bytes: &[u8]) -> Head {
    Head {
        origin: Origin {
            directory: u128::from_le_bytes(array(bytes, 8)),
            partition: u16::from_le_bytes(array(bytes, 6)),
            epoch: u64::from_le_bytes(array(bytes, 24)),
        },
        frame_no: u64::from_le_bytes(array(bytes, 32)),
        first_seq: u64::from_le_bytes(array(bytes, 40)),
        last_seq: u64::from_le_bytes(array(bytes, 48)),
        count: u32::from_le_bytes(array(bytes, 56)),
        wall_ms: i64::from_le_bytes(array(bytes, 64)),
        prev_hash: array(bytes, 72),
    }
}

/// Times of the first and last record of a frame that contradicts nothing.
fn check_content(bytes: &[u8]) -> Result<(i64, i64), Unreadable> {
    let head = read_head(bytes);
    let contradiction = |what| Unreadable::Content { frame_no: head.frame_no, what };
    let payload = u32::from_le_bytes(array(bytes, 60)) as usize;
    if payload != bytes.len() - HEAD_BYTES - CRC_BYTES {
        return Err(contradiction("length of the payload"));
    }
    if head.frame_no == 0 || head.first_seq == 0 {
        return Err(contradiction("frames and records are numbered from 1"));
    }
    let mut rest = &bytes[HEAD_BYTES..HEAD_BYTES + payload];
    let mut times: Option<(i64, i64)> = None;
    let mut seen = 0u64;
    while !rest.is_empty() {
        let (record, after) = split_record(rest).ok_or(contradiction("length of a record"))?;
        if record.seq != head.first_seq.wrapping_add(seen) {
            return Err(contradiction("sequence numbers are contiguous"));
        }
        if times.is_some_and(|(_, last)| record.time < last) {
            return Err(contradiction("journal time never runs backwards"));
        }
        times = Some((times.map_or(record.time, |(first, _)| first), record.time));
        seen += 1;
        rest = after;
    }
    if seen != u64::from(head.count) || head.last_seq != (head.first_seq - 1).wrapping_add(seen) {
        return Err(contradiction("number of records"));
    }
    times.ok_or(contradiction("a frame holds at least one record"))
}

fn split_record(bytes: &[u8]) -> Option<(Slice<'_>, &[u8])> {
    if bytes.len() < STAMP_BYTES {
        return None;
    }
    let length = u32::from_le_bytes(array(bytes, 0)) as usize;
    let (body, after) = bytes[STAMP_BYTES..].split_at_checked(length)?;
    let slice = Slice {
        seq: u64::from_le_bytes(array(bytes, 4)),
        time: i64::from_le_bytes(array(bytes, 12)),
        wall: i64::from_le_bytes(array(bytes, 20)),
        body,
    };
    Some((slice, after))
}

/// `N` bytes at `at`; the caller has checked that they are there.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { directory: 0x0102, partition: 0, epoch: 7 };

    fn frame_after(before: Link, bodies: &[&[u8]]) -> Frame {
        let mut builder = Builder::new(ORIGIN, before);
        for (index, body) in bodies.iter().enumerate() {
            let seq = before.seq + 1 + index as u64;
            builder.push(Slice { seq, time: 1_000 + seq as i64, wall: 2_000 + seq as i64, body });
        }
        builder.finish(3_000)
    }

    #[test]
    fn a_frame_has_these_bytes_for_ever() {
        let frame = frame_after(Link::START, &[b"ab", b"c"]);
        let hex: String = frame.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = concat!(
            "4f524446",
            "0100",
            "0000",
            "02010000000000000000000000000000",
            "0700000000000000",
            "0100000000000000",
            "0100000000000000",
            "0200000000000000",
            "02000000",
            "3b000000",
            "b80b000000000000",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "02000000",
            "0100000000000000",
            "e903000000000000",
            "d107000000000000",
            "6162",
            "01000000",
            "0200000000000000",
            "ea03000000000000",
            "d207000000000000",
            "63",
        );
        assert_eq!(&hex[..hex.len() - 8], expected);
        assert_eq!(&hex[hex.len() - 8..], "7507e8cf");
    }

    #[test]
    fn what_was_built_reads_back() {
        let frame = frame_after(Link::START, &[b"one", b"", b"three"]);
        let read = Frame::read(frame.bytes()).unwrap();
        assert_eq!(read.link(), frame.link());
        let bodies: Vec<&[u8]> = read.records().map(|record| record.body).collect();
        assert_eq!(bodies, [&b"one"[..], b"", b"three"]);
        assert_eq!(read.link(), Link { frame_no: 1, seq: 3, hash: read.hash, epoch: 7, time: 1_003 });
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let frame = frame_after(Link::START, &[b"one", b"two"]);
        for at in 0..frame.bytes().len() * 8 {
            let mut bytes = frame.bytes().to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            assert!(Frame::read(&bytes).is_err(), "bit {at} flipped unnoticed");
        }
        for length in 0..frame.bytes().len() {
            assert!(Frame::read(&frame.bytes()[..length]).is_err(), "cut to {length} unnoticed");
        }
    }

    #[test]
    fn swapped_missing_and_foreign_frames_break_the_chain() {
        let first = frame_after(Link::START, &[b"one"]);
        let second = frame_after(first.link(), &[b"two"]);
        let other = frame_after(Link::START, &[b"another"]);
        let third = frame_after(second.link(), &[b"three"]);

        let link = Link::START.follow(&first).unwrap();
        assert_eq!(link.follow(&third), Err(Misplaced::Number { expected: 2, found: 3 }));
        assert_eq!(other.link().follow(&second), Err(Misplaced::Chain { frame_no: 2 }));
        let link = link.follow(&second).unwrap();
        assert_eq!(link.follow(&second), Err(Misplaced::Number { expected: 3, found: 2 }));
        assert!(link.follow(&third).is_ok());
    }

    #[test]
    fn an_older_epoch_never_follows_a_newer_one() {
        let first = frame_after(Link::START, &[b"one"]);
        let mut builder = Builder::new(Origin { epoch: 6, ..ORIGIN }, first.link());
        builder.push(Slice { seq: 2, time: 5_000, wall: 0, body: b"two" });
        let late = builder.finish(0);
        assert_eq!(first.link().follow(&late), Err(Misplaced::Epoch { frame_no: 2, before: 7, found: 6 }));
    }

    #[test]
    fn a_note_of_a_position_reads_back_and_a_damaged_one_does_not() {
        let link = frame_after(Link::START, &[b"one"]).link();
        let mut note = link.to_note();
        assert_eq!(Link::from_note(&note), Some(link));
        note[9] ^= 1;
        assert_eq!(Link::from_note(&note), None);
    }

    #[test]
    fn the_largest_record_fits_and_one_more_byte_does_not_join_it() {
        let builder = Builder::new(ORIGIN, Link::START);
        assert!(builder.has_room(RECORD_BYTES_MAX));
        let room = FRAME_BYTES_MAX - HEAD_BYTES - STAMP_BYTES - CRC_BYTES;
        assert!(builder.has_room(room) && !builder.has_room(room + 1));
    }
}
