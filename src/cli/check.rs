//! `ordain check`: read a data directory from end to end and say whether it is whole.

use std::path::PathBuf;

use clap::Args;

use super::{End, Stop, log_to_stderr, there};
use crate::app::Failure;
use crate::journal;

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
        let scratch = self.scratch.unwrap_or_else(std::env::temp_dir);
        let scratch = scratch.join(format!("ordain-check-{}", std::process::id()));
        let report = journal::check(&self.data, &scratch).map_err(Failure::from)?;
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
        Ok(if report.findings.is_empty() { End::Fine } else { End::Damaged })
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
