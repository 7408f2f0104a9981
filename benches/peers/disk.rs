//! The limit of the disk: write and fdatasync, one after the other, into a file that is there already.
//!
//! The file is written once before and then from its beginning again, so no write makes it grow and a sync has no length
//! and no extents to record: what a log on this disk can reach when nothing else costs anything.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use super::generator::{Answered, Load, no_latencies};

const FILE_BYTES: u64 = 64 << 20;

/// Writes `bytes` and syncs them, for the time of the load.
pub fn run(dir: &Path, bytes: usize, load: Load) -> Result<Answered, String> {
    measure(dir, bytes, load).map_err(|fault| format!("writing in {}: {fault}", dir.display()))
}

fn measure(dir: &Path, bytes: usize, load: Load) -> std::io::Result<Answered> {
    let path = dir.join("disk");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    if file.metadata()?.len() < FILE_BYTES {
        let block = vec![1; 1 << 20];
        for at in (0..FILE_BYTES).step_by(block.len()) {
            file.write_all_at(&block, at)?;
        }
        file.sync_all()?;
    }
    let block = vec![2; bytes];
    let mut latencies = no_latencies().map_err(std::io::Error::other)?;
    let (mut counted, mut all) = (0, 0);
    let began = Instant::now();
    let (from, until) = (began + load.warm_up, began + load.warm_up + load.window);
    loop {
        let sent = Instant::now();
        if sent >= until {
            return Ok(Answered { counted, latencies, all, took: began.elapsed() });
        }
        file.write_all_at(&block, all * bytes as u64 % (FILE_BYTES - bytes as u64))?;
        file.sync_data()?;
        all += 1;
        if sent >= from {
            counted += 1;
            latencies.saturating_record(sent.elapsed().as_nanos() as u64);
        }
    }
}
