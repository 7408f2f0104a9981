//! `ordain dump`: the journal as JSON lines, one record with all its events each, for other programs and for the curious.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use clap::Args;

use super::{End, Stop, log_to_stderr, there};
use crate::api::event::{self, Names};
use crate::app::Failure;
use crate::config::Settings;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::state::{Entity, EntityKey, State};
use crate::journal::{TailEnd, Unrecovered};

/// Write the journal's records and their events as JSON lines.
#[derive(Debug, Args)]
pub struct Dump {
    /// Data directory; no server may be running on it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only records after this sequence number.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
}

impl Dump {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("warn");
        there(&self.data)?;
        let settings = Settings::of(&self.data);
        let recovered = Unrecovered::open(&settings.data, settings.journal()).and_then(Unrecovered::recover);
        let (journal, state) = recovered.map_err(Failure::from)?;
        let names = Known(state);
        let mut out = BufWriter::new(io::stdout().lock());
        let mut tail = journal.tail(self.after);
        loop {
            match tail.try_next() {
                Ok(None) | Err(TailEnd::Stopped) => break,
                Ok(Some(record)) => match writeln!(out, "{}", event::record(&record, &names)) {
                    // Whoever read has seen enough.
                    Err(cause) if cause.kind() == ErrorKind::BrokenPipe => return Ok(End::Fine),
                    written => written.map_err(Stop::file("stdout"))?,
                },
                Err(end) => return Err(Stop::Unexpected(end.to_string())),
            }
        }
        out.flush().map_err(Stop::file("stdout"))?;
        journal.close().map_err(Failure::from)?;
        Ok(End::Fine)
    }
}

/// Names of skus and nodes from the recovered state.
struct Known(State);

impl Names for Known {
    fn sku(&self, index: SkuIndex) -> String {
        match self.0.entity(&EntityKey::Item(index)) {
            Some(Entity::Item(item)) => item.sku.to_string(),
            _ => format!("#{}", index.0),
        }
    }

    fn node(&self, index: NodeIndex) -> String {
        match self.0.entity(&EntityKey::Node(index)) {
            Some(Entity::Node(node)) => node.id.to_string(),
            _ => format!("#{}", index.0),
        }
    }
}
