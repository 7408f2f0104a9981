//! `ordain serve`: open a data directory and serve HTTP until told to stop.
//!
//! Prints one line on stdout when it listens, `listening on http://…`, so that a script that asked for port 0 knows where.
//! The first SIGTERM or SIGINT lets requests in flight end and closes the journal in order; a second one aborts.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{End, Stop, log_to_stderr, runtime};
use crate::app::{Ordain, bind};
use crate::config::{ARCHIVE_AFTER_S, Clock, GENERATION_MIB, MIB_MAX, SNAPSHOT_MIB, Settings};
use crate::domain::money::Currency;
use crate::journal::StoreKind;

/// Serve a data directory over HTTP.
#[derive(Debug, Args)]
pub struct Serve {
    /// Data directory; made when it is not there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7700")]
    listen: SocketAddr,
    /// Currency of costs and item values, chosen at the first start [first start: USD].
    #[arg(long, value_name = "CODE", value_parser = currency)]
    currency: Option<Currency>,
    /// Where time comes from.
    #[arg(long, value_enum, default_value_t = ClockName::System)]
    clock: ClockName,
    /// Start even when the wall clock is more than an hour behind the journal.
    #[arg(long)]
    accept_clock: bool,
    /// What the log is written to from now on; what is there is read by whatever wrote it.
    #[arg(long, value_enum, default_value_t = StoreName::Sled)]
    store: StoreName,
    /// Share of the disk that stays free: below it new work is refused, reads go on.
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(..=50))]
    disk_reserve: u8,
    /// Size at which a generation of the log ends; twice as much of the disk stays free.
    #[arg(long, value_name = "MIB", default_value_t = GENERATION_MIB, value_parser = mib())]
    generation_mib: u16,
    /// Least growth of the log after which a snapshot is made.
    #[arg(long, value_name = "MIB", default_value_t = SNAPSHOT_MIB, value_parser = mib())]
    snapshot_mib: u16,
    /// How long an order rests after its end before it leaves memory for the archive, where it stays findable.
    #[arg(long, value_name = "SECONDS", default_value_t = ARCHIVE_AFTER_S, value_parser = clap::value_parser!(i64).range(0..=3_153_600_000))]
    archive_after_s: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StoreName {
    /// A sled database per generation.
    Sled,
    /// A plain preallocated file per generation.
    Plain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClockName {
    /// The machine's clock.
    System,
    /// The `Ordain-Time` header of requests; time stands still between them.
    Replay,
}

fn mib() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=i64::from(MIB_MAX))
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::parse(code).ok_or_else(|| "must be three upper-case letters, such as USD".to_owned())
}

impl Serve {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("info");
        let clock = match self.clock {
            ClockName::Replay => Clock::replay(),
            ClockName::System if self.accept_clock => Clock::SystemAccepted,
            ClockName::System => Clock::System,
        };
        let verifier = std::env::current_exe().ok();
        let store = match self.store {
            StoreName::Sled => StoreKind::Sled,
            StoreName::Plain => StoreKind::Plain,
        };
        let settings = Settings {
            data: self.data,
            currency: self.currency,
            clock,
            verifier,
            store,
            disk_reserve_percent: self.disk_reserve,
            generation_mib: self.generation_mib,
            snapshot_mib: self.snapshot_mib,
            archive_after_s: self.archive_after_s,
        };
        let ordain = Ordain::start(&settings)?;
        runtime()?.block_on(serve(&ordain, self.listen))?;
        ordain.close()?;
        Ok(End::Fine)
    }
}

async fn serve(ordain: &Ordain, listen: SocketAddr) -> Result<(), Stop> {
    let listener = bind(listen).await?;
    let address = listener.local_addr().map_err(Stop::file("the listener has no address"))?;
    let (interrupted, terminated) = (SignalKind::interrupt(), SignalKind::terminate());
    let no_signals = || Stop::file("signals cannot be heard");
    let interrupted = signal(interrupted).map_err(no_signals())?;
    let terminated = signal(terminated).map_err(no_signals())?;
    // Whoever started us may not care to hear it.
    let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    Ok(ordain.serve(listener, told_to_stop(interrupted, terminated)).await?)
}

/// Resolves at the first signal to stop; the second ends the process on the spot.
pub(super) async fn told_to_stop(mut interrupted: Signal, mut terminated: Signal) {
    async fn either(interrupted: &mut Signal, terminated: &mut Signal) {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    }
    either(&mut interrupted, &mut terminated).await;
    tracing::info!("stopping: requests in flight may end; a second signal aborts");
    tokio::spawn(async move {
        either(&mut interrupted, &mut terminated).await;
        tracing::warn!("aborting");
        std::process::abort();
    });
}
