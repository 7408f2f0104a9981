//! The stage of a demo: an open data directory, a server on it, and a client of that server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::network::Network;
use crate::app::{Failure, Ordain, bind};
use crate::cli::Stop;
use crate::config::Settings;
use crate::connectors::client::Client;
use std::sync::Arc;

/// Lines of an import sent at a time.
const LINES_PER_CHUNK: usize = 500;

/// See the module.
pub struct Stage {
    ordain: Arc<Ordain>,
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), Failure>>,
}

impl Stage {
    /// Opens a directory and serves it. Without an address `usual` is taken when it is free, else any free port.
    pub fn open(
        runtime: &Runtime,
        folder: &Path,
        listen: Option<SocketAddr>,
        usual: Option<SocketAddr>,
    ) -> Result<Self, Stop> {
        let settings = Settings { verifier: std::env::current_exe().ok(), ..Settings::of(folder) };
        let ordain = Arc::new(Ordain::start(&settings)?);
        let listener = runtime.block_on(listener(listen, usual))?;
        let address = listener.local_addr().map_err(Stop::file("the listener has no address"))?;
        let (stop, stopped) = oneshot::channel();
        let served = runtime.spawn({
            let ordain = ordain.clone();
            async move {
                let stopped = async move { drop(stopped.await) };
                ordain.serve(listener, stopped).await
            }
        });
        let client = Client::new(&format!("http://{address}"))?;
        Ok(Self { ordain, client, stop, served })
    }

    /// The engine in process, for counting what there is.
    pub fn ordain(&self) -> &Ordain {
        &self.ordain
    }

    /// Speaks to the server.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Imports a network; gives how many lines of nodes, items and stock there were.
    pub async fn import(&self, network: &Network, flash: u64) -> Result<[u64; 3], Stop> {
        let stock = network.stock(flash);
        let counts = stock.iter().map(|(sku, node, units)| json!({"sku": sku, "node": node, "on_hand": units}));
        Ok([
            self.import_lines("nodes", &network.nodes()).await?,
            self.import_lines("items", &network.items()).await?,
            self.import_lines("stock", &counts.collect::<Vec<_>>()).await?,
        ])
    }

    /// Imports lines of a kind; gives how many there were.
    pub async fn import_lines(&self, kind: &str, lines: &[Value]) -> Result<u64, Stop> {
        let text = |lines: &[Value]| lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
        let chunks: Vec<_> = lines.chunks(LINES_PER_CHUNK).map(|lines| Ok(text(lines))).collect();
        let path = format!("/v1/import/{kind}");
        let answer = self.client.stream(&path, "application/x-ndjson", stream::iter(chunks)).await?;
        match (answer.body["accepted"].as_u64(), answer.body["refused_count"].as_u64()) {
            (Some(accepted), Some(0)) => Ok(accepted),
            _ => Err(Stop::Unexpected(format!("the import of {kind} was refused: {}", answer.body))),
        }
    }

    /// Lets requests in flight end and closes the directory.
    pub fn close(self, runtime: &Runtime) -> Result<(), Stop> {
        // Nobody listens when serving has failed, and then its own error says why.
        let _ = self.stop.send(());
        let served = runtime.block_on(self.served);
        served.map_err(|cause| Stop::Unexpected(format!("the server ended badly: {cause}")))??;
        let ordain =
            Arc::into_inner(self.ordain).ok_or_else(|| Stop::Unexpected("the engine is still in use".into()))?;
        Ok(ordain.close()?)
    }
}

async fn listener(listen: Option<SocketAddr>, usual: Option<SocketAddr>) -> Result<TcpListener, Stop> {
    if let Some(address) = listen {
        return Ok(bind(address).await?);
    }
    if let Some(usual) = usual
        && let Ok(listener) = bind(usual).await
    {
        return Ok(listener);
    }
    Ok(bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?)
}
