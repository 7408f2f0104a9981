//! Time on the processor, from `/proc`: of a server with all its threads, of this process, of a whole core.
//!
//! The kernel counts in ticks of 10 ms, so a share of a window of one second is good to about one in a hundred.

use std::fs;
use std::time::Duration;

/// `USER_HZ`, the same on every Linux a program sees.
const TICK: Duration = Duration::from_millis(10);

/// User and system time that a process used, its threads included; with `children`, also what it started.
pub fn used_by(pid: u32, children: bool) -> Duration {
    let own = stat(pid).map_or(0, |stat| stat.own);
    let mut ticks = own;
    if children {
        ticks += stat(pid).map_or(0, |stat| stat.ended_children);
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ticks += pids.filter_map(stat).filter(|stat| stat.parent == pid).map(|stat| stat.own).sum::<u32>();
    }
    TICK * ticks
}

struct Stat {
    parent: u32,
    own: u32,
    ended_children: u32,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything; fields are counted behind it, from the third on.
    let fields: Vec<&str> = text[text.rfind(')')? + 2..].split(' ').collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u32>().ok();
    Some(Stat { parent: field(4)?, own: field(14)? + field(15)?, ended_children: field(16)? + field(17)? })
}

/// Busy and whole time of one core since the start of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Core {
    busy: u64,
    whole: u64,
}

impl Core {
    /// Of the core of this number.
    pub fn read(number: usize) -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let name = format!("cpu{number} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_default();
        // user nice system idle iowait irq softirq steal; guests are part of user.
        let ticks: Vec<u64> = line.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        let whole: u64 = ticks.iter().sum();
        Self { busy: whole - idle, whole }
    }

    /// Share of the time since `earlier` that the core was busy with anything.
    pub fn busy_since(self, earlier: Self) -> f64 {
        (self.busy - earlier.busy) as f64 / (self.whole - earlier.whole).max(1) as f64
    }
}
