//! Judging one generation by itself: what it holds, and whether it is in one piece.
//!
//! Used on a copy after an unclean stop, in a child process where one is configured, because sled
//! may panic or overwrite what it takes for torn. A verdict travels as one line of text.
//!
//! Not here: whether what is missing was acknowledged. Only recovery knows the high-water mark.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::frame::{Frame, Link};
use super::store::{Scan, open_store};

/// What a generation holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Frames of the unbroken prefix.
    pub frames: u64,
    /// Number of the last of them, 0 if there is none.
    pub last_frame: u64,
    /// Last record of the unbroken prefix, 0 if there is none.
    pub last_seq: u64,
    /// What stands after the prefix, if anything does.
    pub broken: Option<String>,
}

impl Verdict {
    pub(crate) fn broken(what: String) -> Verdict {
        Verdict { frames: 0, last_frame: 0, last_seq: 0, broken: Some(what) }
    }

    /// Reads the line that [`Display`](fmt::Display) writes.
    pub fn parse(line: &str) -> Option<Verdict> {
        let mut parts = line.trim_end().splitn(4, ' ');
        let mut number = |name: &str| parts.next()?.strip_prefix(name)?.parse().ok();
        let (frames, last_frame, last_seq) = (number("frames=")?, number("last_frame=")?, number("last_seq=")?);
        let broken = parts.next()?.strip_prefix("broken=")?;
        Some(Verdict { frames, last_frame, last_seq, broken: (broken != "-").then(|| broken.to_owned()) })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken = self.broken.as_deref().unwrap_or("-").replace('\n', " ");
        let Verdict { frames, last_frame, last_seq, .. } = self;
        write!(out, "frames={frames} last_frame={last_frame} last_seq={last_seq} broken={broken}")
    }
}

/// Judges the generation in `dir`. Opening it may change it, so `dir` must be a copy. A call to the system that failed
/// is an error and no verdict: it says nothing about what was written.
pub fn verify_copy(dir: &Path) -> io::Result<Verdict> {
    let judged = catch_unwind(AssertUnwindSafe(|| match open_store(dir) {
        Ok(store) => judge(store.scan(0)),
        Err(error) if is_of_the_system(&error) => Err(error),
        Err(error) => Ok(Verdict::broken(error.to_string())),
    }));
    judged.unwrap_or_else(|_| Ok(Verdict::broken("the store panicked".to_owned())))
}

/// Whether the system failed, as opposed to what was written being wrong.
pub(super) fn is_of_the_system(error: &io::Error) -> bool {
    error.raw_os_error().is_some()
}

/// Follows the chain as far as it goes.
pub(crate) fn judge(scan: Scan) -> io::Result<Verdict> {
    let mut verdict = Verdict { frames: 0, last_frame: 0, last_seq: 0, broken: None };
    let mut link: Option<Link> = None;
    for bytes in scan {
        let read = match bytes {
            Err(error) if is_of_the_system(&error) => return Err(error),
            read => read.map_err(|error| error.to_string()),
        };
        let read = read.and_then(|bytes| Frame::read(&bytes).map_err(|error| error.to_string()));
        let next = read.and_then(|frame| match link {
            None => Ok(frame.link()),
            Some(link) => link.follow(&frame).map_err(|error| error.to_string()),
        });
        match next {
            Ok(next) => {
                link = Some(next);
                verdict.frames += 1;
                verdict.last_frame = next.frame_no;
                verdict.last_seq = next.seq;
            }
            Err(what) => {
                verdict.broken = Some(format!("after frame {}: {what}", verdict.last_frame));
                break;
            }
        }
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_survives_its_line_of_text() {
        let good = Verdict { frames: 3, last_frame: 9, last_seq: 40, broken: None };
        assert_eq!(Verdict::parse(&good.to_string()), Some(good));
        let bad = Verdict::broken("the store panicked at open: hole".to_owned());
        assert_eq!(Verdict::parse(&bad.to_string()), Some(bad));
        assert_eq!(Verdict::parse("frames=1"), None);
    }
}
