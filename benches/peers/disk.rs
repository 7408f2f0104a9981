//! The limit of the disk: write and fdatasync, one after the other, into a file that is there already.
//!
//! The file is written once before and then from its beginning again, so no write makes it grow and a sync has no length
//! and no extents to record: what a log on this disk can reach when nothing else costs anything.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::generator::{Answered, Load, no_latencies};
use super::processor::used_by;
use super::servers::{Place, done};

const FILE_BYTES: u64 = 64 << 20;

/// A side without a server: this program in a process of its own, on the servers' core.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Where.
    pub place: Place,
    /// Of each write.
    pub bytes: usize,
}

impl Disk {
    /// What came of a load, and the time it used on the processor.
    pub fn run(&self, load: Load) -> Result<(Answered, Duration), String> {
        let program = std::env::current_exe().map_err(|fault| format!("this program: {fault}"))?;
        let words = [self.bytes.to_string(), load.warm_up.as_millis().to_string(), load.window.as_millis().to_string()];
        let dir = self.place.dir.display().to_string();
        let args = ["disk", "--dir", &dir, "--bytes", &words[0], "--warm-up-ms", &words[1], "--window-ms", &words[2]];
        read(&done(&mut self.place.command(&program, &args, None))?)
    }
}

/// What the process prints: answers counted and all, time taken and used, and each latency with its count.
fn tell(answered: &Answered) -> String {
    let buckets = answered.latencies.iter_recorded();
    let buckets = buckets.map(|bucket| format!("{}x{}", bucket.value_iterated_to(), bucket.count_at_value()));
    let used = used_by(std::process::id(), false).as_millis();
    let numbers = format!("{} {} {} {used}", answered.counted, answered.all, answered.took.as_nanos());
    format!("{numbers} {}", buckets.collect::<Vec<_>>().join(" "))
}

fn read(text: &str) -> Result<(Answered, Duration), String> {
    let strange = || format!("the disk's process says {text:?}");
    let mut words = text.split(' ');
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).ok_or_else(strange);
    let (counted, all) = (number()?, number()?);
    let (took, used) = (Duration::from_nanos(number()?), Duration::from_millis(number()?));
    let mut latencies = no_latencies()?;
    for bucket in words {
        let (value, count) = bucket.split_once('x').ok_or_else(strange)?;
        let (value, count) = (value.parse().map_err(|_| strange())?, count.parse().map_err(|_| strange())?);
        latencies.saturating_record_n(value, count);
    }
    Ok((Answered { counted, latencies, all, took }, used))
}

/// Writes `bytes` and syncs them for the time of the load; prints what came of it.
pub fn run(dir: &Path, bytes: usize, load: Load) -> Result<(), String> {
    let done = measure(dir, bytes, load).map_err(|fault| format!("writing in {}: {fault}", dir.display()))?;
    println!("{}", tell(&done));
    Ok(())
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
