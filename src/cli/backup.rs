//! `ordain backup` and `ordain restore`: a consistent copy of a data directory in one file, and the way back.
//!
//! A backup is taken from a running server, which goes on meanwhile; that of a stopped one is a copy of its folder. A
//! restore proves what it built (checksums, chain, laws, snapshot against log) before it is in its place.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{End, Stop, log_to_stderr, runtime};
use crate::app::Failure;
use crate::connectors::client::Client;
use crate::journal::{Arriving, StoreKind, restore};

/// Take a consistent copy of a running server's data.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write; must not exist yet.
    file: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7700")]
    url: String,
    /// Leave out records that the state does not need: smaller, and old events and answers are gone.
    #[arg(long)]
    without_history: bool,
}

impl Backup {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("warn");
        if self.file.exists() {
            return Err(Stop::Unexpected(format!("{} is there already", self.file.display())));
        }
        let part = with_ending(&self.file, "part");
        let taken = runtime()?.block_on(self.take(&part));
        if taken.is_err() {
            // What came is no backup; that it cannot be removed changes nothing.
            let _ = fs::remove_file(&part);
        }
        let bytes = taken?;
        fs::rename(&part, &self.file).map_err(Stop::file(self.file.display().to_string()))?;
        println!("{bytes} bytes in {}", self.file.display());
        Ok(End::Fine)
    }

    async fn take(&self, part: &Path) -> Result<u64, Stop> {
        let written = |cause: io::Error| Stop::file(part.display().to_string())(cause);
        let mut file = BufWriter::new(File::create(part).map_err(written)?);
        let (mut arriving, mut bytes) = (Arriving::default(), 0);
        let client = Client::new(&self.url)?;
        let path = format!("/v1/backup?history={}", !self.without_history);
        let answer = client.download(&path, |piece| {
            arriving.take(piece);
            bytes += piece.len() as u64;
            file.write_all(piece)
        });
        let answer = answer.await?;
        if !answer.is_fine() {
            return Err(Stop::Unexpected(answer.detail()));
        }
        if !arriving.is_whole() {
            return Err(Stop::Unexpected("the server broke the backup off; its log says why".to_owned()));
        }
        let file = file.into_inner().map_err(|error| written(error.into_error()))?;
        file.sync_all().map_err(written)?;
        Ok(bytes)
    }
}

/// Build a data directory from a backup and prove it.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    /// Where the data directory will be; must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Restore {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("warn");
        let file = File::open(&self.file).map_err(Stop::file(self.file.display().to_string()))?;
        let verifier = std::env::current_exe().ok();
        let report = restore(&mut BufReader::new(file), &self.data, StoreKind::default(), verifier);
        let report = report.map_err(Failure::from)?;
        println!("frames       {}", report.frames);
        println!("records      {}", report.records);
        println!("last record  {}", report.last_seq);
        println!("snapshots    {} equal to the log", report.snapshots);
        if let Some(hash) = report.state_hash {
            println!("state        {hash:032x}");
        }
        Ok(End::Fine)
    }
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}
