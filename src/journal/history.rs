//! History files: the frames of a sealed generation, compressed, for readers that are behind.
//!
//! ```text
//! head      magic "ORDH" · version u32, 1 · directory id u128 · generation u64
//! blocks    raw length u32 · packed length u32 · CRC-32 of the packed bytes · packed bytes (LZ4)
//!           raw bytes are n × { length u32, frame }
//! index     per block: first sequence number u64 · offset in the file u64
//! trailer   first seq u64 · wall clock of the last frame i64 · note of the last position (76 bytes)
//!           · offset of the index u64 · number of blocks u32 · CRC-32 of index and trailer so far
//! ```
//! Promises: a file is read back and its chain followed before it counts. Every block has its own
//! checksum, and every frame inside still has its own.
//!
//! Bounds: blocks of about [`BLOCK_BYTES`] before compression; one block is held at a time.
//!
//! Not here: recovery never needs these files, and how long they are kept is decided in
//! `generation`.

use std::io::{self, SeekFrom};
use std::sync::Arc;

use parking_lot::Mutex;

use super::frame::{Frame, Link, array};
use super::store::{Disk, NewFile, OpenFile, Scan};
use crate::domain::limits::FRAME_BYTES_MAX;

/// A block is closed when its frames exceed this.
pub(super) const BLOCK_BYTES: usize = 256 * 1024;

const MAGIC: &[u8; 4] = b"ORDH";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 32;
const BLOCK_HEAD_BYTES: usize = 12;
const INDEX_BYTES: usize = 16;
const NOTE_BYTES: usize = 76;
const TRAILER_BYTES: usize = 8 + 8 + NOTE_BYTES + 8 + 4 + 4;

/// Name of the history file of a generation.
pub(super) fn path(generation: u64) -> String {
    format!("history/{generation:010}.history")
}

/// Generation of a history file by its name.
pub(super) fn generation(name: &str) -> Option<u64> {
    name.strip_suffix(".history")?.parse().ok()
}

/// An open history file.
pub(super) struct History {
    file: Mutex<Box<dyn OpenFile>>,
    blocks: Vec<Block>,
    /// First sequence number inside.
    pub(super) first_seq: u64,
    /// The position after its last frame.
    pub(super) end: Link,
    /// Wall clock of the last frame, ms since 1970: decides its age.
    pub(super) wall_ms: i64,
    /// Size of the file.
    pub(super) bytes: u64,
}

struct Block {
    first_seq: u64,
    offset: u64,
}

/// Writes the frames of `scan`, which must follow `before` and end with `end` if one is given, then
/// reads the file back. Frames after `end` are left out: they were never acknowledged.
pub(super) fn write(
    disk: &dyn Disk,
    directory: u128,
    generation: u64,
    scan: Scan,
    end: Option<Link>,
) -> io::Result<Option<History>> {
    let mut file = Output::new(disk.new_file(&path(generation))?, directory, generation)?;
    let mut link: Option<Link> = None;
    for bytes in scan {
        if link.is_some() && link == end {
            // What follows was torn, and dropped when the generation was sealed.
            break;
        }
        let frame = Frame::read(&bytes?).map_err(damaged)?;
        link = Some(match link {
            None => frame.link(),
            Some(link) => link.follow(&frame).map_err(damaged)?,
        });
        file.push(&frame)?;
    }
    if end.is_some() && link != end {
        return Err(damaged(format!("generation {generation} does not end where it was sealed")));
    }
    let Some(link) = link else { return Ok(None) };
    file.finish(link)?;
    let history = History::open(disk, generation, directory)?;
    history.verify()?;
    Ok(Some(history))
}

impl History {
    /// Opens a file and reads its index.
    pub(super) fn open(disk: &dyn Disk, generation: u64, directory: u128) -> io::Result<History> {
        let mut file = disk.open_file(&path(generation))?;
        let bytes = file.seek(SeekFrom::End(0))?;
        if bytes < (HEAD_BYTES + TRAILER_BYTES) as u64 {
            return Err(damaged("the history file is too short"));
        }
        let head = read_at(&mut *file, 0, HEAD_BYTES)?;
        let good = &head[..4] == MAGIC
            && u32::from_le_bytes(array(&head, 4)) == VERSION
            && u128::from_le_bytes(array(&head, 8)) == directory
            && u64::from_le_bytes(array(&head, 24)) == generation;
        if !good {
            return Err(damaged("the history file belongs elsewhere"));
        }
        let trailer_at = bytes - TRAILER_BYTES as u64;
        let trailer = read_at(&mut *file, trailer_at, TRAILER_BYTES)?;
        let index_at = u64::from_le_bytes(array(&trailer, 16 + NOTE_BYTES));
        let count = u32::from_le_bytes(array(&trailer, 24 + NOTE_BYTES)) as usize;
        if index_at.checked_add((count * INDEX_BYTES) as u64) != Some(trailer_at) {
            return Err(damaged("the index of the history file is not where it should be"));
        }
        let index = read_at(&mut *file, index_at, count * INDEX_BYTES)?;
        let mut covered = crc32fast::Hasher::new();
        covered.update(&index);
        covered.update(&trailer[..TRAILER_BYTES - 4]);
        if covered.finalize().to_le_bytes() != trailer[TRAILER_BYTES - 4..] {
            return Err(damaged("the checksum of the history file's index does not match"));
        }
        let end = Link::from_note(&trailer[16..16 + NOTE_BYTES])
            .ok_or_else(|| damaged("the end of the history file is unreadable"))?;
        let blocks = index
            .chunks_exact(INDEX_BYTES)
            .map(|entry| Block {
                first_seq: u64::from_le_bytes(array(entry, 0)),
                offset: u64::from_le_bytes(array(entry, 8)),
            })
            .collect();
        Ok(History {
            file: Mutex::new(file),
            blocks,
            first_seq: u64::from_le_bytes(array(&trailer, 0)),
            end,
            wall_ms: i64::from_le_bytes(array(&trailer, 8)),
            bytes,
        })
    }

    /// Its frames that start at or after record `first_seq`, for replay.
    pub(super) fn scan(self: Arc<Self>, first_seq: u64) -> Scan {
        let first_block = self.blocks.partition_point(|block| block.first_seq <= first_seq).saturating_sub(1);
        let blocks = first_block..self.blocks.len();
        Box::new(blocks.flat_map(move |index| {
            let frames: Vec<io::Result<Vec<u8>>> = match self.block(index) {
                Ok(frames) => frames
                    .iter()
                    .filter(|frame| frame.head().first_seq >= first_seq)
                    .map(|frame| Ok(frame.bytes().to_vec()))
                    .collect(),
                Err(error) => vec![Err(error)],
            };
            frames
        }))
    }

    /// The frames of the block that holds record `seq`.
    pub(super) fn block_with(&self, seq: u64) -> io::Result<Vec<Frame>> {
        match self.blocks.partition_point(|block| block.first_seq <= seq).checked_sub(1) {
            Some(index) => self.block(index),
            None => Ok(Vec::new()),
        }
    }

    fn block(&self, index: usize) -> io::Result<Vec<Frame>> {
        let mut file = self.file.lock();
        let offset = self.blocks[index].offset;
        let head = read_at(&mut **file, offset, BLOCK_HEAD_BYTES)?;
        let raw_bytes = u32::from_le_bytes(array(&head, 0)) as usize;
        let packed_bytes = u32::from_le_bytes(array(&head, 4)) as usize;
        let most = BLOCK_BYTES + FRAME_BYTES_MAX + 4;
        if raw_bytes > most || packed_bytes > lz4_flex::block::get_maximum_output_size(most) {
            return Err(damaged("a block of the history file is larger than any that is written"));
        }
        let packed = read_at(&mut **file, offset + BLOCK_HEAD_BYTES as u64, packed_bytes)?;
        drop(file);
        if crc32fast::hash(&packed).to_le_bytes() != head[8..] {
            return Err(damaged("the checksum of a block of the history file does not match"));
        }
        let raw = lz4_flex::block::decompress(&packed, raw_bytes).map_err(damaged)?;
        split(&raw)
    }

    /// Reads every block and follows the chain to the recorded end.
    pub(super) fn verify(&self) -> io::Result<()> {
        let mut link: Option<Link> = None;
        for index in 0..self.blocks.len() {
            for frame in self.block(index)? {
                link = Some(match link {
                    None => frame.link(),
                    Some(link) => link.follow(&frame).map_err(damaged)?,
                });
            }
        }
        if link == Some(self.end) { Ok(()) } else { Err(damaged("the history file does not reach its recorded end")) }
    }
}

struct Output {
    file: Box<dyn NewFile>,
    offset: u64,
    raw: Vec<u8>,
    raw_first_seq: u64,
    index: Vec<u8>,
    first_seq: u64,
    wall_ms: i64,
}

impl Output {
    fn new(mut file: Box<dyn NewFile>, directory: u128, generation: u64) -> io::Result<Output> {
        file.write_all(MAGIC)?;
        file.write_all(&VERSION.to_le_bytes())?;
        file.write_all(&directory.to_le_bytes())?;
        file.write_all(&generation.to_le_bytes())?;
        let (offset, raw, index) = (HEAD_BYTES as u64, Vec::new(), Vec::new());
        Ok(Output { file, offset, raw, raw_first_seq: 0, index, first_seq: 0, wall_ms: 0 })
    }

    fn push(&mut self, frame: &Frame) -> io::Result<()> {
        let head = frame.head();
        if self.raw.is_empty() {
            self.raw_first_seq = head.first_seq;
        }
        if self.first_seq == 0 {
            self.first_seq = head.first_seq;
        }
        self.wall_ms = head.wall_ms;
        let length = u32::try_from(frame.bytes().len()).expect("a frame is at most 64 KiB");
        self.raw.extend_from_slice(&length.to_le_bytes());
        self.raw.extend_from_slice(frame.bytes());
        if self.raw.len() >= BLOCK_BYTES { self.close_block() } else { Ok(()) }
    }

    fn close_block(&mut self) -> io::Result<()> {
        if self.raw.is_empty() {
            return Ok(());
        }
        let packed = lz4_flex::block::compress(&self.raw);
        let lengths = [self.raw.len(), packed.len()].map(|length| u32::try_from(length).expect("a block is small"));
        self.file.write_all(&lengths[0].to_le_bytes())?;
        self.file.write_all(&lengths[1].to_le_bytes())?;
        self.file.write_all(&crc32fast::hash(&packed).to_le_bytes())?;
        self.file.write_all(&packed)?;
        self.index.extend_from_slice(&self.raw_first_seq.to_le_bytes());
        self.index.extend_from_slice(&self.offset.to_le_bytes());
        self.offset += (BLOCK_HEAD_BYTES + packed.len()) as u64;
        self.raw.clear();
        Ok(())
    }

    fn finish(mut self, end: Link) -> io::Result<()> {
        self.close_block()?;
        let count = u32::try_from(self.index.len() / INDEX_BYTES).expect("a generation has few blocks");
        let mut tail = std::mem::take(&mut self.index);
        tail.extend_from_slice(&self.first_seq.to_le_bytes());
        tail.extend_from_slice(&self.wall_ms.to_le_bytes());
        tail.extend_from_slice(&end.to_note());
        tail.extend_from_slice(&self.offset.to_le_bytes());
        tail.extend_from_slice(&count.to_le_bytes());
        let crc = crc32fast::hash(&tail);
        tail.extend_from_slice(&crc.to_le_bytes());
        self.file.write_all(&tail)?;
        self.file.commit()
    }
}

fn split(raw: &[u8]) -> io::Result<Vec<Frame>> {
    let mut frames = Vec::new();
    let mut rest = raw;
    while !rest.is_empty() {
        let (length, after) = rest.split_at_checked(4).ok_or_else(|| damaged("a block ends in a length"))?;
        let length = u32::from_le_bytes(array(length, 0)) as usize;
        let (frame, after) = after.split_at_checked(length).ok_or_else(|| damaged("a block ends in a frame"))?;
        frames.push(Frame::read(frame).map_err(damaged)?);
        rest = after;
    }
    Ok(frames)
}

fn read_at(file: &mut dyn OpenFile, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn damaged(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}
