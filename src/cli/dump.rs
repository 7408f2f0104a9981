//! `ordain dump`: the journal as JSON lines, one record with all its events each, for other programs and for the curious.
//! Reads a copy of the log and changes nothing.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use clap::Args;

use super::{End, Stop, log_to_stderr, scratch_folder, there};
use crate::api::event::{self, Names};
use crate::app::Failure;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::ids::{ChannelIndex, NodeIndex, SkuIndex};
use crate::domain::state::State;
use crate::journal::{self, Look};

/// Write the journal's records and their events as JSON lines.
#[derive(Debug, Args)]
pub struct Dump {
    /// Data directory; no server may be running on it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only records after this sequence number.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Where a copy of the log may be made meanwhile [default: the system's folder for such].
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

impl Dump {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("warn");
        there(&self.data)?;
        let scratch = scratch_folder(self.scratch);
        let look = Look { root: &self.data, scratch: &scratch, verifier: std::env::current_exe().ok() };
        let mut out = BufWriter::new(io::stdout().lock());
        let mut written = Ok(());
        let report = journal::read_log(&look, &mut |record, state| {
            if record.header.seq > self.after && written.is_ok() {
                written = writeln!(out, "{}", event::record(record, &Known(state)));
            }
        });
        let report = report.map_err(Failure::from)?;
        match written.and_then(|()| out.flush()) {
            // Whoever read has seen enough.
            Err(cause) if cause.kind() == ErrorKind::BrokenPipe => return Ok(End::Fine),
            written => written.map_err(Stop::file("stdout"))?,
        }
        for finding in &report.findings {
            eprintln!("ordain: damaged: {finding}");
        }
        Ok(if report.findings.is_empty() { End::Fine } else { End::Damaged })
    }
}

/// Names of skus, nodes and channels from the state so far, where there is one.
struct Known<'a>(Option<&'a State>);

impl Names for Known<'_> {
    fn sku(&self, index: SkuIndex) -> String {
        match self.0.and_then(|state| state.entity(&EntityKey::Item(index))) {
            Some(Entity::Item(item)) => item.sku.to_string(),
            _ => format!("#{}", index.0),
        }
    }

    fn node(&self, index: NodeIndex) -> String {
        match self.0.and_then(|state| state.entity(&EntityKey::Node(index))) {
            Some(Entity::Node(node)) => node.id.to_string(),
            _ => format!("#{}", index.0),
        }
    }

    fn channel(&self, index: ChannelIndex) -> String {
        match self.0.and_then(|state| state.entity(&EntityKey::Channel(index))) {
            Some(Entity::Channel(channel)) => channel.terms.id.to_string(),
            _ => format!("#{}", index.0),
        }
    }
}
