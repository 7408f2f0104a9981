//! A segment of the archive: orders that left memory, sorted by number, immutable once it is there.
//!
//! ```text
//! head      magic "ORDA" · version u32, 1 · directory id u128 · number u64
//! blocks    of orders, rows or names; one after another without gaps:
//!             stored length u32 · plain length u32 · BLAKE3, 16 bytes, of both and of what is stored · LZ4
//!           orders: entries as in `codec`, ascending by number
//!           rows:   n × what can be searched (bincode), in the order of the orders
//!           names:  n × { hash u64 · number u64 }, ascending
//! index     orders u64 · highest number u64 · blocks of orders, of rows, of names and lines of the filter, each u32
//!           per block of orders: first number u64 · offset u64
//!           per block of rows:   first number u64 · offset u64 · oldest and newest placing i64 · marks, 256 bytes
//!           per block of names:  first hash u64 · offset u64
//!           filter: lines of 64 bytes
//! trailer   offset of the index u64 · BLAKE3 of head, index and that offset
//! ```
//! The *filter* says of most numbers and names that they are not here, at one line of memory each; the *marks* say the
//! same of channels, customers and skus for a block of rows.
//!
//! Promises: the index is verified when a segment is opened, a block whenever it is read, all of it by [`Segment::verify`].
//! Cost: a look-up reads one block; the index stays in memory, about ten bytes an order. Writing holds 40 bytes an order.
//!
//! What is *not* here: which segments there are, and what is asked of them (`archive`).

use std::io::{self, SeekFrom, Write};
use std::sync::Arc;

use super::codec::{self, ENTITY_BYTES_MAX, ENTRY_HEAD_BYTES};
use super::frame::array;
use super::history::damaged;
use super::store::{Disk, NewFile, OpenFile};
use crate::domain::archive::{OrderName, OrderRow};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::ids::{OrderKey, SkuIndex};
use crate::domain::order::Order;
use crate::domain::time::WallTime;

const MAGIC: &[u8; 4] = b"ORDA";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 32;
const BLOCK_HEAD_BYTES: usize = 24;
const COUNTS_BYTES: usize = 32;
const PLACE_BYTES: usize = 16;
const MARK_WORDS: usize = 32;
const ROWS_PLACE_BYTES: usize = PLACE_BYTES + 16 + 8 * MARK_WORDS;
const TRAILER_BYTES: usize = 8 + 32;
const NAME_BYTES: usize = 16;

/// A block of orders is closed when it exceeds this: what one look-up reads.
const ORDERS_BYTES: usize = 32 * 1024;
/// Rows of a block.
const ROWS: usize = 256;
/// Names of a block.
const NAMES: usize = 512;
/// Words of a line of the filter, and bits it has for every number and name.
const LINE_WORDS: usize = 8;
const BITS_EACH: usize = 12;
/// Bits that a number or name sets in its line, and a channel, customer or sku among the marks.
const BITS_SET: u32 = 6;
const MARKS_SET: u32 = 3;

/// Path of a segment.
pub(super) fn path(number: u64) -> String {
    format!("archive/{number:010}.segment")
}

/// Number of a segment by the name of its file.
pub(super) fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".segment")?.parse().ok()
}

/// Where a block begins, and the first number or hash in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    first: u64,
    offset: u64,
}

/// A block of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowsPlace {
    place: Place,
    oldest: WallTime,
    newest: WallTime,
    marks: [u64; MARK_WORDS],
}

/// What a search asks of a block of rows before it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// Hashes of what must be marked.
    pub(super) marks: Vec<u64>,
    /// Nothing placed before this.
    pub(super) since: Option<WallTime>,
    /// Nothing placed at this or later.
    pub(super) until: Option<WallTime>,
}

/// What a channel, a customer or a sku is marked as.
pub(super) fn mark_of_channel(channel: &str) -> u64 {
    OrderName::Channel(channel, "").hash()
}

/// See [`mark_of_channel`].
pub(super) fn mark_of_customer(customer: &str) -> u64 {
    OrderName::Channel("", customer).hash()
}

/// See [`mark_of_channel`].
pub(super) fn mark_of_sku(sku: SkuIndex) -> u64 {
    spread(u64::from(sku.0))
}

/// A number whose bits all depend on all bits of the given one.
fn spread(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The bits that a hash stands for among `words` words.
fn bits(hash: u64, count: u32, words: usize) -> impl Iterator<Item = (usize, u64)> {
    let (mut at, step) = (hash as u32 as usize, (hash >> 32) as usize | 1);
    (0..count).map(move |_| {
        at = at.wrapping_add(step);
        (at / 64 % words, 1 << (at % 64))
    })
}

impl RowsPlace {
    fn mark(&mut self, row: &OrderRow) {
        self.oldest = self.oldest.min(row.placed_at);
        self.newest = self.newest.max(row.placed_at);
        let skus = row.skus.iter().map(|sku| mark_of_sku(*sku));
        for hash in skus.chain([mark_of_channel(&row.channel), mark_of_customer(&row.customer)]) {
            bits(hash, MARKS_SET, MARK_WORDS).for_each(|(word, bit)| self.marks[word] |= bit);
        }
    }

    /// Whether it may hold what is wanted.
    pub(super) fn may_hold(&self, wanted: &Wanted) -> bool {
        let is_marked = |hash: &u64| bits(*hash, MARKS_SET, MARK_WORDS).all(|(word, bit)| self.marks[word] & bit != 0);
        wanted.since.is_none_or(|since| self.newest >= since)
            && wanted.until.is_none_or(|until| self.oldest < until)
            && wanted.marks.iter().all(is_marked)
    }

    /// The lowest number in it.
    pub(super) fn first(&self) -> OrderKey {
        OrderKey(self.place.first)
    }
}

/// A segment under construction.
pub(super) struct Output {
    file: Box<dyn NewFile>,
    number: u64,
    offset: u64,
    head: [u8; HEAD_BYTES],
    orders: Vec<Place>,
    rows: Vec<RowsPlace>,
    /// Hashes and numbers of what was pushed.
    names: Vec<(u64, u64)>,
    keys: Vec<u64>,
    /// Entries of the block of orders that is open, and rows of that of rows.
    open_orders: Vec<u8>,
    open_first: u64,
    open_rows: Vec<OrderRow>,
}

impl Output {
    pub(super) fn new(disk: &dyn Disk, directory: u128, number: u64) -> io::Result<Output> {
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(MAGIC);
        head[4..8].copy_from_slice(&VERSION.to_le_bytes());
        head[8..24].copy_from_slice(&directory.to_le_bytes());
        head[24..].copy_from_slice(&number.to_le_bytes());
        let mut file = disk.new_file(&path(number))?;
        file.write_all(&head)?;
        Ok(Output {
            file,
            number,
            offset: HEAD_BYTES as u64,
            head,
            orders: Vec::new(),
            rows: Vec::new(),
            names: Vec::new(),
            keys: Vec::new(),
            open_orders: Vec::new(),
            open_first: 0,
            open_rows: Vec::new(),
        })
    }

    /// Adds an order; they come ascending.
    pub(super) fn push(&mut self, order: &Order) -> io::Result<()> {
        let mut entry = Vec::new();
        codec::put_archived(&mut entry, order);
        self.push_entry(order, &entry)
    }

    /// Adds an order whose entry is known.
    pub(super) fn push_entry(&mut self, order: &Order, entry: &[u8]) -> io::Result<()> {
        let key = order.key.0;
        assert!(self.keys.last().is_none_or(|last| *last < key), "orders of a segment ascend");
        self.keys.push(key);
        self.names.extend(OrderName::of(order).map(|name| (name.hash(), key)));
        if self.open_orders.is_empty() {
            self.open_first = key;
        }
        self.open_orders.extend_from_slice(entry);
        if self.open_orders.len() >= ORDERS_BYTES {
            self.close_orders()?;
        }
        self.open_rows.push(OrderRow::of(order));
        if self.open_rows.len() == ROWS { self.close_rows() } else { Ok(()) }
    }

    fn close_orders(&mut self) -> io::Result<()> {
        let plain = std::mem::take(&mut self.open_orders);
        if !plain.is_empty() {
            let offset = self.block(&plain)?;
            self.orders.push(Place { first: self.open_first, offset });
        }
        Ok(())
    }

    fn close_rows(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.open_rows);
        let Some(first) = rows.first().map(|row| row.key.0) else { return Ok(()) };
        let mut plain = Vec::new();
        codec::put_value(&mut plain, &rows);
        let place = Place { first, offset: self.block(&plain)? };
        let (oldest, newest) = (WallTime(i64::MAX), WallTime(i64::MIN));
        let mut place = RowsPlace { place, oldest, newest, marks: [0; MARK_WORDS] };
        rows.iter().for_each(|row| place.mark(row));
        self.rows.push(place);
        Ok(())
    }

    /// Writes a block; answers where it begins.
    fn block(&mut self, plain: &[u8]) -> io::Result<u64> {
        let stored = lz4_flex::block::compress(plain);
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a block is far below 4 GiB").to_le_bytes();
        let lengths = [length(&stored), length(plain)].concat();
        self.file.write_all(&lengths)?;
        self.file.write_all(&block_hash(&lengths, &stored))?;
        self.file.write_all(&stored)?;
        let at = self.offset;
        self.offset += (BLOCK_HEAD_BYTES + stored.len()) as u64;
        Ok(at)
    }

    /// Makes the segment durable.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.close_orders()?;
        self.close_rows()?;
        let mut names = std::mem::take(&mut self.names);
        names.sort_unstable();
        names.dedup();
        let mut places = Vec::new();
        for some in names.chunks(NAMES) {
            let plain: Vec<u8> =
                some.iter().flat_map(|(hash, key)| [hash.to_le_bytes(), key.to_le_bytes()]).flatten().collect();
            places.push(Place { first: some[0].0, offset: self.block(&plain)? });
        }
        let filter = Filter::of(self.keys.iter().map(|key| spread(*key)).chain(names.iter().map(|(hash, _)| *hash)));
        let index = self.index(&places, &filter);
        self.file.write_all(&index)?;
        self.file.write_all(&self.offset.to_le_bytes())?;
        self.file.write_all(index_hash(&self.head, &index, self.offset).as_bytes())?;
        let Output { file, number, keys, .. } = self;
        file.commit()?;
        tracing::info!(segment = number, orders = keys.len(), "orders left for the archive");
        Ok(())
    }

    fn index(&self, names: &[Place], filter: &Filter) -> Vec<u8> {
        let mut index = Vec::new();
        index.extend_from_slice(&(self.keys.len() as u64).to_le_bytes());
        index.extend_from_slice(&self.keys.last().copied().unwrap_or(0).to_le_bytes());
        for count in [self.orders.len(), self.rows.len(), names.len(), filter.lines.len()] {
            index.extend_from_slice(&u32::try_from(count).expect("fewer blocks than orders").to_le_bytes());
        }
        let place = |index: &mut Vec<u8>, place: &Place| {
            index.extend_from_slice(&place.first.to_le_bytes());
            index.extend_from_slice(&place.offset.to_le_bytes());
        };
        self.orders.iter().for_each(|orders| place(&mut index, orders));
        for rows in &self.rows {
            place(&mut index, &rows.place);
            index.extend_from_slice(&rows.oldest.0.to_le_bytes());
            index.extend_from_slice(&rows.newest.0.to_le_bytes());
            rows.marks.iter().for_each(|word| index.extend_from_slice(&word.to_le_bytes()));
        }
        names.iter().for_each(|names| place(&mut index, names));
        filter.lines.iter().flatten().for_each(|word| index.extend_from_slice(&word.to_le_bytes()));
        index
    }
}

fn block_hash(lengths: &[u8], stored: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(lengths);
    hasher.update(stored);
    array(hasher.finalize().as_bytes(), 0)
}

fn index_hash(head: &[u8], index: &[u8], offset: u64) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head);
    hasher.update(index);
    hasher.update(&offset.to_le_bytes());
    hasher.finalize()
}

/// Says of most hashes that they are not among those it was made of.
struct Filter {
    lines: Vec<[u64; LINE_WORDS]>,
}

impl Filter {
    fn of(hashes: impl Iterator<Item = u64> + Clone) -> Filter {
        let lines = (hashes.clone().count() * BITS_EACH).div_ceil(64 * LINE_WORDS).max(1);
        let mut filter = Filter { lines: vec![[0; LINE_WORDS]; lines] };
        for hash in hashes {
            let line = filter.line(hash);
            bits(spread(hash), BITS_SET, LINE_WORDS).for_each(|(word, bit)| filter.lines[line][word] |= bit);
        }
        filter
    }

    fn line(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.lines.len() as u128) >> 64) as usize
    }

    fn may_hold(&self, hash: u64) -> bool {
        let line = &self.lines[self.line(hash)];
        bits(spread(hash), BITS_SET, LINE_WORDS).all(|(word, bit)| line[word] & bit != 0)
    }
}

/// An open segment: its index, in memory.
pub(super) struct Segment {
    pub(super) number: u64,
    /// Orders in it.
    pub(super) count: u64,
    /// The highest number in it.
    pub(super) highest: u64,
    /// Size of the file.
    pub(super) bytes: u64,
    index_at: u64,
    orders: Vec<Place>,
    rows: Vec<RowsPlace>,
    names: Vec<Place>,
    filter: Filter,
}

impl Segment {
    /// Opens a segment and verifies its index.
    pub(super) fn open(disk: &dyn Disk, directory: u128, number: u64) -> io::Result<Segment> {
        let mut file = disk.open_file(&path(number))?;
        let bytes = file.seek(SeekFrom::End(0))?;
        if bytes < (HEAD_BYTES + COUNTS_BYTES + TRAILER_BYTES) as u64 {
            return Err(damaged("it is too short"));
        }
        let head = read_at(&mut *file, 0, HEAD_BYTES)?;
        let trailer = read_at(&mut *file, bytes - TRAILER_BYTES as u64, TRAILER_BYTES)?;
        let index_at = u64::from_le_bytes(array(&trailer, 0));
        let length = (bytes - TRAILER_BYTES as u64).checked_sub(index_at);
        let length = length.filter(|length| *length >= COUNTS_BYTES as u64 && index_at >= HEAD_BYTES as u64);
        let length = length.ok_or_else(|| damaged("its index is not where it should be"))?;
        let index = read_at(&mut *file, index_at, length as usize)?;
        if index_hash(&head, &index, index_at).as_bytes() != &trailer[8..] {
            return Err(damaged("the checksum of its index does not match"));
        }
        let is_ours = &head[..4] == MAGIC
            && u32::from_le_bytes(array(&head, 4)) == VERSION
            && u128::from_le_bytes(array(&head, 8)) == directory
            && u64::from_le_bytes(array(&head, 24)) == number;
        if !is_ours {
            return Err(damaged("it does not start like this segment of this directory"));
        }
        Segment::of(number, bytes, index_at, &index).ok_or_else(|| damaged("its index is of another length"))
    }

    fn of(number: u64, bytes: u64, index_at: u64, index: &[u8]) -> Option<Segment> {
        let u64_at = |at: usize| u64::from_le_bytes(array(index, at));
        let count_at = |at: usize| u32::from_le_bytes(array(index, at)) as usize;
        let (orders, rows, names, lines) = (count_at(16), count_at(20), count_at(24), count_at(28));
        let (orders_at, line_bytes) = (COUNTS_BYTES, 8 * LINE_WORDS);
        let rows_at = orders_at + orders * PLACE_BYTES;
        let names_at = rows_at + rows * ROWS_PLACE_BYTES;
        let filter_at = names_at + names * PLACE_BYTES;
        if index.len() != filter_at + lines * line_bytes || lines == 0 {
            return None;
        }
        let place = |at: usize| Place { first: u64_at(at), offset: u64_at(at + 8) };
        let rows_place = |at: usize| RowsPlace {
            place: place(at),
            oldest: WallTime(u64_at(at + 16) as i64),
            newest: WallTime(u64_at(at + 24) as i64),
            marks: std::array::from_fn(|word| u64_at(at + 32 + 8 * word)),
        };
        let line = |at: usize| std::array::from_fn(|word| u64_at(at + 8 * word));
        Some(Segment {
            number,
            count: u64_at(0),
            highest: u64_at(8),
            bytes,
            index_at,
            orders: (0..orders).map(|n| place(orders_at + n * PLACE_BYTES)).collect(),
            rows: (0..rows).map(|n| rows_place(rows_at + n * ROWS_PLACE_BYTES)).collect(),
            names: (0..names).map(|n| place(names_at + n * PLACE_BYTES)).collect(),
            filter: Filter { lines: (0..lines).map(|n| line(filter_at + n * line_bytes)).collect() },
        })
    }

    /// Whether this order may be in it.
    pub(super) fn may_hold(&self, key: OrderKey) -> bool {
        key.0 <= self.highest && self.filter.may_hold(spread(key.0))
    }

    /// Whether an order of a name with this hash may be in it.
    pub(super) fn may_know(&self, hash: u64) -> bool {
        self.filter.may_hold(hash)
    }

    /// An order.
    pub(super) fn order(&self, disk: &dyn Disk, key: OrderKey) -> io::Result<Option<Order>> {
        let behind = self.orders.partition_point(|place| place.first <= key.0);
        let Some(place) = behind.checked_sub(1).map(|at| self.orders[at]) else { return Ok(None) };
        let block = self.block(&mut *self.file(disk)?, place.offset)?;
        for entry in entries(&block) {
            let (found, entry) = entry?;
            if found == key {
                return order_of(entry).map(Some);
            }
        }
        Ok(None)
    }

    /// Numbers of the orders that have a name of this hash.
    pub(super) fn named(&self, disk: &dyn Disk, hash: u64) -> io::Result<Vec<OrderKey>> {
        // Names of one hash may begin in the block before the first that begins with it.
        let from = self.names.partition_point(|place| place.first < hash).saturating_sub(1);
        let mut found = Vec::new();
        for place in self.names[from.min(self.names.len())..].iter().take_while(|place| place.first <= hash) {
            let block = self.block(&mut *self.file(disk)?, place.offset)?;
            let names = block.chunks_exact(NAME_BYTES).filter(|name| u64::from_le_bytes(array(name, 0)) == hash);
            found.extend(names.map(|name| OrderKey(u64::from_le_bytes(array(name, 8)))));
        }
        Ok(found)
    }

    /// Its blocks of rows, ascending.
    pub(super) fn rows_places(&self) -> &[RowsPlace] {
        &self.rows
    }

    /// The rows of a block, ascending.
    pub(super) fn rows(&self, disk: &dyn Disk, place: &RowsPlace) -> io::Result<Vec<OrderRow>> {
        let block = self.block(&mut *self.file(disk)?, place.place.offset)?;
        codec::get_value(&block).map_err(damaged)
    }

    /// Reads it to its last byte: every block, every order, every row and every name.
    pub(super) fn verify(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut file = self.file(disk)?;
        let mut next = HEAD_BYTES as u64;
        let starts = self.orders.iter().chain(self.rows.iter().map(|rows| &rows.place)).chain(&self.names);
        let mut starts: Vec<u64> = starts.map(|place| place.offset).collect();
        starts.sort_unstable();
        for start in starts {
            if start != next {
                return Err(damaged("its blocks do not follow one another"));
            }
            next += self.block_bytes(&mut *file, start)?;
        }
        if next != self.index_at {
            return Err(damaged("bytes stand between its blocks and its index"));
        }
        let mut rows = self.rows.iter();
        let mut open = Vec::new().into_iter();
        let (mut count, mut last) = (0, None);
        for order in self.orders(disk) {
            let (order, _) = order?;
            if last.replace(order.key) >= Some(order.key) {
                return Err(damaged("its orders do not ascend"));
            }
            let row: Option<OrderRow> = match open.next() {
                Some(row) => Some(row),
                None => {
                    open = rows.next().map_or_else(|| Ok(Vec::new()), |place| self.rows(disk, place))?.into_iter();
                    open.next()
                }
            };
            if row.is_none_or(|row| row.key != order.key) {
                return Err(damaged(format!("order {} has no row", order.key)));
            }
            if !self.may_hold(order.key) || !OrderName::of(&order).all(|name| self.may_know(name.hash())) {
                return Err(damaged(format!("its filter does not know order {}", order.key)));
            }
            count += 1;
        }
        let (mut names, mut last) = (0, None);
        for place in &self.names {
            let block = self.block(&mut *file, place.offset)?;
            for name in block.chunks_exact(NAME_BYTES) {
                let name = (u64::from_le_bytes(array(name, 0)), u64::from_le_bytes(array(name, 8)));
                if last.replace(name) >= Some(name) {
                    return Err(damaged("its names do not ascend"));
                }
                names += 1;
            }
        }
        if count != self.count || last_of(&self.orders) > self.highest || names < count {
            return Err(damaged("it holds another number of orders or names than it says"));
        }
        Ok(())
    }

    /// Its orders, ascending, each with its entry.
    pub(super) fn orders<'a>(&'a self, disk: &'a dyn Disk) -> impl Iterator<Item = io::Result<(Order, Vec<u8>)>> + 'a {
        let block = move |place: &Place| self.block(&mut *self.file(disk)?, place.offset);
        self.orders.iter().flat_map(move |place| {
            let mut orders = Vec::new();
            match block(place) {
                Err(error) => orders.push(Err(error)),
                Ok(block) => {
                    let whole = |entry: io::Result<(OrderKey, &[u8])>| {
                        let (_, entry) = entry?;
                        Ok((order_of(entry)?, entry.to_vec()))
                    };
                    orders.extend(entries(&block).map(whole));
                }
            }
            orders
        })
    }

    fn file(&self, disk: &dyn Disk) -> io::Result<Box<dyn OpenFile>> {
        disk.open_file(&path(self.number))
    }

    fn block_head(&self, file: &mut dyn OpenFile, offset: u64) -> io::Result<(usize, Vec<u8>)> {
        let head = read_at(file, offset, BLOCK_HEAD_BYTES)?;
        let stored = u32::from_le_bytes(array(&head, 0)) as usize;
        let fits =
            (offset + BLOCK_HEAD_BYTES as u64).checked_add(stored as u64).is_some_and(|end| end <= self.index_at);
        if fits { Ok((stored, head)) } else { Err(damaged("a block reaches beyond the last")) }
    }

    fn block_bytes(&self, file: &mut dyn OpenFile, offset: u64) -> io::Result<u64> {
        self.block_head(file, offset).map(|(stored, _)| (BLOCK_HEAD_BYTES + stored) as u64)
    }

    /// What a block holds.
    fn block(&self, file: &mut dyn OpenFile, offset: u64) -> io::Result<Vec<u8>> {
        let (length, head) = self.block_head(file, offset)?;
        let stored = read_at(file, offset + BLOCK_HEAD_BYTES as u64, length)?;
        if block_hash(&head[..8], &stored) != head[8..] {
            return Err(damaged(format!("the checksum of the block at {offset} does not match")));
        }
        lz4_flex::block::decompress(&stored, u32::from_le_bytes(array(&head, 4)) as usize).map_err(damaged)
    }
}

fn last_of(places: &[Place]) -> u64 {
    places.last().map_or(0, |place| place.first)
}

/// The entries of a block of orders, each with its number.
fn entries(mut block: &[u8]) -> impl Iterator<Item = io::Result<(OrderKey, &[u8])>> {
    std::iter::from_fn(move || {
        let head = block.first_chunk::<ENTRY_HEAD_BYTES>()?;
        let (kind, version, length) = codec::entry_head(head);
        let Some((entry, rest)) = block.split_at_checked(ENTRY_HEAD_BYTES + length.min(ENTITY_BYTES_MAX)) else {
            block = &[];
            return Some(Err(damaged("a block ends within an order")));
        };
        block = rest;
        Some(match codec::get_key(kind, version, &entry[ENTRY_HEAD_BYTES..]) {
            Ok(EntityKey::Order(key)) => Ok((key, entry)),
            Ok(other) => Err(damaged(format!("{other:?} is no order"))),
            Err(error) => Err(damaged(error)),
        })
    })
}

fn order_of(entry: &[u8]) -> io::Result<Order> {
    let (kind, version, _) = codec::entry_head(&array(entry, 0));
    match codec::get_entity(kind, version, &entry[ENTRY_HEAD_BYTES..]).map_err(damaged)? {
        (_, Entity::Order(order)) => Ok(Arc::unwrap_or_clone(order)),
        (key, _) => Err(damaged(format!("{key:?} is no order"))),
    }
}

fn read_at(file: &mut dyn OpenFile, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it ends too early"),
        _ => error,
    })?;
    Ok(bytes)
}
