//! A table of lines, played, and when it fails made as short as it can be.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::judge::Lawful;
use super::world::{Tally, World};

/// Most plays that shortening a table may take.
const PLAYS_MAX: usize = 600;

/// Plays a table to its end; says what broke, and at which line, counted from 1.
pub fn play(lines: &[String]) -> Result<Tally, (usize, String)> {
    let mut world = None;
    for (at, line) in lines.iter().enumerate() {
        let played = guarded(|| match &mut world {
            None => World::open(line).map(|opened| world = Some(opened)),
            Some(world) => world.play(line),
        });
        if let Err(what) = played {
            let_go(world);
            return Err((at + 1, what));
        }
    }
    Ok(world.map(|world| world.tally).unwrap_or_default())
}

/// Runs a step; a panic is a law that broke.
pub fn guarded(step: impl FnOnce() -> Lawful) -> Lawful {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        Err(format!("panicked: {}", said.unwrap_or_else(|| "nothing was said".to_owned())))
    })
}

/// Drops a world in which something broke: what it does in its end says nothing more.
pub fn let_go(world: Option<World>) {
    // It may panic once more, which is no news.
    let _ = guarded(|| {
        drop(world);
        Ok(())
    });
}

/// Drops lines as long as the rest still fails, in runs of halving length, and then parts of batches.
pub fn shrink(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    let mut plays = 0;
    let mut run = lines.len() / 2;
    while run > 0 {
        let mut at = 1;
        while at < lines.len() && plays < PLAYS_MAX {
            let end = (at + run).min(lines.len());
            let shorter: Vec<String> = [&lines[..at], &lines[end..]].concat();
            plays += 1;
            match play(&shorter) {
                Err((failed_at, _)) => {
                    lines = shorter;
                    lines.truncate(failed_at);
                }
                Ok(_) => at = end,
            }
        }
        run /= 2;
    }
    for at in 0..lines.len() {
        let mut part = 0;
        while plays < PLAYS_MAX && at < lines.len() {
            let Some(shorter) = without_part(&lines[at], part) else { break };
            let mut tried = lines.clone();
            tried[at] = shorter;
            plays += 1;
            match play(&tried) {
                Err((failed_at, _)) => {
                    lines = tried;
                    lines.truncate(failed_at);
                }
                Ok(_) => part += 1,
            }
        }
    }
    lines
}

/// A batch without one of its parts; `None` when it has no such part, or no other.
fn without_part(line: &str, part: usize) -> Option<String> {
    let mut parts: Vec<&str> = line.strip_prefix("batch ")?.split(" / ").collect();
    (parts.len() > 1 && part < parts.len()).then(|| {
        parts.remove(part);
        format!("batch {}", parts.join(" / "))
    })
}

/// A table as it is printed, and read again.
pub fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("        {line}\n")).collect()
}

/// The lines of a printed table.
pub fn read(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
