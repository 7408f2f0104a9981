//! Room left on the disk: new work stops before a write meets a full disk.
//!
//! A write that fails poisons the journal and stops the process, so a disk that fills up must be seen before. Below
//! the wanted room new work is refused and what ends or frees something still goes on; below a quarter of it that is
//! refused too. Reads never are. While room is short every look is a fresh one, so work resumes by itself.
//!
//! Bounds: one look at the disk per [`LOOK_BYTES`] written, and one per refused request. What is *not* here: a disk that
//! is full all the same; that is a failed write, and nothing acknowledged is lost by it.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

use super::options::Options;
use super::seat::Priority;
use super::store::Disk;

/// How much is written between two looks.
pub(super) const LOOK_BYTES: u64 = 4 * 1024 * 1024;

const ENOUGH: u8 = 0;
const SHORT: u8 = 1;
const NONE: u8 = 2;

/// What the file system says of itself, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiskRoom {
    /// Free for this process.
    pub(crate) free: u64,
    /// All there is.
    pub(crate) total: u64,
}

/// What was seen at the last look.
#[derive(Debug, Default)]
pub(super) struct Room {
    seen: AtomicU8,
}

impl Room {
    /// Looks at the disk. One that cannot tell is taken to have enough.
    pub(super) fn look(&self, disk: &dyn Disk, options: &Options) -> u8 {
        let seen = disk.room().map_or(ENOUGH, |room| judge(room, options));
        if seen != self.seen.swap(seen, Ordering::AcqRel) {
            tracing::warn!(
                level = ["enough", "short", "none"][usize::from(seen)],
                "room on the disk of the journal changed"
            );
        }
        seen
    }

    /// Whether work of this priority may come.
    pub(super) fn allows(&self, priority: Priority, disk: &dyn Disk, options: &Options) -> bool {
        let mut seen = self.seen.load(Ordering::Acquire);
        if seen != ENOUGH {
            seen = self.look(disk, options);
        }
        match priority {
            Priority::Normal => seen == ENOUGH,
            Priority::Kept => seen != NONE,
        }
    }
}

fn judge(room: DiskRoom, options: &Options) -> u8 {
    let share = room.total / 100 * u64::from(options.free_percent_min);
    let wanted = options.free_bytes_min.max(share);
    match room.free {
        free if free >= wanted => ENOUGH,
        free if free >= options.free_bytes_min / 4 => SHORT,
        _ => NONE,
    }
}

/// The room of the file system that holds `root`.
pub(crate) fn of_file_system(root: &std::path::Path) -> io::Result<DiskRoom> {
    let stat = rustix::fs::statvfs(root)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(DiskRoom { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_share_and_bytes_is_wanted_and_a_quarter_of_the_bytes_is_the_floor() {
        let options = Options { free_bytes_min: 1_000, free_percent_min: 5, ..Options::default() };
        let at = |free, total| judge(DiskRoom { free, total }, &options);
        assert_eq!((at(1_000, 0), at(999, 0), at(250, 0), at(249, 0)), (ENOUGH, SHORT, SHORT, NONE));
        assert_eq!((at(5_000, 100_000), at(4_999, 100_000)), (ENOUGH, SHORT));
    }
}
