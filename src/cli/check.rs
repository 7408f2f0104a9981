//! `ordain check`: read a data directory from end to end and say whether it is whole.

use std::path::PathBuf;

use clap::Args;

use super::{End, Stop, log_to_stderr, scratch_folder, there};
use crate::app::Failure;
use crate::journal::{self, Look};

/// Verify a data directory: every checksum, every law, every snapshot. Changes nothing.
#[derive(Debug, Args)]
pub struct Check {
    /// Data directory; no server may be running on it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where a copy of the log may be made for the time of the check [default: the system's folder for such].
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("warn");
        there(&self.data)?;
        let scratch = scratch_folder(self.scratch);
        let look = Look { root: &self.data, scratch: &scratch, verifier: std::env::current_exe().ok() };
        let report = journal::check(&look).map_err(Failure::from)?;
        println!("generations  {}", report.generations);
        println!("frames       {}", report.frames);
        println!("records      {}", report.records);
        println!("last record  {}", report.last_seq);
        println!("snapshots    {}", report.snapshots);
        if let Some(hash) = report.state_hash {
            println!("state        {hash:032x}");
        }
        for finding in &report.findings {
            println!("damaged      {finding}");
        }
        for note in &report.notes {
            println!("note         {note}");
        }
        Ok(if report.findings.is_empty() { End::Fine } else { End::Damaged })
    }
}

/// Write the high-water mark anew when it is damaged and all else is good: `check` says so.
#[derive(Debug, Args)]
pub struct RebuildMark {
    /// Data directory; no server may be running on it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where a copy of the log may be made meanwhile [default: the system's folder for such].
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

impl RebuildMark {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("warn");
        there(&self.data)?;
        let scratch = scratch_folder(self.scratch);
        let look = Look { root: &self.data, scratch: &scratch, verifier: std::env::current_exe().ok() };
        let (end, clean) = journal::rebuild_mark(&look).map_err(Failure::from)?;
        println!("the mark stands at record {}, the end of the log", end.seq);
        if clean {
            println!("the last stop was orderly: nothing is missing");
        } else {
            println!("the last stop was not orderly: whether later records were acknowledged cannot be told");
        }
        Ok(End::Fine)
    }
}

/// Judge the copy of one generation of the log. Called by a starting server after an unclean stop.
#[derive(Debug, Args)]
pub struct VerifyGeneration {
    /// The copy; may be changed by looking at it.
    dir: PathBuf,
}

impl VerifyGeneration {
    pub(super) fn run(self) -> Result<End, Stop> {
        let verdict = journal::verify_copy(&self.dir).map_err(Stop::file("the copy cannot be read"))?;
        println!("{verdict}");
        Ok(End::Fine)
    }
}
