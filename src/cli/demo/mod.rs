//! `ordain demo`: a network to look at, live, with orders coming in and a flash sale.
//!
//! Everything goes through HTTP, as it would for any user: import, reservations, orders, the work of the nodes. `--once`
//! plays a story with an end instead: import, a split explained, an order changed, a late truck, a node that goes dark, a
//! transfer, the shop's past, suppliers that ship themselves, other rules, a flash sale sold out to the unit, a restart with
//! the same state, figures.

mod back;
pub mod chance;
mod life;
mod live;
pub mod network;
mod rules;
mod shop;
mod stage;
mod story;
mod supplier;
mod ways;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::{End, Stop, log_to_stderr, runtime};
use network::Network;

/// Units of the flash sale.
const FLASH_UNITS: u64 = 1_000;
/// Where a demo without an end listens, when it is free.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7700);

/// Show Ordain at work: a network of 45 places and 2,000 items with live orders and a flash sale.
#[derive(Debug, Args)]
pub struct Demo {
    /// Play the story to its end and exit.
    #[arg(long)]
    once: bool,
    /// The same seed draws the same network and customers.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Address to listen on [default: 127.0.0.1:7700, or a free port].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Data directory to keep [default: one that goes away].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("warn");
        let passing = std::env::temp_dir().join(format!("ordain-demo-{}", std::process::id()));
        let folder = self.data.clone().unwrap_or_else(|| passing.clone());
        let network = Network::of(self.seed);
        let runtime = runtime()?;
        let ended = if self.once {
            story::play(&runtime, &network, &folder, self.listen)
        } else {
            live::show(&runtime, &network, &folder, self.listen)
        };
        if self.data.is_none()
            && passing.exists()
            && let Err(cause) = std::fs::remove_dir_all(&passing)
        {
            eprintln!("{} stays behind: {cause}", passing.display());
        }
        ended.map(|()| End::Fine)
    }
}
