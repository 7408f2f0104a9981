//! A served shop for the tests over HTTP: the real front on a free port of this machine, and raw requests to it.
//!
//! Requests are written by hand, byte for byte, so that a test can send what no client library would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use ordain::http::{Front, serve};
use ordain::journal::{Options, Unrecovered};
use ordain::pipeline::Pipeline;
use ordain::views::Views;
use serde_json::Value;
use tokio::sync::oneshot;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub struct Served {
    pub address: SocketAddr,
    pub ordain: Pipeline,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Served {
    /// Opens a data directory and serves it.
    pub fn start(dir: &Path) -> Self {
        Self::start_with(dir, Options::default())
    }

    /// Opens a data directory with options and serves it.
    pub fn start_with(dir: &Path, options: Options) -> Self {
        let (journal, state) = Unrecovered::open(dir, options).expect("opens").recover().expect("recovers");
        let views = Views::of(&state, Some(journal.archive().clone()));
        let position = state.seq();
        let ordain = Pipeline::start(journal, state, None);
        let mut tail = ordain.journal().tail(position);
        let reader = std::thread::spawn({
            let (views, ordain) = (views.clone(), ordain.clone());
            move || {
                while let Ok(record) = tail.next_blocking() {
                    views.read(&record, &|key, version| ordain.engine().order_at(key, version));
                }
            }
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        listener.set_nonblocking(true).expect("a socket");
        let (stop, stopped) = oneshot::channel();
        let front = Front::new(ordain.clone(), views);
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let stopped = async { drop(stopped.await) };
                serve(listener, front, stopped).await.expect("serves");
            });
        });
        Self { address, ordain, stop: Some(stop), threads: vec![server, reader] }
    }

    /// Lets the clock do what is due: nobody else does here.
    pub fn tick(&self) {
        self.ordain.tick();
    }

    /// Stops in order, as the process would.
    pub fn stop(mut self) {
        drop(self.stop.take());
        let reader = self.threads.pop();
        self.threads.pop().expect("the server runs").join().expect("the server ends");
        self.ordain.journal().close().expect("closes");
        reader.expect("the view is read").join().expect("the view ends");
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
    }

    /// Sends bytes and reads the answer to its end.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that refuses may answer and close before it has read all.
        let _ = stream.write_all(request);
        answer(&mut stream)
    }

    /// Sends a request with further header lines.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.raw(&request)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", b"")
    }

    /// Sends JSON.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, "content-type: application/json\r\n", body.to_string().as_bytes())
    }

    /// Sends JSON and wants it done.
    pub fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.ask(method, path, body);
        assert!(answer.status < 300, "{method} {path} {body}: {} {}", answer.status, answer.json());
        answer.json()
    }
}

/// Reads an answer to the end of its connection.
pub fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset after the answer is an end too.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
    let body = bytes[end + 4..].to_vec();
    Answer { status, head, body }
}
